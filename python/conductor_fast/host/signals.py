"""SIGTERM and SIGINT while a host waits."""

from __future__ import annotations

import os
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
        stopping = True
        stop(signal.Signals(number).name)

    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _DEFAULTS[number])
