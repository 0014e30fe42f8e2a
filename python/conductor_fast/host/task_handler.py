"""The SDK's `TaskHandler`: all workers of a program."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.interop.workers import registered_workers
from conductor_fast.model.exceptions import ConductorFastError, ConfigurationError
from conductor_fast.settings.configuration import Configuration
from conductor_fast.worker.prepare import checked, name_of, prepare
from conductor_fast.worker.registry import get_registered_workers
from conductor_fast.worker.worker_interface import WorkerInterface

_logger = logging.getLogger("conductor_fast.host")


class TaskHandler:
    """Runs workers, with the SDK's constructor and method names (automator/task_handler.py).

    All workers run in this process, under one engine: a worker's thread pool is its `thread_count`, and
    module globals are shared. Nothing is pickled, so a function may be of any kind, and a program needs no
    `if __name__ == "__main__"`. It can be started from any thread.

    `workers`, and with `scan_for_annotated_workers` every function decorated so far, after the modules
    named in `import_modules` were imported; a decorated function that `workers` holds already counts once.
    `metrics_settings`: as of `WorkerHost`. The settings of supervision (`monitor_…`, `restart_…`) are taken
    and kept: there is no process to watch, and the engine restarts its loops itself.

    A context manager: it starts on entering and drains on leaving. With `async with`, coroutine workers run
    on the caller's event loop, whose connections, locks and queues they may use, and it goes on running
    them during the drain; other workers have their threads as ever. Signals are the program's there: the
    Ctrl-C of `asyncio.run` leaves the block and so drains. `host` is the engine's own face.
    """

    def __init__(
        self,
        workers: Iterable[WorkerInterface] | WorkerInterface | None = None,
        configuration: Configuration | None = None,
        metrics_settings: object | None = None,
        scan_for_annotated_workers: bool = True,
        import_modules: Sequence[str] | None = None,
        event_listeners: Sequence[object] | None = None,
        monitor_processes: bool = True,
        restart_on_failure: bool = True,
        monitor_interval_seconds: float = 5.0,
        restart_backoff_seconds: float = 1.0,
        restart_backoff_max_seconds: float = 60.0,
        restart_max_attempts: int = 0,
    ) -> None:
        for module in _checked_modules(import_modules):
            importlib.import_module(module)
        self.workers: list[WorkerInterface] = _as_list(workers)
        self.host = WorkerHost(
            configuration, event_listeners=event_listeners, metrics_settings=metrics_settings
        )
        if scan_for_annotated_workers:
            decorated_there = registered_workers(self.host.configuration.register_schema)
            _add_decorated(self.workers, [*get_registered_workers(), *decorated_there])
        self.event_listeners = list(event_listeners or [])
        self.monitor_processes = monitor_processes
        self.restart_on_failure = restart_on_failure
        self.monitor_interval_seconds = monitor_interval_seconds
        self.restart_backoff_seconds = restart_backoff_seconds
        self.restart_backoff_max_seconds = restart_backoff_max_seconds
        self.restart_max_attempts = restart_max_attempts
        self._lock = threading.Lock()
        self._started: list[WorkerInterface] = []
        self._stopped = False

    def start_processes(self) -> None:
        """Start every worker in `workers` that is not started yet; all of them, or none if one cannot be."""
        with self._lock:
            if self._stopped:
                raise ConductorFastError("this task handler is stopped; make a new one")
            new = [worker for worker in self.workers if not any(worker is each for each in self._started)]
            prepared = [each for worker in new for each in prepare(worker, self.host.configuration)]
            if not prepared and not self._started:
                _logger.warning(
                    "there are no workers: none were given, and no imported module has a function that is "
                    "decorated with @worker_task; name their modules in import_modules"
                )
            self.host.start()
            self.host.start_prepared(prepared)
            self._started += new
        _logger.info("%d workers run", len(self._started))

    def stop_processes(self) -> None:
        """Stop polling, let running tasks finish, deliver every result; bounded by `host.drain_timeout`.

        May be called from any thread, and more than once.
        """
        self._stopped = True
        self.host.stop()

    def join_processes(self) -> None:
        """Block until somebody calls `stop_processes`, or until SIGTERM or SIGINT; then drain."""
        if not self._started and not self._stopped:
            raise ConductorFastError("there is nothing to wait for yet; call start_processes() first")
        self.host.wait()
        self._stopped = True

    def get_worker_process_status(self) -> list[dict[str, Any]]:
        """For each queue that is polled: `worker`, `pid`, `alive`, `exitcode`, `restart_count`.

        With the SDK's keys: `worker` is the task type, `pid` this process, `exitcode` 0 once stopped.
        """
        exitcode = 0 if self._stopped else None
        return [
            {
                "worker": task_type,
                "pid": os.getpid(),
                "alive": alive,
                "exitcode": exitcode,
                "restart_count": 0,
            }
            for (task_type, _domain), alive in self.host.alive().items()
        ]

    def is_healthy(self) -> bool:
        """Is every worker started, and does it poll or work? See `WorkerHost.healthy`."""
        healthy = self.host.healthy()
        started = all(any(worker is each for each in self._started) for worker in self.workers)
        return started and not self._stopped and all(healthy.values())

    def __enter__(self) -> TaskHandler:
        self.start_processes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_processes()

    async def __aenter__(self) -> TaskHandler:
        self.host.run_coroutines_here()
        self.start_processes()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop_processes)


def _checked_modules(modules: Sequence[str] | None) -> Sequence[str]:
    if isinstance(modules, str):
        raise ConfigurationError(f"import_modules {modules!r} is one name; give a list, [{modules!r}]")
    return modules or []


def _as_list(workers: Iterable[WorkerInterface] | WorkerInterface | None) -> list[WorkerInterface]:
    """A list of its own, so that the caller's stays as it is (S14)."""
    if workers is None:
        return []
    if isinstance(workers, Iterable):
        return [checked(worker) for worker in workers]
    return [checked(workers)]


def _add_decorated(workers: list[WorkerInterface], decorated_workers: Sequence[Any]) -> None:
    """Add a worker for every decorated function that has none in `workers`."""
    given = {(name, worker.get_domain() or None): worker for worker in workers for name in _names(worker)}
    for decorated in decorated_workers:
        key = decorated.get_task_definition_name(), decorated.domain or None
        if key not in given:
            workers.append(decorated)
        elif _function(given[key]) is not decorated.execute_function:
            raise ConfigurationError(
                f"worker {key[0]!r}: given with {name_of(given[key])}, and {name_of(decorated)} is decorated "
                "for it; give one of them another task type or domain, or scan_for_annotated_workers=False"
            )


def _names(worker: WorkerInterface) -> list[str]:
    return worker.task_definition_names


def _function(worker: WorkerInterface) -> Callable[..., Any] | None:
    return getattr(worker, "execute_function", None)
