"""conductor-python as a client of `conductor-fast bench`.

`python -m conductor_fast.cli.bench_sdk URL SLOTS`
"""

# No `from __future__ import annotations`: with it every task of conductor-python 2.0.0 fails, because it
# reads the annotations as they stand.
import importlib
import sys
from typing import Any, Dict  # noqa: UP035 # as its programs have it

from conductor_fast.cli.bench_clients import TASK_TYPE


def give_back(number: int, text: str, flag: bool, ratio: float) -> Dict[str, Any]:  # noqa: UP006
    return {"number": number, "text": text, "flag": flag, "ratio": ratio}


def main() -> None:
    """Work until SIGTERM."""
    automator: Any = importlib.import_module("conductor.client.automator.task_handler")
    configuration: Any = importlib.import_module("conductor.client.configuration.configuration")
    worker: Any = importlib.import_module("conductor.client.worker.worker")
    url, slots = sys.argv[1:]
    workers = [worker.Worker(TASK_TYPE, give_back, thread_count=int(slots))]
    # WARNING: without a log line for each poll, in its favour.
    settings = configuration.Configuration(server_api_url=url, log_level="WARNING")
    with automator.TaskHandler(workers, settings, scan_for_annotated_workers=False) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
