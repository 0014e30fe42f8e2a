"""`TaskResult`, its status and logs, `TaskInProgress`."""

from __future__ import annotations

import inspect
import pickle
import time

import pytest
from conductor.client.http.models.task import Task as SdkTask
from conductor.client.http.models.task_result import TaskResult as SdkTaskResult

from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskExecLog, TaskInProgress, TaskResult, TaskResultStatus


def test_constructor_and_wire_names_are_the_sdks() -> None:
    ours = list(inspect.signature(TaskResult).parameters)
    theirs = list(inspect.signature(SdkTaskResult.__init__).parameters)[1:]
    assert ours == theirs
    assert TaskResult.attribute_map == SdkTaskResult.attribute_map


@pytest.mark.parametrize("status", list(TaskResultStatus))
def test_a_status_may_be_a_member_or_its_name(status: TaskResultStatus) -> None:
    assert TaskResult(status=status.name).status is status
    result = TaskResult()
    assert result.status is None
    result.status = status.name
    assert result.to_dict()["status"] is status
    assert str(status) == status == status.name


@pytest.mark.parametrize("status", ["", "DONE", "completed", 1])
def test_any_other_status_is_refused_where_it_is_set(status: str) -> None:
    with pytest.raises(ValueError, match=r"give one of COMPLETED, FAILED, .*CANCELED"):
        TaskResult(status=status)
    with pytest.raises(ValueError, match="may report"):
        TaskResult().status = status


@pytest.mark.parametrize("task_class", [Task, SdkTask])
def test_from_task_takes_the_ids_and_no_output(task_class: type[Task] | type[SdkTask]) -> None:
    task = task_class(task_id="t1", workflow_instance_id="w1", worker_id="me", output_data={"old": 1})
    result = TaskResult.from_task(task)
    assert result == TaskResult("w1", "t1", worker_id="me", status="COMPLETED")
    assert TaskResult.from_task(task, "IN_PROGRESS").status is TaskResultStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("result", "status", "reason"),
    [
        (TaskResult.complete(), TaskResultStatus.COMPLETED, None),
        (TaskResult.failed(), TaskResultStatus.FAILED, None),
        (TaskResult.failed("no bread"), TaskResultStatus.FAILED, "no bread"),
        (TaskResult.in_progress(), TaskResultStatus.IN_PROGRESS, None),
    ],
)
def test_shortcuts(result: TaskResult, status: TaskResultStatus, reason: str | None) -> None:
    assert (result.status, result.reason_for_incompletion) == (status, reason)


def test_output_and_logs_are_added_in_a_chain_and_shared_with_nobody() -> None:
    before = time.time() * 1_000
    result = TaskResult().add_output_data("a", 1).add_output_data("b", 2).log("one").log("two")
    assert result.output_data == {"a": 1, "b": 2}
    assert [line.log for line in result.logs] == ["one", "two"]
    for line in result.logs:
        assert line.created_time is not None
        assert before - 1 <= line.created_time <= time.time() * 1_000
    assert TaskResult().output_data == {}
    assert TaskResult().logs == []


def test_to_dict() -> None:
    result = TaskResult("w1", "t1", status="FAILED", logs=[TaskExecLog("one", "t1", 5)], output_data={"a": 1})
    values = result.to_dict()
    assert values["status"] == "FAILED"
    assert values["logs"] == [{"log": "one", "task_id": "t1", "created_time": 5}]
    assert list(values) == list(SdkTaskResult().to_dict())


def test_repr_shows_neither_output_nor_logs() -> None:
    result = TaskResult("w1", "t1", status="COMPLETED", output_data={"canary": "canary"}).log("canary")
    assert repr(result) == "TaskResult(task_id='t1', status=COMPLETED, output_data: 1 keys, logs: 1 lines)"
    assert "canary" not in repr(TaskInProgress(output={"canary": 1}))


def test_equality_and_pickles() -> None:
    result = TaskResult("w1", "t1", status="COMPLETED").log("one")
    assert pickle.loads(pickle.dumps(result)) == result
    assert result != TaskResult("w1", "t2")
    assert result != "t1"
    with pytest.raises(TypeError):
        hash(result)


def test_task_in_progress() -> None:
    assert (TaskInProgress().callback_after_seconds, TaskInProgress().output) == (60, {})
    later = TaskInProgress(5, {"done": 3})
    assert (later.callback_after_seconds, later.output) == (5, {"done": 3})
