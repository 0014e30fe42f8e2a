"""Waiting for a condition with a deadline: the only form of waiting in these tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], what: str, timeout: float, interval: float = 0.05) -> T:
    """Call `look` until it answers something true, and return that.

    Raises AssertionError naming `what` and the last answer, so that a missed deadline reads as the
    failed expectation that it is.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; last seen: {seen!r}")
        time.sleep(interval)
