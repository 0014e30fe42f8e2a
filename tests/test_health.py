"""Health is progress: a worker polls or works, or owes no poll."""

from __future__ import annotations

import threading
import time

import pytest

from conductor_fast import Configuration, PollFailure, TaskHandler, Worker, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

LIMIT = 0.3
KEY = ("double", None)


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


def test_a_poll_that_is_not_answered_is_no_progress(server: DevServer) -> None:
    with WorkerHost(server.url) as host:
        server.add_fault({"path": "/api/tasks/poll", "delayMillis": 1_500, "count": 1})
        host.start_worker("double", double)
        assert host.healthy(LIMIT)[KEY]
        wait_until(lambda: not host.healthy(LIMIT)[KEY], "the poll to be overdue", 5)
        assert host.healthy()[KEY], "for fifteen seconds it may be"
        assert host.alive()[KEY], "its threads are there"
        wait_until(lambda: host.healthy(LIMIT)[KEY], "the answer", 5)


def test_a_token_that_does_not_come_is_no_progress(server: DevServer) -> None:
    come = threading.Event()

    def provider() -> str:
        come.wait(20)
        return "token"

    with WorkerHost(Configuration(server_api_url=server.url, token_provider=provider)) as host:
        host.start_worker("double", double)
        wait_until(lambda: not host.healthy(LIMIT)[KEY], "the poll to be overdue", 5)
        come.set()
        wait_until(lambda: host.healthy(LIMIT)[KEY], "the poll to go", 5)


def test_a_server_that_is_down_is_asked_again_which_is_progress() -> None:
    with DevServer() as gone:
        url = gone.url
    host = WorkerHost(url, drain_timeout=0)
    with host:
        host.start_worker("double", double)
        waited = threading.Event()
        for _ in range(10):
            waited.wait(0.1)
            assert host.healthy(LIMIT)[KEY]


def test_a_server_that_is_silent_is_given_up_in_time_which_is_progress(server: DevServer) -> None:
    """Each poll is given up 10 s after the server may have held it: before it counts as overdue."""
    server.add_fault({"path": "/api/tasks/poll", "delayMillis": 60_000})
    given_up, all_healthy = threading.Event(), True

    class Listener:
        def on_poll_failure(self, event: PollFailure) -> None:
            given_up.set()

    with WorkerHost(server.url, event_listeners=[Listener()]) as host:
        host.start_worker("double", double, poll_timeout=0)
        wait_until(lambda: not host.healthy(LIMIT)[KEY], "the poll to be overdue", 5)
        deadline = time.monotonic() + 30
        while not given_up.wait(0.1):
            assert time.monotonic() < deadline
            all_healthy &= host.healthy()[KEY]
        server.clear_faults()
        wait_until(lambda: host.healthy(LIMIT)[KEY], "the next poll", 5)
    assert all_healthy


def test_busy_paused_and_rarely_polling_workers_owe_no_poll(server: DevServer) -> None:
    release = threading.Event()
    with WorkerHost(server.url) as host:
        host.start_worker("busy", lambda task: release.wait(20))
        host.start_worker("paused", double, paused=True)
        host.start_worker("rare", double, 1, 3_600, poll_timeout=0)
        server.push("busy")
        wait_until(lambda: server.count("busy", "IN_PROGRESS"), "the task to run", 5)
        assert not release.wait(3 * LIMIT)
        assert host.healthy(LIMIT) == {("busy", None): True, ("paused", None): True, ("rare", None): True}
        release.set()
    assert not any(host.healthy().values()), "it is stopped"


def test_the_handler_asks_for_progress(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = TaskHandler([Worker("double", double)], Configuration(server_api_url=server.url))
    with handler:
        assert handler.is_healthy()
        monkeypatch.setattr(handler.host, "healthy", lambda: {KEY: False})
        assert not handler.is_healthy()
        assert handler.get_worker_process_status()[0]["alive"]
