"""When a task that is in progress comes back: seconds as functions compute them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from conductor_fast import TaskInProgress, TaskResult, WorkerHost, get_task_context
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


def by_context(seconds: float) -> None:
    get_task_context().set_callback_after(seconds)


def by_result(seconds: float) -> TaskResult:
    return TaskResult(status="IN_PROGRESS", callback_after_seconds=seconds)


@pytest.mark.parametrize("way", [TaskInProgress, by_result, by_context])
def test_seconds_that_were_computed_are_sent_whole(
    server: DevServer, host: WorkerHost, way: Callable[[Any], Any]
) -> None:
    host.start_worker("later", way)
    server.push("later", {"seconds": 59.1, "callback_after_seconds": 59.1})
    wait_until(lambda: server.tasks("later")[0]["callbackAfterSeconds"] == 60, "the report", 10)
    assert server.count("later", "SCHEDULED") == 1


def test_what_is_no_number_of_seconds_is_named(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("later", lambda: TaskInProgress(timedelta(seconds=3)))  # type: ignore[arg-type] # the point
    server.push("later", retry_count=0)
    assert server.wait_for(1, "later", "FAILED_WITH_TERMINAL_ERROR")
    reason = server.tasks("later")[0]["reasonForIncompletion"]
    assert reason.endswith("callback_after_seconds is a timedelta; give a number of seconds")
