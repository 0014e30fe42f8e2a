"""The workers that `conductor-fast demo` runs, and what must come of each task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_fast import NonRetryableException, Task, TaskInProgress, get_task_context


def greet(name: str, greeting: str = "Hello") -> dict[str, Any]:
    """Parameters by name, as any function has them."""
    return {"message": f"{greeting} {name}"}


@dataclass
class Invoice:
    """The output of `invoice`."""

    order: str
    lines: int
    total_cents: int


def invoice(task: Task) -> Invoice:
    """The whole task in, a dataclass out."""
    order = task.input_data or {}
    prices = [line["cents"] * line["count"] for line in order["lines"]]
    return Invoice(order["order"], len(prices), sum(prices))


def deliver(parcel: int) -> dict[str, Any]:
    """Fails at the first attempt; the server hands it out again."""
    attempt = get_task_context().get_retry_count() + 1
    if attempt == 1:
        raise ConnectionError("nobody at home")
    return {"parcel": parcel, "attempt": attempt}


def export(rows: int) -> dict[str, Any] | TaskInProgress:
    """Not done when first called; done when the server offers it again, a second later."""
    if get_task_context().get_poll_count() == 1:
        return TaskInProgress(callback_after_seconds=1, output={"rows": rows // 2})
    return {"rows": rows}


def charge(card: str) -> dict[str, Any]:
    """Knows that another attempt cannot help."""
    raise NonRetryableException(f"card {card} has expired")


def add(a: int, b: int) -> dict[str, Any]:
    """As little as a function can do: what is left is the engine's time."""
    return {"sum": a + b}


@dataclass(frozen=True)
class Attempt:
    """What must be known of one attempt at a task when it has ended."""

    status: str = "COMPLETED"
    output: dict[str, Any] | None = None
    reason: str | None = None
    poll_count: int = 1


@dataclass(frozen=True)
class Sample:
    """A worker, one task for it per entry of `cases`, and the attempts that each must take."""

    function: Callable[..., Any]
    shows: str
    cases: tuple[tuple[dict[str, Any], tuple[Attempt, ...]], ...]
    retry_count: int = 0

    @property
    def task_type(self) -> str:
        """The function's own name."""
        return self.function.__name__


SAMPLES = (
    Sample(
        greet,
        "parameters by name",
        (
            ({"name": "Ada"}, (Attempt(output={"message": "Hello Ada"}),)),
            ({"name": "Zoë 🦀"}, (Attempt(output={"message": "Hello Zoë 🦀"}),)),
            ({"name": "Bob", "greeting": "Good day"}, (Attempt(output={"message": "Good day Bob"}),)),
        ),
    ),
    Sample(
        invoice,
        "takes the Task, returns a dataclass",
        (
            (
                {"order": "A1", "lines": [{"cents": 250, "count": 2}, {"cents": 99, "count": 1}]},
                (Attempt(output={"order": "A1", "lines": 2, "total_cents": 599}),),
            ),
        ),
    ),
    Sample(
        deliver,
        "fails once, then succeeds in the server's retry",
        (
            (
                {"parcel": 7},
                (
                    Attempt("FAILED", {}, "nobody at home"),
                    Attempt(output={"parcel": 7, "attempt": 2}),
                ),
            ),
        ),
        retry_count=1,
    ),
    Sample(
        export,
        "returns TaskInProgress, finishes a second later",
        (({"rows": 1_000}, (Attempt(output={"rows": 1_000}, poll_count=2),)),),
    ),
    Sample(
        charge,
        "NonRetryableException: no second attempt",
        (
            (
                {"card": "1234"},
                (Attempt("FAILED_WITH_TERMINAL_ERROR", {}, "card 1234 has expired"),),
            ),
        ),
        retry_count=3,
    ),
)
