"""`TaskClient` and `AsyncTaskClient` against the dev server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from conductor_fast import ApiException, TaskResultStatus
from conductor_fast.testing import DevServer
from tests.client.faces import Face


@dataclasses.dataclass
class Greeting:
    """An output."""

    text: str
    number: int


OUTPUTS = [
    ({"a": [1, None, "ü"]}, {"a": [1, None, "ü"]}),
    (Greeting("hello", 2), {"text": "hello", "number": 2}),
    (7, {"result": 7}),
    ([1, 2], {"result": [1, 2]}),
    ("text", {"result": "text"}),
    (False, {"result": False}),
    (None, {}),
    ({"big": 2**70}, {"big": 2**70}),
]


def test_task_is_read(server: DevServer, tasks: Face) -> None:
    task_id = server.push("greet", {"name": "World"})
    task = tasks.get_task(task_id)
    assert (task.task_id, task.task_def_name, task.status) == (task_id, "greet", "SCHEDULED")
    assert task.input_data == {"name": "World"}


@pytest.mark.parametrize(("output", "expected"), OUTPUTS)
def test_task_is_updated(server: DevServer, tasks: Face, output: object, expected: object) -> None:
    """With the status as a text or as a value of the enumeration."""
    for status in ("COMPLETED", TaskResultStatus.FAILED_WITH_TERMINAL_ERROR):
        task_id = server.push("greet")
        workflow_id = server.task(task_id)["workflowInstanceId"]
        answer = tasks.update_task(task_id, workflow_id, status, output, reason_for_incompletion="because")
        task = server.task(task_id)
        assert answer == task_id
        assert (task["status"], task["outputData"]) == (str(status), expected)
        assert task["reasonForIncompletion"] == "because"


@pytest.mark.parametrize(("output", "expected"), OUTPUTS)
def test_task_is_updated_by_reference_name(
    server: DevServer, tasks: Face, output: object, expected: object
) -> None:
    """The output is not wrapped; with nothing pending the id is empty."""
    task_id = server.push("greet")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    assert tasks.update_task_by_ref_name(workflow_id, "greet_ref", "COMPLETED", output) == task_id
    assert server.task(task_id)["outputData"] == expected
    assert server.task(task_id)["workerId"]
    assert tasks.update_task_by_ref_name(workflow_id, "greet_ref", "COMPLETED", output) == ""


def test_update_with_the_workflow_for_an_answer(server: DevServer, tasks: Face) -> None:
    task_id = server.push("greet")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    workflow = tasks.update_task_sync(workflow_id, "greet_ref", "COMPLETED", 3)
    assert (workflow["workflowId"], workflow["status"]) == (workflow_id, "COMPLETED")
    assert workflow["tasks"][0]["outputData"] == workflow["output"] == {"result": 3}


def test_signal_leaves_a_simple_task_alone(server: DevServer, tasks: Face) -> None:
    task_id = server.push("greet")
    assert tasks.signal(server.task(task_id)["workflowInstanceId"], "COMPLETED", {"a": 1}) is None
    assert server.task(task_id)["status"] == "SCHEDULED"


def test_log(server: DevServer, tasks: Face) -> None:
    """A line is kept as it is."""
    task_id = server.push("greet")
    assert tasks.get_logs(task_id) == []
    lines = ["first", 'two\nlines, "quoted" and ünïcode']
    for line in lines:
        tasks.add_log(task_id, line)
    logs = tasks.get_logs(task_id)
    assert [log.log for log in logs] == lines
    assert all(log.task_id == task_id and log.created_time > 0 for log in logs)


@pytest.mark.parametrize("task_type", ["plain", "with blanks", "grüße 😀", "a+b&c=d?e#f%20"])
def test_queues(server: DevServer, tasks: Face, task_type: str) -> None:
    assert tasks.get_queue_size(task_type) == 0
    server.push_many(task_type, count=3)
    server.push(task_type, domain="d&e")
    assert tasks.get_queue_size(task_type) == 3
    assert tasks.get_queue_size(task_type, "d&e") == 1
    assert tasks.get_queue_size(task_type, domain="none") == 0
    assert tasks.get_queue_sizes() == {task_type: 3, f"d&e:{task_type}": 1}
    assert tasks.get_poll_data(task_type) == []


def test_odd_names_in_paths(server: DevServer, tasks: Face) -> None:
    task_id = server.push("grüße 😀?#")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    assert tasks.update_task_by_ref_name(workflow_id, "grüße 😀?#_ref", "COMPLETED") == task_id


UNKNOWN = "00000000-0000-4000-0000-000000000000"


@pytest.mark.parametrize(
    ("method", "arguments", "status", "message"),
    [
        ("get_task", (UNKNOWN,), 404, f"Task not found for taskId: {UNKNOWN}"),
        ("get_task", ("",), 404, "No static resource api/tasks"),
        (
            "update_task",
            (UNKNOWN, "no-such-workflow", "COMPLETED"),
            404,
            "No such workflow found by id: no-such-workflow",
        ),
        (
            "update_task_sync",
            ("no-such-workflow", "ref", "COMPLETED"),
            404,
            "Found no running task ref of workflow no-such-workflow to update",
        ),
        (
            "signal",
            ("no-such-workflow", "COMPLETED"),
            404,
            "No such workflow found by id: no-such-workflow",
        ),
    ],
)
def test_refusals_have_the_servers_words(
    server: DevServer, tasks: Face, method: str, arguments: tuple[Any, ...], status: int, message: str
) -> None:
    with pytest.raises(ApiException) as caught:
        getattr(tasks, method)(*arguments)
    assert caught.value.status == status
    assert caught.value.message.startswith(message)
    assert str(caught.value) == f"{status}: {caught.value.message}"
    assert server.requests == 1


def test_refusal_of_an_update_says_what_is_missing(tasks: Face) -> None:
    """The server's message alone would be: check below errors for detail."""
    with pytest.raises(ApiException, match="taskId: Task ID cannot be null or empty") as caught:
        tasks.update_task("", "w", "COMPLETED")
    assert caught.value.status == 400


def test_what_cannot_be_sent_is_told_before_it_is(server: DevServer, tasks: Face) -> None:
    """The place in the output, not what stands there; the statuses that there are."""
    with pytest.raises(ValueError, match=r"a\[1\]\.b.*NaN"):
        tasks.update_task("t", "w", "COMPLETED", {"a": [1, {"b": float("nan")}]})
    with pytest.raises(ValueError, match=r"result.*object"):
        tasks.update_task_by_ref_name("w", "r", "COMPLETED", object())
    with pytest.raises(ValueError, match="DONE"):
        tasks.update_task("t", "w", "DONE")
    assert server.requests == 0
