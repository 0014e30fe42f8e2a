"""The demo's checks notice every kind of wrong answer."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_fast.cli.checks import difference_of_attempts, difference_of_sums
from conductor_fast.cli.samples import Attempt


def _task(**changes: Any) -> dict[str, Any]:
    return {
        "taskId": "t1",
        "status": "COMPLETED",
        "inputData": {"a": 2, "b": 3},
        "outputData": {"sum": 5},
        "retryCount": 0,
        "pollCount": 1,
        **changes,
    }


RETRIED = [
    _task(retryCount=1),
    _task(status="FAILED", outputData={}, reasonForIncompletion="no"),
]
EXPECTED = [Attempt("FAILED", {}, "no"), Attempt(output={"sum": 5})]


def test_attempts_as_expected_in_any_order() -> None:
    assert difference_of_attempts("add", {}, EXPECTED, RETRIED) is None
    assert difference_of_attempts("add", {}, EXPECTED, RETRIED[::-1]) is None


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (RETRIED[:1], "expected 2 attempts, got 1"),
        ([RETRIED[0], {**RETRIED[1], "reasonForIncompletion": "yes"}], "attempt 1: .*'reason': 'yes'"),
        ([{**RETRIED[0], "outputData": {"sum": 6}}, RETRIED[1]], "attempt 2: .*'sum': 6"),
        ([{**RETRIED[0], "status": "FAILED"}, RETRIED[1]], "attempt 2: .*FAILED"),
        ([{**RETRIED[0], "pollCount": 2}, RETRIED[1]], "attempt 2: .*'polls': 2"),
    ],
)
def test_the_first_difference_is_named(tasks: list[dict[str, Any]], message: str) -> None:
    difference = difference_of_attempts("add", {"a": 2}, EXPECTED, tasks)
    assert difference is not None
    with pytest.raises(AssertionError, match=rf"^add {{'a': 2}}: {message}"):
        raise AssertionError(difference)


@pytest.mark.parametrize(
    ("tasks", "difference"),
    [
        ([_task(), _task(taskId="t2")], None),
        ([_task()], "add: expected 2 tasks, the server knows 1"),
        ([_task(), _task()], "add: expected 2 tasks, the server knows 1"),
        (
            [_task(), _task(taskId="t2", outputData={"sum": 6})],
            "add {'a': 2, 'b': 3}: attempt 1: "
            "expected {'status': 'COMPLETED', 'output': {'sum': 5}, 'polls': 1}, "
            "got {'status': 'COMPLETED', 'output': {'sum': 6}, 'polls': 1}",
        ),
    ],
)
def test_sums(tasks: list[dict[str, Any]], difference: str | None) -> None:
    assert difference_of_sums(2, tasks) == difference
