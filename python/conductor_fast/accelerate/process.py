"""What stands where conductor-python has a process for each worker."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from conductor_fast.accelerate.engine import Engine
from conductor_fast.accelerate.refusal import tell
from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.model.exceptions import ConductorFastError
from conductor_fast.worker.prepare import PreparedWorker, name_of

_TERMINATED = -15
_LOOK_EVERY = 0.02
"""Seconds. No lock or event: a signal handler that stops the engine may interrupt this very wait."""

_numbers = itertools.count(1)


class WorkerProcess:
    """A worker on the engine, with what programs touch of a `multiprocessing.Process`.

    `pid` is this process's. One that runs no worker (the log relay, the metrics server) does nothing. It can
    turn into the process that it stands for, as long as it is not started.
    """

    def __init__(
        self, engine: Engine, real: Callable[..., Any], worker: Any, arguments: dict[str, Any]
    ) -> None:
        self.worker = worker
        self.name: str = arguments.get("name") or f"Process-{next(_numbers)}"
        self.daemon: bool = bool(arguments.get("daemon"))
        self._engine = engine
        self._make_real = real
        self._arguments = arguments
        self._real: Any = None
        self._host: WorkerHost | None = None
        self._prepared: list[PreparedWorker] | None = None
        self._started = False
        self._terminated = False

    def prepare(self) -> None:
        """Read the worker; ConfigurationError if it cannot be run here."""
        if self.worker is not None and self._prepared is None:
            self._prepared = self._engine.prepare(self.worker)

    def become_real(self, **changes: Any) -> None:
        """Be the process itself from now on: the worker runs on conductor-python."""
        self._real = self._make_real(**{**self._arguments, **changes})
        self._real.daemon = changes.get("daemon", self.daemon)

    def become_relay(self, handler: Any) -> None:
        """As `become_real`, for the log relay of `handler`, which is started when it is made."""
        handler_queue: queue.Queue[Any] = multiprocessing.Queue()  # type: ignore[assignment]
        handler.queue = handler_queue
        rest = self._arguments["args"][1:]
        # A daemon, so that nothing waits for it: whoever has the queue of before cannot end it.
        self.become_real(args=(handler_queue, *rest), daemon=True)
        self._real.start()

    def start(self) -> None:
        if self._real is None and not self._started:
            try:
                self.prepare()
            except ConductorFastError as error:
                # Of a worker that is added while others run; before a start all are prepared.
                tell(f"worker {name_of(self.worker)}", str(error))
                self.become_real()
        if self._real is not None:
            self._real.start()
            return
        if self._started:
            raise AssertionError("cannot start a process twice")
        if self._prepared:
            self._host = self._engine.start(self._prepared, daemon=self.daemon)
        self._started = True

    def is_alive(self) -> bool:
        if self._real is not None:
            return bool(self._real.is_alive())
        if not self._started or self._terminated or self._engine.stopped:
            return False
        if self._host is None:
            return True
        alive = self._host.alive()
        return all(alive.get(worker.key, False) for worker in self._prepared or ())

    @property
    def pid(self) -> int | None:
        if self._real is not None:
            return self._real.pid  # type: ignore[no-any-return]
        return os.getpid() if self._started else None

    ident = pid

    @property
    def exitcode(self) -> int | None:
        if self._real is not None:
            return self._real.exitcode  # type: ignore[no-any-return]
        if not self._started or self.is_alive():
            return None
        return _TERMINATED if self._terminated else 0

    def join(self, timeout: float | None = None) -> None:
        """Wait until the engine is stopped. Signals are as in `Engine.wait`, without a timeout."""
        if self._real is not None:
            self._real.join(timeout)
            return
        assert self._started, "can only join a started process"  # noqa: S101 - as multiprocessing has it
        if self.worker is None or not self.is_alive():
            return
        if timeout is None:
            self._engine.wait()
            return
        deadline = time.monotonic() + timeout
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)

    def terminate(self) -> None:
        """Take no new task of this worker; what runs is finished and reported."""
        if self._real is not None:
            self._real.terminate()
            return
        if self._host is not None and self.is_alive():
            for worker in self._prepared or ():
                self._host.pause(worker.config.task_type, worker.config.domain)
        self._terminated = self._started

    def kill(self) -> None:
        """As `terminate`: there is no process of its own to kill."""
        if self._real is not None:
            self._real.kill()
        else:
            self.terminate()

    def close(self) -> None:
        if self._real is not None:
            self._real.close()


class Primitive:
    """`Process` or `Queue` of conductor-python's module: ours while a handler on the engine is made."""

    def __init__(self, real: Any, ours: Callable[..., Any]) -> None:
        self.real = real
        self._ours = ours

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        engine: Engine | None = getattr(making, "engine", None)
        return (
            self.real(*args, **kwargs) if engine is None else self._ours(engine, self.real, *args, **kwargs)
        )


making = threading.local()
"""`engine`: of the handler whose processes are being made on this thread."""


def thread_queue(_engine: Engine, _real: Any) -> queue.Queue[Any]:
    """A queue for what is in one process."""
    return queue.Queue()
