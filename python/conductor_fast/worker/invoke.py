"""The loop of a thread that runs a worker's functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from conductor_fast.model.context import TaskContext, context_source
from conductor_fast.model.task import Task
from conductor_fast.worker.output import Outcome, merge, raised, returned

if TYPE_CHECKING:
    from conductor_fast._core import Lane
    from conductor_fast.worker.binding import Binding


class _RunningTask:
    """Makes the context of the task on a lane when a function asks for it."""

    __slots__ = ("_lane", "made")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.made: TaskContext | None = None

    def context(self) -> TaskContext | None:
        if self.made is None:
            try:
                self.made = TaskContext(Task.from_wire(self._lane.task()), self._lane.cancelled)
            except RuntimeError:
                return None
        return self.made


def run_lane(lane: Lane, binding: Binding) -> None:
    """Run tasks until the lane is closed.

    The loop is Python so that no native frame lies under the user's function: the interpreter may end
    this thread at exit while the function runs. A returned dict, the common case, takes the short way.
    """
    running = _RunningTask(lane)
    context_source.set(running)
    call, complete = binding.call, lane.complete
    arguments = lane.take()
    while arguments is not None:
        try:
            output = call(arguments)
        except BaseException as error:  # also SystemExit: it ends the task, not the worker
            outcome = raised(error)
        else:
            if type(output) is dict and running.made is None:
                arguments = complete(output)  # pyright: ignore[reportUnknownArgumentType]
                continue
            outcome = returned(output)
        arguments = output = None
        arguments = _report(lane, outcome, running)


def _report(lane: Lane, outcome: Outcome, running: _RunningTask) -> dict[str, Any] | None:
    context, running.made = running.made, None
    if context is not None:
        context.end()  # the lane tells of its next task from here on
        outcome = merge(outcome, context)
    now = time.time_ns() // 1_000_000
    logs = [(str(line.log), line.created_time or now) for line in outcome.logs]
    try:
        return lane.report(
            outcome.status,
            outcome.output,
            reason=outcome.reason,
            callback_after_seconds=outcome.callback_after_seconds,
            logs=logs,
            external_output_payload_storage_path=outcome.external_output_payload_storage_path,
        )
    except (TypeError, ValueError, OverflowError) as error:
        reason = f"The function returned a result that cannot be reported: {error}"
        return lane.report("FAILED_WITH_TERMINAL_ERROR", {}, reason=reason, logs=logs)
