"""The workers that a host has started: their executors, their threads, and what changes while they run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conductor_fast import _core
from conductor_fast.host.log_thread import log_safely
from conductor_fast.host.loop_thread import CallersLoop, LoopThread
from conductor_fast.model.exceptions import ConductorFastError
from conductor_fast.model.plain import to_plain
from conductor_fast.worker.invoke import run_lane
from conductor_fast.worker.prepare import PreparedWorker

Executor = _core.SyncExecutor | _core.AsyncExecutor
Key = tuple[str, str | None]
"""Task type and domain: a queue, which has one worker here."""

_JOIN_TIMEOUT = 1.0

_logger = logging.getLogger("conductor_fast.host")


class RunningWorkers:
    """Started workers by the queue that they poll. Changed under the host's lock only."""

    def __init__(self) -> None:
        self._executors: dict[Key, Executor] = {}
        self._workers: dict[Key, PreparedWorker] = {}
        self._lanes: dict[Key, list[threading.Thread]] = {}
        self._threads: list[threading.Thread] = []
        self._loop: LoopThread | CallersLoop | None = None

    def refuse_taken(self, workers: Sequence[PreparedWorker]) -> None:
        """ConductorFastError if one of `workers` polls a queue that has a worker already."""
        taken = dict(self._workers)
        for worker in workers:
            if worker.key in taken:
                raise ConductorFastError(
                    f"worker {_shown(worker.key)} is started already, with {taken[worker.key].function}; "
                    "give that one more threads (batch_size, thread_count), or this one another task type "
                    "or domain"
                )
            taken[worker.key] = worker

    def run_coroutines_on(self, loop: CallersLoop) -> None:
        """Run coroutines on the caller's loop from now on, if none runs elsewhere already."""
        if self._loop is not None and not (
            isinstance(self._loop, CallersLoop) and self._loop.loop is loop.loop
        ):
            raise ConductorFastError(
                "coroutine workers run on another event loop already; start none of them before entering "
                "with `async with`, or make a new handler"
            )
        self._loop = self._loop or loop

    def start(self, runtime: _core.Runtime, worker: PreparedWorker, *, on_request: bool) -> Executor:
        """Poll for `worker`, or with `on_request` only when asked, and run what comes."""
        binding, key = worker.binding, worker.key
        add = runtime.add_async_worker if binding.is_async else runtime.add_worker
        executor = add(
            worker.config,
            whole_task=binding.whole_task,
            members=binding.members,
            to_plain=to_plain,
            on_request=on_request,
        )
        self._executors[key], self._workers[key], self._lanes[key] = executor, worker, []
        if isinstance(executor, _core.AsyncExecutor):
            self._loop = self._loop or LoopThread()
            self._loop.add(executor, binding)
        else:
            self._add_lanes(executor, worker, worker.config.thread_count)
        if worker.config.paused:
            ids = {"task_type": key[0]}
            log_safely(_logger.warning, "worker %s is paused: it does not poll", _shown(key), extra=ids)
        return executor

    def run(self, name: str, target: Callable[..., None], *arguments: Any) -> threading.Thread:
        """A thread that `close` joins. Daemon: after a drain that gave up, the interpreter must not wait for
        the user's function.
        """
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        # Listed first: its function may call `stop`, which asks whether it is one of them.
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # the system has no more of them
            self._threads.remove(thread)
            raise
        return thread

    def set_thread_count(self, runtime: _core.Runtime, key: Key, thread_count: int) -> None:
        executor, worker = self.get(key)
        replace(worker.config, thread_count=thread_count)  # checks it
        if isinstance(executor, _core.SyncExecutor):
            self._add_lanes(executor, worker, thread_count)
        runtime.set_thread_count(executor, thread_count)

    def set_poll_interval(self, runtime: _core.Runtime, key: Key, millis: float) -> None:
        executor, worker = self.get(key)
        replace(worker.config, poll_interval_millis=millis)  # checks it
        runtime.set_poll_interval(executor, millis)

    def get(self, key: Key) -> tuple[Executor, PreparedWorker]:
        """A started worker; ConductorFastError names those that are."""
        if key not in self._executors:
            names = ", ".join(map(_shown, self._executors)) or "none"
            raise ConductorFastError(f"there is no worker {_shown(key)}; started are: {names}")
        return self._executors[key], self._workers[key]

    def threads_alive(self) -> dict[Key, bool]:
        """For each worker: are all its threads, or is its event loop, there?"""
        loop_is_alive = self._loop is not None and self._loop.is_alive()
        return {
            key: all(thread.is_alive() for thread in lanes) if lanes else loop_is_alive
            for key, lanes in list(self._lanes.items())
        }

    def seconds_overdue(self, runtime: _core.Runtime) -> dict[Key, float]:
        """For each worker: how long it owes its next poll, or waits in vain for the answer to one."""
        return {key: runtime.seconds_overdue(executor) for key, executor in list(self._executors.items())}

    def runs_current_thread(self) -> bool:
        """Is the caller a function, a listener, or anything else that coroutine workers would wait for?"""
        on_loop = self._loop is not None and self._loop.runs_current_thread()
        return on_loop or threading.current_thread() in self._threads

    def runs_current_task(self) -> bool:
        """Is the caller a worker's coroutine, on its own loop?"""
        return isinstance(self._loop, CallersLoop) and self._loop.runs_current_task()

    def release(self) -> None:
        """Let the threads go once nothing waits for them."""
        for executor in self._executors.values():
            if isinstance(executor, _core.SyncExecutor):
                executor.close()

    def close(self, *, join: bool) -> None:
        """End the event loop, and wait for the threads if they have nothing left to do."""
        if self._loop is not None:
            self._loop.close()
        for thread in self._threads:
            thread.join(_JOIN_TIMEOUT if join else 0)

    def _add_lanes(self, executor: _core.SyncExecutor, worker: PreparedWorker, count: int) -> None:
        """Bring the threads up to `count`. They never get fewer: one that waits costs its stack alone."""
        lanes = self._lanes[worker.key]
        for index in range(len(lanes), count):
            name = f"{worker.config.task_type}-{index}"
            lanes.append(self.run(name, run_lane, executor.lane(), worker.binding))


def _shown(key: Key) -> str:
    task_type, domain = key
    return f"{task_type!r} in domain {domain!r}" if domain else repr(task_type)
