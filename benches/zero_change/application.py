"""The application: ten functions that do nothing, written for conductor-python."""

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker_task import worker_task


@worker_task(task_definition_name="step_0", thread_count=10)
def step_0(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_1", thread_count=10)
def step_1(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_2", thread_count=10)
def step_2(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_3", thread_count=10)
def step_3(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_4", thread_count=10)
def step_4(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_5", thread_count=10)
def step_5(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_6", thread_count=10)
def step_6(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_7", thread_count=10)
def step_7(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_8", thread_count=10)
def step_8(number: int) -> dict:
    return {"number": number}


@worker_task(task_definition_name="step_9", thread_count=10)
def step_9(number: int) -> dict:
    return {"number": number}


def main() -> None:
    # WARNING: without a log line per poll, in the SDK's favour.
    with TaskHandler(configuration=Configuration(log_level="WARNING")) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
