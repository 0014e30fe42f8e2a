"""conductor-python's `get_task_context()`, inside a function that runs here."""

from __future__ import annotations

import sys
from typing import Any

from conductor_fast.interop.sdk import PACKAGE, find
from conductor_fast.interop.tasks import task_maker
from conductor_fast.model.context import TaskContext, running_context

_MODULE = "context.task_context"


def provide_context() -> None:
    """Let conductor-python's `get_task_context()` find the tasks that run here too, from now on.

    Its context variable gets a stand-in, so that a context is made when somebody asks for it: functions
    that do not ask pay nothing. Does nothing where the module was never imported.
    """
    variable = find(_MODULE, "_task_context_var")
    if variable is not None and not isinstance(variable, _ContextVariable):
        sys.modules[PACKAGE + _MODULE]._task_context_var = _ContextVariable(variable)  # type: ignore[attr-defined]


class _ContextVariable:
    """conductor-python's own variable first: its runners may work in this process as well."""

    def __init__(self, variable: Any) -> None:
        self._variable = variable

    def get(self, *default: Any) -> Any:
        own = self._variable.get(None)
        context = running_context() if own is None else None
        if context is None:
            return self._variable.get(*default) if own is None else own
        if context.foreign is None:
            _share(context)
        return context.foreign

    def set(self, value: Any) -> Any:
        return self._variable.set(value)

    def reset(self, token: Any) -> None:
        self._variable.reset(token)


def _share(context: TaskContext) -> None:
    """Give `context` a twin of conductor-python's class; what is added to either is in one result."""
    task, given = context.task, context.task_result
    make_task = task_maker()
    assert make_task is not None  # noqa: S101 - its module imports that of the context
    result = find("http.models.task_result", "TaskResult")(
        task_id=task.task_id, workflow_instance_id=task.workflow_instance_id, worker_id=task.worker_id
    )
    result.logs, result.output_data = given.logs, given.output_data
    result.callback_after_seconds = given.callback_after_seconds
    wire = {task.attribute_map[name]: value for name, value in task.__dict__.items()}
    context.share(find(_MODULE, "TaskContext")(make_task(wire), result), result)
