"""Work that takes its time, after `worker_example.py` and the two lease tests of conductor-python."""

import asyncio
import threading
import time

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.context import TaskInProgress, get_task_context
from conductor.client.worker.worker_task import worker_task

# Longer than the response timeout of the definition, which a lease has to be extended for.
LONG_SECONDS = 14
second_attempt = threading.Event()


@worker_task(task_definition_name="in_progress", poll_timeout=100)
def in_progress(job_id: str):
    polls = get_task_context().get_poll_count()
    if polls < 3:
        return TaskInProgress(callback_after_seconds=1, output={"progress": polls * 50})
    return {"job_id": job_id, "polls": polls}


@worker_task(task_definition_name="leased", lease_extend_enabled=True)
def leased(job_id: str) -> dict:
    time.sleep(LONG_SECONDS)
    return {"job_id": job_id}


@worker_task(task_definition_name="leased_coroutine", lease_extend_enabled=True)
async def leased_coroutine(job_id: str) -> dict:
    await asyncio.sleep(LONG_SECONDS)
    return {"job_id": job_id}


@worker_task(task_definition_name="not_leased", thread_count=2)
def not_leased(job_id: str) -> dict:
    attempt = get_task_context().get_retry_count()
    if attempt == 0:
        # Until the server has given it up and somebody else has it.
        second_attempt.wait(60)
    second_attempt.set()
    return {"job_id": job_id, "attempt": attempt}


def main() -> None:
    with TaskHandler(configuration=Configuration()) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
