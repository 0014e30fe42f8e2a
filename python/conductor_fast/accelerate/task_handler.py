"""Methods in the place of those of conductor-python's `TaskHandler`.

That one goes on doing everything itself, with `WorkerProcess` for its processes: scanning, its settings, its
attributes and its log lines are its own.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from conductor_fast.accelerate.engine import Engine
from conductor_fast.accelerate.process import Primitive, WorkerProcess, making, thread_queue
from conductor_fast.accelerate.refusal import refusal, tell
from conductor_fast.accelerate.sdk_module import SdkModule
from conductor_fast.model.exceptions import ConductorFastError

_ENGINE = "_conductor_fast_engine"

_logger = logging.getLogger("conductor_fast.accelerate")


def patch_task_handler(sdk: SdkModule) -> None:
    """Put the engine under every `TaskHandler` that is made from now on, if nothing is against it."""
    handler, isolation = sdk.handler, sdk.module.worker_isolation
    init, start = handler.__init__, handler.start_processes
    stop = handler.stop_processes
    create = handler._TaskHandler__create_task_runner_process
    monitor = handler._TaskHandler__start_monitor_thread
    isolate = isolation.apply_thread_isolation
    signature = inspect.signature(init)
    primitives = _Primitives(sdk)  # last, so that nothing is patched where something is missing

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        given = signature.bind(self, *args, **kwargs).arguments
        engine = _engine_for(self, sdk, primitives, given)
        setattr(self, _ENGINE, engine)
        with _making(engine):
            init(self, *args, **kwargs)

    def start_processes(self: Any) -> None:
        engine = _engine_of(self)
        if engine is not None:
            try:
                for process in self.task_runner_processes:
                    process.prepare()
                engine.open()
            except Exception as error:  # whatever a worker's own methods do: there it may run all the same
                _give_up(self, str(error) or type(error).__name__)
            else:
                configuration = self._configuration or sdk.module.Configuration()
                # What each worker process does there.
                configuration.apply_logging_config()
        start(self)
        if _engine_of(self) is not None:
            _logger.info("accelerated: %d workers run on conductor_fast", len(self.workers))

    def stop_processes(self: Any) -> None:
        engine = _engine_of(self)
        if engine is not None:
            engine.stop()
        stop(self)

    def create_task_runner_process(self: Any, *args: Any, **kwargs: Any) -> None:
        with _making(_engine_of(self)):
            primitives.put()
            create(self, *args, **kwargs)

    def start_monitor_thread(self: Any) -> None:
        if _engine_of(self) is None:
            monitor(self)

    def apply_thread_isolation() -> None:
        if getattr(making, "engine", None) is None:
            isolate()

    replace_methods(
        handler,
        {
            "__init__": __init__,
            "start_processes": start_processes,
            "stop_processes": stop_processes,
            "_TaskHandler__create_task_runner_process": create_task_runner_process,
            "_TaskHandler__start_monitor_thread": start_monitor_thread,
        },
    )
    isolation.apply_thread_isolation = _like(apply_thread_isolation, isolate)


class _Primitives:
    """`Process` and `Queue` in conductor-python's module."""

    def __init__(self, sdk: SdkModule) -> None:
        self._sdk = sdk
        self._known = (sdk.module.Process, sdk.module.worker_isolation._ThreadAsProcess)

        def make(engine: Engine, real: Any, *args: Any, **kwargs: Any) -> WorkerProcess:
            return _process(sdk, engine, real, args, kwargs)

        self._process = Primitive(sdk.module.Process, make)
        self._queue = Primitive(sdk.module.Queue, thread_queue)
        self.put()

    def patched(self) -> str | None:
        """Has a test put something of its own there?"""
        process = self._sdk.module.Process
        return None if process is self._process or process in self._known else "Process is patched"

    def put(self) -> None:
        """In the place of what is there now: thread isolation puts its own there."""
        module = self._sdk.module
        if module.Process is not self._process:
            self._process.real, module.Process = module.Process, self._process
        if module.Queue is not self._queue:
            self._queue.real, module.Queue = module.Queue, self._queue


def _engine_for(
    handler: Any, sdk: SdkModule, primitives: _Primitives, given: dict[str, Any]
) -> Engine | None:
    reason = primitives.patched() or refusal(sdk, handler, sdk.handler)
    if reason is None:
        try:
            engine = Engine(
                given.get("configuration") or sdk.module.Configuration(),
                given.get("metrics_settings"),
                given.get("event_listeners") or [],
            )
        except ConductorFastError as error:
            reason = str(error)
        else:
            primitives.put()
            return engine
    tell(f"{type(handler).__module__}.{type(handler).__qualname__}", reason)
    return None


def _engine_of(handler: Any) -> Engine | None:
    engine: Engine | None = getattr(handler, _ENGINE, None)
    return engine


def _process(sdk: SdkModule, engine: Engine, real: Any, args: Any, kwargs: dict[str, Any]) -> WorkerProcess:
    given = dict(zip(("group", "target", "name", "args", "kwargs"), args, strict=False)) | kwargs
    worker = given["args"][0] if sdk.is_worker_target(given.get("target")) else None
    return WorkerProcess(engine, real, worker, given)


def _give_up(handler: Any, reason: str) -> None:
    """Let the whole of `handler` run on conductor-python. Nothing of it is started yet but the log relay."""
    tell(f"{type(handler).__module__}.{type(handler).__qualname__}", reason)
    getattr(handler, _ENGINE).stop()
    setattr(handler, _ENGINE, None)
    for process in (*handler.task_runner_processes, handler.metrics_provider_process):
        if process is not None:
            process.become_real()
    handler.logger_process.become_relay(handler)


@contextmanager
def _making(engine: Engine | None) -> Generator[None, None, None]:
    before = getattr(making, "engine", None)
    making.engine = engine
    try:
        yield
    finally:
        making.engine = before


def replace_methods(kind: Any, methods: Mapping[str, Callable[..., Any]]) -> None:
    """Put `methods` in the place of those that `kind` has under these names."""
    for name, method in methods.items():
        setattr(kind, name, _like(method, getattr(kind, name)))


def _like(method: Callable[..., Any], original: Any) -> Callable[..., Any]:
    """`method` under the name, signature and documentation of `original`."""
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(method, name, getattr(original, name))
    method.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return method
