"""The client program on conductor_fast.

`python -m benches.compare.ours URL FUNCTION SLOTS TASK_TYPES [metrics] [asyncio]`; `asyncio`: without
uvloop, which is installed here.
"""

from __future__ import annotations

import sys

from benches.compare.work import FUNCTIONS
from conductor_fast import MetricsSettings, WorkerHost


def main() -> None:
    """Work until SIGTERM."""
    url, function, slots, task_types, *switches = sys.argv[1:]
    if "asyncio" in switches:
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # as if it were not
    settings = MetricsSettings(http_port=0) if "metrics" in switches else None
    host = WorkerHost(url, metrics_settings=settings)
    for number in range(int(task_types)):
        host.start_worker(f"bench_{number}", FUNCTIONS[function], batch_size=int(slots))
    host.wait()


if __name__ == "__main__":
    main()
