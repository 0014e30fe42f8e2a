"""The client program on conductor_fast: `python -m benches.compare.ours URL`."""

from __future__ import annotations

import sys
from typing import Any

from conductor_fast import WorkerHost


def noop(a: int, b: str, c: bool, d: float) -> dict[str, Any]:
    """As little as a function can do: what is left is the client's own time."""
    return {"a": a, "b": b, "c": c, "d": d}


def main() -> None:
    """Work until SIGTERM."""
    host = WorkerHost(sys.argv[1])
    host.start_worker("noop", noop, batch_size=10)
    host.wait()


if __name__ == "__main__":
    main()
