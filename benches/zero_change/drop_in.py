"""The same application, written for this package."""

from __future__ import annotations

from typing import Any

from conductor_fast import TaskHandler, worker_task


def step(number: int) -> dict[str, Any]:
    return {"number": number}


def main() -> None:
    for number in range(10):
        worker_task(task_definition_name=f"step_{number}", thread_count=10)(step)
    with TaskHandler() as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
