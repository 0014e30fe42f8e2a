"""The engine of one host, from its start to the end of its drain."""

from __future__ import annotations

import logging
import os
import threading
import time

from conductor_fast import _core
from conductor_fast.client.token_thread import start_settings
from conductor_fast.host.event_thread import Listeners, deliver
from conductor_fast.host.exit_hook import forget, stop_at_exit
from conductor_fast.host.log_thread import FLUSH_TIMEOUT, Loggers, log_safely
from conductor_fast.host.registrar import Registrar
from conductor_fast.host.running_workers import RunningWorkers
from conductor_fast.host.signals import StopLatch, stop_signals
from conductor_fast.model.exceptions import ConductorFastError
from conductor_fast.observe.endpoint import MetricsEndpoint, start_export
from conductor_fast.settings.configuration import Configuration, shown_url
from conductor_fast.settings.metrics_settings import MetricsExport

_MAX_IDS_NAMED = 100

_logger = logging.getLogger("conductor_fast.host")


class Lifetime:
    """Started once, by whoever needs it first; stopped once, whoever asks for that and however often.

    `lock` is held while the engine or its workers change, and by a stop while it waits for functions: who may
    be a function has `refuse_if_stopped` called first.
    """

    def __init__(
        self,
        configuration: Configuration,
        workers: RunningWorkers,
        registrar: Registrar,
        listeners: Listeners,
        metrics: MetricsExport | None,
        drain_timeout: float,
    ) -> None:
        self.drain_timeout = drain_timeout
        self.lock = threading.RLock()
        self.runtime: _core.Runtime | None = None
        self._configuration = configuration
        self._workers = workers
        self._registrar = registrar
        self._listeners = listeners
        self._metrics_export = metrics
        self._metrics: MetricsEndpoint | _core.MetricsFile | None = None
        self._log_thread: threading.Thread | None = None
        self._started_in = 0
        self._stop_wanted = StopLatch()
        self._left: list[str] | None = None

    def is_running(self) -> bool:
        """Was it started in this process, and has nobody asked for a stop?"""
        is_started = self.runtime is not None and self._started_in == os.getpid()
        return is_started and not self._stop_wanted.is_set()

    def refuse_if_stopped(self) -> None:
        """ConductorFastError once somebody has asked for a stop."""
        if self._left is not None or self._stop_wanted.is_set():
            raise ConductorFastError("this worker host is stopped; make a new one")

    def running(self) -> _core.Runtime:
        """As `start`, but without the lock where it is started: a function may call this during a stop."""
        self.refuse_if_stopped()
        return self.runtime or self.start()

    def start(self) -> _core.Runtime:
        """The engine, started if it is not running; ConductorFastError once it is stopped."""
        self.refuse_if_stopped()
        with self.lock:
            self.refuse_if_stopped()
            return self.runtime or self._start()

    def _start(self) -> _core.Runtime:
        settings = start_settings(self._configuration)
        if self._metrics_export is not None:
            self._metrics = start_export(self._metrics_export)
        try:
            # Before any thread of its own: a listener may call `stop` at once.
            self.runtime = runtime = _core.Runtime(settings, wants_events=bool(self._listeners))
        except Exception:
            self._close_metrics()
            raise
        self._started_in = os.getpid()
        if os.environ.get("CONDUCTOR_WORKER_ISOLATION", "").strip().lower() == "process":
            _logger.warning(
                "CONDUCTOR_WORKER_ISOLATION=process has no effect: all workers run in this process"
            )
        self._log_thread = self._workers.run("conductor-log", Loggers(runtime).deliver)
        if self._listeners:
            self._workers.run("conductor-events", deliver, runtime, self._listeners)
        stop_at_exit(self)
        log_safely(_logger.info, "worker host started for %s", shown_url(self._configuration.host))
        return runtime

    def wait(self) -> list[str]:
        """Until a stop is asked for, or SIGTERM or SIGINT comes; then `stop`."""

        def on_signal(name: str) -> None:
            self.request_stop()
            log_safely(_logger.info, "%s: no new task is taken, running ones finish", name)

        with stop_signals(on_signal):
            self._stop_wanted.wait()
            return self.stop()

    def request_stop(self) -> None:
        """Let `wait` stop it, and nothing be started any more. Returns at once; for signal handlers."""
        self._stop_wanted.set()

    def stop(self, drain_timeout: float | None = None) -> list[str]:
        """Drain for that many seconds, else for `self.drain_timeout`; the ids of the tasks that are left.

        Called by a function, a listener, or on the coroutines' loop, it only asks for the stop.
        """
        if self._left is None and self._workers.runs_current_thread():
            self._stop_wanted.set()
            if self.runtime is not None:
                self.runtime.stop_polling()
            return []
        with self.lock:
            self._stop_wanted.set()
            if self._left is None and self.runtime is not None:
                timeout = self.drain_timeout if drain_timeout is None else drain_timeout
                return self._drain(self.runtime, timeout)
            self._left = self._left or []
            return self._left

    def stop_in_this_process(self) -> None:
        """Stop what was started here; nothing in a forked child."""
        if self._started_in == os.getpid():
            self.stop()

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

    def _close_metrics(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
