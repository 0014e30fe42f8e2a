"""From a worker to what is started: its attributes and the environment read once, and checked."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from conductor_fast.interop.context import provide_context
from conductor_fast.interop.sdk import derives
from conductor_fast.interop.workers import is_worker
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.model.task import Task
from conductor_fast.settings.configuration import Configuration
from conductor_fast.settings.environment import Resolved, describe, resolve_all
from conductor_fast.settings.worker_config import WorkerConfig
from conductor_fast.worker.adopted import AdoptedWorker
from conductor_fast.worker.binding import Binding
from conductor_fast.worker.registration import Registration, registration_of
from conductor_fast.worker.worker import Worker
from conductor_fast.worker.worker_interface import (
    DEFAULT_POLLING_INTERVAL,
    WorkerInterface,
    in_code,
    to_config,
)

_logger = logging.getLogger("conductor_fast.worker")


@dataclass(frozen=True)
class PreparedWorker:
    """A worker for one of its task types, with nothing left to decide."""

    worker: WorkerInterface
    config: WorkerConfig
    binding: Binding
    registration: Registration | None
    """The task definition to make at start, if any."""

    @property
    def key(self) -> tuple[str, str | None]:
        """The queue that it polls."""
        return self.config.task_type, self.config.domain

    @property
    def function(self) -> str:
        """The name of what does the tasks, for messages."""
        return name_of(self.worker)


def prepare(worker: object, configuration: Configuration) -> list[PreparedWorker]:
    """`worker`, once for each of its task types. Logs its settings and where they came from.

    The environment goes before the code, as in the SDK (worker/worker_config.py). Raises
    ConfigurationError that names the worker, the setting and the remedy, and the variable if it was one.
    """
    worker = checked(worker)
    provide_context()
    if is_worker(worker):
        worker = AdoptedWorker(worker)
    return [_prepare(worker, task_type, configuration) for task_type in _task_types(worker)]


def checked(worker: object) -> WorkerInterface:
    """`worker`, if it is one; else ConfigurationError that names what it is."""
    if isinstance(worker, WorkerInterface):
        if not hasattr(worker, "task_definition_name"):
            raise ConfigurationError(
                f"worker {type(worker).__name__}: its __init__ does not call "
                "super().__init__(task_definition_name); call it first"
            )
        return worker
    if is_worker(worker):
        # It has the same attributes and methods, and `prepare` adopts it when it is started.
        return cast("WorkerInterface", worker)
    if isinstance(worker, type):
        kind: type[Any] = worker
        is_worker_class = issubclass(kind, WorkerInterface) or derives(kind)
        remedy = (
            f"give an instance, such as {worker.__name__}('task_type')"
            if is_worker_class
            else "derive it from WorkerInterface, and give an instance"
        )
        raise ConfigurationError(f"worker {worker.__name__}: is a class and no worker; {remedy}")
    if callable(worker):
        name = getattr(worker, "__qualname__", type(worker).__name__)
        raise ConfigurationError(
            f"worker {name}: is a function and no worker; give Worker('task_type', {name}), "
            "or decorate it with @worker_task('task_type') and give nothing"
        )
    raise ConfigurationError(
        f"worker {worker!r}: expected a conductor_fast.Worker or a WorkerInterface, "
        f"not {type(worker).__name__}"
    )


def name_of(worker: WorkerInterface) -> str:
    """What does the worker's tasks, for messages."""
    if isinstance(worker, AdoptedWorker):
        worker = worker.origin
    function = getattr(worker, "execute_function", None)
    if function is None:
        return f"{type(worker).__module__}.{type(worker).__qualname__}"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}"


def _task_types(worker: WorkerInterface) -> list[str]:
    if type(worker).get_task_definition_name is not WorkerInterface.get_task_definition_name:
        return [worker.get_task_definition_name()]
    return list(worker.task_definition_names)


def _prepare(worker: WorkerInterface, task_type: str, configuration: Configuration) -> PreparedWorker:
    code = in_code(worker)
    if code["register_schema"] is None:
        code["register_schema"] = bool(configuration.register_schema)
    resolved = resolve_all(task_type, code)
    settings = {name: each.value for name, each in resolved.items()}
    settings["domain"] = settings["domain"] or None
    if not isinstance(worker, Worker) and resolved["poll_interval"].source == "code":
        # Nobody has asked for it: it is what the base class sets.
        settings["poll_interval"] = _unless_default(settings["poll_interval"])
    try:
        config = to_config(task_type, settings, worker.nan)
        registration = registration_of(worker, task_type, settings) if settings["register_task_def"] else None
    except ConfigurationError as error:
        raise _with_sources(error, resolved) from None
    _logger.info("%s", describe(task_type, resolved), extra={"task_type": task_type})
    return PreparedWorker(worker, config, _binding(worker), registration)


def _unless_default(interval: float | None) -> float | None:
    return None if interval == DEFAULT_POLLING_INTERVAL else interval


def _with_sources(error: ConfigurationError, resolved: dict[str, Resolved]) -> ConfigurationError:
    sources = [f"{each.source}={each.value}" for each in resolved.values() if each.source != "code"]
    return ConfigurationError(f"{error}; the environment says {', '.join(sources)}") if sources else error


def _binding(worker: WorkerInterface) -> Binding:
    if isinstance(worker, AdoptedWorker):
        return worker.binding
    if isinstance(worker, Worker) and type(worker).execute is Worker.execute:
        return worker.binding
    is_async = inspect.iscoroutinefunction(worker.execute)
    return Binding(whole_task=True, call=_execute_call(worker.execute), is_async=is_async)


def _execute_call(execute: Callable[[Task], Any]) -> Callable[[dict[str, Any]], Any]:
    from_wire = Task.from_wire

    def call(wire: dict[str, Any]) -> Any:
        return execute(from_wire(wire))

    return call
