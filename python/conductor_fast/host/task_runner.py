"""The SDK's `TaskRunner`, which is the Go guide's too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any

from conductor_fast.host.running_workers import Executor
from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.configuration import Configuration
from conductor_fast.worker.prepare import checked
from conductor_fast.worker.worker_interface import WorkerInterface

_logger = logging.getLogger("conductor_fast.host")

_IDLE_CHECK = 3_600.0


class TaskRunner:
    """Runs one worker, with the SDK's constructor (automator/task_runner.py); or, without `worker`, any
    number of them given to `start_worker`, as in the Go guide.

    `metrics_settings`, `event_listeners`: as of `WorkerHost`.
    """

    def __init__(
        self,
        worker: WorkerInterface | None = None,
        configuration: Configuration | None = None,
        metrics_settings: object | None = None,
        event_listeners: Sequence[object] | None = None,
    ) -> None:
        self.worker = None if worker is None else checked(worker)
        self.host = WorkerHost(
            configuration, event_listeners=event_listeners, metrics_settings=metrics_settings
        )
        self._on_request: list[Executor] = []

    @property
    def configuration(self) -> Configuration:
        return self.host.configuration

    def start_worker(
        self,
        task_type: str,
        function: Callable[..., Any],
        batch_size: int = 1,
        poll_interval: float | timedelta | None = None,
        *,
        domain: str | None = None,
        strict_inputs: bool = True,
    ) -> None:
        """As `WorkerHost.start_worker`."""
        self.host.start_worker(
            task_type, function, batch_size, poll_interval, domain=domain, strict_inputs=strict_inputs
        )

    def run(self) -> None:
        """Poll, run and report until `stop` or a signal; then drain. Blocks; see `WorkerHost.wait`."""
        if self.worker is not None:
            self.host.add(self.worker)
        self.host.wait()

    def run_once(self) -> None:
        """One poll of the free slots, for each task type; returns when every task that came is reported."""
        if self.worker is None:
            raise ConfigurationError("worker: run_once() polls for the worker given to TaskRunner(worker=…)")
        if not self._on_request:
            self._on_request = self.host.add(self.worker, on_request=True)
        runtime = self.host.runtime
        for executor in self._on_request:
            runtime.poll_once(executor)
        while not runtime.wait_idle(_IDLE_CHECK):
            pass

    def stop(self) -> None:
        """Stop polling, let running tasks finish, deliver every result. May be called from any thread."""
        self.host.stop()

    def __enter__(self) -> TaskRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
