"""Hosts are stopped before the interpreter ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from conductor_fast.host.log_thread import log_safely

_logger = logging.getLogger("conductor_fast.host")


class Host(Protocol):
    def stop_in_this_process(self) -> None: ...


# Held here: a host that nobody else refers to goes on working, and has to be drained all the same.
_running_hosts: set[Host] = set()
_exit_hooks: list[Callable[[], None]] = []


def stop_at_exit(host: Host) -> None:
    """Stop `host` before the interpreter ends: before it joins threads, while ours can still attach."""
    _running_hosts.add(host)
    if not _exit_hooks:
        # What concurrent.futures uses, for the same reason: `atexit` runs after threads were joined.
        threading._register_atexit(_stop_all)  # type: ignore[attr-defined]
        _exit_hooks.append(_stop_all)


def forget(host: Host) -> None:
    """It is stopped."""
    _running_hosts.discard(host)


def _stop_all() -> None:
    for host in list(_running_hosts):
        try:
            host.stop_in_this_process()
        except Exception:  # noqa: PERF203 - one host must not keep the others from their drain
            log_safely(_logger.exception, "a worker host could not be stopped at exit")
