"""What a whole application costs: all its processes together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from conductor_fast.cli import bench_tree
from tests.accelerate.application import Application


@dataclass(frozen=True)
class Cost:
    """At one moment, since the start.

    CPU seconds are of all that ran; run seconds of living threads.
    """

    processes: int
    cpu_seconds: float
    run_seconds: float
    pss_mebibytes: float


def cost(application: Application) -> Cost:
    """Of all processes of `application`; the CPU of those that have ended is in their parent's."""
    pids = [each.pid for each in application.processes()]
    run = sum(map(_run_seconds, pids))
    return Cost(len(pids), bench_tree.cpu_seconds(pids), run, bench_tree.pss_mebibytes(pids))


def _run_seconds(pid: int) -> float:
    seconds = 0.0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            seconds += int(path.read_text().split()[0]) / 1e9
    return seconds
