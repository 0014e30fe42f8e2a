"""conductor-python's workers, configuration, results, context and listeners in our `TaskHandler`."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from conductor.client.automator import task_handler as sdk_task_handler
from conductor.client.configuration.configuration import Configuration as SdkConfiguration
from conductor.client.configuration.settings.authentication_settings import (
    AuthenticationSettings as SdkAuthenticationSettings,
)
from conductor.client.context.task_context import TaskInProgress as SdkTaskInProgress
from conductor.client.context.task_context import get_task_context as sdk_task_context
from conductor.client.event import task_runner_events as sdk_events
from conductor.client.http.models.task import Task as SdkTask
from conductor.client.http.models.task_def import TaskDef as SdkTaskDef
from conductor.client.http.models.task_exec_log import TaskExecLog as SdkTaskExecLog
from conductor.client.http.models.task_result import TaskResult as SdkTaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus as SdkStatus
from conductor.client.worker.exception import NonRetryableException as SdkNonRetryableException
from conductor.client.worker.worker import Worker as SdkWorker
from conductor.client.worker.worker_interface import WorkerInterface as SdkWorkerInterface
from conductor.client.worker.worker_task import worker_task as sdk_worker_task

from conductor_fast import (
    ConfigurationError,
    PollCompleted,
    TaskClient,
    TaskHandler,
    TaskRunner,
    Worker,
    WorkerHost,
    get_task_context,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


@contextmanager
def running(server: DevServer, *workers: Any, **options: Any) -> Iterator[TaskHandler]:
    """A handler of ours that was given conductor-python's `Configuration`."""
    configuration = cast("Any", SdkConfiguration(server_api_url=server.url))
    options.setdefault("scan_for_annotated_workers", False)
    with TaskHandler(cast("Any", list(workers)), configuration, **options) as handler:
        yield handler


def done(server: DevServer, task_type: str, inputs: dict[str, Any] | None = None) -> dict[str, Any]:
    """A task of that type, once its worker has finished it."""
    task_id = server.push(task_type, inputs or {}, retry_count=0)
    open_states = {"SCHEDULED", "IN_PROGRESS"}
    wait_until(lambda: server.task(task_id)["status"] not in open_states, task_type, 20, 0.01)
    return server.task(task_id)


class Classic(SdkWorkerInterface):  # type: ignore[misc] # it has no types
    """A worker that is a class, as in its documentation."""

    def execute(self, task: SdkTask) -> SdkTaskResult:
        result = self.get_task_result_from_task(task)
        result.status = SdkStatus.COMPLETED
        result.add_output_data("type", task.task_def_name)
        result.logs = [SdkTaskExecLog("a line", task.task_id, 5)]
        return result

    def get_identity(self) -> str:
        return "its own name"

    def get_domain(self) -> str:
        return "" if self.domain is None else self.domain


class Waiting(SdkWorkerInterface):  # type: ignore[misc] # it has no types
    """One whose `execute` is a coroutine, which conductor-python's own handler cannot run."""

    async def execute(self, task: SdkTask) -> Any:
        await asyncio.sleep(0)
        return {"type": type(task).__name__, "is": isinstance(task, SdkTask)}


def test_class_workers_run_with_each_of_their_names(server: DevServer) -> None:
    with running(server, Classic(["first", "second"]), Waiting("third")):
        for task_type in ("first", "second"):
            task = done(server, task_type)
            assert task["outputData"] == {"type": task_type}
            assert task["workerId"] == "its own name"
        assert done(server, "third")["outputData"] == {"type": "Task", "is": True}
    with TaskClient(server.url) as client:
        assert [line.log for line in client.get_logs(server.tasks("first")[0]["taskId"])] == ["a line"]


def test_settings_of_a_worker_are_kept(server: DevServer) -> None:
    """Those of its constructor, and those that were set on it later."""
    definition = SdkTaskDef(name="defined", retry_count=7)
    worker = SdkWorker(
        "defined",
        lambda: {"threads": threading.current_thread().name},
        domain="somewhere",
        worker_id="me",
        thread_count=3,
        register_task_def=True,
        task_def_template=definition,
        poll_timeout=60_000,
    )
    worker.paused = True
    with running(server, worker) as handler:
        (status,) = handler.get_worker_process_status()
        assert (status["worker"], status["alive"]) == ("defined", True)
        handler.host.resume("defined", "somewhere")
        task_id = server.push("defined", domain="somewhere")
        assert server.wait_for(1, timeout=20)
        assert server.task(task_id)["workerId"] == "me"
        posts = ("PUT", "POST")
        made = wait_until(
            lambda: [
                line
                for line in server.transcript()
                if "metadata/taskdefs" in line["path"] and line["method"] in posts
            ],
            "the definition",
            20,
        )
        assert '"retryCount":7' in made[0]["body"].replace(" ", "")


def test_a_function_gets_the_class_that_it_annotates(server: DevServer) -> None:
    """Also in a worker of ours; its models are there, and it can be copied and pickled."""

    def theirs(task: SdkTask) -> dict[str, Any]:
        again = pickle.loads(pickle.dumps(task))
        return {
            "is": isinstance(task, SdkTask),
            "workflow_task": type(task.workflow_task).__name__,
            "same": [(each.task_id, each.workflow_task.name) for each in (again, copy.deepcopy(task))]
            == [(task.task_id, task.workflow_task.name)] * 2,
            "pickled": type(again) is SdkTask,
            "input": task.input_data,
        }

    def bare(task: object) -> dict[str, Any]:
        return {"is": isinstance(task, SdkTask)}

    with running(server, Worker("ours", theirs), SdkWorker("theirs", theirs), SdkWorker("bare", bare)):
        for task_type in ("ours", "theirs"):
            assert done(server, task_type, {"n": 1})["outputData"] == {
                "is": True,
                "workflow_task": "WorkflowTask",
                "same": True,
                "pickled": True,
                "input": {"n": 1},
            }
        assert done(server, "bare")["outputData"] == {"is": True}


def test_results_and_exceptions_count_as_ours(server: DevServer) -> None:
    """In workers of ours too: a program moves to this package one import at a time."""

    def result(kind: str) -> Any:
        if kind == "raised":
            raise SdkNonRetryableException("no use")
        if kind == "progress":
            again = get_task_context().get_poll_count() > 1
            return {"again": True} if again else SdkTaskInProgress(0, {"so far": 1})
        made = SdkTaskResult(task_id="x", workflow_instance_id="y", worker_id="z")
        if kind != "silent":
            made.status = SdkStatus[kind]
            made.reason_for_incompletion = "its reason"
        return made.add_output_data("kind", kind)

    with running(server, Worker("result", result)):
        seen = {
            kind: done(server, "result", {"kind": kind})
            for kind in ("FAILED", "silent", "progress", "raised")
        }
    assert {kind: task["status"] for kind, task in seen.items()} == {
        "FAILED": "FAILED",
        "silent": "COMPLETED",
        "progress": "COMPLETED",
        "raised": "FAILED_WITH_TERMINAL_ERROR",
    }
    assert seen["FAILED"]["outputData"] == {"kind": "FAILED"}
    assert seen["FAILED"]["reasonForIncompletion"] == "its reason"
    assert seen["progress"]["outputData"] == {"again": True}
    assert seen["raised"]["reasonForIncompletion"] == "no use"


def test_their_context_works_wherever_ours_does(server: DevServer) -> None:
    """In threads, coroutines and `to_thread`, and together with ours: both write one result."""

    def use() -> None:
        context = sdk_task_context()
        context.add_log("theirs")
        get_task_context().add_log("ours")
        context.set_output({"set": context.get_task_id(), "input": context.get_input()})
        assert context is sdk_task_context()

    def plain() -> dict[str, Any]:
        use()
        return {"plain": True}

    async def coroutine() -> dict[str, Any]:
        await asyncio.sleep(0)
        await asyncio.to_thread(use)
        return {"coroutine": True}

    def again() -> dict[str, Any]:
        context = sdk_task_context()
        if context.get_poll_count() < 2:
            context.set_callback_after(0)
        return {"polls": context.get_poll_count()}

    with running(
        server, SdkWorker("plain", plain), Worker("coroutine", coroutine), SdkWorker("again", again)
    ):
        for task_type in ("plain", "coroutine"):
            task = done(server, task_type, {"n": 1})
            assert task["outputData"] == {task_type: True, "set": task["taskId"], "input": {"n": 1}}
            with TaskClient(server.url) as client:
                logs = [line.log for line in client.get_logs(task["taskId"])]
            assert logs == ["theirs", "ours"]
        assert done(server, "again")["outputData"] == {"polls": 2}
    with pytest.raises(RuntimeError):
        sdk_task_context()


def test_inputs_are_taken_as_leniently_as_there(server: DevServer) -> None:
    """What is missing is None; a coroutine's only parameter is an input, annotated or not."""

    def loose(number: int, absent: int) -> dict[str, Any]:
        return {"number": number, "absent": absent}

    async def single(number):  # type: ignore[no-untyped-def] # as users write it
        return {"number": number}

    def wrapped(number: int) -> Any:
        return cast("Any", single)(number)

    workers = SdkWorker("loose", loose), SdkWorker("single", single), SdkWorker("wrapped", wrapped)
    with running(server, *workers):
        assert done(server, "loose", {"number": "5"})["outputData"] == {"number": "5", "absent": None}
        assert done(server, "single", {"number": 5})["outputData"] == {"number": 5}
        assert done(server, "wrapped", {"number": 5})["outputData"] == {"number": 5}


def test_a_scan_finds_their_decorated_functions(server: DevServer) -> None:
    decorated = dict(sdk_task_handler._decorated_functions)
    try:

        @cast("Any", sdk_worker_task)(  # type: ignore[untyped-decorator]
            task_definition_name="decorated_there", thread_count=2
        )
        def decorated_there(number: int) -> dict[str, int]:
            return {"number": number}

        with running(server, scan_for_annotated_workers=True) as handler:
            names = [worker.get_task_definition_name() for worker in handler.workers]
            assert names.count("decorated_there") == 1
            assert done(server, "decorated_there", {"number": 3})["outputData"] == {"number": 3}
        # A worker that is given as well counts once.
        there = cast("Any", sdk_task_handler.get_registered_workers())
        with running(server, *there, scan_for_annotated_workers=True) as handler:
            assert len(handler.workers) == len({id(worker) for worker in handler.workers}) == len(names)
    finally:
        sdk_task_handler._decorated_functions.clear()
        sdk_task_handler._decorated_functions.update(decorated)


def test_each_listener_gets_the_events_that_it_was_written_for(server: DevServer) -> None:
    got: dict[str, list[Any]] = {"annotated": [], "ours": []}

    class Annotated:
        def on_task_execution_completed(self, event: sdk_events.TaskExecutionCompleted) -> None:
            got["annotated"].append(event)

    class Ours:
        def on_poll_completed(self, event: PollCompleted) -> None:
            got["ours"].append(event)

    def nothing() -> dict[str, Any]:
        return {}

    with running(server, SdkWorker("heard", nothing), event_listeners=[Annotated(), Ours()]):
        task = done(server, "heard")
        wait_until(lambda: got["annotated"] and got["ours"], "events", 20)
    (event,) = got["annotated"]
    assert type(event) is sdk_events.TaskExecutionCompleted
    assert (event.task_type, event.task_id) == ("heard", task["taskId"])
    assert event.output_size_bytes == 2
    assert {type(each) for each in got["ours"]} == {PollCompleted}


def test_their_configuration_is_read_whole(server: DevServer) -> None:
    configuration: Any = SdkConfiguration(
        server_api_url=server.url,
        debug=True,
        authentication_settings=SdkAuthenticationSettings("key", "secret"),
        auth_token_ttl_min=7,
        register_schema=True,
    )
    configuration.verify_ssl = False
    configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file = "ca", "cert", "key"
    configuration.proxy = "http://proxy:3128"
    read = WorkerHost(configuration).configuration
    assert read.host == server.url
    assert (read.debug, read.log_level, read.register_schema) == (True, 10, True)
    assert read.authentication_settings is configuration.authentication_settings
    assert read.auth_token_ttl_msec == 7 * 60_000
    assert (read.verify_ssl, read.ssl_ca_cert, read.cert_file, read.key_file) == (False, "ca", "cert", "key")
    assert read.proxy == "http://proxy:3128"


def test_their_clients_token_and_proxy_are_as_there(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that the program sets is used; the environment's proxies are not."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    configuration: Any = SdkConfiguration(server_api_url=server.url)
    configuration.update_token("a token of its own")
    with TaskClient(configuration) as client:
        client.get_logs(server.push("any"))
    host = WorkerHost(configuration)
    assert host.configuration.token_provider is not None
    assert host.configuration.token_provider() == "a token of its own"


def test_what_cannot_be_honoured_is_refused(server: DevServer) -> None:
    configuration: Any = SdkConfiguration(server_api_url=server.url)
    configuration.http_connection = object()
    with pytest.raises(ConfigurationError, match="http_connection"):
        TaskRunner(configuration=configuration)
    with pytest.raises(ConfigurationError, match="is a class and no worker; give an instance"):
        TaskRunner(cast("Any", Classic))
