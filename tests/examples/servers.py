"""The dev server and the real one behind one face: start a task, look at its attempts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from conductor_fast.testing import DevServer
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition


class Server(Protocol):
    """Where the tasks of an example come from."""

    url: str

    def start(self, task_type: str, task_input: Mapping[str, Any]) -> str:
        """Make one task ready, alone in its workflow; the workflow's id."""

    def attempts(self, workflow_id: str) -> list[dict[str, Any]]:
        """The task and its retries, in order."""


class OnDevServer:
    """Tasks are pushed."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self.url = server.url

    def start(self, task_type: str, task_input: Mapping[str, Any]) -> str:
        workflow_id = str(uuid.uuid4())
        self._server.define(task_definition(task_type))
        self._server.push(task_type, task_input, workflow_instance_id=workflow_id)
        return workflow_id

    def attempts(self, workflow_id: str) -> list[dict[str, Any]]:
        return [task for task in self._server.tasks() if task["workflowInstanceId"] == workflow_id]


class OnRealServer:
    """Tasks come from workflows of one task."""

    def __init__(self, server: RealServer) -> None:
        self._server = server
        self.url = server.url

    def start(self, task_type: str, task_input: Mapping[str, Any]) -> str:
        # The store is the session's: other tests have workflows too.
        workflow = f"example_{task_type}"
        inputs = {name: f"${{workflow.input.{name}}}" for name in task_input}
        self._server.define_task(task_definition(task_type))
        self._server.register_workflow(workflow, [task_type], {task_type: inputs})
        return self._server.start_workflow(workflow, task_input)

    def attempts(self, workflow_id: str) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = self._server.workflow(workflow_id)["tasks"]
        return tasks
