"""Functions under `@worker_task`, after the SDK's examples `workers_e2e.py` and `task_workers.py`."""

import asyncio
from dataclasses import dataclass
from typing import List  # noqa: UP035 # as the examples write it

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.context import get_task_context
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.task_result import TaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker_task import WorkerTask, worker_task


@dataclass
class OrderItem:
    sku: str
    quantity: int
    price: float


@dataclass
class Order:
    order_id: str
    items: List[OrderItem]  # noqa: UP006
    priority: int = 1


@worker_task(task_definition_name="price_order", thread_count=5)
def price_order(order: Order) -> Order:
    order.priority = sum(item.quantity for item in order.items)
    return order


@worker_task(task_definition_name="charge_order", thread_count=10)
async def charge_order(order_id: str, amount: int, currency: str = "EUR") -> dict:
    await asyncio.sleep(0.01)
    return {"order_id": order_id, "charged": f"{amount} {currency}"}


@worker_task(task_definition_name="confirm_order")
def confirm_order(task: Task) -> TaskResult:
    result = task.to_task_result(TaskResultStatus.COMPLETED)
    result.add_output_data("confirmed", task.input_data["charged"])
    return result


@WorkerTask(task_definition_name="count_order", poll_interval=50.0)
def count_order(order_id: str) -> int:
    return len(order_id)


@worker_task(task_definition_name="refuse_order")
def refuse_order(order_id: str) -> dict:
    raise NonRetryableException(f"{order_id} is refused")


@worker_task(
    task_definition_name="ship_order",
    register_task_def=True,
    task_def=TaskDef(
        name="ship_order",
        retry_count=2,
        retry_delay_seconds=0,
        timeout_policy="RETRY",
        timeout_seconds=180,
        response_timeout_seconds=120,
    ),
)
def ship_order(order_id: str) -> dict:
    if get_task_context().get_retry_count() < 2:
        raise RuntimeError("no ship today")
    return {"shipped": order_id}


def main() -> None:
    with TaskHandler(configuration=Configuration(), scan_for_annotated_workers=True) as handler:
        handler.start_processes()
        handler.join_processes()


if __name__ == "__main__":
    main()
