"""A worker: a task type, a function, and their settings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.worker_config import Nan, WorkerConfig
from conductor_fast.worker.binding import Binding, bind

SDK_POLL_TIMEOUT_MILLIS = 100
"""The SDK's default. Left at it, the choice is the engine's: there the value was never read (S1)."""


class Worker:
    """A function that does the tasks of one type, with the SDK's names (client/worker/worker.py).

    `execute_function`: what it gets is told in `bind`. `poll_interval`: milliseconds between the starts
    of two polls while there is nothing to do; None leaves it to the engine, up to 100. `poll_timeout`:
    milliseconds that the server may hold a poll, at most 5,000. `thread_count`: tasks at once. `nan`: what
    becomes of NaN and the infinities in an output: the task fails, or they are sent as null or as text.
    `strict_inputs`: inputs that do not fit the annotations end the task; False leaves plain values as they
    came and gives None for what is missing, as the SDK does.
    `lease_extend_enabled`: tasks may run longer than their response timeout, and `TaskContext.cancelled`
    tells when the server has ended one. `paused`: polls only after `WorkerHost.resume`.

    Raises ConfigurationError that names the worker, the setting and the remedy.
    """

    def __init__(
        self,
        task_definition_name: str,
        execute_function: Callable[..., Any],
        poll_interval: float | None = None,
        domain: str | None = None,
        worker_id: str | None = None,
        thread_count: int = 1,
        poll_timeout: int = SDK_POLL_TIMEOUT_MILLIS,
        nan: Nan = "fail",
        strict_inputs: bool = True,
        lease_extend_enabled: bool = False,
        paused: bool = False,
        **unknown: NoReturn,
    ) -> None:
        settings = ("poll_interval", "domain", "worker_id", "thread_count", "poll_timeout", "nan")
        switches = ("strict_inputs", "lease_extend_enabled", "paused")
        refuse_unknown(task_definition_name, unknown, settings + switches)
        named = {} if worker_id is None else {"worker_id": worker_id}
        self.config = WorkerConfig(
            task_type=task_definition_name,
            domain=domain,
            thread_count=thread_count,
            poll_interval_millis=poll_interval,
            poll_timeout_millis=None if poll_timeout == SDK_POLL_TIMEOUT_MILLIS else poll_timeout,
            nan=nan,
            lease_extend_enabled=lease_extend_enabled,
            paused=paused,
            **named,
        )
        self.execute_function = execute_function
        self.binding: Binding = bind(task_definition_name, execute_function, strict_inputs=strict_inputs)

    def get_task_definition_name(self) -> str:
        return self.config.task_type

    def __repr__(self) -> str:
        return f"Worker({self.config.task_type!r}, domain={self.config.domain!r})"


def refuse_unknown(task_type: object, unknown: Collection[str], known: Collection[str]) -> None:
    """ConfigurationError for settings that nobody knows, with the likeliest one that was meant."""
    for name in unknown:
        meant = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}"
        raise ConfigurationError(f"worker {task_type!r}: there is no setting {name!r}; {remedy}")
