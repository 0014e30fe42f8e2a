"""What a whole application costs: all its processes together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.accelerate.application import Application


@dataclass(frozen=True)
class Cost:
    """At one moment, since the start.

    CPU seconds are of all that ran, in steps of 10 ms; run seconds of living threads, to the nanosecond.
    """

    processes: int
    cpu_seconds: float
    run_seconds: float
    pss_mebibytes: float


def cost(application: Application) -> Cost:
    """Of all processes of `application`; the CPU of those that have ended is in their parent's."""
    processes, cpu, run, pss = application.processes(), 0.0, 0.0, 0
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            times = each.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            run += _run_seconds(each.pid)
            pss += _pss_kibibytes(each.pid)
    return Cost(len(processes), cpu, run, pss / 1024)


def _run_seconds(pid: int) -> float:
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(text.split()[0]) for text in texts) / 1e9


def _pss_kibibytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
