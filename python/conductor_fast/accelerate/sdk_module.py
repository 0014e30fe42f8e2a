"""conductor-python's `task_handler` module, which imports all that is patched, and what it was before."""

from __future__ import annotations

import inspect
import multiprocessing
from typing import Any

TESTED_VERSION = "2.0.0"
TASK_HANDLER = "conductor.client.automator.task_handler"
PROCESS_TARGETS = ("_run_sync_worker_process", "_run_async_worker_process")
HANDLER_METHODS = (
    "__init__",
    "start_processes",
    "join_processes",
    "stop_processes",
    "_TaskHandler__create_task_runner_process",
    "_TaskHandler__start_monitor_thread",
)
RUNNER_METHODS = ("run", "run_once", "stop", "_cleanup")


class SdkModule:
    """The module, its classes, and their methods as they were when conductor-python was imported."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.handler: Any = module.TaskHandler
        self.runner: Any = module.TaskRunner
        self.async_runner: Any = module.AsyncTaskRunner
        task_runner = inspect.getmodule(self.runner)
        async_task_runner = inspect.getmodule(self.async_runner)
        self._classes: list[Any] = [
            self.handler,
            self.runner,
            self.async_runner,
            module.Worker,
            module.WorkerInterface,
            # Programs that replace the calls to the server expect them to be made.
            getattr(task_runner, "TaskResourceApi", None),
            getattr(async_task_runner, "AsyncTaskResourceApi", None),
        ]
        self._functions = {name: getattr(module, name) for name in PROCESS_TARGETS}
        self.remember()

    def remember(self) -> None:
        """Take the classes as they are now for unpatched."""
        self._methods = {kind: _functions_of(kind) for kind in self._classes if kind is not None}

    def problem(self) -> str | None:
        """What of the module is not as it is known, or was patched before us; None if all is."""
        for kind, names in (
            (self.handler, HANDLER_METHODS),
            (self.runner, RUNNER_METHODS),
            (self.async_runner, RUNNER_METHODS),
        ):
            for name in names:
                if not callable(getattr(kind, name, None)):
                    return f"its {kind.__name__} has no method {name}"
        for kind, functions in self._methods.items():
            for name, function in functions.items():
                if function.__module__ != kind.__module__:
                    return f"{kind.__name__}.{name} is patched, by {function.__module__}"
        return None

    def patched(self) -> str | None:
        """What was replaced since; None if nothing was."""
        for kind, functions in self._methods.items():
            for name, function in functions.items():
                if kind.__dict__.get(name) is not function:
                    return f"{kind.__name__}.{name} is patched"
        known = {**self._functions, "TaskRunner": self.runner, "AsyncTaskRunner": self.async_runner}
        for name, value in known.items():
            if getattr(self.module, name, None) is not value:
                return f"{name} is patched"
        return None

    def is_worker_target(self, target: object) -> bool:
        """Is it what one of conductor-python's worker processes runs?"""
        return any(target is function for function in self._functions.values())

    def is_worker_process(self) -> bool:
        """Does this process run one worker for a handler of another process?"""
        current = multiprocessing.current_process()
        target = getattr(current, "_target", None)
        return getattr(target, "__module__", None) == TASK_HANDLER


def _functions_of(kind: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = dict(kind.__dict__)
    return {name: value for name, value in attributes.items() if inspect.isfunction(value)}
