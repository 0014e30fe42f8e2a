from __future__ import annotations

import dataclasses
import types
from decimal import Decimal
from typing import Any

import pytest

from conductor_fast import (
    NonRetryableException,
    Task,
    TaskContext,
    TaskInProgress,
    TaskResult,
    TaskResultStatus,
)
from conductor_fast.model.plain import to_plain
from conductor_fast.worker.output import merge, raised, returned, whole_seconds


@dataclasses.dataclass
class Point:
    x: int
    inner: Any = None


class Plain:
    def __init__(self) -> None:
        self.a, self.b = 1, None


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ({"a": 1}, {"a": 1}),
        (Point(1, Point(2)), {"x": 1, "inner": Point(2)}),
        (None, {"result": None}),
        (7, {"result": 7}),
        ("text", {"result": "text"}),
        ([1, 2], {"result": [1, 2]}),
        (Point, {"result": Point}),
        ({1}, {"result": [1]}),
        (b"\xff", {"result": "/w=="}),
        (Plain(), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
    ],
)
def test_what_completes_a_task(value: Any, output: dict[str, Any]) -> None:
    outcome = returned(value)
    assert (outcome.status, outcome.output, outcome.reason) == ("COMPLETED", output, None)


def test_a_task_result_is_taken_as_it_is() -> None:
    result = TaskResult(
        status=TaskResultStatus.IN_PROGRESS,
        output_data={"a": 1},
        callback_after_seconds=5,
        reason_for_incompletion="not yet",
        external_output_payload_storage_path="there",
    ).log("a line")
    outcome = returned(result)
    assert (outcome.status, outcome.output, outcome.callback_after_seconds) == ("IN_PROGRESS", {"a": 1}, 5)
    assert (outcome.reason, outcome.external_output_payload_storage_path) == ("not yet", "there")
    assert [line.log for line in outcome.logs] == ["a line"]
    assert returned(TaskResult()).status == "COMPLETED"
    of_object: Any = Plain()
    assert returned(TaskResult(output_data=of_object)).output == {"a": 1}


def test_task_in_progress() -> None:
    outcome = returned(TaskInProgress(60, {"at": 1}))
    assert (outcome.status, outcome.output, outcome.callback_after_seconds) == ("IN_PROGRESS", {"at": 1}, 60)


@pytest.mark.parametrize("kind", ["coroutine", "generator"])
def test_what_was_never_run_is_no_output(kind: str) -> None:
    async def coroutine() -> None: ...

    value: Any = coroutine() if kind == "coroutine" else (number for number in range(3))
    outcome = returned(value)
    assert outcome.status == "FAILED_WITH_TERMINAL_ERROR"
    assert kind in str(outcome.reason)


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("boom"), "FAILED", "boom"),
        (ValueError(), "FAILED", "ValueError"),
        (NonRetryableException("never"), "FAILED_WITH_TERMINAL_ERROR", "never"),
        (SystemExit(3), "FAILED", "SystemExit: 3"),
        (KeyboardInterrupt(), "FAILED", "KeyboardInterrupt"),
        (SilentError(), "FAILED", "SilentError, whose text cannot be had (RuntimeError)"),
    ],
)
def test_what_fails_a_task(error: BaseException, status: str, reason: str) -> None:
    outcome = raised(error)
    assert (outcome.status, outcome.reason, outcome.output) == (status, reason, {})


def test_the_traceback_is_the_users() -> None:
    def user_function() -> None:
        raise ValueError("boom")

    try:
        user_function()
    except ValueError as error:
        log = str(raised(error).logs[0].log)
    assert "user_function" in log
    assert log.rstrip().endswith("ValueError: boom")


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(None, None), (60, 60), (60.0, 60), (59.1, 60), (Decimal("59.5"), 60), (0.1, 1), (0, 0), (-2.5, 0)],
)
def test_seconds_are_rounded_up_and_a_time_that_is_past_is_now(seconds: Any, sent: int | None) -> None:
    assert whole_seconds(seconds) == sent


@pytest.mark.parametrize(
    ("seconds", "named"), [("3", "a str"), (float("nan"), "nan"), (float("-inf"), "-inf"), ([1], "a list")]
)
def test_what_is_no_number_of_seconds_is_named(seconds: Any, named: str) -> None:
    with pytest.raises(TypeError, match=f"callback_after_seconds is {named}; give a number of seconds"):
        whole_seconds(seconds)


def test_what_the_context_adds() -> None:
    context = TaskContext(Task(task_id="t"))
    context.add_log("first")
    context.set_output({"a": 1, "b": 1})
    outcome = merge(returned({"b": 2}), context)
    assert (outcome.status, outcome.output) == ("COMPLETED", {"a": 1, "b": 2})
    assert [line.log for line in outcome.logs] == ["first"]
    context.set_callback_after(9)
    outcome = merge(returned({"b": 2}), context)
    assert (outcome.status, outcome.callback_after_seconds) == ("IN_PROGRESS", 9)
    assert merge(raised(ValueError("no")), context).status == "FAILED"


def test_to_plain_says_what_to_return_instead() -> None:
    assert to_plain(Point(1)) == {"x": 1, "inner": None}
    with pytest.raises(TypeError, match=r"is of type object, .* return a dict"):
        to_plain(object())
