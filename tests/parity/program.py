"""The program that both SDKs run: a worker function for each kind of outcome. Only the imports differ.

With the server's URL as its argument it works until its standard input ends.
"""

from __future__ import annotations

THERE = """
from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.context.task_context import TaskInProgress, get_task_context
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_result import TaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker_interface import WorkerInterface
from conductor.client.worker.worker_task import worker_task
"""

HERE = """
from conductor_fast import (
    Configuration, NonRetryableException, Task, TaskHandler, TaskInProgress, TaskResult, TaskResultStatus,
    WorkerInterface, get_task_context, worker_task,
)
"""

BODY = """
import asyncio
import sys
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


@worker_task("a_dict")
def a_dict(n: int, word: str = "default"):
    return {"n": 2 * n, "word": word, "nested": {"list": [1, 2.5, None, True]}}


@worker_task("a_scalar")
def a_scalar(n: int):
    return n + 1


@worker_task("a_list")
def a_list(n: int):
    return [n] * 3


@worker_task("nothing")
def nothing(n: int):
    return None


@worker_task("a_dataclass")
def a_dataclass(point: Point):
    return Point(point.y, point.x)


@worker_task("a_task_result")
def a_task_result(task: Task):
    result = TaskResult(task_id=task.task_id, workflow_instance_id=task.workflow_instance_id)
    result.status = TaskResultStatus.FAILED
    result.reason_for_incompletion = "as the function says"
    result.output_data = {"n": task.input_data["n"]}
    return result


@worker_task("in_progress")
def in_progress(n: int):
    if get_task_context().get_poll_count() < 2:
        return TaskInProgress(callback_after_seconds=1, output={"so far": n})
    return {"polls": 2}


@worker_task("an_exception")
def an_exception(n: int):
    raise ValueError(f"no {n}")


@worker_task("a_silent_exception")
def a_silent_exception(n: int):
    raise ValueError


@worker_task("never_again")
def never_again(n: int):
    raise NonRetryableException("no use")


@worker_task("a_coroutine")
async def a_coroutine(n: int):
    await asyncio.sleep(0)
    return {"n": n}


@worker_task("a_coroutine_of_a_scalar")
async def a_coroutine_of_a_scalar(n: int):
    return n


@worker_task("a_coroutine_of_the_task")
async def a_coroutine_of_the_task(task: Task):
    return Point(task.input_data["n"], 1) if task else None


@worker_task("a_failing_coroutine")
async def a_failing_coroutine(n: int):
    raise ValueError(f"no {n}")


@worker_task("a_missing_input")
def a_missing_input(n: int, absent: int):
    return {"absent": absent}


@worker_task("a_wrong_input")
def a_wrong_input(n: bool):
    return {"n": n}


@worker_task("a_context")
def a_context(n: int):
    context = get_task_context()
    context.add_log("a line")
    context.set_output({"set": n})
    return {"returned": context.get_input()["n"]}


@worker_task("a_callback")
def a_callback(n: int):
    context = get_task_context()
    if context.get_poll_count() < 2:
        context.set_callback_after(1)
    return {"polls": context.get_poll_count()}


class AClass(WorkerInterface):
    def execute(self, task):
        get_task_context().add_log("before")
        raise ValueError("no " + str(task.input_data["n"]))


class AnAsyncClass(WorkerInterface):
    async def execute(self, task):
        result = self.get_task_result_from_task(task)
        result.status = TaskResultStatus.COMPLETED
        result.output_data = {"n": task.input_data["n"]}
        return result


CLASSES = [AClass("a_class"), AnAsyncClass("an_async_class")]


if __name__ == "__main__":
    configuration = Configuration(server_api_url=sys.argv[1])
    with TaskHandler(CLASSES, configuration) as handler:
        handler.start_processes()
        print("started", flush=True)
        sys.stdin.read()
"""

INPUT = {"n": 20, "point": {"x": 1, "y": 2}}
"""Of every task."""

TASK_TYPES = [line.split('"')[1] for line in BODY.splitlines() if line.startswith("@worker_task")] + [
    "a_class",
    "an_async_class",
]
