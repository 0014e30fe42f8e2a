"""The task's context, after conductor-python's example `task_context_example.py`."""

import asyncio

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.context.task_context import TaskContext, get_task_context
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_result import TaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus
from conductor.client.worker.worker_interface import WorkerInterface
from conductor.client.worker.worker_task import worker_task


@worker_task(task_definition_name="context_info", thread_count=5)
def context_info(order_id: str) -> dict:
    ctx = get_task_context()
    ctx.add_log(f"Processing {order_id}")
    task = ctx.task
    return {
        "input": ctx.get_input(),
        "retry_count": ctx.get_retry_count(),
        "poll_count": ctx.get_poll_count(),
        "task_def_name": ctx.get_task_def_name(),
        "is_its_task": (task.task_id, task.workflow_instance_id)
        == (ctx.get_task_id(), ctx.get_workflow_instance_id()),
        "type": type(task).__module__,
    }


def log_from_below(text: str) -> None:
    TaskContext.get().add_log(text)


@worker_task(task_definition_name="context_logs", thread_count=5)
async def context_logs(order_id: str) -> dict:
    ctx = get_task_context()
    ctx.add_log(f"Starting {order_id}")
    for number in range(2):
        await asyncio.sleep(0.01)
        log_from_below(f"Processed {number + 1}/2")
    return {"task_def_name": ctx.get_task_def_name()}


class PollingWorker(WorkerInterface):
    """Not done at its first poll: the context says when to come again, and holds what there is so far."""

    def execute(self, task: Task) -> TaskResult:
        ctx = get_task_context()
        result = TaskResult(task_id=task.task_id, workflow_instance_id=task.workflow_instance_id)
        ctx.add_log(f"poll {ctx.get_poll_count()}")
        if ctx.get_poll_count() < 2:
            result.status = TaskResultStatus.IN_PROGRESS
            ctx.set_callback_after(1)
            ctx.set_output({"step": "first"})
        else:
            result.status = TaskResultStatus.COMPLETED
            ctx.set_output({"before": task.output_data, "polls": ctx.get_poll_count()})
        return result


def main() -> None:
    workers = [PollingWorker("context_callback")]
    with TaskHandler(workers=workers, configuration=Configuration()) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
