"""The client program on conductor-python: `python -m benches.compare.sdk URL`."""

# No `from __future__ import annotations`: with it every task of conductor-python 2.0.0 fails, because it
# reads the annotations as they stand.
import sys
from typing import Any

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker_task import worker_task


@worker_task(task_definition_name="noop", thread_count=10)  # type: ignore[untyped-decorator] # the SDK has no types
def noop(a: int, b: str, c: bool, d: float) -> dict[str, Any]:
    """As little as a function can do: what is left is the client's own time."""
    return {"a": a, "b": b, "c": c, "d": d}


def main() -> None:
    """Work until SIGTERM."""
    # WARNING: without a log line per poll, in the SDK's favour.
    configuration = Configuration(server_api_url=sys.argv[1], log_level="WARNING")
    with TaskHandler(configuration=configuration) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
