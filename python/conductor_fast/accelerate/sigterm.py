"""SIGTERM drains what runs, wherever the program is then."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

_logger = logging.getLogger("conductor_fast.accelerate")


class Stoppable(Protocol):
    """What drains when it is stopped."""

    def stop(self) -> None: ...


# Held here: an engine whose handler nobody refers to goes on working.
running: set[Stoppable] = set()


class _State:
    starting = 0
    wanted = False


def drain_at_sigterm() -> None:
    """Let SIGTERM stop all that is in `running`, and then end the program with 143, by SystemExit.

    Not only in `join_processes`: programs do other things meanwhile. Only on the main thread, and not where
    the program has a handler of its own.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    process = os.getpid()

    def end(number: int, _frame: object) -> None:
        # The next one ends the process at once. In a child that was forked nothing of ours runs.
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != process:
            os.kill(os.getpid(), number)
        elif _State.starting:
            _State.wanted = True
        else:
            _drain()

    signal.signal(signal.SIGTERM, end)


@contextmanager
def starting() -> Generator[None, None, None]:
    """Keep a SIGTERM for the end of a start: a worker without all its threads would drain slowly."""
    _State.starting += 1
    try:
        yield
    finally:
        _State.starting -= 1
    if _State.wanted and not _State.starting:
        _drain()


def _drain() -> None:
    _logger.info("SIGTERM: no new task is taken, running ones finish")
    for each in list(running):
        each.stop()
    raise SystemExit(128 + signal.SIGTERM)
