"""Workers of every kind against the dev server: functions, callables, classes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from conductor_fast import (
    Configuration,
    ConfigurationError,
    Task,
    TaskHandler,
    TaskResult,
    TaskResultStatus,
    TaskRunner,
    Worker,
    WorkerHost,
    WorkerInterface,
    get_task_context,
)
from conductor_fast.testing import DevServer


@pytest.fixture
def configuration(server: DevServer) -> Configuration:
    return Configuration(server_api_url=server.url)


class Echo(WorkerInterface):
    def execute(self, task: Task) -> TaskResult:
        result = self.get_task_result_from_task(task)
        result.status = TaskResultStatus.COMPLETED
        result.add_output_data("by", self.get_identity()).add_output_data("type", task.task_def_name)
        return result

    def get_identity(self) -> str:
        return "echo-worker"


class Async(WorkerInterface):
    async def execute(self, task: Task) -> TaskResult:  # type: ignore[override]
        return TaskResult.from_task(task)


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


def method_of(n: int) -> Callable[..., Any]:
    class Multiplier:
        def times(self, n: int) -> dict[str, int]:
            return {"n": self.factor * n}

        def __init__(self, factor: int) -> None:
            self.factor = factor
            self.lock = threading.Lock()  # what can neither be pickled nor copied

    return Multiplier(n).times


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


class Callee:
    def __call__(self, n: int) -> dict[str, int]:
        return {"n": 2 * n}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lambda": lambda n, more=0: {"n": 2 * n},
    "bound_method": method_of(2),
    "partial": functools.partial(lambda factor, n, more=0: {"n": factor * n}, 2),
    "decorated": logged(double),
    "callable_object": Callee(),
    "static": staticmethod(double).__func__,
}


def test_every_kind_of_function_runs(server: DevServer, configuration: Configuration) -> None:
    factor = 2

    def nested(n: int) -> dict[str, int]:
        return {"n": factor * n}

    functions = {**FUNCTIONS, "closure": nested}
    with TaskHandler([Worker(name, function) for name, function in functions.items()], configuration):
        ids = [server.push(name, {"n": 21}) for name in functions]
        assert server.wait_for(len(ids), status="COMPLETED")
    assert [server.task(task_id)["outputData"] for task_id in ids] == [{"n": 42}] * len(ids)


def test_a_class_with_several_names_has_a_queue_for_each(
    server: DevServer, configuration: Configuration
) -> None:
    with TaskHandler([Echo(["one", "two"])], configuration) as handler:
        ids = [server.push("one"), server.push("two")]
        assert server.wait_for(2, status="COMPLETED")
        assert [row["worker"] for row in handler.get_worker_process_status()] == ["one", "two"]
    assert [server.task(task_id)["outputData"]["type"] for task_id in ids] == ["one", "two"]
    assert server.task(ids[0])["outputData"]["by"] == "echo-worker"
    polls = [line["query"] for line in server.transcript() if line["method"] == "GET"]
    assert polls
    assert all("workerid=echo-worker" in query for query in polls)


def test_what_a_class_may_return_and_raise(server: DevServer, configuration: Configuration) -> None:
    class Loose(WorkerInterface):
        def execute(self, task: Task) -> Any:
            get_task_context().add_log("seen")
            if (task.input_data or {})["raise"]:
                raise ValueError("no")
            return {"plain": "dict"}

    with TaskHandler(Loose("loose"), configuration):
        good = server.push("loose", {"raise": False})
        bad = server.push("loose", {"raise": True}, retry_count=0)
        assert server.wait_for(2, "loose")
    assert server.task(good)["outputData"] == {"plain": "dict"}
    assert server.task(bad)["reasonForIncompletion"] == "no"


@pytest.mark.parametrize("face", [TaskHandler, TaskRunner])
def test_a_class_runs_under_every_face(
    face: Callable[..., Any], server: DevServer, configuration: Configuration
) -> None:
    subject = face(Echo("echo"), configuration)
    run = subject.run if isinstance(subject, TaskRunner) else subject.start_processes
    thread = threading.Thread(target=run)
    thread.start()
    server.push("echo")
    assert server.wait_for(1, "echo", "COMPLETED")
    (subject.stop if isinstance(subject, TaskRunner) else subject.stop_processes)()
    thread.join(10)
    with WorkerHost(configuration) as host:
        host.add(Echo("echo"))
        server.push("echo")
        assert server.wait_for(2, "echo", "COMPLETED")


def test_run_once_polls_for_each_name(server: DevServer, configuration: Configuration) -> None:
    server.push("one")
    server.push("two")
    with TaskRunner(Echo(["one", "two"]), configuration) as runner:
        runner.run_once()
        assert server.count(status="COMPLETED") == 2


class NoInit(WorkerInterface):
    def __init__(self) -> None:
        pass

    def execute(self, task: Task) -> TaskResult:
        return TaskResult.from_task(task)


@pytest.mark.parametrize(
    ("worker", "message"),
    [
        (Echo, r"worker Echo: is a class and no worker; give an instance, such as Echo\('task_type'\)"),
        (dict, "worker dict: is a class and no worker; derive it from WorkerInterface"),
        (double, "worker double: is a function and no worker; .*@worker_task"),
        (7, r"worker 7: expected a conductor_fast\.Worker or a WorkerInterface, not int"),
        (NoInit(), "worker NoInit: its __init__ does not call super"),
    ],
)
def test_what_is_no_worker_is_named(worker: Any, message: str, configuration: Configuration) -> None:
    for given in (worker, [Echo("echo"), worker]):
        with pytest.raises(ConfigurationError, match=message):
            TaskHandler(given, configuration)
    with pytest.raises(ConfigurationError, match=message):
        TaskRunner(worker, configuration)
    with pytest.raises(ConfigurationError, match=message):
        WorkerHost(configuration).add(worker)


def test_a_class_may_be_async(server: DevServer, configuration: Configuration) -> None:
    with WorkerHost(configuration) as host:
        host.add(Async("late"))
        server.push("late")
        assert server.wait_for(1, "late", "COMPLETED")
