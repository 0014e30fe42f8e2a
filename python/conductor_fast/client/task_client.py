"""Reads and finishes tasks from outside a worker."""

from __future__ import annotations

from typing import Any

from conductor_fast.client import task_calls
from conductor_fast.client.connection import AwaitableClient, BlockingClient
from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskExecLog, TaskResultStatus

Status = TaskResultStatus | str


class TaskClient(BlockingClient):
    """Tasks by their id or by their workflow and reference name.

    An output is a dict or a dataclass; any other value is sent as `{"result": value}`. Every call raises
    ApiException with the server's message, its status 0 if there was no answer; ValueError for a status
    or an output that cannot be sent. Where the server answers 404, the message tells what is missing.
    """

    def get_task(self, task_id: str) -> Task:
        """The task as it stands."""
        return self._run(task_calls.get_task(task_id))

    def update_task(
        self,
        task_id: str,
        workflow_instance_id: str,
        status: Status,
        output: Any = None,
        *,
        reason_for_incompletion: str | None = None,
    ) -> str:
        """Report a result; the task id. A task that has ended keeps its first result."""
        return self._run(
            task_calls.update_task(task_id, workflow_instance_id, status, output, reason_for_incompletion)
        )

    def update_task_by_ref_name(
        self, workflow_instance_id: str, task_reference_name: str, status: Status, output: Any = None
    ) -> str:
        """Report a result for the pending task of that name; its id, empty if none is pending.

        The output is sent as it is; the SDK wraps it into `{"result": …}` (orkes_task_client.py).
        """
        return self._run(
            task_calls.update_task_by_ref_name(workflow_instance_id, task_reference_name, status, output)
        )

    def update_task_sync(
        self, workflow_instance_id: str, task_reference_name: str, status: Status, output: Any = None
    ) -> dict[str, Any]:
        """As `update_task_by_ref_name`; the workflow as it stands after."""
        return self._run(
            task_calls.update_task_sync(workflow_instance_id, task_reference_name, status, output)
        )

    def signal(self, workflow_instance_id: str, status: Status, output: Any = None) -> None:
        """End the task that the workflow waits for, such as a WAIT task."""
        self._run(task_calls.signal(workflow_instance_id, status, output))

    def add_log(self, task_id: str, log: str) -> None:
        """Add a line to the task's log."""
        self._run(task_calls.add_log(task_id, log))

    def get_logs(self, task_id: str) -> list[TaskExecLog]:
        """The task's log; empty where the server keeps none (Redis without an index)."""
        return self._run(task_calls.get_logs(task_id))

    def get_queue_size(self, task_type: str, domain: str | None = None) -> int:
        """How many tasks wait for a worker."""
        return self._run(task_calls.get_queue_size(task_type, domain))

    def get_queue_sizes(self) -> dict[str, int]:
        """Of every queue."""
        return self._run(task_calls.get_queue_sizes())

    def get_poll_data(self, task_type: str) -> list[dict[str, Any]]:
        """Who polled last, per domain: `queueName`, `domain`, `workerId`, `lastPollTime` (ms since 1970)."""
        return self._run(task_calls.get_poll_data(task_type))


class AsyncTaskClient(AwaitableClient):
    """`TaskClient` with calls that are awaited."""

    async def get_task(self, task_id: str) -> Task:
        """As `TaskClient.get_task`."""
        return await self._run(task_calls.get_task(task_id))

    async def update_task(
        self,
        task_id: str,
        workflow_instance_id: str,
        status: Status,
        output: Any = None,
        *,
        reason_for_incompletion: str | None = None,
    ) -> str:
        """As `TaskClient.update_task`."""
        return await self._run(
            task_calls.update_task(task_id, workflow_instance_id, status, output, reason_for_incompletion)
        )

    async def update_task_by_ref_name(
        self, workflow_instance_id: str, task_reference_name: str, status: Status, output: Any = None
    ) -> str:
        """As `TaskClient.update_task_by_ref_name`."""
        return await self._run(
            task_calls.update_task_by_ref_name(workflow_instance_id, task_reference_name, status, output)
        )

    async def update_task_sync(
        self, workflow_instance_id: str, task_reference_name: str, status: Status, output: Any = None
    ) -> dict[str, Any]:
        """As `TaskClient.update_task_sync`."""
        return await self._run(
            task_calls.update_task_sync(workflow_instance_id, task_reference_name, status, output)
        )

    async def signal(self, workflow_instance_id: str, status: Status, output: Any = None) -> None:
        """As `TaskClient.signal`."""
        await self._run(task_calls.signal(workflow_instance_id, status, output))

    async def add_log(self, task_id: str, log: str) -> None:
        """As `TaskClient.add_log`."""
        await self._run(task_calls.add_log(task_id, log))

    async def get_logs(self, task_id: str) -> list[TaskExecLog]:
        """As `TaskClient.get_logs`."""
        return await self._run(task_calls.get_logs(task_id))

    async def get_queue_size(self, task_type: str, domain: str | None = None) -> int:
        """As `TaskClient.get_queue_size`."""
        return await self._run(task_calls.get_queue_size(task_type, domain))

    async def get_queue_sizes(self) -> dict[str, int]:
        """As `TaskClient.get_queue_sizes`."""
        return await self._run(task_calls.get_queue_sizes())

    async def get_poll_data(self, task_type: str) -> list[dict[str, Any]]:
        """As `TaskClient.get_poll_data`."""
        return await self._run(task_calls.get_poll_data(task_type))
