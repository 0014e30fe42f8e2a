"""What a client of `conductor-fast bench` costs, with all its processes, read from /proc."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(session: int) -> float:
    """Of the processes of a session, and of those that they have waited for."""
    ticks = 0
    for pid in _members(session):
        with suppress(OSError):
            # After the name, which may hold blanks: state is field 3, utime to cstime are 14 to 17.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def pss_mebibytes(session: int) -> float:
    """Memory, that which several processes share divided among them."""
    kibibytes = 0
    for pid in _members(session):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kibibytes += int(line.split()[1])
    return kibibytes / 1_024


def kill(session: int) -> None:
    """Ends what is left of it."""
    for pid in _members(session):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _members(session: int) -> list[int]:
    found: list[int] = []
    for entry in os.listdir("/proc"):
        with suppress(ValueError, ProcessLookupError):
            if os.getsid(int(entry)) == session:
                found.append(int(entry))
    return found
