"""The engine's face: any number of workers in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn

from conductor_fast import _core
from conductor_fast.host.event_thread import Listeners
from conductor_fast.host.lifetime import Lifetime
from conductor_fast.host.loop_thread import CallersLoop
from conductor_fast.host.registrar import Registrar
from conductor_fast.host.running_workers import Executor, RunningWorkers
from conductor_fast.interop.settings import configuration_of
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.configuration import Configuration, warn_if_not_api
from conductor_fast.settings.metrics_settings import metrics_export
from conductor_fast.settings.worker_config import Nan, Prefetch, duration_millis
from conductor_fast.worker.prepare import PreparedWorker, prepare
from conductor_fast.worker.worker import Worker, refuse_unknown
from conductor_fast.worker.worker_interface import SDK_POLL_TIMEOUT_MILLIS, WorkerInterface

DRAIN_TIMEOUT = 25.0
"""Seconds: what Kubernetes leaves of its 30 before it kills."""

OVERDUE_LIMIT = 15.0
"""Seconds that a step of a poll loop may be late: an answer that never comes is given up after 10."""


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
        self._workers = RunningWorkers()
        self._registrar = Registrar(self.configuration)
        self._lifetime = Lifetime(
            self.configuration,
            self._workers,
            self._registrar,
            Listeners(event_listeners),
            None if metrics_settings is None else metrics_export(metrics_settings),
            drain_timeout,
        )

    @property
    def drain_timeout(self) -> float:
        """Seconds for which `stop` lets tasks finish at most, unless it is called with others."""
        return self._lifetime.drain_timeout

    @drain_timeout.setter
    def drain_timeout(self, seconds: float) -> None:
        self._lifetime.drain_timeout = seconds

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
        ConfigurationError names a setting that cannot be used; ConductorFastError, if the host is stopped or
        somebody polls that queue already.
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
        self._lifetime.refuse_if_stopped()
        with self._lifetime.lock:
            self._workers.refuse_taken(workers)
            runtime = self._lifetime.start()
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
        running = self._lifetime.is_running()
        return {key: running and alive for key, alive in self._workers.threads_alive().items()}

    def healthy(self, overdue_limit: float = OVERDUE_LIMIT) -> dict[tuple[str, str | None], bool]:
        """As `alive`, and does each worker poll?

        It does not if its next poll is not sent, or the one in flight not answered, `overdue_limit` seconds
        after it should have been: a token provider hangs, or the engine does. A worker whose slots are all
        taken or that is paused owes no poll. A server that is down or silent fails polls, which are tried
        again: that is progress, and no reason to restart this process.
        """
        alive = self.alive()
        runtime = self._lifetime.runtime
        if runtime is None or not any(alive.values()):
            return alive
        overdue = self._workers.seconds_overdue(runtime)
        return {key: each and overdue[key] <= overdue_limit for key, each in alive.items()}

    def run_coroutines_here(self) -> None:
        """Run coroutine workers that are started from now on on the caller's running event loop.

        They may then use its connections, locks and queues. `stop` on that loop's thread only asks for the
        stop; `await asyncio.to_thread(host.stop)` drains while the loop runs the coroutines. Without this
        they run on a loop of the host's own. RuntimeError where no loop runs.
        """
        with self._lifetime.lock:
            self._workers.run_coroutines_on(CallersLoop())

    def runs_current_task(self) -> bool:
        """Is the caller a coroutine worker on the loop of `run_coroutines_here`?"""
        return self._workers.runs_current_task()

    def pause(self, task_type: str, domain: str | None = None) -> None:
        """Poll no more for this worker until `resume`; what is here is finished.

        Like all that changes a running worker: ConductorFastError if there is none of that name.
        """
        self._lifetime.running().pause(self._workers.get((task_type, domain))[0])

    def resume(self, task_type: str, domain: str | None = None) -> None:
        """Poll for this worker again, at once."""
        self._lifetime.running().resume(self._workers.get((task_type, domain))[0])

    def set_thread_count(self, task_type: str, thread_count: int, domain: str | None = None) -> None:
        """Run up to `thread_count` tasks of this worker at once from now on.

        If more are running, they finish and are not followed by others. Threads that are not needed any
        more wait for the next change.
        """
        runtime = self._lifetime.running()
        with self._lifetime.lock:
            self._workers.set_thread_count(runtime, (task_type, domain), thread_count)

    def set_poll_interval(
        self, task_type: str, poll_interval: float | timedelta, domain: str | None = None
    ) -> None:
        """Keep this time, seconds or a timedelta, between the starts of two idle polls."""
        millis = duration_millis(poll_interval, "poll_interval")
        self._workers.set_poll_interval(self._lifetime.running(), (task_type, domain), millis)

    @property
    def runtime(self) -> _core.Runtime:
        """The engine, started if it is not running."""
        return self._lifetime.start()

    def start(self) -> WorkerHost:
        """Start the engine, if it is not running: workers start it themselves."""
        self._lifetime.start()
        return self

    def wait(self) -> list[str]:
        """Block until somebody calls `stop`, or until SIGTERM or SIGINT; then drain as `stop` does.

        Signals count on the main thread, where the application has set no handler of its own. A second
        one ends the process at once. Returns the ids of the tasks that are left, as `stop`.
        """
        return self._lifetime.wait()

    def request_stop(self) -> None:
        """Let `wait` stop the host, and nothing be started any more. Returns at once; for signal handlers."""
        self._lifetime.request_stop()

    def stop(self, drain_timeout: float | None = None) -> list[str]:
        """Stop polling, let running tasks finish, deliver every result; for at most `drain_timeout` seconds.

        Returns the ids of the tasks that are left unfinished or unreported: the server hands them out
        again after their response timeout. Calling it again changes nothing and returns the same.
        Called by a worker function or a listener, or on a loop that runs coroutine workers, it only asks for
        the stop, which cannot be awaited there.
        """
        return self._lifetime.stop(drain_timeout)

    @property
    def dead_letters(self) -> int:
        """Results in this process's spool that the server refuses or that are too old; 0 without a spool.

        `conductor-fast spool ls` shows them. After `stop`: those that are left there.
        """
        runtime = self._lifetime.runtime
        return 0 if runtime is None else runtime.dead_letters()

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
