"""Coroutines of workers: the event loop that runs them, ours or the user's."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from conductor_fast.worker.invoke import run_job

if TYPE_CHECKING:
    from conductor_fast._core import AsyncExecutor
    from conductor_fast.worker.binding import Binding
    from conductor_fast.worker.converter import Arguments

_JOIN_TIMEOUT = 1.0

_Start = Callable[[Coroutine[Any, Any, None]], object]


def _at_once(loop: asyncio.AbstractEventLoop) -> _Start | None:
    """What makes tasks whose first step runs before the call returns: without a handle and a turn of the loop
    for those that await nothing (25 instead of 38 thousand instructions a task).

    None before CPython 3.12.5, in which `get_coro` of a task that ended in its first step ends the process
    (python/cpython#122332), and where the loop's class may make its tasks in a way of its own.
    """
    is_known = type(loop).__module__.partition(".")[0] in ("asyncio", "uvloop")
    # Twice: type checkers compare no more than the minor version.
    if sys.version_info >= (3, 12) and sys.version_info >= (3, 12, 5) and is_known:
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return None


class AsyncWorkers:
    """The coroutines of any number of workers on one running loop: each task an `asyncio.Task`.

    Used from the loop's own thread only: `LoopThread` brings a loop, `CallersLoop` is the user's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._executors: list[AsyncExecutor] = []
        self._at_once = _at_once(loop)

    def add(self, executor: AsyncExecutor, binding: Binding) -> None:
        """Run what comes to `executor` from now on."""
        self._executors.append(executor)
        self.loop.add_reader(executor.fileno(), self._drain, executor, binding.call)

    def _drain(self, executor: AsyncExecutor, call: Callable[[Arguments], Any]) -> None:
        start = self._at_once
        if start is None or self.loop.get_task_factory() is not None or "create_task" in vars(self.loop):
            start = self.loop.create_task
        for job in executor.drain():
            start(run_job(job, call, asyncio.current_task))  # the job keeps it
        for task in executor.take_cancelled():
            task.cancel("the server has ended this task")

    def runs_current_task(self) -> bool:
        """Is the caller a worker's coroutine?"""
        current = asyncio.current_task()
        return any(current in executor.tasks() for executor in self._executors)

    def close(self) -> None:
        """Take no more tasks and cancel those that run."""
        for executor in self._executors:
            self.loop.remove_reader(executor.fileno())
            executor.close()
            for task in executor.tasks():
                task.cancel()


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where the user has installed it (13.8 instead of 15.9 µs of CPU a task in the prototype)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class LoopThread:
    """One daemon thread that runs an event loop for all coroutines of a host."""

    def __init__(self) -> None:
        self._workers = AsyncWorkers(_new_loop())
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

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def runs_current_thread(self) -> bool:
        return threading.current_thread() is self.thread

    def close(self) -> None:
        """End the loop; coroutines that still run are cancelled."""
        loop = self._workers.loop

        def end() -> None:
            self._workers.close()
            # After the cancelled tasks have had their turn.
            loop.call_soon(loop.stop)

        loop.call_soon_threadsafe(end)
        self.thread.join(_JOIN_TIMEOUT)


class CallersLoop:
    """The loop on which the caller runs: its coroutines, connections and locks are those of the workers too.

    It is neither run nor ended from here.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = threading.current_thread()
        self._workers = AsyncWorkers(self.loop)

    def add(self, executor: AsyncExecutor, binding: Binding) -> None:
        """As `AsyncWorkers.add`, from any thread."""
        self.loop.call_soon_threadsafe(self._workers.add, executor, binding)

    def is_alive(self) -> bool:
        return self.loop.is_running()

    def runs_current_thread(self) -> bool:
        """Would the coroutines wait if the caller blocked? Not any more once the loop has ended."""
        return self.loop.is_running() and threading.current_thread() is self._thread

    def runs_current_task(self) -> bool:
        """As `AsyncWorkers.runs_current_task`; on this loop."""
        return self._workers.runs_current_task()

    def close(self) -> None:
        """Take no more tasks; coroutines that still run are cancelled. From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has cancelled them itself
            self.loop.call_soon_threadsafe(self._workers.close)
