"""One way to call a client, whether its calls block or are awaited."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from conductor_fast import AsyncTaskClient, AsyncWorkflowClient, TaskClient, WorkflowClient

TASK_CLIENTS = (TaskClient, AsyncTaskClient)
WORKFLOW_CLIENTS = (WorkflowClient, AsyncWorkflowClient)
Client = TaskClient | AsyncTaskClient | WorkflowClient | AsyncWorkflowClient


class Face:
    """A client whose every method blocks: an awaitable one's in a loop of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if not inspect.iscoroutinefunction(method):
            return method
        return lambda *arguments, **options: asyncio.run(method(*arguments, **options))
