"""Listeners to what workers do, after `task_listener_example.py`; events go to the file given."""

import os
import sys

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.event.listeners import TaskRunnerEventsListener
from conductor.client.event.task_runner_events import (
    PollCompleted,
    TaskExecutionCompleted,
    TaskExecutionStarted,
)
from conductor.client.worker.worker_task import worker_task


class Recorder(TaskRunnerEventsListener):
    """Appends a line for each event; one write each, so that lines of several processes do not mix."""

    def __init__(self, path: str) -> None:
        self.path = path

    def record(self, *fields: object) -> None:
        with open(self.path, "a") as file:
            file.write(" ".join(str(field) for field in fields) + "\n")

    def on_poll_completed(self, event: PollCompleted) -> None:
        if event.tasks_received:
            self.record(type(event).__name__, event.task_type, event.tasks_received)

    def on_task_execution_started(self, event: TaskExecutionStarted) -> None:
        self.record(type(event).__name__, event.task_type, event.task_id)

    def on_task_execution_completed(self, event: TaskExecutionCompleted) -> None:
        assert isinstance(event, TaskExecutionCompleted)
        assert event.duration_ms >= 0
        self.record(type(event).__name__, event.task_type, event.task_id)


class Silent:
    """A listener of one event that fails: nobody minds."""

    def on_task_execution_started(self, event: TaskExecutionStarted) -> None:
        raise ValueError("a listener's own problem")


@worker_task(task_definition_name="listened_to")
def listened_to(name: str) -> str:
    return f"Hello {name}, says {os.path.basename(__file__)}"


@worker_task(task_definition_name="listened_to_coroutine")
async def listened_to_coroutine(name: str) -> dict:
    return {"name": name}


def main() -> None:
    listeners = [Silent(), Recorder(sys.argv[1])]
    with TaskHandler(configuration=Configuration(), event_listeners=listeners) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
