"""The workers of this process on a terminal, as they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_LOOKS_PER_SECOND = 4


class LiveView:
    """A table of what `read` tells of the workers (as `/workers.json`), with rates since the look before.

    Its words are those of the page (rust/core/src/host/page.html).
    """

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read
        self._before: dict[tuple[str, str | None], tuple[float, int]] = {}

    def __rich__(self) -> Table:
        from rich.table import Table

        table = Table("worker", "state")
        for heading in ("slots in use", "tasks/s", "failures", "last poll"):
            table.add_column(heading, justify="right")
        now = time.monotonic()
        for worker in self._read()["workers"]:
            key = worker["task_type"], worker["domain"]
            done: int = worker["completed_total"] + worker["failed_total"]
            since, before = self._before.get(key, (now, done))
            self._before[key] = now, done
            rate = (done - before) / (now - since) if now > since else 0.0
            age = worker["last_successful_poll_age_seconds"]
            table.add_row(
                ":".join(filter(None, key[::-1])),
                worker["state"],
                f"{worker['slots_in_use']} of {worker['thread_count']}",
                f"{rate:,.0f}",
                f"{worker['failed_total']:,}",
                "never" if age is None else f"{age:.1f} s ago",
            )
        return table


@contextmanager
def live_view(console: Console, read: Callable[[], dict[str, Any]]) -> Generator[None]:
    """Shown while inside, if `console` is a terminal; it does not stay."""
    if not console.is_terminal:
        yield
        return
    from rich.live import Live

    with Live(LiveView(read), console=console, refresh_per_second=_LOOKS_PER_SECOND, transient=True):
        yield
