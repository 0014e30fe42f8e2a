"""What polls say of their worker, and how many there are."""

from __future__ import annotations

import itertools
import socket
import threading
from urllib.parse import parse_qs

from conductor_fast import Worker, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

POLL = "/api/tasks/poll/batch/double"


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


def polls(server: DevServer) -> list[dict[str, str]]:
    """The parameters of each poll so far, in order, as they were sent."""
    lines = (line for line in server.transcript() if line["path"] == POLL)
    return [{name: value for name, (value,) in parse_qs(line["query"]).items()} for line in lines]


def test_a_poll_says_what_was_set(server: DevServer, host: WorkerHost) -> None:
    host.add(Worker("double", double, domain="blue", worker_id="me", poll_timeout=250))
    assert wait_until(lambda: polls(server)[:1], "a poll", 5) == [
        {"workerid": "me", "domain": "blue", "count": "1", "timeout": "250"}
    ]


def test_without_settings_the_worker_is_its_machine(server: DevServer, host: WorkerHost) -> None:
    host.add(Worker("double", double))
    (poll,) = wait_until(lambda: polls(server)[:1], "a poll", 5)
    assert poll["workerid"] == socket.gethostname()
    assert set(poll) == {"workerid", "count", "timeout"}


def test_no_more_is_asked_for_than_can_run(server: DevServer, host: WorkerHost) -> None:
    release = threading.Event()

    def block() -> None:
        release.wait(20)

    def running() -> int:
        return server.count("double", "IN_PROGRESS")

    server.push_many("double", count=3)
    host.add(Worker("double", block, thread_count=5, poll_interval=10, poll_timeout=0))
    wait_until(lambda: running() == 3, "three tasks to run", 5)
    server.clear_transcript()
    wait_until(lambda: len(polls(server)) > 5, "polls of the others", 5)
    assert {poll["count"] for poll in polls(server)} <= {"1", "2"}
    server.push_many("double", count=10)
    wait_until(lambda: running() == 5, "all slots to be taken", 5)
    server.clear_transcript()
    assert not release.wait(0.3)
    assert (polls(server), running()) == ([], 5)
    release.set()
    assert server.wait_for(13, "double", "COMPLETED")


def test_an_interval_of_more_than_a_second_is_kept(server: DevServer, host: WorkerHost) -> None:
    """The SDK's is never above 1.024 s (P2)."""
    host.add(Worker("double", double, poll_interval=1_500, poll_timeout=0))
    wait_until(lambda: len(polls(server)) == 3, "three polls", 10)
    times = [line["elapsedMillis"] for line in server.transcript()]
    assert all(later - sooner > 1_200 for sooner, later in itertools.pairwise(times))
