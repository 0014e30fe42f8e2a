"""Workers of a running `WorkerHost` are paused, resumed and resized, against the dev server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from conductor_fast import ConductorFastError, Configuration, TaskRunner, Worker, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


def polls(server: DevServer, task_type: str) -> int:
    return sum(line["method"] == "GET" and line["taskType"] == task_type for line in server.transcript())


def nothing() -> dict[str, str]:
    return {}


class Gauge:
    """A function that knows how many of it run at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, a: int) -> dict[str, int]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        return {"a": a}


def test_no_poll_is_sent_while_paused(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("greet", nothing, poll_interval=0.02, poll_timeout=0)
    host.start_worker("other", nothing, poll_interval=0.02, poll_timeout=0)
    wait_until(lambda: polls(server, "greet"), "the first poll", 10)
    host.pause("greet")
    time.sleep(0.1)  # one may have been on its way
    before, others = polls(server, "greet"), polls(server, "other")
    server.push("greet")
    time.sleep(0.3)
    assert polls(server, "greet") == before
    assert polls(server, "other") > others, "the other worker goes on"
    host.resume("greet")
    assert server.wait_for(1, "greet", "COMPLETED")


def test_what_runs_when_its_worker_is_paused_is_finished(server: DevServer, host: WorkerHost) -> None:
    release = threading.Event()
    host.start_worker("slow", lambda task: release.wait(10))
    server.push("slow")
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    host.pause("slow")
    release.set()
    assert server.wait_for(1, "slow", "COMPLETED")


def test_a_worker_may_start_paused(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("later", nothing, paused=True)
    host.add(Worker("later", nothing, domain="blue", paused=True))
    server.push("later")
    server.push("later", domain="blue")
    assert not server.wait_for(1, "later", "COMPLETED", timeout=0.2)
    assert server.requests == 0
    host.resume("later", domain="blue")
    assert server.wait_for(1, "later", "COMPLETED")
    assert [task.get("domain") for task in server.tasks("later", "COMPLETED")] == ["blue"]
    host.resume("later")
    assert server.wait_for(2, "later", "COMPLETED")


def test_run_once_of_a_paused_worker_does_nothing(server: DevServer) -> None:
    worker = Worker("later", nothing, paused=True)
    with TaskRunner(worker, Configuration(server_api_url=server.url)) as runner:
        server.push("later")
        runner.run_once()
        assert server.requests == 0
        runner.host.resume("later")
        runner.run_once()
        assert server.count("later", "COMPLETED") == 1


def test_the_thread_count_grows_and_shrinks(server: DevServer, host: WorkerHost) -> None:
    gauge = Gauge()
    host.start_worker("many", gauge)
    server.push_many("many", {"a": 1}, 300)
    assert server.wait_for(5, "many", "COMPLETED")
    assert gauge.most == 1
    host.set_thread_count("many", 6)
    wait_until(lambda: gauge.most == 6, "six at once", 10, interval=0.001)
    host.set_thread_count("many", 2)
    wait_until(lambda: gauge.now <= 2, "two at once", 10, interval=0.001)
    gauge.most = 0
    assert server.wait_for(server.count("many", "COMPLETED") + 20, "many", "COMPLETED")
    assert gauge.most == 2
    host.set_thread_count("many", 6)
    assert server.wait_for(300, "many", "COMPLETED")
    assert gauge.most == 6
    names = {thread.name for thread in threading.enumerate() if thread.name.startswith("many-")}
    assert names == {f"many-{index}" for index in range(6)}


def test_coroutines_are_controlled_in_the_same_way(server: DevServer, host: WorkerHost) -> None:
    now = most = 0

    async def many(a: int) -> dict[str, int]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return {"a": a}

    host.start_worker("many", many, paused=True)
    server.push_many("many", {"a": 1}, 100)
    assert not server.wait_for(1, "many", "COMPLETED", timeout=0.1)
    host.resume("many")
    assert server.wait_for(3, "many", "COMPLETED")
    assert most == 1
    host.set_thread_count("many", 20)
    assert server.wait_for(100, "many", "COMPLETED")
    assert most == 20


def test_the_poll_interval_changes_at_once(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("seldom", nothing, poll_interval=60, poll_timeout=0)
    wait_until(lambda: polls(server, "seldom"), "the first poll", 10)
    host.set_poll_interval("seldom", timedelta(milliseconds=20))
    wait_until(lambda: polls(server, "seldom") >= 5, "more of them", 10)
    host.set_poll_interval("seldom", 60)
    time.sleep(0.1)
    before = polls(server, "seldom")
    time.sleep(0.3)
    assert polls(server, "seldom") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda host: host.pause("greet", "red"),
            "no worker 'greet' in domain 'red'; started are: 'greet', ",
        ),
        (
            lambda host: host.resume("great"),
            "no worker 'great'; started are: 'greet', 'greet' in domain 'blue'",
        ),
        (lambda host: host.set_thread_count("great", 2), "no worker 'great'"),
        (lambda host: host.set_thread_count("greet", 0), "worker 'greet': thread_count 0"),
        (lambda host: host.set_poll_interval("great", 2), "no worker 'great'"),
        (lambda host: host.set_poll_interval("greet", "soon"), "poll_interval 'soon'"),
        (lambda host: host.set_poll_interval("greet", 0), "worker 'greet': poll_interval_millis 0"),
    ],
)
def test_what_cannot_be_changed_is_refused(
    host: WorkerHost, change: Callable[[WorkerHost], None], message: str
) -> None:
    host.start_worker("greet", nothing, poll_interval=60)
    host.start_worker("greet", nothing, domain="blue", poll_interval=60)
    with pytest.raises(ConductorFastError, match=message):
        change(host)


def test_without_workers_the_message_says_so() -> None:
    # Stopped at the end: the probes of this process look at every host that runs.
    with (
        WorkerHost("http://127.0.0.1:9/api") as host,
        pytest.raises(ConductorFastError, match="no worker 'greet'; started are: none"),
    ):
        host.pause("greet")


def test_after_stop_nothing_is_changed(host: WorkerHost) -> None:
    host.start_worker("greet", nothing)
    host.stop()
    with pytest.raises(ConductorFastError, match="make a new one"):
        host.set_thread_count("greet", 2)
