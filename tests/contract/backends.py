"""The two servers behind one face: a URL, and tasks that are ready to be polled."""

from __future__ import annotations

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

    def make_ready(self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int) -> None:
        """Define a task type and queue `count` tasks of it."""


class RealBackend:
    """Tasks come from one-task workflows."""

    def __init__(self, server: RealServer) -> None:
        self._server = server
        self.base_url = server.url

    def make_ready(self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int) -> None:
        """Start a workflow for each task, and wait until all are queued."""
        task_type = definition["name"]
        mapping = {name: f"${{workflow.input.{name}}}" for name in task_input}
        self._server.define_task(definition)
        self._server.register_workflow(task_type, [task_type], {task_type: mapping})
        expected = self._server.queue_size(task_type) + count
        for _ in range(count):
            self._server.start_workflow(task_type, task_input)
        wait_until(
            lambda: self._server.queue_size(task_type) == expected,
            f"{count} tasks of {task_type} to be queued",
            QUEUED_TIMEOUT_SECONDS,
        )


class DevBackend:
    """Tasks are pushed."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self.base_url = server.url

    def make_ready(self, definition: Mapping[str, Any], task_input: Mapping[str, Any], count: int) -> None:
        """Define, then push: a pushed task takes its settings from the definition."""
        self._server.define(dict(definition))
        self._server.push_many(definition["name"], dict(task_input), count=count)
