"""From what a function returned or raised to what is reported."""

from __future__ import annotations

import dataclasses
import inspect
import math
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from conductor_fast.interop.tasks import is_terminal, result_of
from conductor_fast.model.context import TaskContext
from conductor_fast.model.exceptions import NonRetryableException
from conductor_fast.model.plain import to_plain
from conductor_fast.model.task_result import TaskExecLog, TaskInProgress, TaskResult, TaskResultStatus
from conductor_fast.worker.converter import SOURCE_NAME


@dataclasses.dataclass
class Outcome:
    """A task result without its ids."""

    status: str
    output: dict[str, Any]
    reason: str | None = None
    callback_after_seconds: float | None = None
    logs: list[TaskExecLog] = dataclasses.field(default_factory=list[TaskExecLog])
    external_output_payload_storage_path: str | None = None


def returned(value: Any) -> Outcome:
    """The outcome of a function that returned `value`.

    What becomes a JSON object (a dict, a dataclass, a model, a plain object) is the output; any other
    value is `{"result": value}`, as in the SDK (client/worker/worker.py). Its results count as ours.
    """
    if value is None or isinstance(value, _JSON):
        return Outcome("COMPLETED", _output(value))
    value = result_of(value)
    if isinstance(value, TaskResult):
        return Outcome(
            status=str(value.status or TaskResultStatus.COMPLETED),
            output=_output(value.output_data),
            reason=value.reason_for_incompletion,
            callback_after_seconds=value.callback_after_seconds,
            logs=value.logs,
            external_output_payload_storage_path=value.external_output_payload_storage_path,
        )
    if isinstance(value, TaskInProgress):
        return Outcome(
            "IN_PROGRESS", _output(value.output), callback_after_seconds=value.callback_after_seconds
        )
    if inspect.isawaitable(value) or inspect.isgenerator(value) or inspect.isasyncgen(value):
        kind = type(value).__name__
        if inspect.iscoroutine(value):
            value.close()
        reason = (
            f"The function returned a {kind} and not its output; await or exhaust it inside the function."
        )
        return Outcome("FAILED_WITH_TERMINAL_ERROR", {}, reason)
    return Outcome("COMPLETED", _output(value))


_JSON = (dict, str, int, float, list, tuple)


def _output(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType] - keys are checked when written
    if value is None or isinstance(value, _JSON):
        return {"result": value}
    try:
        plain = to_plain(value)
    except TypeError:
        # Told by the encoder, which knows the place.
        return {"result": value}
    return plain if isinstance(plain, dict) else {"result": plain}  # pyright: ignore[reportUnknownVariableType]


def raised(error: BaseException) -> Outcome:
    """The outcome of a function that raised: FAILED, so that the server tries again if the definition says
    so, or FAILED_WITH_TERMINAL_ERROR for a NonRetryableException. The traceback goes into the task's log.
    """
    terminal = isinstance(error, NonRetryableException) or is_terminal(error)
    name = type(error).__name__
    message = text(error)
    return Outcome(
        status="FAILED_WITH_TERMINAL_ERROR" if terminal else "FAILED",
        output={},
        reason=message if message and isinstance(error, Exception) else f"{name}: {message}".rstrip(": "),
        logs=[TaskExecLog(text(error, _traceback), created_time=time.time_ns() // 1_000_000)],
    )


def merge(outcome: Outcome, context: TaskContext) -> Outcome:
    """`outcome` with what the function added through its context."""
    added = context.task_result
    outcome.logs = [*(added.logs or ()), *outcome.logs]
    if added.output_data:
        outcome.output = {**added.output_data, **outcome.output}
    if added.callback_after_seconds is not None and outcome.status in ("COMPLETED", "IN_PROGRESS"):
        outcome.status = "IN_PROGRESS"
        if outcome.callback_after_seconds is None:
            outcome.callback_after_seconds = added.callback_after_seconds
    return outcome


def whole_seconds(seconds: Any) -> int | None:
    """`callback_after_seconds` as it is sent: rounded up, and not before now.

    Functions compute it, as `timedelta.total_seconds()` or as what is left of a time that may be past.
    TypeError if it is no number.
    """
    if seconds is None:
        return None
    try:
        rounded: int = math.ceil(seconds)
    except (TypeError, ValueError, OverflowError):  # ValueError: NaN; OverflowError: infinity
        what = seconds if isinstance(seconds, float) else f"a {type(seconds).__name__}"
        raise TypeError(f"callback_after_seconds is {what}; give a number of seconds") from None
    return max(0, rounded)


def text(value: Any, convert: Callable[[Any], str] = str) -> str:
    """`value` as text that can be sent, whatever its `__str__` does."""
    try:
        return convert(value).encode("utf-8", "backslashreplace").decode()
    except Exception as error:
        return f"{type(value).__name__}, whose text cannot be had ({type(error).__name__})"


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, without_ours(error.__traceback__)))


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the user's; None if there is none, as of a refused input."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_ours(trace: TracebackType) -> bool:
    frame = trace.tb_frame
    return frame.f_code.co_filename == SOURCE_NAME or frame.f_globals.get("__package__") == __package__
