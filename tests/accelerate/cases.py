"""What workflows of the applications in `apps/` must come to, on either engine and on either server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """What must be on the server of an attempt at a task; None is not looked at."""

    task_type: str
    output: dict[str, Any] | None
    status: str = "COMPLETED"
    reason: str | None = None
    polls: int = 1
    log: list[str] | None = None


@dataclass(frozen=True)
class Case:
    """A workflow: its steps by task type, each with its input parameters, and what must come of it."""

    steps: dict[str, dict[str, Any]]
    attempts: list[Attempt]
    domain: str | None = None
    # Of the task definition, besides those that let a retry come at once.
    definition: dict[str, Any] = field(default_factory=dict)
    # The definition's, which the worker registers itself.
    registered: dict[str, Any] | None = None
    # Started when all others have ended: the start of thirty processes at once delays what is timed.
    is_timed: bool = False
    status: str = "COMPLETED"


_ID = {"order_id": "A-1"}
_ORDER = {
    "order_id": "A-1",
    "items": [{"sku": "pen", "quantity": 2, "price": 1.5}, {"sku": "ink", "quantity": 1, "price": 3.0}],
}
_JOB = {"job_id": "J-1"}
_IN_CLASS = {"worker_style": "class", "secret_number": 1234, "is_it_true": False}
# The SDK looks for due leases once a second and extends them after four fifths of this time.
_LEASE = {"responseTimeoutSeconds": 12}


def _one(task_type: str, inputs: dict[str, Any], output: dict[str, Any], **fields: Any) -> Case:
    """One task that is done at its first attempt."""
    return Case({task_type: inputs}, [Attempt(task_type, output)], **fields)


CASES: dict[str, list[Case]] = {
    "decorated_workers": [
        Case(
            {
                "price_order": {"order": _ORDER},
                "charge_order": {
                    "order_id": "${price_order.output.order_id}",
                    "amount": "${price_order.output.priority}",
                },
                "confirm_order": {"charged": "${charge_order.output.charged}"},
                "count_order": {"order_id": "${charge_order.output.order_id}"},
            },
            [
                Attempt("price_order", {**_ORDER, "priority": 3}),
                Attempt("charge_order", {"order_id": "A-1", "charged": "3 EUR"}),
                Attempt("confirm_order", {"confirmed": "3 EUR"}),
                Attempt("count_order", {"result": 3}),
            ],
        ),
        Case(
            {"refuse_order": _ID},
            [Attempt("refuse_order", None, "FAILED_WITH_TERMINAL_ERROR", "A-1 is refused")],
            status="FAILED",
        ),
        Case(
            {"ship_order": _ID},
            [
                Attempt("ship_order", None, "FAILED", "no ship today"),
                Attempt("ship_order", None, "FAILED", "no ship today"),
                Attempt("ship_order", {"shipped": "A-1"}),
            ],
            registered={
                "retryCount": 2,
                "timeoutPolicy": "RETRY",
                "timeoutSeconds": 180,
                "responseTimeoutSeconds": 120,
            },
        ),
    ],
    "class_workers": [
        _one("class_worker", {}, _IN_CLASS),
        _one("class_worker", {}, _IN_CLASS, domain="simple_python_worker"),
        Case(
            {"faulty_worker": {}},
            [Attempt("faulty_worker", {}, "FAILED", "faulty execution")] * 2,
            status="FAILED",
        ),
        _one(
            "task_in_worker",
            {"a": [1]},
            {"worker_style": "function", "worker_input": "Task", "task_input": {"a": [1]}},
        ),
        _one("task_result_out_worker", {}, {"worker_style": "function", "worker_input": "object"}),
        _one("imported_worker", {"name": "x"}, {"name": "x", "module": "imported_worker"}, domain="cool"),
    ],
    "task_context": [
        Case(
            {"context_info": _ID},
            [
                Attempt(
                    "context_info",
                    {
                        "input": _ID,
                        "retry_count": 0,
                        "poll_count": 1,
                        "task_def_name": "context_info",
                        "is_its_task": True,
                        "type": "conductor.client.http.models.task",
                    },
                    log=["Processing A-1"],
                )
            ],
        ),
        Case(
            {"context_logs": _ID},
            [
                Attempt(
                    "context_logs",
                    {"task_def_name": "context_logs"},
                    log=["Starting A-1", "Processed 1/2", "Processed 2/2"],
                )
            ],
        ),
        Case(
            {"context_callback": {}},
            [
                Attempt(
                    "context_callback",
                    {"before": {"step": "first"}, "polls": 2},
                    polls=2,
                    log=["poll 1", "poll 2"],
                )
            ],
        ),
    ],
    "long_running": [
        Case({"in_progress": _JOB}, [Attempt("in_progress", {"job_id": "J-1", "polls": 3}, polls=3)]),
        _one("leased", _JOB, _JOB, definition=_LEASE, is_timed=True),
        _one("leased_coroutine", _JOB, _JOB, definition=_LEASE, is_timed=True),
        Case(
            {"not_leased": _JOB},
            [
                Attempt("not_leased", None, "TIMED_OUT"),
                Attempt("not_leased", {"job_id": "J-1", "attempt": 1}),
            ],
            definition={"responseTimeoutSeconds": 2},
        ),
    ],
    "event_listeners": [
        _one("listened_to", {"name": "Ada"}, {"result": "Hello Ada, says event_listeners.py"}),
        _one("listened_to_coroutine", {"name": "Ada"}, {"name": "Ada"}),
    ],
    "fastapi_service": [
        Case(
            {"fastapi_normalize_name": {"name": " ada "}, "fastapi_add_numbers": {"a": 2, "b": 3}},
            [
                Attempt("fastapi_normalize_name", {"result": "Ada"}),
                Attempt("fastapi_add_numbers", {"result": 5}),
            ],
        ),
    ],
}
"""By application."""
