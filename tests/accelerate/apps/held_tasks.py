"""Fifty tasks at once, each held until the file that its input names exists."""

import time
from pathlib import Path

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker_task import worker_task


@worker_task(task_definition_name="held", thread_count=50)
def held(number: int, path: str) -> dict:
    print(f"holding {number};", flush=True)
    while not Path(path).exists():
        time.sleep(0.05)
    return {"number": number}


def main() -> None:
    task_handler = TaskHandler(configuration=Configuration(log_level="WARNING"))
    task_handler.start_processes()
    task_handler.join_processes()


if __name__ == "__main__":
    main()
