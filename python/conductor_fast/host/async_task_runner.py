"""The SDK's `AsyncTaskRunner`: one worker on the caller's event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType

from conductor_fast.host.running_workers import Executor
from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.settings.configuration import Configuration
from conductor_fast.worker.prepare import checked
from conductor_fast.worker.worker_interface import WorkerInterface

_IDLE_CHECK = 0.2
"""Seconds: a thread waits in such steps, so that a cancelled `run_once` does not leave one behind."""


class AsyncTaskRunner:
    """Runs one worker, with the SDK's constructor (automator/async_task_runner.py).

    Its coroutines run on the loop that awaits `run` or `run_once`, and may use that loop's connections, locks
    and queues; a function that is no coroutine function runs on threads. Signals are the program's.

    `metrics_settings`, `event_listeners`: as of `WorkerHost`.
    """

    def __init__(
        self,
        worker: WorkerInterface,
        configuration: Configuration | None = None,
        metrics_settings: object | None = None,
        event_listeners: Sequence[object] | None = None,
    ) -> None:
        self.worker = checked(worker)
        self.host = WorkerHost(
            configuration, event_listeners=event_listeners, metrics_settings=metrics_settings
        )
        self._on_request: list[Executor] = []
        self._lock = threading.Lock()
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def configuration(self) -> Configuration:
        return self.host.configuration

    async def run(self) -> None:
        """Poll, run and report until `stop`, or until it is cancelled; then drain.

        The drain, bounded by `host.drain_timeout`, finishes what runs and delivers every result.
        """
        self.host.run_coroutines_here()
        ended = asyncio.Event()
        with self._lock:
            self._ended, self._loop = ended, asyncio.get_running_loop()
        self.host.add(self.worker)
        try:
            await ended.wait()
        finally:
            await asyncio.to_thread(self.host.stop)

    async def run_once(self) -> None:
        """One poll of the free slots, for each task type; returns when every task that came is reported."""
        self.host.run_coroutines_here()
        if not self._on_request:
            self._on_request = self.host.add(self.worker, on_request=True)
        runtime = self.host.runtime
        for executor in self._on_request:
            await asyncio.to_thread(runtime.poll_once, executor)
        while not await asyncio.to_thread(runtime.wait_idle, _IDLE_CHECK):
            pass

    async def stop(self) -> None:
        """Stop polling, let running tasks finish, deliver every result. From any loop, and more than once.

        Awaited by the worker's own coroutine it only asks for the stop, which cannot be awaited there.
        """
        self.host.request_stop()
        with self._lock:
            if self._ended is not None and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._ended.set)
        if not self.host.runs_current_task():
            await asyncio.to_thread(self.host.stop)

    async def __aenter__(self) -> AsyncTaskRunner:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
