"""The decorators that make a function a worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar, cast

from conductor_fast.interop.workflow import simple_task
from conductor_fast.settings.worker_config import Prefetch
from conductor_fast.worker.registry import register_decorated_fn
from conductor_fast.worker.worker import refuse_unknown

Function = TypeVar("Function", bound=Callable[..., Any])

_LEGACY_SETTINGS = (
    "poll_interval",
    "domain",
    "worker_id",
    "poll_interval_seconds",
    "thread_count",
    "register_task_def",
    "poll_timeout",
    "lease_extend_enabled",
    "register_schema",
)
_SETTINGS = (
    "poll_interval_millis",
    *(name for name in _LEGACY_SETTINGS if not name.startswith("poll_interval")),
    "task_def",
    "overwrite_task_def",
    "strict_schema",
    "prefetch",
)


def worker_task(
    task_definition_name: str,
    poll_interval_millis: float = 100,
    domain: str | None = None,
    worker_id: str | None = None,
    thread_count: int = 1,
    register_task_def: bool = False,
    poll_timeout: int = 100,
    lease_extend_enabled: bool = False,
    task_def: Any = None,
    overwrite_task_def: bool = True,
    strict_schema: bool = False,
    register_schema: bool | None = None,
    prefetch: Prefetch = "auto",
    **unknown: NoReturn,
) -> Callable[[Function], Function]:
    """Make the function below the worker of a task type; `TaskHandler` runs all that were decorated.

    The settings are those of `Worker`; `poll_interval_millis` left at 100 leaves the choice to the engine.
    The function can still be called. Called with `task_ref_name` it makes a task for a workflow of
    conductor-python, as there (client/worker/worker_task.py).
    """
    refuse_unknown(task_definition_name, unknown, _SETTINGS)

    def decorate(func: Function) -> Function:
        register_decorated_fn(
            task_definition_name,
            poll_interval_millis,
            domain,
            worker_id,
            func,
            thread_count,
            register_task_def,
            poll_timeout,
            lease_extend_enabled,
            task_def,
            overwrite_task_def,
            strict_schema,
            register_schema,
            prefetch,
        )
        return _callable_as_task(task_definition_name, func)

    return decorate


def WorkerTask(  # noqa: N802 - the SDK's name
    task_definition_name: str,
    poll_interval: float = 100,
    domain: str | None = None,
    worker_id: str | None = None,
    poll_interval_seconds: float = 0,
    thread_count: int = 1,
    register_task_def: bool = False,
    poll_timeout: int = 100,
    lease_extend_enabled: bool = False,
    register_schema: bool | None = None,
    **unknown: NoReturn,
) -> Callable[[Function], Function]:
    """`worker_task` under its former name and with its former parameters.

    `poll_interval` is milliseconds; `poll_interval_seconds`, if greater than 0, goes before it.
    """
    refuse_unknown(task_definition_name, unknown, _LEGACY_SETTINGS)
    return worker_task(
        task_definition_name,
        poll_interval_seconds * 1_000 if poll_interval_seconds > 0 else poll_interval,
        domain,
        worker_id,
        thread_count,
        register_task_def,
        poll_timeout,
        lease_extend_enabled,
        register_schema=register_schema,
    )


def _callable_as_task(task_type: str, func: Function) -> Function:
    with suppress(TypeError, ValueError):  # no signature: `bind` says so at start
        if "task_ref_name" in inspect.signature(func).parameters:
            return func  # the name is the function's own

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "task_ref_name" in kwargs:
            return simple_task(task_type, kwargs.pop("task_ref_name"), kwargs)
        return func(*args, **kwargs)

    return cast("Function", call)
