"""A worker that returns a dataclass: the TaskRunner guide."""

from dataclasses import dataclass
from datetime import timedelta
from random import expovariate

from conductor_fast import Configuration, Task, TaskRunner


@dataclass
class TaskOutput:
    """The output of the task: on the server its fields are the keys of a JSON map."""

    keys: list[str]
    message: str
    value: float


def simple_worker(task: Task) -> TaskOutput:
    """Returning is success: the task is COMPLETED. If the function raised, it would be FAILED."""
    return TaskOutput(keys=["Key1", "Key2"], message="Hello World", value=expovariate(1.0))


def main() -> None:
    # Without arguments: CONDUCTOR_SERVER_URL, else http://localhost:8080/api.
    configuration = Configuration()
    task_runner = TaskRunner(configuration=configuration)

    # One task at a time, and a second between two polls that find nothing; poll_interval=1.0 says the same.
    task_runner.start_worker("simple_task", simple_worker, batch_size=1, poll_interval=timedelta(seconds=1))
    # Add more start_worker calls as needed.

    print("Working on simple_task; Ctrl-C ends it.")
    task_runner.run()


if __name__ == "__main__":
    main()
