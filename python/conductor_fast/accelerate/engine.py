"""The engine under one of conductor-python's handlers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from conductor_fast.accelerate.sigterm import drain_at_sigterm, running, starting
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
        self._holds_program_of = 0
        self._waited = False
        self.stopped = False

    def prepare(self, worker: Any) -> list[PreparedWorker]:
        """`worker` as it will be started; ConfigurationError if it cannot be."""
        return prepare(worker, self._hosts[0].configuration)

    def open(self) -> None:
        """Start it without workers; ConfigurationError if it cannot reach a server with what it was given."""
        self._hosts[0].start()

    def start(self, workers: Sequence[PreparedWorker], *, daemon: bool) -> WorkerHost:
        """Start `workers` on the first host that polls none of their queues.

        Not `daemon`: a program that comes to its end without stopping them goes on running, as it does there.
        """
        drain_at_sigterm()
        with starting(), self._lock:
            running.add(self)
            keys = {worker.key for worker in workers}
            host = next((host for host in self._hosts if not keys & set(host.alive())), None)
            if host is None:
                host = WorkerHost(self._configuration, event_listeners=self._listeners)
                self._hosts.append(host)
            host.start_prepared(workers)
            if not daemon and not self._holds_program_of:
                self._holds_program_of = os.getpid()
                # After the host's own hook, and so called before it.
                threading._register_atexit(self._wait_at_exit)  # type: ignore[attr-defined]
        return host

    def wait(self) -> None:
        """Block until somebody stops it, or until SIGTERM or Ctrl-C; then drain."""
        self._waited = True
        wait_as_python(self._wait, self._request_stop)

    def stop(self) -> None:
        """Stop polling, let running tasks finish, deliver every result. Again: changes nothing."""
        self.stopped = True
        running.discard(self)
        self._request_stop()
        for host in self._hosts:
            host.stop()

    def _request_stop(self) -> None:
        for host in list(self._hosts):
            host.request_stop()

    def _wait(self) -> None:
        self._hosts[0].wait()
        self.stop()

    def _wait_at_exit(self) -> None:
        failed = getattr(sys, "last_value", None) is not None
        if self._holds_program_of == os.getpid() and not (self._waited or self.stopped or failed):
            with suppress(KeyboardInterrupt, SystemExit):
                self.wait()


def wait_as_python(wait: Callable[[], object], request_stop: Callable[[], None]) -> None:
    """`wait`, which SIGTERM and Ctrl-C end by `request_stop`. When it is over, what Python does at that
    signal follows: KeyboardInterrupt, or an end with 143, by SystemExit, so that the program's cleanup runs.
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
