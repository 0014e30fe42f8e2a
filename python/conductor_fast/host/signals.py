"""SIGTERM and SIGINT while a host waits."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}


@contextmanager
def stop_signals(stop: Callable[[str], None]) -> Generator[None, None, None]:
    """While inside, the first SIGTERM or SIGINT calls `stop` with its name and the second ends the process.

    Only on the main thread, where Python runs handlers, and only where nobody else has set one: a
    handler of the application stays, and it may call `WorkerHost.stop` itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number, default in _DEFAULTS.items() if signal.getsignal(number) == default]
    stopping = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            # As if nobody had handled it: the exit code tells the signal (130, 143).
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            # The first process of a container is spared signals that it does not handle.
            os._exit(128 + number)
        stopping = True
        stop(signal.Signals(number).name)

    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _DEFAULTS[number])


class StopLatch:
    """Set once, waited for by any thread, and safe to set from a signal handler.

    A `threading.Event` is not: its lock may be held by the very thread that the handler interrupts. The
    `put` of a `SimpleQueue` is reentrant (Lib/queue.py).
    """

    def __init__(self) -> None:
        self._is_set = False
        self._queue: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        self._is_set = True
        self._queue.put(None)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self) -> None:
        """Block until it is set. On the main thread signal handlers run meanwhile."""
        self._queue.get()
        self._queue.put(None)  # for the next one who waits
