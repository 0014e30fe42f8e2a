"""The loop of a thread that runs a worker's functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conductor_fast.model.context import TaskContext, context_source
from conductor_fast.worker.output import Outcome, merge, raised, returned, text, whole_seconds

if TYPE_CHECKING:
    from asyncio import Task

    from conductor_fast._core import Job, Lane
    from conductor_fast.worker.binding import Binding
    from conductor_fast.worker.converter import Arguments


class _Running:
    """The task on a lane, for whoever asks for its context."""

    __slots__ = ("cancelled", "ids", "made", "task")

    def __init__(self, lane: Lane) -> None:
        self.made: TaskContext | None = None
        self.task, self.ids, self.cancelled = lane.task, lane.ids, lane.cancelled


def run_lane(lane: Lane, binding: Binding) -> None:
    """Run tasks until the lane is closed.

    The loop is Python so that no native frame lies under the user's function: the interpreter may end
    this thread at exit while the function runs. A returned dict, the common case, takes the short way.
    The lane itself tells of the function's start and return: it knows the ids, and the size of the output.
    """
    running = _Running(lane)
    context_source.set(running)
    call, complete, take = binding.call, lane.complete, lane.take
    arguments = take()
    while arguments is not None:
        output: Any = None
        outcome: Outcome | None = None
        try:
            output = call(arguments)
            if type(output) is not dict or running.made is not None:
                outcome = returned(output)
        except BaseException as error:  # also SystemExit: it ends the task, not the worker
            lane.raised(error)
            outcome = raised(error)
        if outcome is None:
            arguments = complete(output)  # pyright: ignore[reportUnknownArgumentType]
        else:
            arguments = output = None
            arguments = _report(lane, outcome, running)
        if arguments is None:
            output = outcome = None  # not kept while the lane waits
            arguments = take()


def _report(lane: Lane, outcome: Outcome, running: _Running) -> Arguments | None:
    outcome, logs = _merged(outcome, running)
    try:
        return lane.report(outcome.status, outcome.output, logs=logs, **_fields(outcome))
    except Exception as error:  # nothing that a user puts into a result may end the thread
        return lane.report("FAILED_WITH_TERMINAL_ERROR", {}, reason=_unreportable(error), logs=logs)


async def run_job(
    job: Job, call: Callable[[Arguments], Any], current_task: Callable[[], Task[Any] | None]
) -> None:
    """Run one task of a coroutine function and report it. Runs as an `asyncio.Task` of its own."""
    context_source.set(job)
    arguments = job.start(current_task())  # only here is it known when a coroutine begins
    if arguments is None:
        return
    outcome: Outcome | None = None
    output: Any = None
    try:
        output = await call(arguments)
        if type(output) is not dict:
            outcome = returned(output)
    except BaseException as error:  # also SystemExit, which would end the loop
        job.raised(error)
        outcome = raised(error)
    if outcome is None:
        if job.complete(output):  # pyright: ignore[reportUnknownArgumentType]
            return
        outcome = returned(output)
    outcome, logs = _merged(outcome, job)
    try:
        job.report(outcome.status, outcome.output, logs=logs, **_fields(outcome))
    except Exception as error:  # nothing that a user puts into a result may end the thread
        job.report("FAILED_WITH_TERMINAL_ERROR", {}, reason=_unreportable(error), logs=logs)


def _merged(outcome: Outcome, running: _Running | Job) -> tuple[Outcome, list[tuple[str, int]]]:
    context, running.made = running.made, None
    logs: list[tuple[str, int]] = []
    try:
        if context is not None:
            context.end()  # the lane tells of its next task from here on
            outcome = merge(outcome, context)
        logs = [(text(line.log), _millis(line.created_time)) for line in outcome.logs]
    except Exception as error:  # whatever the user's code put there
        outcome = Outcome("FAILED_WITH_TERMINAL_ERROR", {}, _unreportable(error))
    return outcome, logs


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {
        "reason": None if outcome.reason is None else text(outcome.reason),
        "callback_after_seconds": whole_seconds(outcome.callback_after_seconds),
        "external_output_payload_storage_path": outcome.external_output_payload_storage_path,
    }


def _unreportable(error: Exception) -> str:
    return f"The function returned a result that cannot be reported: {text(error)}"


def _millis(created_time: object) -> int:
    if isinstance(created_time, int) and 0 < created_time < 2**63:
        return created_time
    return time.time_ns() // 1_000_000
