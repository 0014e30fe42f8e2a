"""Clients of `conductor-fast bench` as programs.

`python -m conductor_fast.cli.bench_clients NAME URL SLOTS`
"""

from __future__ import annotations

import json
import sys
from typing import Any

TASK_TYPE = "bench"
INPUT = {"number": 1_000_000, "text": "two", "flag": True, "ratio": 4.5}


def give_back(number: int, text: str, flag: bool, ratio: float) -> dict[str, Any]:
    """As little as a function can do."""
    return {"number": number, "text": text, "flag": flag, "ratio": ratio}


def ours(url: str, slots: int) -> None:
    """This package, until SIGTERM."""
    from conductor_fast import WorkerHost

    host = WorkerHost(url)
    host.start_worker(TASK_TYPE, give_back, batch_size=slots)
    host.wait()


def floor(url: str, _slots: int) -> None:
    """What a client must do at least, without Python; ends with the server, or by SIGTERM."""
    from conductor_fast._core import run_floor

    run_floor(url, TASK_TYPE, json.dumps(INPUT))


if __name__ == "__main__":
    {"ours": ours, "floor": floor}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
