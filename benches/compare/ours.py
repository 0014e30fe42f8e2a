"""The client program on conductor_fast.

`python -m benches.compare.ours URL FUNCTION SLOTS TASK_TYPES [metrics]`
"""

from __future__ import annotations

import sys

from benches.compare.work import FUNCTIONS
from conductor_fast import MetricsSettings, WorkerHost


def main() -> None:
    """Work until SIGTERM."""
    url, function, slots, task_types, *metrics = sys.argv[1:]
    host = WorkerHost(url, metrics_settings=MetricsSettings(http_port=0) if metrics else None)
    for number in range(int(task_types)):
        host.start_worker(f"bench_{number}", FUNCTIONS[function], batch_size=int(slots))
    host.wait()


if __name__ == "__main__":
    main()
