"""Every block of docs/worker-guides.md does what it says, on the dev server and on the real one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from conductor_fast import Task, TaskClient, WorkflowClient
from conductor_fast.testing import DevServer
from tests.docs.blocks import ROOT, Block, at, read_blocks
from tests.examples.process import running
from tests.examples.servers import OnDevServer, OnRealServer, Server
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition
from tests.support.scraping import scrape, value
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 30.0
SDK_GUIDE = "Writing workers (Go SDK)"
SWIFT_GUIDE = "Build a task worker (swift-conductor)"
BLOCKS = read_blocks(ROOT / "docs" / "worker-guides.md")
# Its one task has the reference name of the guide and a type that no worker polls.
WORKFLOW = {
    "name": "guide",
    "version": 1,
    "schemaVersion": 2,
    "tasks": [{"name": "guide_task", "taskReferenceName": "task_ref_name", "type": "SIMPLE"}],
}

Seen = tuple[str, dict[str, Any], str | None]
Check = Callable[[dict[str, Any], dict[str, Any]], None]
"""Gets the names that the blocks have made so far, and the task as the server has it."""


def _is_output(output: dict[str, Any]) -> bool:
    return (
        output.keys() == {"keys", "message", "value"}
        and (output["keys"], output["message"]) == (["Key1", "Key2"], "Hello World")
        and output["value"] >= 0
    )


def _task_was_got(names: dict[str, Any], task: dict[str, Any]) -> None:
    got = names["task"]
    assert isinstance(got, Task)
    assert (got.task_id, got.status) == (task["taskId"], "SCHEDULED")
    assert got.workflow_instance_id == task["workflowInstanceId"]


def _task_was_completed(names: dict[str, Any], task: dict[str, Any]) -> None:
    assert task["status"] == "COMPLETED"
    assert _is_output(task["outputData"])
    assert task["outputData"]["value"] == names["output"].value


def _metrics_are_told(names: dict[str, Any], _task: dict[str, Any]) -> None:
    with names["metrics"] as metrics:
        assert value(scrape(metrics.url), "conductor_fast_panics_total") is not None


_SAMPLE: Seen = ("COMPLETED", {"outputKey1": "value", "oddEven": 1, "mod": 4}, None)
_ANY_OUTPUT: Seen = ("COMPLETED", {"a TaskOutput": True}, None)

# By guide: the blocks that are one program of workers, the last of which blocks.
PROGRAMS = {
    SDK_GUIDE: ["The function", "Returning a struct", "Long-running tasks", "Starting workers"],
    SWIFT_GUIDE: [
        "Implementing the worker",
        "Returning a result",
        "Running workers with WorkerHost",
    ],
}
# What that program makes of tasks: task type, input, the task after its first attempt.
TASKS: dict[str, list[tuple[str, dict[str, Any], Seen]]] = {
    SDK_GUIDE: [
        ("execute_task", {"amount": 5}, ("COMPLETED", {"amount": 5}, None)),
        ("execute_task", {"amount": -5}, ("FAILED", {}, "amount -5 is negative")),
        ("simple_task", {}, _ANY_OUTPUT),
        # Back in its queue, where it waits for a minute; the test does not.
        ("long_running_task", {}, ("SCHEDULED after 60 s", {}, None)),
    ],
    SWIFT_GUIDE: [
        ("task_1", {}, _SAMPLE),
        ("task_2", {}, _SAMPLE),
        ("divide_task", {"dividend": 7, "divisor": 3}, ("COMPLETED", {"quotient": 2, "rest": 1}, None)),
        ("divide_task", {"dividend": 7}, ("COMPLETED", {"quotient": 3, "rest": 1}, None)),
        ("divide_task", {"dividend": 7, "divisor": 0}, ("FAILED", {}, "integer division or modulo by zero")),
    ],
}
# By guide: the blocks that follow, each run with a task of its own, and what must have come of it.
CALLS: dict[str, dict[str, Check]] = {
    SDK_GUIDE: {
        "Task management: get a task": _task_was_got,
        "Task management: update a task by its id": _task_was_completed,
        "Task management: update a task by its reference name": _task_was_completed,
        "Worker metrics": _metrics_are_told,
    },
    SWIFT_GUIDE: {},
}
GUIDES = sorted(PROGRAMS)


def test_every_block_is_translated_and_run() -> None:
    """Go and Python alternate under the same heading, and no Python block is left out below."""
    go, python = BLOCKS[::2], BLOCKS[1::2]
    assert {block.language for block in go} == {"go"}
    assert {block.language for block in python} == {"python"}
    assert [(block.section, block.title) for block in go] == [(b.section, b.title) for b in python]

    run = [(guide, title) for guide in PROGRAMS for title in [*PROGRAMS[guide], *CALLS[guide]]]
    assert [(block.section, block.title) for block in python] == run


@pytest.mark.parametrize("guide", GUIDES)
def test_guide_on_the_dev_server(guide: str, tmp_path: Path) -> None:
    with DevServer() as server:
        _check(guide, OnDevServer(server), tmp_path)


@pytest.mark.parametrize("guide", GUIDES)
def test_guide_on_the_real_server(guide: str, real_server: RealServer, tmp_path: Path) -> None:
    _check(guide, OnRealServer(real_server), tmp_path)


def _check(guide: str, server: Server, folder: Path) -> None:
    program = [_python(guide, title) for title in PROGRAMS[guide]]
    _check_program(guide, program, server, folder)

    # The calls use what the program defines; only its last block starts anything.
    names: dict[str, Any] = {"__name__": "guide"}
    for block in program[:-1]:
        _run(block, names, server)
    try:
        for title, check in CALLS[guide].items():
            workflow_id = _start_workflow(server)
            task = _first_attempt(server, workflow_id)
            names.update(task_id=task["taskId"], workflow_instance_id=workflow_id)
            _run(_python(guide, title), names, server)
            check(names, _first_attempt(server, workflow_id))
    finally:
        if isinstance(client := names.get("client"), TaskClient):
            client.close()


def _check_program(guide: str, program: list[Block], server: Server, folder: Path) -> None:
    script = folder / "guide.py"
    script.write_text("\n".join(at(block.code, server.url) for block in program))
    tasks = TASKS[guide]
    workflow_ids = [server.start(task_type, task_input) for task_type, task_input, _expected in tasks]
    expected = [expected for _task_type, _task_input, expected in tasks]
    seen: list[Seen] = []

    def stand_as_they_must() -> bool:
        process.check_alive()
        seen[:] = [_seen(_first_attempt(server, workflow_id)) for workflow_id in workflow_ids]
        return seen == expected

    with running(script, server.url) as process:
        # Its own message could not tell what differs; the assertion does.
        with contextlib.suppress(AssertionError):
            wait_until(stand_as_they_must, "the tasks to stand as they must", TIMEOUT_SECONDS)
        assert seen == expected
        code, output, errors = process.stop()
    assert (code, output) == (0, ""), errors


def _start_workflow(server: Server) -> str:
    with WorkflowClient(server.url) as client:
        client.register_task_definition(task_definition("guide_task"))
        client.register_workflow(WORKFLOW)
        return client.start_workflow("guide")


def _python(guide: str, title: str) -> Block:
    here = (guide, title, "python")
    (block,) = [block for block in BLOCKS if (block.section, block.title, block.language) == here]
    return block


def _run(block: Block, names: dict[str, Any], server: Server) -> None:
    # The guide's port may be somebody else's on this machine.
    with patch("conductor_fast.observe.endpoint.DEFAULT_PORT", 0):
        exec(compile(at(block.code, server.url), block.title, "exec", dont_inherit=True), names)


def _first_attempt(server: Server, workflow_id: str) -> dict[str, Any]:
    return wait_until(lambda: server.attempts(workflow_id), "the task to be there", TIMEOUT_SECONDS)[0]


def _seen(task: dict[str, Any]) -> Seen:
    output = {"a TaskOutput": True} if _is_output(task["outputData"]) else task["outputData"]
    pause = task["callbackAfterSeconds"]
    status = f"{task['status']} after {pause} s" if pause else task["status"]
    return status, output, task.get("reasonForIncompletion")
