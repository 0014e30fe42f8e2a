"""One worker's settings, frozen: what crosses to the core."""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeGuard, get_args

from conductor_fast.model.exceptions import ConfigurationError

MAX_POLL_TIMEOUT_MILLIS = 5_000
"""The server refuses to hold a poll for longer (ExecutionService.java:113)."""

MAX_THREAD_COUNT = 10_000
"""More tasks at once in one worker is a mistake in a unit, not a wish."""

MAX_PREFETCH = 64
"""A larger batch saves nothing, and what is held here nobody else can run."""

Prefetch = int | Literal["auto"]
"""How many tasks are polled ahead of the threads that run them; "auto": as many as are soon done."""

Nan = Literal["fail", "null", "string"]
"""What becomes of NaN and the infinities in an output, for which JSON has no word."""


@dataclass(frozen=True)
class WorkerConfig:
    """A task type, a domain, and how to poll them.

    `poll_interval_millis` None: the engine's choice, up to 100 ms, as the SDK's default.
    `poll_timeout_millis`, how long the server may hold a poll, None: the engine's choice. `thread_count`:
    tasks that run at once. `prefetch`: tasks that are held beyond those, None: as many as the worker is
    expected to finish within two round trips of a poll. `worker_id` defaults to the host's name, as in
    the SDK (worker/worker_interface.py). `nan`: an output with NaN or an infinity fails its task
    ("fail"), or they are sent as null or as "NaN", "Infinity" and "-Infinity". `lease_extend_enabled`:
    the server is told in time that a task still runs, and its cancellation is noticed. `paused`: polls
    only once it is resumed.

    Raises ConfigurationError that names the worker, the field and the remedy.
    """

    task_type: str
    domain: str | None = None
    worker_id: str = field(default_factory=socket.gethostname)
    thread_count: int = 1
    poll_interval_millis: float | None = None
    poll_timeout_millis: int | None = None
    prefetch: int | None = None
    nan: Nan = "fail"
    lease_extend_enabled: bool = False
    paused: bool = False

    def __post_init__(self) -> None:
        self._check_task_type(self.task_type)
        if self.domain is not None:
            self._check_text("domain", self.domain, "give the name of a domain, or None for none")
        self._check_text("worker_id", self.worker_id, "give a name, or leave it out for the host's name")
        self._check_whole_number("thread_count", self.thread_count, 1, MAX_THREAD_COUNT)
        if self.poll_timeout_millis is not None:
            limit = "milliseconds; the server refuses more than 5,000 ms: ExecutionService.java:113"
            self._check_whole_number(
                "poll_timeout_millis", self.poll_timeout_millis, 0, MAX_POLL_TIMEOUT_MILLIS, limit
            )
        if self.poll_interval_millis is not None:
            self._check_poll_interval(self.poll_interval_millis)
        if self.prefetch is not None:
            self._check_whole_number("prefetch", self.prefetch, 0, MAX_PREFETCH, 'or "auto"')
        if self.nan not in get_args(Nan):
            raise self._error("nan", self.nan, 'is none of "fail", "null" and "string"')
        self._check_switch("lease_extend_enabled", self.lease_extend_enabled)
        self._check_switch("paused", self.paused)

    def _check_task_type(self, task_type: object) -> None:
        if not isinstance(task_type, str) or not task_type.strip():
            raise ConfigurationError(
                f"task_type {task_type!r}: a worker needs the name of the task type it polls for"
            )
        if "/" in task_type or task_type in {".", ".."}:
            raise ConfigurationError(
                f"task_type {task_type!r} cannot stand in a URL: the server's router refuses it, "
                "encoded or not; rename the task type without '/'"
            )

    def _check_text(self, name: str, value: object, remedy: str) -> None:
        if not isinstance(value, str) or not value.strip():
            raise self._error(name, value, f"is not a name; {remedy}")

    def _check_whole_number(self, name: str, value: object, least: int, most: int, unit: str = "") -> None:
        # A bool is an int to Python, but never meant as a number here.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            hint = f" ({unit})" if unit else ""
            raise self._error(
                name, value, f"is out of range; give a whole number from {least} to {most:,}{hint}"
            )

    def _check_poll_interval(self, value: object) -> None:
        if not _is_number(value) or not 0 < value < math.inf:
            raise self._error("poll_interval_millis", value, "is no time; give milliseconds greater than 0")

    def _check_switch(self, name: str, value: object) -> None:
        if not isinstance(value, bool):
            raise self._error(name, value, "is no switch; give True or False")

    def _error(self, name: str, value: object, problem: str) -> ConfigurationError:
        return ConfigurationError(f"worker {self.task_type!r}: {name} {value!r} {problem}")


def duration_millis(value: float | timedelta, name: str) -> float:
    """A time given in seconds or as a timedelta, in milliseconds.

    `name` is the setting's, for the message of the ConfigurationError that anything else raises:
    a non-number, a bool, NaN, infinity, a negative time.
    """
    given: object = value
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not _is_number(seconds) or not 0 <= seconds < math.inf:
        raise ConfigurationError(f"{name} {given!r} is no time; give seconds (0.5) or a timedelta, 0 or more")
    return seconds * 1_000


def _is_number(value: object) -> TypeGuard[float]:
    # A bool is an int to Python, but never meant as a time.
    return isinstance(value, (int, float)) and not isinstance(value, bool)
