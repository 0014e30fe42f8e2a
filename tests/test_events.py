"""What listeners hear of, against the dev server."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from conductor_fast import (
    ApiException,
    Configuration,
    ConfigurationError,
    PollCompleted,
    PollFailure,
    PollStarted,
    Task,
    TaskExecutionCompleted,
    TaskExecutionFailure,
    TaskExecutionQueueFull,
    TaskExecutionStarted,
    TaskHandler,
    TaskPaused,
    TaskResult,
    TaskRunner,
    TaskRunnerEvent,
    TaskUpdateCompleted,
    TaskUpdateFailure,
    Worker,
    WorkerHost,
    WorkerInterface,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


@dataclass
class Everything:
    """Hears of everything, by whatever name."""

    heard: list[Any] = field(default_factory=list[Any])
    threads: set[str] = field(default_factory=set[str])

    def _hear(self, event: TaskRunnerEvent) -> None:
        self.threads.add(threading.current_thread().name)
        self.heard.append(event)

    on_poll_started = on_poll_completed = on_poll_failure = _hear
    on_task_execution_started = on_task_execution_completed = on_task_execution_failure = _hear
    on_task_update_completed = on_task_update_failure = _hear
    on_task_paused = on_task_execution_queue_full = _hear

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.heard if type(event) in kinds]

    def of_task(self, task_id: str) -> list[Any]:
        return [event for event in self.heard if getattr(event, "task_id", None) == task_id]


def empty() -> dict[str, int]:
    return {}


def kinds(events: list[Any]) -> list[type]:
    return [type(event) for event in events]


def test_the_life_of_a_task_is_told_in_order_and_by_a_thread_of_its_own(server: DevServer) -> None:
    everything = Everything()
    task_id = server.push("greet", {"name": "Ada"}, workflow_instance_id="w-1")

    def greet(name: str) -> dict[str, str]:
        time.sleep(0.02)
        return {"hi": name}

    with WorkerHost(server.url, event_listeners=[everything]) as host:
        host.start_worker("greet", greet, worker_id="me")
        assert server.wait_for(1, "greet", "COMPLETED")
    assert kinds(everything.heard)[:2] == [PollStarted, PollCompleted]
    assert kinds(everything.of_task(task_id)) == [
        TaskExecutionStarted,
        TaskExecutionCompleted,
        TaskUpdateCompleted,
    ]
    started, completed, updated = everything.of_task(task_id)
    assert (started.task_type, started.worker_id, started.workflow_instance_id) == ("greet", "me", "w-1")
    assert (completed.worker_id, completed.workflow_instance_id) == ("me", "w-1")
    assert 15 < completed.duration_ms < 5_000
    assert completed.output_size_bytes == len('{"hi":"Ada"}')
    assert updated.workflow_instance_id == "w-1"
    assert updated.duration_ms > 0
    polled, answered = everything.heard[:2]
    assert (polled.worker_id, polled.poll_count, answered.tasks_received) == ("me", 1, 1)
    assert everything.threads == {"conductor-events"}
    times: list[datetime] = [event.timestamp for event in everything.heard]
    assert times == sorted(times)
    assert abs(datetime.now(timezone.utc) - times[0]) < timedelta(minutes=1)


def test_a_function_that_raises_is_a_failure_with_its_exception(server: DevServer) -> None:
    everything = Everything()
    error = KeyError("gone")

    def fail() -> None:
        raise error

    async def fail_later() -> None:
        raise error

    with WorkerHost(server.url, event_listeners=[everything]) as host:
        host.start_worker("fail", fail)
        host.start_worker("fail_later", fail_later)
        ids = [server.push(name, retry_count=0) for name in ("fail", "fail_later")]
        assert server.wait_for(2, None, "FAILED")
    for task_id in ids:
        told = everything.of_task(task_id)
        assert kinds(told) == [TaskExecutionStarted, TaskExecutionFailure, TaskUpdateCompleted]
        assert told[1].cause is error
        assert told[1].duration_ms >= 0


def test_coroutines_and_class_workers_are_told_of_as_functions_are(server: DevServer) -> None:
    everything = Everything()

    class Shout(WorkerInterface):
        def execute(self, task: Task) -> TaskResult:
            return TaskResult.from_task(task, "FAILED")

    async def wait() -> str:
        return "x"

    handler = TaskHandler(
        [Shout("shout"), Worker("wait", wait)],
        Configuration(server_api_url=server.url),
        scan_for_annotated_workers=False,
        event_listeners=[everything],
    )
    with handler:
        shout, waited = server.push("shout", retry_count=0), server.push("wait")
        assert server.wait_for(1, "shout", "FAILED")
        assert server.wait_for(1, "wait", "COMPLETED")
    returned = [TaskExecutionStarted, TaskExecutionCompleted, TaskUpdateCompleted]
    assert kinds(everything.of_task(shout)) == returned, "it returned: the failure is its answer"
    assert kinds(everything.of_task(waited)) == returned
    assert everything.of_task(waited)[1].output_size_bytes == len('{"result":"x"}')


def test_an_output_that_cannot_be_sent_has_no_size(server: DevServer) -> None:
    everything = Everything()

    def nothing() -> dict[str, float]:
        return {"a": float("nan")}

    with TaskRunner(
        Worker("nan", nothing), Configuration(server_api_url=server.url), None, [everything]
    ) as runner:
        task_id = server.push("nan")
        runner.run_once()
    assert server.count("nan", "FAILED_WITH_TERMINAL_ERROR") == 1
    assert everything.of_task(task_id)[1].output_size_bytes is None


def test_a_server_that_is_down_is_told_of() -> None:
    everything = Everything()
    with WorkerHost("http://127.0.0.1:9/api", event_listeners=[everything]) as host:
        host.start_worker("greet", empty)
        wait_until(lambda: everything.of(PollFailure), "a failure", 10)
    assert kinds(everything.heard)[:2] == [PollStarted, PollFailure]
    assert isinstance(everything.of(PollFailure)[0].cause, ApiException)
    assert not everything.of(PollCompleted)


def test_a_result_that_the_server_refuses_is_told_of_with_the_result(server: DevServer) -> None:
    everything = Everything()
    server.add_fault(
        {"method": "POST", "path": "/api/tasks", "taskType": "odd", "count": 1, "answer": {"status": 400}}
    )

    def odd(task: Task) -> TaskResult:
        return TaskResult.from_task(task).add_output_data("n", 1).log("a line")

    with WorkerHost(server.url, event_listeners=[everything]) as host:
        host.start_worker("odd", odd, worker_id="me")
        task_id = server.push("odd")
        assert server.wait_for(1, "odd", "FAILED_WITH_TERMINAL_ERROR")
    told = everything.of_task(task_id)
    assert kinds(told)[2:] == [TaskUpdateFailure, TaskUpdateCompleted]
    lost = told[2]
    assert (lost.worker_id, lost.retry_count, lost.cause.status) == ("me", 1, 400)
    assert (lost.task_result.task_id, lost.task_result.output_data) == (task_id, {"n": 1})
    assert [line.log for line in lost.task_result.logs] == ["a line"]


def test_pauses_and_full_workers_are_told_of(server: DevServer) -> None:
    everything = Everything()

    def nap() -> None:
        time.sleep(0.2)

    with WorkerHost(server.url, event_listeners=[everything]) as host:
        host.start_worker("nap", nap, paused=True)
        wait_until(lambda: everything.of(TaskPaused), "the pause", 10)
        server.push("nap")
        host.resume("nap")
        assert server.wait_for(1, "nap", "COMPLETED")
    assert len(everything.of(TaskPaused)) == 1
    assert len(everything.of(TaskExecutionQueueFull)) == 1


def test_a_listener_that_raises_is_logged_and_the_others_hear(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def on_task_execution_completed(self, event: TaskExecutionCompleted) -> None:
            raise SystemExit(f"broken by {event.task_id}")

    everything = Everything()
    with WorkerHost(server.url, event_listeners=[Broken(), everything]) as host:
        host.start_worker("greet", empty)
        task_ids = server.push_many("greet", {}, 2)
        assert server.wait_for(2, "greet", "COMPLETED")
    assert {event.task_id for event in everything.of(TaskExecutionCompleted)} == set(task_ids)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.message.split(":")[0] for record in errors] == [
        "a listener raised at TaskExecutionCompleted"
    ] * 2
    assert all("Broken.on_task_execution_completed" in record.message for record in errors)


def test_more_than_listeners_can_hear_is_dropped_counted_and_said(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[object] = []
    go_on = threading.Event()

    class Slow:
        def on_task_execution_started(self, event: TaskExecutionStarted) -> None:
            go_on.wait(20)
            heard.append(event)

    server.push_many("many", {}, 6_000)
    with WorkerHost(server.url, event_listeners=[Slow()]) as host:
        host.start_worker("many", empty, 8)
        assert server.wait_for(6_000, "many", "COMPLETED", 20)
        go_on.set()
    assert 0 < len(heard) < 6_000
    assert "events were dropped" in caplog.text


def test_a_listener_that_never_returns_stops_nothing(server: DevServer) -> None:
    forever = threading.Event()

    class Stuck:
        def on_poll_started(self, _event: PollStarted) -> None:
            forever.wait()

    host = WorkerHost(server.url, event_listeners=[Stuck()])
    host.start_worker("greet", empty)
    server.push_many("greet", {}, 100)
    assert server.wait_for(100, "greet", "COMPLETED")
    started = time.monotonic()
    assert host.stop() == []
    assert time.monotonic() - started < 10, "not the drain timeout"
    forever.set()


def test_a_listener_may_stop_the_host(server: DevServer) -> None:
    class Once:
        def on_task_update_completed(self, _event: TaskUpdateCompleted) -> None:
            host.stop()

    host = WorkerHost(server.url, event_listeners=[Once()])
    host.start_worker("greet", empty)
    server.push("greet")
    assert host.wait() == []


def test_nobody_listens_no_thread_and_no_events(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    with WorkerHost(server.url, event_listeners=[object()]) as host:
        host.start_worker("greet", empty)
        server.push("greet")
        assert server.wait_for(1, "greet", "COMPLETED")
        assert host.runtime.events() is None
        assert "conductor-events" not in {thread.name for thread in threading.enumerate()}
    assert "object hears of nothing" in caplog.text


def test_what_cannot_listen_is_refused(server: DevServer) -> None:
    class Late:
        async def on_poll_started(self, event: PollStarted) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Late\.on_poll_started must be a plain method"):
        WorkerHost(server.url, event_listeners=[Late()])
    listener: Any = Everything()
    with pytest.raises(ConfigurationError, match=r"give a list, \[Everything\]"):
        WorkerHost(server.url, event_listeners=listener)
