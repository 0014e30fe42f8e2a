"""`Task`: the SDK's names, built from the wire."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest
from conductor.client.http.models.task import Task as SdkTask

from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskResultStatus

WIRE: dict[str, Any] = {
    "taskId": "t1",
    "taskDefName": "greet",
    "workflowInstanceId": "w1",
    "status": "IN_PROGRESS",
    "inputData": {"password": "canary"},
    "outputData": {},
    "retryCount": 2,
    "subworkflowChanged": False,
    "workerId": "me",
    "domain": None,
    "aFieldOfTomorrow": 1,
}


def test_constructor_takes_the_sdks_parameters_in_the_sdks_order() -> None:
    ours = list(inspect.signature(Task).parameters)
    theirs = list(inspect.signature(SdkTask.__init__).parameters)[1:]
    assert ours == theirs


def test_wire_names_are_the_sdks() -> None:
    assert Task.attribute_map == SdkTask.attribute_map


def test_from_wire_reads_known_fields_and_ignores_the_rest() -> None:
    task = Task.from_wire(WIRE)
    assert (task.task_id, task.task_def_name, task.retry_count) == ("t1", "greet", 2)
    assert task.subworkflow_changed is False
    assert task.input_data is WIRE["inputData"]
    assert task.domain is None
    assert task.poll_count is None
    assert not hasattr(task, "aFieldOfTomorrow")


def test_one_instance_never_changes_another() -> None:
    task = Task.from_wire(WIRE)
    task.poll_count = 7
    assert Task.from_wire(WIRE).poll_count is None
    assert Task().poll_count is None


@pytest.mark.parametrize("task", [Task.from_wire(WIRE), Task(task_id="t1", input_data={"a": 1})])
def test_copies_and_pickles(task: Task) -> None:
    assert copy.deepcopy(task) == task
    assert pickle.loads(pickle.dumps(task)) == task


def test_equality_does_not_care_how_a_task_was_made() -> None:
    assert Task.from_wire({"taskId": "t1"}) == Task(task_id="t1")
    assert Task(task_id="t1") != Task(task_id="t2")
    assert Task(task_id="t1") != "t1"
    with pytest.raises(TypeError):
        hash(Task())


def test_to_dict_has_every_attribute_as_in_the_sdk() -> None:
    values: dict[str, Any] = {"task_id": "t1", "input_data": {"a": [1]}, "seq": 3}
    assert Task(**values).to_dict() == SdkTask(**values).to_dict()


def test_repr_shows_ids_and_no_data() -> None:
    shown = repr(
        Task.from_wire({**WIRE, "runtimeMetadata": {"key": "canary"}, "reasonForIncompletion": "canary"})
    )
    assert shown == (
        "Task(task_id='t1', task_def_name='greet', status='IN_PROGRESS', "
        "workflow_instance_id='w1', retry_count=2)"
    )


def test_to_task_result() -> None:
    result = Task.from_wire(WIRE).to_task_result()
    assert result.status is TaskResultStatus.COMPLETED
    assert (result.task_id, result.workflow_instance_id, result.worker_id) == ("t1", "w1", "me")
    assert Task().to_task_result(TaskResultStatus.FAILED).status is TaskResultStatus.FAILED
