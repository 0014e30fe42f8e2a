"""conductor-python's `Task`, and what its functions return and raise."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from conductor_fast.interop.sdk import find, is_one
from conductor_fast.model.task_result import TaskExecLog, TaskInProgress, TaskResult, TaskResultStatus

_TASK = ("http.models.task", "Task")


def is_task_class(annotation: object) -> bool:
    """Is it conductor-python's class `Task`?"""
    return annotation is not None and annotation is find(*_TASK)


def task_maker() -> Callable[[dict[str, Any]], Any] | None:
    """From a task as the server sends it to conductor-python's `Task`; None if that was never imported."""
    task = find(*_TASK)
    return None if task is None else _maker(task)


@functools.cache
def _maker(base: Any) -> Callable[[dict[str, Any]], Any]:
    names: dict[str, str] = {key: f"_{name}" for name, key in base.attribute_map.items()}

    def nested(name: str, kind: str) -> property:
        def get(task: Any) -> Any:
            value: Any = task.__dict__.get(name)
            if isinstance(value, dict):
                value = task.__dict__[name] = _model(value, kind)
            return value

        def put(task: Any, value: Any) -> None:
            task.__dict__[name] = value

        return property(get, put)

    def reduce(task: Any) -> Any:
        return _restored, (base, task.__dict__)

    # The models in a task are made when somebody reads them: they are 70 of the 110 µs that the SDK's own
    # way takes on a quiet machine; the rest is its walk over the types of JSON, which are right already.
    lazy: Any = type(
        base.__name__,
        (base,),
        {
            "__module__": base.__module__,
            "workflow_task": nested("_workflow_task", "WorkflowTask"),
            "task_definition": nested("_task_definition", "TaskDef"),
            "__reduce__": reduce,
        },
    )
    empty = base().__dict__

    def make(wire: dict[str, Any]) -> Any:
        task = lazy.__new__(lazy)
        task.__dict__ = {**empty, **{names[key]: value for key, value in wire.items() if key in names}}
        return task

    return make


def _restored(base: Any, attributes: dict[str, Any]) -> Any:
    """A pickled or copied task: of the SDK's own class, which can be imported."""
    task = base.__new__(base)
    task.__dict__.update(attributes)
    for name, kind in (("_workflow_task", "WorkflowTask"), ("_task_definition", "TaskDef")):
        if isinstance(attributes.get(name), dict):
            task.__dict__[name] = _model(attributes[name], kind)
    return task


def _model(wire: Any, kind: str) -> Any:
    client: Any = find("http.api_client", "ApiClient")
    # Without its __init__, which opens connections: reading a model needs none.
    return client.deserialize_class(object.__new__(client), wire, kind)


def result_of(given: object) -> Any:
    """Ours for a `TaskResult` or `TaskInProgress` of conductor-python; anything else is given back."""
    value: Any = given
    if is_one(value, "http.models.task_result", "TaskResult"):
        status = getattr(value.status, "value", value.status)
        result = TaskResult(
            status=None if status is None else TaskResultStatus(status),
            reason_for_incompletion=value.reason_for_incompletion,
            callback_after_seconds=value.callback_after_seconds,
            output_data=value.output_data,
            external_output_payload_storage_path=value.external_output_payload_storage_path,
        )
        lines: list[Any] = value.logs or []
        result.logs = [TaskExecLog(line.log, line.task_id, line.created_time) for line in lines]
        return result
    if is_one(value, "context.task_context", "TaskInProgress"):
        return TaskInProgress(value.callback_after_seconds, value.output)
    return value


def is_terminal(error: BaseException) -> bool:
    """Is it conductor-python's `NonRetryableException`?"""
    return is_one(error, "worker.exception", "NonRetryableException")
