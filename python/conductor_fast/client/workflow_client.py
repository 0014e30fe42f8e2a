"""As much of workflows as a newcomer needs: everything more is conductor-python's, which works beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping
from typing import Any

from conductor_fast.client import workflow_calls
from conductor_fast.client.connection import AwaitableClient, BlockingClient
from conductor_fast.client.workflow_calls import TERMINAL_STATUSES, Definition


def _pauses(workflow_id: str, timeout: float) -> Generator[float, None, None]:
    """Seconds between looks at a workflow: from 10 ms up to half a second; TimeoutError at the end.

    The last look is at the end, so that there is one however short the time.
    """
    deadline, pause = time.monotonic() + timeout, 0.01
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, 0.5)
    yield 0
    raise TimeoutError(f"workflow {workflow_id} has not ended within {timeout} s")


class WorkflowClient(BlockingClient):
    """Registers, starts and follows workflows.

    A definition is a dict as the server's JSON, or the path of a JSON file. Every call raises
    ApiException with the server's message, its status 0 if there was no answer.
    """

    def register_workflow(self, definition: Definition) -> None:
        """Create the workflow definition, or replace the one of that name and version."""
        self._run(workflow_calls.register_workflow(definition))

    def register_task_definition(self, definition: Definition) -> None:
        """Create the task definition, or replace the one of that name."""
        self._run(workflow_calls.register_task_definition(definition))

    def start_workflow(
        self,
        name: str,
        input: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        correlation_id: str | None = None,
        task_to_domain: Mapping[str, str] | None = None,
    ) -> str:
        """Start the workflow, its newest version unless one is given; the workflow id."""
        return self._run(workflow_calls.start_workflow(name, input, version, correlation_id, task_to_domain))

    def get_workflow(self, workflow_id: str, *, include_tasks: bool = True) -> dict[str, Any]:
        """The workflow as it stands: `status`, `input`, `output`, `tasks`, …"""
        return self._run(workflow_calls.get_workflow(workflow_id, include_tasks))

    def terminate_workflow(self, workflow_id: str, reason: str | None = None) -> None:
        """End the workflow as TERMINATED; its tasks are cancelled."""
        self._run(workflow_calls.terminate_workflow(workflow_id, reason))

    def wait_for_workflow(self, workflow_id: str, timeout: float = 60.0) -> dict[str, Any]:
        """Block until the workflow has ended, whichever way; the workflow. TimeoutError after `timeout` s."""
        for pause in _pauses(workflow_id, timeout):
            if self.get_workflow(workflow_id, include_tasks=False)["status"] in TERMINAL_STATUSES:
                break
            time.sleep(pause)
        return self.get_workflow(workflow_id)


class AsyncWorkflowClient(AwaitableClient):
    """`WorkflowClient` with calls that are awaited."""

    async def register_workflow(self, definition: Definition) -> None:
        """As `WorkflowClient.register_workflow`."""
        await self._run(workflow_calls.register_workflow(definition))

    async def register_task_definition(self, definition: Definition) -> None:
        """As `WorkflowClient.register_task_definition`."""
        await self._run(workflow_calls.register_task_definition(definition))

    async def start_workflow(
        self,
        name: str,
        input: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        correlation_id: str | None = None,
        task_to_domain: Mapping[str, str] | None = None,
    ) -> str:
        """As `WorkflowClient.start_workflow`."""
        return await self._run(
            workflow_calls.start_workflow(name, input, version, correlation_id, task_to_domain)
        )

    async def get_workflow(self, workflow_id: str, *, include_tasks: bool = True) -> dict[str, Any]:
        """As `WorkflowClient.get_workflow`."""
        return await self._run(workflow_calls.get_workflow(workflow_id, include_tasks))

    async def terminate_workflow(self, workflow_id: str, reason: str | None = None) -> None:
        """As `WorkflowClient.terminate_workflow`."""
        await self._run(workflow_calls.terminate_workflow(workflow_id, reason))

    async def wait_for_workflow(self, workflow_id: str, timeout: float = 60.0) -> dict[str, Any]:
        """As `WorkflowClient.wait_for_workflow`."""
        for pause in _pauses(workflow_id, timeout):
            if (await self.get_workflow(workflow_id, include_tasks=False))["status"] in TERMINAL_STATUSES:
                break
            await asyncio.sleep(pause)
        return await self.get_workflow(workflow_id)
