"""Makes task definitions while workers already poll."""

from __future__ import annotations

import logging
import threading
from collections import deque

from conductor_fast.client.connection import Connection
from conductor_fast.host.log_thread import log_safely
from conductor_fast.model.exceptions import ApiException
from conductor_fast.settings.configuration import Configuration
from conductor_fast.worker.registration import Registration, register

_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
_GRACE = 1.0
_MAY_PASS = frozenset({0, 429, 502, 503, 504})
"""Statuses after which the same call may succeed later; 0 is no answer at all."""

_logger = logging.getLogger("conductor_fast.host")


class Registrar:
    """A thread that registers what it is given and ends when nothing is left.

    A worker polls before its definition is made: whoever needs the definition cannot have started a task
    yet. A failure is a warning that names the worker; a server that is not there yet is asked again.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._connection = Connection(configuration)
        self._lock = threading.Lock()
        self._waiting: deque[Registration] = deque()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._failing = False

    def submit(self, registration: Registration) -> None:
        """Register it soon. Does not wait."""
        with self._lock:
            self._waiting.append(registration)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="conductor-register", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Give up what is not registered within a second, or at once while the server does not answer."""
        with self._lock:
            thread = self._thread
        if thread is not None and not self._failing:
            thread.join(_GRACE)
        self._closed.set()
        self._connection.close()
        if thread is not None:
            thread.join(_GRACE)
        with self._lock:
            left = len(self._waiting)
        if left:
            log_safely(_logger.warning, "stopped before %d task definitions were registered", left)

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._closed.is_set() or not self._waiting:
                    self._thread = None
                    break
                registration = self._waiting[0]
            self._register(registration)
            with self._lock:
                self._waiting.popleft()
        self._connection.close()

    def _register(self, registration: Registration) -> None:
        delay = _FIRST_DELAY
        while not self._closed.is_set():
            try:
                register(self._connection, registration)
                self._failing = False
                return
            except ApiException as error:
                if self._closed.is_set():
                    return
                self._failing = again = error.status in _MAY_PASS
                if delay == _FIRST_DELAY or not again:
                    remedy = "it is tried again until it succeeds" if again else "the worker runs without"
                    _warn(registration, error, remedy)
                if not again:
                    return
            except Exception as error:
                if not self._closed.is_set():
                    _warn(registration, error, "the worker runs without")
                return
            self._closed.wait(delay)
            delay = min(2 * delay, _LONGEST_DELAY)


def _warn(registration: Registration, error: Exception, remedy: str) -> None:
    log_safely(
        _logger.warning,
        "worker %r: its task definition could not be registered (%s); %s",
        registration.task_type,
        error,
        remedy,
        extra={"task_type": registration.task_type},
    )
