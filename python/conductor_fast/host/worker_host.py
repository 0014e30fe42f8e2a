"""The engine's face: any number of workers in one process."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn

from conductor_fast import _core
from conductor_fast.client.token_thread import start_settings
from conductor_fast.host.event_thread import Listeners, deliver
from conductor_fast.host.exit_hook import forget, stop_at_exit
from conductor_fast.host.log_thread import FLUSH_TIMEOUT, Loggers, log_safely
from conductor_fast.host.loop_thread import CallersLoop
from conductor_fast.host.registrar import Registrar
from conductor_fast.host.running_workers import Executor, RunningWorkers
from conductor_fast.host.signals import StopLatch, stop_signals
from conductor_fast.interop.settings import configuration_of
from conductor_fast.model.exceptions import ConductorFastError, ConfigurationError
from conductor_fast.observe.endpoint import MetricsEndpoint, start_export
from conductor_fast.settings.configuration import Configuration, shown_url, warn_if_not_api
from conductor_fast.settings.metrics_settings import metrics_export
from conductor_fast.settings.worker_config import Nan, Prefetch, duration_millis
from conductor_fast.worker.prepare import PreparedWorker, prepare
from conductor_fast.worker.worker import Worker, refuse_unknown
from conductor_fast.worker.worker_interface import SDK_POLL_TIMEOUT_MILLIS, WorkerInterface

DRAIN_TIMEOUT = 25.0
"""Seconds: what Kubernetes leaves of its 30 before it kills."""

OVERDUE_LIMIT = 15.0
"""Seconds that a step of a poll loop may be late: an answer that never comes is given up after 10."""

_MAX_IDS_NAMED = 100

_logger = logging.getLogger("conductor_fast.host")


class WorkerHost:
    """Runs workers against one server.

    `server`: the API's URL (`http://localhost:8080/api`) or a `Configuration`; None takes the
    environment's. Nothing runs before the first `start_worker`. As a context manager it stops at the end.
    `event_listeners`: objects with methods `on_poll_started` … of `TaskRunnerEventsListener`, called in order
    by a thread of their own. `metrics_settings`: `MetricsSettings`, for as long as the host runs.

    Not usable after fork and not usable again after `stop`: both say so.
    """

    def __init__(
        self,
        server: str | Configuration | None = None,
        *,
        drain_timeout: float = DRAIN_TIMEOUT,
        event_listeners: Iterable[object] | None = None,
        metrics_settings: object | None = None,
    ) -> None:
        if isinstance(server, str):
            warn_if_not_api(server)
            server = Configuration(server_api_url=server)
        given = configuration_of(server)
        _check_configuration(given)
        self.configuration: Configuration = given or Configuration()
        self.drain_timeout = drain_timeout
        self._lock = threading.RLock()
        self._runtime: _core.Runtime | None = None
        self._log_thread: threading.Thread | None = None
        self._started_in = 0
        self._listeners = Listeners(event_listeners)
        self._metrics_export = None if metrics_settings is None else metrics_export(metrics_settings)
        self._metrics: MetricsEndpoint | _core.MetricsFile | None = None
        self._workers = RunningWorkers()
        self._registrar = Registrar(self.configuration)
        self._stop_wanted = StopLatch()
        self._left: list[str] | None = None

    def start_worker(
        self,
        task_type: str,
        function: Callable[..., Any],
        batch_size: int = 1,
        poll_interval: float | timedelta | None = None,
        *,
        domain: str | None = None,
        worker_id: str | None = None,
        poll_timeout: int | None = None,
        nan: Nan = "fail",
        strict_inputs: bool = True,
        lease_extend_enabled: bool = False,
        paused: bool = False,
        prefetch: Prefetch = "auto",
        **unknown: NoReturn,
    ) -> None:
        """Poll for `task_type` at once and run `function` on what comes, up to `batch_size` at a time.

        `poll_interval`: seconds (or a timedelta) between the starts of two polls while there is nothing
        to do, kept exactly; None leaves it to the engine, up to 0.1. `poll_timeout`: milliseconds that
        the server may hold a poll. What `function` gets and may return: `binding.bind`, `output.returned`.
        `nan`, `strict_inputs`, `lease_extend_enabled`, `paused`, `prefetch`: as of `Worker`.
        Settings in the environment go before these arguments, as everywhere (`environment.resolve`).
        """
        settings = ("batch_size", "poll_interval", "domain", "worker_id", "poll_timeout", "nan", "prefetch")
        switches = ("strict_inputs", "lease_extend_enabled", "paused")
        refuse_unknown(task_type, unknown, settings + switches)
        worker = Worker(
            task_type,
            function,
            poll_interval=None if poll_interval is None else duration_millis(poll_interval, "poll_interval"),
            domain=domain,
            worker_id=worker_id,
            thread_count=batch_size,
            poll_timeout=SDK_POLL_TIMEOUT_MILLIS if poll_timeout is None else poll_timeout,
            nan=nan,
            strict_inputs=strict_inputs,
            lease_extend_enabled=lease_extend_enabled,
            paused=paused,
            prefetch=prefetch,
        )
        self.add(worker)

    def add(self, worker: WorkerInterface, *, on_request: bool = False) -> list[Executor]:
        """Start `worker`, once for each of its task types; the environment's settings go before its own.

        With `on_request` it polls only when `_core.Runtime.poll_once` is called, and registers nothing.
        """
        return self.start_prepared(prepare(worker, self.configuration), on_request=on_request)

    def start_prepared(
        self, workers: Sequence[PreparedWorker], *, on_request: bool = False
    ) -> list[Executor]:
        """Start `workers`, or none of them if one polls a queue that has a worker already."""
        # Before the lock, which a stop holds while it waits for functions: who calls may be one of them.
        self._refuse_if_stopped()
        with self._lock:
            self._workers.refuse_taken(workers)
            runtime = self._start()
            executors = [self._workers.start(runtime, worker, on_request=on_request) for worker in workers]
        for worker in workers:
            if worker.registration is not None and not on_request:
                self._registrar.submit(worker.registration)
        return executors

    def alive(self) -> dict[tuple[str, str | None], bool]:
        """By task type and domain of each started worker: can it take and report tasks?

        That is: the engine runs in this process and is not stopped, and every thread of the worker is
        there. Whether it polls is in `healthy`.
        """
        running = self._runtime is not None and self._started_in == os.getpid()
        running = running and not self._stop_wanted.is_set()
        return {key: running and alive for key, alive in self._workers.threads_alive().items()}

    def healthy(self, overdue_limit: float = OVERDUE_LIMIT) -> dict[tuple[str, str | None], bool]:
        """As `alive`, and does each worker poll?

        It does not if its next poll is not sent, or the one in flight not answered, `overdue_limit` seconds
        after it should have been: a token provider hangs, or the engine does. A worker whose slots are all
        taken or that is paused owes no poll. A server that is down or silent fails polls, which are tried
        again: that is progress, and no reason to restart this process.
        """
        alive = self.alive()
        if self._runtime is None or not any(alive.values()):
            return alive
        overdue = self._workers.seconds_overdue(self._runtime)
        return {key: each and overdue[key] <= overdue_limit for key, each in alive.items()}

    def run_coroutines_here(self) -> None:
        """Run coroutine workers that are started from now on on the caller's running event loop.

        They may then use its connections, locks and queues. `stop` on that loop's thread only asks for the
        stop; `await asyncio.to_thread(host.stop)` drains while the loop runs the coroutines. Without this
        they run on a loop of the host's own. RuntimeError where no loop runs.
        """
        with self._lock:
            self._workers.run_coroutines_on(CallersLoop())

    def runs_current_task(self) -> bool:
        """Is the caller a coroutine worker on the loop of `run_coroutines_here`?"""
        return self._workers.runs_current_task()

    def pause(self, task_type: str, domain: str | None = None) -> None:
        """Poll no more for this worker until `resume`; what is here is finished.

        Like all that changes a running worker: ConductorFastError if there is none of that name.
        """
        self._running().pause(self._workers.get((task_type, domain))[0])

    def resume(self, task_type: str, domain: str | None = None) -> None:
        """Poll for this worker again, at once."""
        self._running().resume(self._workers.get((task_type, domain))[0])

    def set_thread_count(self, task_type: str, thread_count: int, domain: str | None = None) -> None:
        """Run up to `thread_count` tasks of this worker at once from now on.

        If more are running, they finish and are not followed by others. Threads that are not needed any
        more wait for the next change.
        """
        runtime = self._running()
        with self._lock:
            self._workers.set_thread_count(runtime, (task_type, domain), thread_count)

    def set_poll_interval(
        self, task_type: str, poll_interval: float | timedelta, domain: str | None = None
    ) -> None:
        """Keep this time, seconds or a timedelta, between the starts of two idle polls."""
        millis = duration_millis(poll_interval, "poll_interval")
        self._workers.set_poll_interval(self._running(), (task_type, domain), millis)

    @property
    def runtime(self) -> _core.Runtime:
        """The engine, started if it is not running."""
        self._refuse_if_stopped()
        with self._lock:
            return self._start()

    def start(self) -> WorkerHost:
        """Start the engine, if it is not running: workers start it themselves."""
        self._refuse_if_stopped()
        with self._lock:
            self._start()
        return self

    def wait(self) -> list[str]:
        """Block until somebody calls `stop`, or until SIGTERM or SIGINT; then drain as `stop` does.

        Signals count on the main thread, where the application has set no handler of its own. A second
        one ends the process at once. Returns the ids of the tasks that are left, as `stop`.
        """

        def on_signal(name: str) -> None:
            self._stop_wanted.set()
            log_safely(_logger.info, "%s: no new task is taken, running ones finish", name)

        with stop_signals(on_signal):
            self._stop_wanted.wait()
            return self.stop()

    def request_stop(self) -> None:
        """Let `wait` stop the host, and nothing be started any more. Returns at once; for signal handlers."""
        self._stop_wanted.set()

    def stop(self, drain_timeout: float | None = None) -> list[str]:
        """Stop polling, let running tasks finish, deliver every result; for at most `drain_timeout` seconds.

        Returns the ids of the tasks that are left unfinished or unreported: the server hands them out
        again after their response timeout. Calling it again changes nothing and returns the same.
        Called by a worker function or a listener, or on a loop that runs coroutine workers, it only asks for
        the stop, which cannot be awaited there.
        """
        if self._left is None and self._workers.runs_current_thread():
            self._stop_wanted.set()
            if self._runtime is not None:
                self._runtime.stop_polling()
            return []
        with self._lock:
            self._stop_wanted.set()
            if self._left is None and self._runtime is None:
                self._left = []
            if self._left is None and self._runtime is not None:
                timeout = self.drain_timeout if drain_timeout is None else drain_timeout
                return self._drain(self._runtime, timeout)
            return self._left or []

    def _drain(self, runtime: _core.Runtime, timeout: float) -> list[str]:
        deadline = time.monotonic() + timeout
        runtime.stop_polling()
        self._registrar.close()
        # In short waits, so that a second signal is seen. Its handler may be the application's and call
        # `stop`, which then ends the drain in the midst of this one.
        while self._left is None and not runtime.wait_idle(min(0.1, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                break
        if self._left is not None:
            return self._left
        # From here on there is nothing to drain again, whatever interrupts the rest.
        self._left = left = [task_id for task_id, _task_type, _returned in runtime.held()]
        self._workers.release()
        runtime.close()
        self._workers.close(join=not left)
        if self._log_thread is not None:
            self._log_thread.join(FLUSH_TIMEOUT)
        self._close_metrics()
        forget(self)
        # Last: a log handler may block, or call `stop`.
        if left:
            shown = ", ".join(left[:_MAX_IDS_NAMED]) + (" …" if len(left) > _MAX_IDS_NAMED else "")
            log_safely(_logger.error, "%d tasks are left unfinished or unreported: %s", len(left), shown)
        return left

    @property
    def dead_letters(self) -> int:
        """Results in this process's spool that the server refuses or that are too old; 0 without a spool.

        `conductor-fast spool ls` shows them. After `stop`: those that are left there.
        """
        return self._runtime.dead_letters() if self._runtime is not None else 0

    def _running(self) -> _core.Runtime:
        # Without the lock: a stop holds it while it waits for functions, which may be who calls.
        self._refuse_if_stopped()
        return self._runtime or self.runtime

    def _refuse_if_stopped(self) -> None:
        if self._left is not None or self._stop_wanted.is_set():
            raise ConductorFastError("this worker host is stopped; make a new one")

    def _start(self) -> _core.Runtime:
        self._refuse_if_stopped()
        if self._runtime is None:
            settings = start_settings(self.configuration)
            if self._metrics_export is not None:
                self._metrics = start_export(self._metrics_export)
            try:
                self._runtime = _core.Runtime(settings, wants_events=bool(self._listeners))
            except Exception:
                self._close_metrics()
                raise
            self._started_in = os.getpid()
            if os.environ.get("CONDUCTOR_WORKER_ISOLATION", "").strip().lower() == "process":
                _logger.warning(
                    "CONDUCTOR_WORKER_ISOLATION=process has no effect: all workers run in this process"
                )
            self._log_thread = self._workers.run("conductor-log", Loggers(self._runtime).deliver)
            if self._listeners:
                self._workers.run("conductor-events", deliver, self._runtime, self._listeners)
            stop_at_exit(self)
            log_safely(_logger.info, "worker host started for %s", shown_url(self.configuration.host))
        return self._runtime

    def _close_metrics(self) -> None:
        if self._metrics is not None:
            self._metrics.close()

    def stop_in_this_process(self) -> None:
        """Stop what was started here; nothing in a forked child."""
        if self._started_in == os.getpid():
            self.stop()

    def __enter__(self) -> WorkerHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _check_configuration(server: object) -> None:
    if server is not None and not isinstance(server, Configuration):
        raise ConfigurationError(
            f"configuration: expected a Configuration or the URL of the API, not {type(server).__name__}"
        )
