"""`WorkerHost` against the dev server."""

from __future__ import annotations

import dataclasses
import gc
import json
import logging
import math
import os
import threading
import time
import weakref
from datetime import timedelta
from typing import Any

import pytest

from conductor_fast import (
    ConductorFastError,
    Configuration,
    ConfigurationError,
    NonRetryableException,
    Task,
    TaskInProgress,
    TaskResult,
    WorkerHost,
    get_task_context,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


def bodies_posted(server: DevServer, task_id: str) -> list[str]:
    """What was reported for a task. A request is in the transcript once it is answered."""
    return [line["body"] for line in server.transcript() if f'"taskId":"{task_id}"' in line["body"]]


@dataclasses.dataclass
class Greeting:
    message: str
    length: int


def test_named_inputs_in_and_a_dict_out(server: DevServer, host: WorkerHost) -> None:
    def greet(name: str, greeting: str = "Hello") -> dict[str, str]:
        return {"message": f"{greeting} {name}"}

    host.start_worker("greet", greet, 2, 0.1)
    task_id = server.push("greet", {"name": "Wörld"})
    assert server.wait_for(1, "greet", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"message": "Hello Wörld"}


def test_a_task_in_and_a_dataclass_out(server: DevServer, host: WorkerHost) -> None:
    def measure(task: Task) -> Greeting:
        text = str((task.input_data or {})["text"])
        return Greeting(f"{task.task_def_name} {task.task_id}", len(text))

    host.start_worker("measure", measure)
    task_id = server.push("measure", {"text": "four"})
    assert server.wait_for(1, "measure", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"message": f"measure {task_id}", "length": 4}


def test_a_scalar_none_and_a_task_result_out(server: DevServer, host: WorkerHost) -> None:
    def result(task: Task) -> TaskResult:
        return TaskResult.from_task(task).add_output_data("key", [1]).log("a line")

    def scalar(a: int) -> int:
        return a + 1

    host.start_worker("scalar", scalar)
    host.start_worker("none", lambda task: None)
    host.start_worker("result", result)
    ids = [server.push(name, {"a": 1}) for name in ("scalar", "none", "result")]
    assert server.wait_for(3, status="COMPLETED")
    outputs = [server.task(task_id)["outputData"] for task_id in ids]
    assert outputs == [{"result": 2}, {"result": None}, {"key": [1]}]
    assert (
        '"log":"a line"'
        in wait_until(lambda: bodies_posted(server, ids[2]), "its post in the transcript", 5)[0]
    )


def test_what_raises_fails_and_is_retried_by_the_server(server: DevServer, host: WorkerHost) -> None:
    def second_time(task: Task) -> dict[str, Any]:
        if not task.retry_count:
            raise ValueError("first attempt")
        return {"attempt": task.retry_count}

    server.define({"name": "second_time", "retryCount": 1, "retryDelaySeconds": 0})
    host.start_worker("second_time", second_time)
    first = server.push("second_time")
    assert server.wait_for(1, "second_time", "COMPLETED")
    assert server.task(first)["status"] == "FAILED"
    assert server.task(first)["reasonForIncompletion"] == "first attempt"
    second = server.tasks("second_time", "COMPLETED")[0]
    assert second["outputData"] == {"attempt": 1}


def test_what_cannot_be_retried_ends(server: DevServer, host: WorkerHost) -> None:
    def never(a: int) -> None:
        raise NonRetryableException("no use")

    host.start_worker("never", never)
    task_id = server.push("never", {"a": 1})
    missing = server.push("never", {})
    assert server.wait_for(2, "never", "FAILED_WITH_TERMINAL_ERROR")
    assert server.task(task_id)["reasonForIncompletion"] == "no use"
    assert server.task(missing)["reasonForIncompletion"] == (
        "inputData.a is required and missing; expected int"
    )


def test_in_progress_comes_back(server: DevServer, host: WorkerHost) -> None:
    def long_running(task: Task) -> TaskInProgress | dict[str, Any]:
        if (task.poll_count or 0) < 2:
            return TaskInProgress(callback_after_seconds=1, output={"at": 50})
        return {"polls": task.poll_count, "before": (task.output_data or {})["at"]}

    host.start_worker("long_running", long_running)
    task_id = server.push("long_running")
    assert server.wait_for(1, "long_running", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"polls": 2, "before": 50}


def test_malformed_json_in_a_batch_fails_its_task_alone(server: DevServer, host: WorkerHost) -> None:
    good = server.push_many("mixed", {"a": 1}, 5)
    bad = server.push_raw_input("mixed", b'{"a": nope}')
    good += server.push_many("mixed", {"a": 1}, 5)
    host.start_worker("mixed", lambda a, b=0: {"a": a}, 11)
    assert server.wait_for(11, "mixed")
    assert [server.task(task_id)["status"] for task_id in good] == ["COMPLETED"] * 10
    posted = wait_until(lambda: bodies_posted(server, bad), "its post in the transcript", 5)
    assert [json.loads(body)["status"] for body in posted] == ["FAILED_WITH_TERMINAL_ERROR"]
    assert "inputData is not valid JSON" in json.loads(posted[0])["reasonForIncompletion"]


def test_an_output_that_cannot_be_json_names_the_path(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("nan", lambda a, b: {"points": [{"x": math.nan}]})
    task_id = server.push("nan", {"a": 1, "b": 2})
    assert server.wait_for(1, "nan", "FAILED_WITH_TERMINAL_ERROR")
    assert server.task(task_id)["reasonForIncompletion"].startswith("outputData.points[0].x is NaN")


def test_nothing_a_function_raises_ends_its_worker(server: DevServer, host: WorkerHost) -> None:
    class Own(BaseException):
        pass

    def raises(what: str) -> dict[str, str]:
        if what == "nothing":
            return {"what": what}
        raise {"exit": SystemExit, "interrupt": KeyboardInterrupt, "own": Own}[what]

    host.start_worker("raises", raises)
    for what in ("exit", "interrupt", "own"):
        server.push("raises", {"what": what}, retry_count=0)
    server.push("raises", {"what": "nothing"})
    assert server.wait_for(1, "raises", "COMPLETED")
    assert server.count("raises", "FAILED") == 3


def test_the_context_is_the_running_tasks(server: DevServer, host: WorkerHost) -> None:
    def look(a: int) -> dict[str, Any]:
        context = get_task_context()
        context.add_log("seen")
        return {
            "task_id": context.get_task_id(),
            "same": get_task_context() is context,
            "input": context.get_input(),
            "workflow": context.get_workflow_instance_id(),
            "type": [context.get_task_def_name(), context.get_workflow_task_type()],
            "counts": [context.get_retry_count(), context.get_poll_count()],
            "callback": context.get_callback_after_seconds(),
        }

    host.start_worker("look", look, 1)
    ids = server.push_many("look", {"a": 1}, 3)
    assert server.wait_for(3, "look", "COMPLETED")
    for task_id in ids:
        task = server.task(task_id)
        assert task["outputData"] == {
            "task_id": task_id,
            "same": True,
            "input": {"a": 1},
            "workflow": task["workflowInstanceId"],
            "type": ["look", "SIMPLE"],
            "counts": [0, 1],
            "callback": 0,
        }
    with pytest.raises(RuntimeError, match="inside a worker function only"):
        get_task_context()


def test_batch_size_is_the_number_of_tasks_at_once(server: DevServer, host: WorkerHost) -> None:
    together = threading.Barrier(4)

    def meet(a: int) -> dict[str, int]:
        together.wait(10)
        return {"a": a}

    host.start_worker("meet", meet, 4)
    server.push_many("meet", {"a": 1}, 8)
    assert server.wait_for(8, "meet", "COMPLETED")


def test_a_domain_has_a_queue_of_its_own(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("greet", lambda: {"by": "none"})
    host.start_worker("greet", lambda: {"by": "blue"}, domain="blue")
    plain, blue = server.push("greet"), server.push("greet", domain="blue")
    assert server.wait_for(2, "greet", "COMPLETED")
    assert server.task(plain)["outputData"] == {"by": "none"}
    assert server.task(blue)["outputData"] == {"by": "blue"}


def test_threads_are_pythons_and_named_after_their_worker(server: DevServer, host: WorkerHost) -> None:
    local = threading.local()

    def who(a: int) -> dict[str, Any]:
        local.seen = getattr(local, "seen", 0) + 1
        return {"thread": threading.current_thread().name, "seen": local.seen}

    host.start_worker("who", who, 1)
    server.push_many("who", {"a": 1}, 3)
    assert server.wait_for(3, "who", "COMPLETED")
    outputs = [task["outputData"] for task in server.tasks("who")]
    assert outputs == [{"thread": "who-0", "seen": number} for number in (1, 2, 3)]


def test_stop_drains(server: DevServer) -> None:
    started = threading.Semaphore(0)

    def slow(a: int) -> dict[str, int]:
        started.release()
        time.sleep(0.5)
        return {"a": a}

    host = WorkerHost(server.url)
    host.start_worker("slow", slow, 3)
    server.push_many("slow", {"a": 1}, 3)
    for _ in range(3):
        assert started.acquire(timeout=10)
    assert host.stop() == []
    assert server.count("slow", "COMPLETED") == 3
    assert host.stop() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("slow-")]


def test_a_drain_that_takes_too_long_names_what_is_left(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    host = WorkerHost(server.url)
    host.start_worker("stuck", lambda task: release.wait(30))
    task_id = server.push("stuck")
    wait_until(lambda: server.count("stuck", "IN_PROGRESS"), "the task to run", 10)
    assert host.stop(drain_timeout=0.1) == [task_id]
    assert any(record.levelno == logging.ERROR and task_id in record.message for record in caplog.records)
    release.set()


def test_after_stop_a_host_says_so(server: DevServer) -> None:
    host = WorkerHost(server.url)
    host.stop()
    with pytest.raises(ConductorFastError, match="make a new one"):
        host.start_worker("greet", lambda: None)


def test_stop_from_a_worker_function_ends_the_wait(server: DevServer) -> None:
    host = WorkerHost(server.url)
    host.start_worker("last", lambda task: host.stop())
    server.push("last")
    assert host.wait() == []
    assert server.count("last", "COMPLETED") == 1


def test_a_server_that_comes_late(caplog: pytest.LogCaptureFixture) -> None:
    with DevServer() as first:
        url = first.url
    port = int(url.split(":")[2].split("/")[0])
    with caplog.at_level(logging.INFO, "conductor_fast"), WorkerHost(url) as host:
        host.start_worker("greet", lambda: {"ok": True})

        def core_lines() -> list[str]:
            return [record.message for record in caplog.records if record.name == "conductor_fast.poll"]

        wait_until(core_lines, "the line that polling fails", 10)
        with DevServer(port=port) as server:
            server.push("greet")
            assert server.wait_for(1, "greet", "COMPLETED", timeout=2)
            wait_until(lambda: len(core_lines()) == 2, "the line that it works again", 10)
            host.stop()
    assert "cannot connect" in core_lines()[0]
    assert "works again" in core_lines()[1]
    assert [getattr(r, "task_type", None) for r in caplog.records if r.name == "conductor_fast.poll"] == [
        "greet"
    ] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "worker 'greet': .*thread_count"),
        ({"poll_timeout": 5001}, "worker 'greet': .*5,000 ms"),
        ({"poll_interval": -1}, "poll_interval"),
        ({"poll_interval": "soon"}, "poll_interval"),
        (
            {"poll_intervall": 1},
            "worker 'greet': there is no setting 'poll_intervall'; did you mean poll_interval",
        ),
        ({"nonsense": 1}, "worker 'greet': there is no setting 'nonsense'; known are batch_size"),
        ({"domain": 5}, "worker 'greet': domain"),
        ({"nan": "zero"}, "worker 'greet': nan 'zero' is none of"),
    ],
)
def test_a_bad_setting_is_refused_at_registration(arguments: dict[str, Any], message: str) -> None:
    host = WorkerHost("http://127.0.0.1:9/api")
    with pytest.raises(ConfigurationError, match=message):
        host.start_worker("greet", lambda a: a, **arguments)
    assert host.stop() == []


def test_a_bad_url_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="server_api_url"):
        WorkerHost("localhost:8080")


def test_a_worker_twice_is_refused(host: WorkerHost) -> None:
    host.start_worker("greet", lambda: None, poll_interval=timedelta(seconds=1))
    with pytest.raises(ConductorFastError, match="worker 'greet' is started already"):
        host.start_worker("greet", lambda: None)


def test_a_configuration_is_taken_too(server: DevServer) -> None:
    with WorkerHost(Configuration(server_api_url=server.url)) as host:
        host.start_worker("greet", lambda: {"ok": True})
        server.push("greet")
        assert server.wait_for(1, "greet", "COMPLETED")


def test_process_isolation_is_said_to_have_no_effect(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_ISOLATION", "process")
    with WorkerHost(server.url) as host:
        host.start_worker("greet", lambda task: None)
        host.start_worker("other", lambda task: None)
    assert caplog.text.count("CONDUCTOR_WORKER_ISOLATION=process has no effect") == 1


def test_a_stopped_host_that_a_default_of_its_function_holds_is_let_go(server: DevServer) -> None:
    host = WorkerHost(server.url)

    def work(x: int, own: Any = host) -> dict[str, bool]:
        return {"is_own": own.alive() is not None}

    host.start_worker("work", work)
    server.push("work", {"x": 1})
    assert server.wait_for(1, "work", "COMPLETED")
    assert server.tasks("work")[0]["outputData"] == {"is_own": True}
    host.stop()
    kept = weakref.ref(host)
    del host, work
    wait_until(lambda: gc.collect() >= 0 and kept() is None, "it to be let go", 10)


def test_a_forked_child_is_told_what_to_do(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("greet", lambda: None)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            host.start_worker("other", lambda: None)
        except ConductorFastError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        message = pipe.read().decode()
    assert "after fork" in message
    assert "spawn" in message
