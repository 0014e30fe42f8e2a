"""What a program costs with all its processes, read from /proc; benches/ measures with it, too.

Processes that end meanwhile count nothing, but their parent tells the CPU of those that it has waited for.
"""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def members(session: int) -> list[int]:
    """The processes of a session: all of a program that was started with `start_new_session`."""
    found: list[int] = []
    for entry in os.listdir("/proc"):
        with suppress(ValueError, ProcessLookupError):
            if os.getsid(int(entry)) == session:
                found.append(int(entry))
    return found


def cpu_seconds(processes: Iterable[int]) -> float:
    """To the nanosecond; of children that were waited for, to a hundredth of a second."""
    seconds = 0.0
    for pid in processes:
        with suppress(OSError):
            # After the name, which may hold blanks: state is field 3, cutime and cstime are 16 and 17.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # clock_getcpuclockid(3).
            seconds += time.clock_gettime(~pid << 3 | 2) + sum(map(int, fields[13:15])) / _TICKS
    return seconds


def pss_mebibytes(processes: Iterable[int]) -> float:
    """Memory, that which several processes share divided among them."""
    kibibytes = 0
    for pid in processes:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kibibytes += int(line.split()[1])
    return kibibytes / 1_024


def kill(session: int) -> None:
    """Ends what is left of it."""
    for pid in members(session):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cpu_model() -> str:
    """As its maker names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
