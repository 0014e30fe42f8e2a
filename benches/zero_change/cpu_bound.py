"""Where the command does not help: two functions that are nothing but Python, some 10 ms each."""

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker_task import worker_task


def burn() -> int:
    return sum(number * number for number in range(150_000))


@worker_task(task_definition_name="burn_0")
def burn_0(number: int) -> int:
    return burn()


@worker_task(task_definition_name="burn_1")
def burn_1(number: int) -> int:
    return burn()


def main() -> None:
    with TaskHandler(configuration=Configuration(log_level="WARNING")) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
