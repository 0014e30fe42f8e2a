"""What a client's whole process tree costs, and where it runs."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conductor_fast.cli.bench_tree import cpu_seconds, members


@dataclass(frozen=True)
class Cost:
    """Up to one moment: seconds on the clock, of CPU, and how often a thread was switched away from."""

    clock: float
    cpu: float
    switches: int


def cost(session: int) -> Cost:
    """Of a session's processes, those that have ended included."""
    pids = members(session)
    return Cost(time.monotonic(), cpu_seconds(pids), sum(map(_switches, pids)))


def pin(pid: int, core: int) -> None:
    """What the process starts later inherits it. A machine with one core is left alone."""
    if core in os.sched_getaffinity(0) and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {core})


def _switches(pid: int) -> int:
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(OSError):
            for line in status.read_text().splitlines():
                if "ctxt_switches" in line:
                    found += int(line.split()[1])
    return found
