"""The functions that were decorated, by task type and domain."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.worker_config import Prefetch
from conductor_fast.worker.worker import Worker
from conductor_fast.worker.worker_interface import DEFAULT_POLLING_INTERVAL

_logger = logging.getLogger("conductor_fast.worker")


@dataclass(frozen=True)
class Decorated:
    """A function and the settings that it was decorated with, by the names of the constructor of `Worker`."""

    execute_function: Callable[..., Any]
    poll_interval: float | None
    worker_id: str | None
    thread_count: int
    register_task_def: bool
    poll_timeout: int
    lease_extend_enabled: bool
    task_def_template: Any
    overwrite_task_def: bool
    strict_schema: bool
    register_schema: bool | None
    prefetch: Prefetch


_decorated_functions: dict[tuple[str, str | None], Decorated] = {}


def register_decorated_fn(
    name: str,
    poll_interval: float,
    domain: str | None,
    worker_id: str | None,
    func: Callable[..., Any],
    thread_count: int = 1,
    register_task_def: bool = False,
    poll_timeout: int = 100,
    lease_extend_enabled: bool = False,
    task_def: Any = None,
    overwrite_task_def: bool = True,
    strict_schema: bool = False,
    register_schema: bool | None = None,
    prefetch: Prefetch = "auto",
) -> None:
    """Make `func` the worker of `name` in `domain`; what `@worker_task` calls (automator/task_handler.py).

    A function that is defined anew (a notebook's cell, a reloaded module) takes the place of its former
    self. Another one is refused: in the SDK the later one counts and the earlier one never runs.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users do
        raise ConfigurationError(
            f"worker_task: the task type {name!r} is no name; decorate with @worker_task('task_type'), "
            "once for each task type"
        )
    domain = domain or None
    former = _decorated_functions.get((name, domain))
    if former is not None:
        _refuse_another(name, domain, former.execute_function, func)
    _decorated_functions[name, domain] = Decorated(
        execute_function=func,
        # The decorators' default, which nobody need have asked for.
        poll_interval=None if poll_interval == DEFAULT_POLLING_INTERVAL else poll_interval,
        worker_id=worker_id,
        thread_count=thread_count,
        register_task_def=register_task_def,
        poll_timeout=poll_timeout,
        lease_extend_enabled=lease_extend_enabled,
        task_def_template=task_def,
        overwrite_task_def=overwrite_task_def,
        strict_schema=strict_schema,
        register_schema=register_schema,
        prefetch=prefetch,
    )


def get_registered_workers() -> list[Worker]:
    """A worker for every decorated function, made anew by each call."""
    return [
        Worker(name, domain=domain, **{field.name: getattr(record, field.name) for field in fields(record)})
        for (name, domain), record in _decorated_functions.items()
    ]


def get_registered_worker_names() -> list[str]:
    """The task types of the decorated functions; one that has several domains is there several times."""
    return [name for name, _domain in _decorated_functions]


def _refuse_another(
    name: str, domain: str | None, former: Callable[..., Any], func: Callable[..., Any]
) -> None:
    if _place(former) == _place(func):
        return
    where = f" in domain {domain!r}" if domain else ""
    if _may_be_gone(former):
        _logger.warning("worker %r%s: %s takes the place of %s", name, where, _shown(func), _shown(former))
        return
    raise ConfigurationError(
        f"worker {name!r}{where}: two functions are decorated for it, {_shown(former)} and {_shown(func)}; "
        "give one of them another task type or domain"
    )


def _place(func: Callable[..., Any]) -> tuple[str, str]:
    """Where a function stands: the same after a reload, and for a module run as a program and imported."""
    code = getattr(inspect.unwrap(func), "__code__", None)
    file = code.co_filename if code is not None else type(func).__module__
    if file.startswith("<") or "ipykernel" in file:
        # Each cell of a notebook is a file of its own.
        file = func.__module__
    return file, getattr(func, "__qualname__", type(func).__qualname__)


def _may_be_gone(func: Callable[..., Any]) -> bool:
    """Was the function local to a call (a test's, a factory's), or typed in? Another may replace it then."""
    interactive = not hasattr(sys.modules.get("__main__"), "__file__")
    typed_in = getattr(func, "__module__", None) == "__main__" and interactive
    return typed_in or "<locals>" in getattr(func, "__qualname__", "")


def _shown(func: Callable[..., Any]) -> str:
    module = getattr(func, "__module__", None) or type(func).__module__
    return f"{module}.{getattr(func, '__qualname__', type(func).__qualname__)}"
