"""What tests ask of a Conductor server, real or dev: definitions, workflows, what has become of them."""

from __future__ import annotations

import functools
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support.waiting import wait_until

REQUEST_TIMEOUT_SECONDS = 30.0


class ServerCalls:
    """The server whose API is at `url`.

    It speaks by urllib alone: a judge of our client must not use our client.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def define_task(self, definition: Mapping[str, Any]) -> None:
        """Register a task definition, or replace it."""
        self._call("POST", "/metadata/taskdefs", [definition])

    def register_workflow(
        self, name: str, task_types: Sequence[str], inputs: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Register a workflow that runs the task types in sequence.

        A task's reference name is its task type. `inputs` maps a task type to its inputParameters;
        a task type that is not in it gets no input.
        """
        tasks = [
            {
                "name": task_type,
                "taskReferenceName": task_type,
                "type": "SIMPLE",
                "inputParameters": (inputs or {}).get(task_type, {}),
            }
            for task_type in task_types
        ]
        # PUT takes a list and replaces; POST would refuse a name that is there.
        workflow = {"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks}
        self._call("PUT", "/metadata/workflow", [workflow])

    def start_workflow(
        self, name: str, workflow_input: Mapping[str, Any], domains: Mapping[str, str] | None = None
    ) -> str:
        """Start a workflow and return its id; `domains` maps a task type to its domain."""
        body = {"name": name, "version": 1, "input": workflow_input, "taskToDomain": domains or {}}
        return self._call("POST", "/workflow", body).decode()

    def terminate_workflow(self, workflow_id: str) -> None:
        """End a workflow; its running task is canceled."""
        self._call("DELETE", f"/workflow/{workflow_id}")

    def workflow(self, workflow_id: str) -> dict[str, Any]:
        """Return a workflow with its tasks."""
        answer: dict[str, Any] = json.loads(self._call("GET", f"/workflow/{workflow_id}?includeTasks=true"))
        return answer

    def forget_task(self, name: str) -> None:
        """Drop a task definition, if there is one."""
        if self.task_definition(name) is not None:
            self._call("DELETE", f"/metadata/taskdefs/{name}")

    def task_definition(self, name: str) -> dict[str, Any] | None:
        """Return a registered task definition."""
        definitions: list[dict[str, Any]] = json.loads(self._call("GET", "/metadata/taskdefs"))
        return next((each for each in definitions if each["name"] == name), None)

    def task_log(self, task_id: str) -> list[str]:
        """Return the lines of a task's log."""
        return [line["log"] for line in json.loads(self._call("GET", f"/tasks/{task_id}/log") or b"[]")]

    def queue_size(self, task_type: str) -> int:
        """Return how many tasks of a type wait to be polled."""
        sizes: dict[str, int] = json.loads(
            self._call("GET", f"/tasks/queue/sizes?{urllib.parse.urlencode({'taskType': task_type})}")
        )
        return sizes[task_type]

    def wait_for_workflows(
        self, workflow_ids: Iterable[str], status: str, timeout: float
    ) -> list[dict[str, Any]]:
        """Wait until every workflow has `status`; return them in the order asked.

        A workflow that ends in another status fails at once: it would never get there.
        """
        deadline = time.monotonic() + timeout

        def look(workflow_id: str) -> dict[str, Any]:
            workflow = self.workflow(workflow_id)
            if workflow["status"] == status:
                return workflow
            assert workflow["status"] in ("RUNNING", "PAUSED"), (
                f"{workflow_id} is {workflow['status']}: {workflow.get('reasonForIncompletion')}"
            )
            return {}

        return [
            wait_until(
                functools.partial(look, workflow_id),
                f"workflow {workflow_id} to be {status}",
                max(0.0, deadline - time.monotonic()),
            )
            for workflow_id in workflow_ids
        ]

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            # urllib's own text leaves out the server's explanation.
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
        return content
