"""The engine's log records on their way to `logging`: one thread, in the order in which they happened."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conductor_fast.worker.output import without_ours

if TYPE_CHECKING:
    from conductor_fast._core import Runtime

_Line = tuple[str, int, int, str, "str | None", "str | None", "str | None", "BaseException | None"]

FLUSH_TIMEOUT = 1.0
"""Seconds that a stop waits for the log handlers."""

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_NONE = logging.CRITICAL


class Loggers:
    """The loggers of one engine, `conductor_fast.poll` and so on, and what of it they read."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._by_area = {area: logging.getLogger(f"conductor_fast.{area}") for area in runtime.log_areas()}
        self._may_complain = True
        self.tell_levels()

    def tell_levels(self) -> None:
        """Let the engine make only records that somebody reads. Levels may change at any time."""
        self._runtime.set_log_levels([_lowest(logger) for logger in self._by_area.values()])

    def deliver(self) -> None:
        """The loop of the thread: until the runtime is closed and all its records are told."""
        while self._deliver_batch():
            pass

    def _deliver_batch(self) -> bool:
        # A function of its own, whose end lets go of what the exceptions of a batch hold.
        lines = self._runtime.log_records()
        self.tell_levels()
        for line in lines or ():
            self._handle(line)
        return lines is not None

    def _handle(self, line: _Line) -> None:
        area, level, nanos, message, task_type, task_id, workflow_id, cause = line
        logger = self._by_area[area]
        if not logger.isEnabledFor(level):
            return
        exc_info = None if cause is None else (type(cause), cause, without_ours(cause.__traceback__))
        ids = {"task_type": task_type, "task_id": task_id, "workflow_id": workflow_id}
        try:
            record = logger.makeRecord(logger.name, level, "(engine)", 0, message, (), exc_info, extra=ids)
            _date(record, nanos)
            logger.handle(record)
        except BaseException:  # also SystemExit: the records that follow are told
            self._complain()

    def _complain(self) -> None:
        # As `logging.Handler.handleError` does, but once: the handler that raises is the log's way out.
        if self._may_complain and logging.raiseExceptions and sys.stderr:
            self._may_complain = False
            traceback.print_exc()


def log_safely(log: Callable[..., None], message: str, *args: object, **options: Any) -> None:
    """Call `log`, a method of a logger, where work must go on even if a log handler raises."""
    with contextlib.suppress(Exception):
        log(message, *args, stacklevel=2, **options)


def _lowest(logger: logging.Logger) -> int:
    """The lowest level that `logger` reads, `logging.disable` included."""
    return next((level for level in _LEVELS if logger.isEnabledFor(level)), _NONE)


def _date(record: logging.LogRecord, nanos: int) -> None:
    """Let `record` be of the time when it happened, not of its telling."""
    created = nanos / 1e9
    record.relativeCreated += (created - record.created) * 1e3
    record.created, record.msecs = created, nanos // 1_000_000 % 1_000 + 0.0
