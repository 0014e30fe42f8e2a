"""What a running function may know and say about its task."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskExecLog, TaskResult


class TaskContext:
    """The task that is running here, and what its function adds to the result besides what it returns.

    The SDK's class (context/task_context.py). Differences, each a bug there: `set_callback_after` makes
    the result IN_PROGRESS (S17), and `set_output` is the base that a returned dict is merged into (S15).
    """

    def __init__(
        self,
        task: Task,
        task_result: TaskResult | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._task = task
        self._is_cancelled = is_cancelled
        self._result = task_result or TaskResult(
            workflow_instance_id=task.workflow_instance_id, task_id=task.task_id, worker_id=task.worker_id
        )
        self.foreign: Any = None
        """The same context of conductor-python's class, if its `get_task_context()` was called."""

    @property
    def task(self) -> Task:
        """The task as it was polled."""
        return self._task

    @property
    def task_result(self) -> TaskResult:
        """What was added to the result so far."""
        return self._result

    @property
    def cancelled(self) -> bool:
        """Has the server ended this task, by a cancel or a timeout? Then whatever is still done is in vain.

        Known at most 0.8 of the task's response timeout later, and only with `lease_extend_enabled`:
        without it, it stays False.
        """
        return self._is_cancelled()

    def end(self) -> None:
        """The engine's: the function has returned, `cancelled` stays as it is."""
        cancelled = self.cancelled
        self._is_cancelled = lambda: cancelled

    def share(self, foreign: Any, result: Any) -> None:
        """The engine's: what is added here, and to `foreign`, is in `result` from now on."""
        self.foreign, self._result = foreign, result

    @staticmethod
    def get() -> TaskContext:
        """As `get_task_context()`."""
        return get_task_context()

    def get_task_id(self) -> str:
        return self._task.task_id or ""

    def get_workflow_instance_id(self) -> str:
        return self._task.workflow_instance_id or ""

    def get_retry_count(self) -> int:
        """How often the server has tried this task before: 0 at the first attempt."""
        return self._task.retry_count or 0

    def get_poll_count(self) -> int:
        """How often this very task was handed out: more than 1 after IN_PROGRESS."""
        return self._task.poll_count or 0

    def get_task_def_name(self) -> str:
        return self._task.task_def_name or ""

    def get_workflow_task_type(self) -> str:
        return str((self._task.workflow_task or {}).get("type") or "")

    def get_input(self) -> dict[str, Any]:
        return self._task.input_data or {}

    def get_callback_after_seconds(self) -> float:
        return self._result.callback_after_seconds or 0

    def set_callback_after(self, seconds: float) -> None:
        """Report IN_PROGRESS: the server offers the task again after `seconds`, rounded up."""
        self._result.callback_after_seconds = seconds

    def add_log(self, log_message: str) -> None:
        """Add a line to the task's log on the server."""
        self._result.logs.append(TaskExecLog(log_message, self._task.task_id, time.time_ns() // 1_000_000))

    def set_output(self, output_data: dict[str, Any]) -> None:
        """Add to the output; what the function returns wins over it. ValueError if it is no dict."""
        if not isinstance(output_data, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - users do
            raise ValueError(f"set_output takes a dict, not {type(output_data).__name__}")
        self._result.output_data.update(output_data)


class ContextSource(Protocol):
    """The task that runs here. Its methods raise RuntimeError while there is none."""

    made: TaskContext | None
    """Its context, if somebody asked for it; None again once the task is reported."""

    def task(self) -> dict[str, Any]: ...

    def ids(self) -> tuple[str, str, str]:
        """Task type, task id and workflow id, at little cost."""
        ...

    def cancelled(self) -> bool: ...


# Set once per thread, or for each coroutine: a context is made only when somebody asks for it.
context_source: ContextVar[ContextSource | None] = ContextVar("conductor_fast_context_source", default=None)


def running_ids() -> tuple[str, str, str] | None:
    """Task type, task id and workflow id of the task that is running here."""
    source = context_source.get()
    try:
        return None if source is None else source.ids()
    except RuntimeError:
        return None


def running_context() -> TaskContext | None:
    """The context of the task that is running here."""
    source = context_source.get()
    if source is None:
        return None
    context = source.made
    if context is None:
        try:
            context = TaskContext(Task.from_wire(source.task()), is_cancelled=source.cancelled)
        except RuntimeError:
            return None
        source.made = context
    return context


def get_task_context() -> TaskContext:
    """The context of the task that is running here; RuntimeError outside of a worker function."""
    context = running_context()
    if context is None:
        raise RuntimeError("there is no task here: get_task_context() works inside a worker function only")
    return context
