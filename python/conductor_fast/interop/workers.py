"""conductor-python's workers: what of them a worker here is made of."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from conductor_fast.interop.sdk import find, is_one

_SWITCHES = {
    "register_task_def": False,
    "lease_extend_enabled": False,
    "paused": False,
    "overwrite_task_def": True,
    "strict_schema": False,
}


@dataclass(frozen=True)
class SdkWorker:
    """A worker of conductor-python, read."""

    task_types: list[str]
    function: Any
    """What runs the tasks: the worker's function, or the `execute` of its class."""
    is_class: bool
    settings: dict[str, Any]
    """By the names of the attributes of `WorkerInterface`, and `worker_id`."""


def is_worker(value: object) -> bool:
    """Is it one of conductor-python's workers?"""
    return is_one(value, "worker.worker_interface", "WorkerInterface")


def read_worker(given: object) -> SdkWorker:
    """The worker as its attributes stand now.

    The function of a `Worker` runs without its `execute`, unless a subclass has one of its own; a coroutine
    function always does, as there.
    """
    worker: Any = given
    kind: Any = type(given)
    function = getattr(worker, "execute_function", None)
    own: Any = find("worker.worker", "Worker")
    is_class = function is None or not (
        is_async(function) or (own is not None and kind.execute is own.execute)
    )
    base: Any = find("worker.worker_interface", "WorkerInterface")
    names: list[str] = list(worker.task_definition_names)
    if kind.get_task_definition_name is not base.get_task_definition_name:
        names = [worker.get_task_definition_name()]
    interval = worker.poll_interval
    if kind.get_polling_interval_in_seconds is not base.get_polling_interval_in_seconds:
        interval = worker.get_polling_interval_in_seconds() * 1_000
    settings = {
        # The default of there, which is a bound. `poll_timeout` was never read (S1).
        "poll_interval": None if interval == 100 else interval,
        "domain": worker.get_domain() or None,
        "worker_id": worker.get_identity(),
        "thread_count": worker.thread_count,
        "task_def_template": getattr(worker, "task_def_template", None),
        "register_schema": getattr(worker, "register_schema", None),
        **{name: getattr(worker, name, default) for name, default in _SWITCHES.items()},
    }
    return SdkWorker(names, worker.execute if is_class else function, is_class, settings)


def is_async(function: object) -> bool:
    """Does conductor-python run it as a coroutine function? (automator/task_handler.py)"""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004
    )


def registered_workers(register_schema: bool | None) -> list[Any]:
    """conductor-python's `Worker` for each function decorated with its `worker_task`.

    `register_schema`: for those that do not say themselves.
    """
    workers: list[Any] = []
    make: Any = find("automator.task_handler", "get_registered_workers")
    records: Any = find("automator.task_handler", "_decorated_functions")
    if make is None or not records:
        return workers
    workers += make()
    for worker, record in zip(workers, records.values(), strict=True):
        worker.register_schema = record.get("register_schema", register_schema)
        if worker.register_schema is None:
            worker.register_schema = register_schema
    return workers
