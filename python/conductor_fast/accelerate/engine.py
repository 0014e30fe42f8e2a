"""The engine under one of conductor-python's handlers."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

from conductor_fast.host.signals import stop_signals
from conductor_fast.host.task_handler import TaskHandler
from conductor_fast.host.worker_host import WorkerHost
from conductor_fast.interop.events import SdkListener
from conductor_fast.worker.prepare import PreparedWorker, prepare

_logger = logging.getLogger("conductor_fast.accelerate")


class Engine:
    """Hosts for any number of workers.

    It takes more than one host only where several workers poll one queue, as there: a host has one worker
    for a queue.
    """

    def __init__(self, configuration: Any, metrics_settings: object, listeners: Sequence[object]) -> None:
        self._configuration = configuration
        self._listeners = [SdkListener(listener) for listener in listeners]
        first = TaskHandler(
            [],
            configuration,
            metrics_settings,
            scan_for_annotated_workers=False,
            event_listeners=self._listeners,
        )
        self._hosts: list[WorkerHost] = [first.host]
        self._lock = threading.Lock()
        self.stopped = False

    def prepare(self, worker: Any) -> list[PreparedWorker]:
        """`worker` as it will be started; ConfigurationError if it cannot be."""
        return prepare(worker, self._hosts[0].configuration)

    def start(self, workers: Sequence[PreparedWorker]) -> WorkerHost:
        """Start `workers` on the first host that polls none of their queues."""
        with self._lock:
            keys = {worker.key for worker in workers}
            host = next((host for host in self._hosts if not keys & set(host.alive())), None)
            if host is None:
                host = WorkerHost(self._configuration, event_listeners=self._listeners)
                self._hosts.append(host)
            host.start_prepared(workers)
        return host

    def wait(self) -> None:
        """Block until somebody stops it, or until SIGTERM or Ctrl-C; then drain."""
        wait_as_python(self._wait, self._request_stop)

    def stop(self) -> None:
        """Stop polling, let running tasks finish, deliver every result. Again: changes nothing."""
        self.stopped = True
        self._request_stop()
        for host in self._hosts:
            host.stop()

    def _request_stop(self) -> None:
        for host in list(self._hosts):
            host.request_stop()

    def _wait(self) -> None:
        self._hosts[0].wait()
        self.stop()


def wait_as_python(wait: Callable[[], object], request_stop: Callable[[], None]) -> None:
    """`wait`, which SIGTERM and Ctrl-C end by `request_stop`. When it is over, what Python does at that signal
    follows: KeyboardInterrupt, and an end with 143, by SystemExit, so that the program's cleanup runs.
    """
    received: list[str] = []

    def on_signal(name: str) -> None:
        _logger.info("%s: no new task is taken, running ones finish", name)
        received.append(name)
        request_stop()

    with stop_signals(on_signal):
        wait()
    if "SIGINT" in received:
        raise KeyboardInterrupt
    if received:
        raise SystemExit(128 + signal.SIGTERM)
