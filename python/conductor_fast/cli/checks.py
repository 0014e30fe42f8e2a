"""Is what the server holds what must have come of the tasks?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conductor_fast.cli.samples import Attempt

Wire = dict[str, Any]
"""A task as `GET /tasks/{taskId}` answers."""


def difference_of_attempts(
    task_type: str, input_data: Wire, expected: Sequence[Attempt], tasks: Sequence[Wire]
) -> str | None:
    """The first difference between the attempts that a task must take and those it took; None if none.

    `tasks`: the attempts as the server has them, in any order.
    """
    where = f"{task_type} {input_data}"
    if len(tasks) != len(expected):
        return f"{where}: expected {len(expected)} attempts, got {len(tasks)}"
    ordered = sorted(tasks, key=lambda task: int(task["retryCount"]))
    for number, (attempt, task) in enumerate(zip(expected, ordered, strict=True), start=1):
        must = {"status": attempt.status, "output": attempt.output, "polls": attempt.poll_count}
        got = {"status": task["status"], "output": task["outputData"], "polls": task["pollCount"]}
        if attempt.reason is not None:
            must["reason"] = attempt.reason
            got["reason"] = task.get("reasonForIncompletion")
        if must != got:
            return f"{where}: attempt {number}: expected {must}, got {got}"
    return None


def difference_of_sums(count: int, tasks: Iterable[Wire]) -> str | None:
    """The first of `count` tasks of `add` that is not there, not COMPLETED at the first poll, or wrong."""
    ids: set[str] = set()
    for task in tasks:
        ids.add(task["taskId"])
        input_data = task["inputData"]
        must = [Attempt(output={"sum": input_data["a"] + input_data["b"]})]
        difference = difference_of_attempts("add", input_data, must, [task])
        if difference:
            return difference
    return None if len(ids) == count else f"add: expected {count} tasks, the server knows {len(ids)}"
