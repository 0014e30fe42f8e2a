"""The two servers behind one face: a URL, and tasks that are ready to be polled."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol

from conductor_fast.testing import DevServer
from tests.server.real_server import RealServer
from tests.support.waiting import wait_until

QUEUED_TIMEOUT_SECONDS = 10.0


class Backend(Protocol):
    """What a case needs of a server that is not part of the task API."""

    @property
    def base_url(self) -> str:
        """The URL with `/api`."""

    def make_ready(
        self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int, *, wait: bool
    ) -> None:
        """Define a task type and queue `count` tasks of it; `wait` until they can be polled."""

    def cancel(self, task: Mapping[str, Any]) -> None:
        """End a task from outside, as the end of its workflow does."""


class RealBackend:
    """Tasks come from one-task workflows."""

    def __init__(self, server: RealServer) -> None:
        self._server = server
        self.base_url = server.url

    def make_ready(
        self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int, *, wait: bool
    ) -> None:
        """Start a workflow for each task."""
        task_type = definition["name"]
        mapping = {name: f"${{workflow.input.{name}}}" for name in task_input}
        self._server.define_task(definition)
        self._server.register_workflow(task_type, [task_type], {task_type: mapping})
        expected = self._server.queue_size(task_type) + count
        for _ in range(count):
            self._server.start_workflow(task_type, task_input)
        if wait:
            wait_until(
                lambda: self._server.queue_size(task_type) == expected,
                f"{count} tasks of {task_type} to be queued",
                QUEUED_TIMEOUT_SECONDS,
            )

    def cancel(self, task: Mapping[str, Any]) -> None:
        """Terminate the workflow."""
        self._server.terminate_workflow(task["workflowInstanceId"])


class DevBackend:
    """Tasks are pushed."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self.base_url = server.url

    def make_ready(
        self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int, *, wait: bool
    ) -> None:
        """Push, which queues at once; a pushed task takes its settings from the definition."""
        self._server.define(dict(definition))
        self._server.push_many(definition["name"], dict(task_input), count=count)

    def cancel(self, task: Mapping[str, Any]) -> None:
        """Use the dev server's own route, which no real server has."""
        root = self._server.url.removesuffix("/api")
        request = urllib.request.Request(f"{root}/dev/cancel/{task['taskId']}", method="POST")
        with urllib.request.urlopen(request, timeout=QUEUED_TIMEOUT_SECONDS) as answer:
            assert json.load(answer) is True
