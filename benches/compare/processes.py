"""What a client's whole process tree costs, read from /proc."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cost:
    """Up to one moment: seconds on the clock, of CPU, and how often a thread was switched away from."""

    clock: float
    cpu: float
    switches: int


def cost(process: psutil.Process) -> Cost:
    """Of a process and all below it, those that have ended included."""
    cpu, switches = 0.0, 0
    for member in _family(process):
        times = member.cpu_times()
        cpu += _cpu_clock(member.pid) + times.children_user + times.children_system
        switches += _switches(member.pid)
    return Cost(time.monotonic(), cpu, switches)


def pss_mib(process: psutil.Process) -> float:
    """Memory, that which several processes share divided among them."""
    kib = 0
    for member in _family(process):
        for line in Path(f"/proc/{member.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kib += int(line.split()[1])
    return kib / 1_024


def pin(pid: int, core: int) -> None:
    """What the process starts later inherits it. A machine with one core is left alone."""
    if core in os.sched_getaffinity(0) and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {core})


def kill(process: psutil.Process, family: list[psutil.Process]) -> None:
    """Ends what is left: the SDK's worker processes can outlive their handler."""
    for member in (process, *family):
        if member.is_running():
            member.kill()


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_clock(pid: int) -> float:
    # clock_getcpuclockid(3): nanoseconds, where /proc/PID/stat counts hundredths of a second.
    return time.clock_gettime(~pid << 3 | 2)


def _switches(pid: int) -> int:
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if "ctxt_switches" in line:
                found += int(line.split()[1])
    return found
