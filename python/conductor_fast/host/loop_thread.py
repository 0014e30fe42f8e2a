"""Coroutines of workers: the event loop that runs them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from conductor_fast.worker.invoke import run_job, run_observed_job

if TYPE_CHECKING:
    from conductor_fast._core import AsyncExecutor, Job
    from conductor_fast.worker.binding import Binding

_JOIN_TIMEOUT = 1.0


class AsyncWorkers:
    """The coroutines of any number of workers on one running loop: each task an `asyncio.Task`.

    A loop that somebody else runs is used from its own thread only; `LoopThread` brings one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, observed: bool = False) -> None:
        self.loop = loop
        self._run_job = run_observed_job if observed else run_job
        self._executors: list[AsyncExecutor] = []
        # The loop itself keeps only weak references to its tasks. None: cancelled already.
        self._tasks: dict[asyncio.Task[None], Job | None] = {}

    def add(self, executor: AsyncExecutor, binding: Binding) -> None:
        """Run what comes to `executor` from now on."""
        self._executors.append(executor)
        self.loop.add_reader(executor.fileno(), self._drain, executor, binding)

    def _drain(self, executor: AsyncExecutor, binding: Binding) -> None:
        for job, arguments in executor.drain():
            task = self.loop.create_task(self._run_job(job, arguments, binding))
            self._tasks[task] = job
            task.add_done_callback(self._tasks.pop)
        if executor.take_cancelled():
            self._cancel()

    def _cancel(self) -> None:
        """Cancel the coroutines whose tasks the server has ended; each once, for it may have to clean up."""
        for task, job in self._tasks.items():
            if job is not None and job.cancelled():
                self._tasks[task] = None
                task.cancel("the server has ended this task")

    def close(self) -> None:
        """Take no more tasks and cancel those that run."""
        for executor in self._executors:
            self.loop.remove_reader(executor.fileno())
        for task in self._tasks:
            task.cancel()


class LoopThread:
    """One daemon thread that runs an event loop for all coroutines of a host.

    `observed`: somebody listens to events.
    """

    def __init__(self, *, observed: bool) -> None:
        self._workers = AsyncWorkers(asyncio.new_event_loop(), observed=observed)
        self.thread = threading.Thread(target=self._run, name="conductor-asyncio", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        loop = self._workers.loop
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    def add(self, executor: AsyncExecutor, binding: Binding) -> None:
        """As `AsyncWorkers.add`, from any thread."""
        self._workers.loop.call_soon_threadsafe(self._workers.add, executor, binding)

    def close(self) -> None:
        """End the loop; coroutines that still run are cancelled."""
        loop = self._workers.loop

        def end() -> None:
            self._workers.close()
            # After the cancelled tasks have had their turn.
            loop.call_soon(loop.stop)

        loop.call_soon_threadsafe(end)
        self.thread.join(_JOIN_TIMEOUT)
