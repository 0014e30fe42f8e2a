"""`WorkerHost` runs workflows of the real server."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from conductor_fast import (
    NonRetryableException,
    Task,
    TaskInProgress,
    TaskResult,
    TaskResultStatus,
    WorkerHost,
)
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 30.0


@dataclass
class Discounted:
    """A result that is neither a dict nor a TaskResult."""

    total: int
    to_pay: float


def price(quantity: int, unit_price: int) -> dict[str, int]:
    """Input by parameter names, result as dict."""
    return {"total": quantity * unit_price}


def discount(total: int) -> Discounted:
    """Result as dataclass."""
    return Discounted(total=total, to_pay=total / 2)


def confirm(task: Task) -> TaskResult:
    """The whole task in, a whole result out."""
    assert task.input_data is not None
    return TaskResult(
        task_id=task.task_id,
        workflow_instance_id=task.workflow_instance_id,
        status=TaskResultStatus.COMPLETED,
        output_data={"confirmed": task.input_data["to_pay"], "type": task.task_def_name},
    )


def test_workflows_of_three_task_types_complete(real_server: RealServer, host: WorkerHost) -> None:
    """Each step gets the output of the one before, whatever kind of value its function returned."""
    for task_type in ("price", "discount", "confirm"):
        real_server.define_task(task_definition(task_type))
    inputs: dict[str, dict[str, Any]] = {
        "price": {"quantity": "${workflow.input.quantity}", "unit_price": 3},
        "discount": {"total": "${price.output.total}"},
        "confirm": {"to_pay": "${discount.output.to_pay}"},
    }
    real_server.register_workflow("order", list(inputs), inputs)
    workflow_ids = [real_server.start_workflow("order", {"quantity": quantity}) for quantity in range(50)]

    host.start_worker("price", price, batch_size=10)
    host.start_worker("discount", discount, batch_size=10)
    host.start_worker("confirm", confirm, batch_size=10)

    workflows = real_server.wait_for_workflows(workflow_ids, "COMPLETED", TIMEOUT_SECONDS)
    assert [_outputs(workflow) for workflow in workflows] == [
        [
            {"total": quantity * 3},
            {"total": quantity * 3, "to_pay": quantity * 1.5},
            {"confirmed": quantity * 1.5, "type": "confirm"},
        ]
        for quantity in range(50)
    ]


def test_task_whose_function_raises_is_retried(real_server: RealServer, host: WorkerHost) -> None:
    """An exception ends the attempt, not the workflow."""

    def fails_at_first(task: Task) -> dict[str, Any]:
        if task.retry_count == 0:
            raise ValueError("not at the first attempt")
        return {"attempt": task.retry_count}

    workflow_id = _start(real_server, "fails_at_first")
    host.start_worker("fails_at_first", fails_at_first)

    (workflow,) = real_server.wait_for_workflows([workflow_id], "COMPLETED", TIMEOUT_SECONDS)
    first, second = workflow["tasks"]
    assert first["status"] == "FAILED"
    assert "not at the first attempt" in first["reasonForIncompletion"]
    assert (second["status"], second["outputData"]) == ("COMPLETED", {"attempt": 1})


def test_non_retryable_exception_ends_the_workflow(real_server: RealServer, host: WorkerHost) -> None:
    """The definition would allow a retry; the function forbids it."""

    def never_works(task: Task) -> None:
        raise NonRetryableException("the account is closed")

    workflow_id = _start(real_server, "never_works")
    host.start_worker("never_works", never_works)

    (workflow,) = real_server.wait_for_workflows([workflow_id], "FAILED", TIMEOUT_SECONDS)
    (task,) = workflow["tasks"]
    assert task["status"] == "FAILED_WITH_TERMINAL_ERROR"
    assert "the account is closed" in task["reasonForIncompletion"]


def test_task_in_progress_is_offered_again(real_server: RealServer, host: WorkerHost) -> None:
    """The same task comes back after its time, with the output of the first call."""
    calls: list[float] = []

    def needs_two_calls(task: Task) -> TaskInProgress | dict[str, Any]:
        calls.append(time.monotonic())
        if task.poll_count == 1:
            return TaskInProgress(callback_after_seconds=1, output={"step": "first"})
        return {"polls": task.poll_count, "before": task.output_data}

    workflow_id = _start(real_server, "needs_two_calls")
    host.start_worker("needs_two_calls", needs_two_calls, poll_interval=0.1)

    (workflow,) = real_server.wait_for_workflows([workflow_id], "COMPLETED", TIMEOUT_SECONDS)
    assert _outputs(workflow) == [{"polls": 2, "before": {"step": "first"}}]
    assert calls[1] - calls[0] > 0.9


def test_domains_are_queues_of_their_own(real_server: RealServer, host: WorkerHost) -> None:
    """A worker of a domain gets that domain's tasks, one without gets the others."""
    real_server.define_task(task_definition("routed"))
    real_server.register_workflow("routed", ["routed"])

    def in_blue(task: Task) -> dict[str, str | None]:
        return {"worker": "blue", "domain": task.domain}

    def in_none(task: Task) -> dict[str, str | None]:
        return {"worker": "none", "domain": task.domain}

    host.start_worker("routed", in_blue, domain="blue")
    host.start_worker("routed", in_none)
    workflow_ids = [
        workflow_id
        for _ in range(3)
        for workflow_id in (
            real_server.start_workflow("routed", {}, domains={"routed": "blue"}),
            real_server.start_workflow("routed", {}),
        )
    ]

    workflows = real_server.wait_for_workflows(workflow_ids, "COMPLETED", TIMEOUT_SECONDS)
    expected = [{"worker": "blue", "domain": "blue"}, {"worker": "none", "domain": None}] * 3
    assert [output for workflow in workflows for output in _outputs(workflow)] == expected


def test_stop_reports_what_runs(real_server: RealServer) -> None:
    """Ten tasks are under way when the stop begins, and all are with the server when it ends."""
    started = threading.Semaphore(0)

    def takes_a_second(task: Task) -> dict[str, bool]:
        started.release()
        time.sleep(1.0)
        return {"finished": True}

    workflow_ids = [_start(real_server, "takes_a_second") for _ in range(10)]
    with WorkerHost(real_server.url) as host:
        host.start_worker("takes_a_second", takes_a_second, batch_size=10)
        for _ in workflow_ids:
            assert started.acquire(timeout=TIMEOUT_SECONDS)
        left = host.stop()

    assert left == []
    # Looked at once, without waiting: nobody is there any more who could still report.
    workflows = [real_server.workflow(workflow_id) for workflow_id in workflow_ids]
    assert [workflow["status"] for workflow in workflows] == ["COMPLETED"] * 10


def test_another_host_continues(real_server: RealServer) -> None:
    """Whatever the first host left behind is there for the second, and nothing runs twice."""
    finished_by: list[str] = []

    def as_first(task: Task) -> dict[str, str]:
        finished_by.append("first")
        return {"by": "first"}

    def as_second(task: Task) -> dict[str, str]:
        finished_by.append("second")
        return {"by": "second"}

    workflow_ids = [_start(real_server, "continued") for _ in range(10)]
    with WorkerHost(real_server.url) as first:
        first.start_worker("continued", as_first)
        wait_until(lambda: len(finished_by) >= 3, "the first host to have run three tasks", TIMEOUT_SECONDS)
        assert first.stop() == []
    workflow_ids += [_start(real_server, "continued") for _ in range(5)]
    with WorkerHost(real_server.url) as second:
        second.start_worker("continued", as_second)
        workflows = real_server.wait_for_workflows(workflow_ids, "COMPLETED", TIMEOUT_SECONDS)

    outputs = [output for workflow in workflows for output in _outputs(workflow)]
    assert [output["by"] for output in outputs[-5:]] == ["second"] * 5
    assert sorted(output["by"] for output in outputs) == sorted(finished_by)


def _start(server: RealServer, task_type: str) -> str:
    """Start a workflow of one task, with the task type's name."""
    server.define_task(task_definition(task_type))
    server.register_workflow(task_type, [task_type])
    return server.start_workflow(task_type, {})


def _outputs(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [task["outputData"] for task in workflow["tasks"]]
