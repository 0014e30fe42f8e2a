"""The face of a server that the cases see: raw HTTP over one kept connection, and a log of the answers."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tests.contract.answers import Answer, Normaliser
from tests.contract.backends import Backend
from tests.support.definitions import task_definition
from tests.support.waiting import wait_until

REQUEST_TIMEOUT_SECONDS = 30.0
OFFERED_TIMEOUT_SECONDS = 20.0
WORKER_ID = "contract-worker"


class Api:
    """One case's talk with one server."""

    def __init__(self, backend: Backend, task_type: str) -> None:
        """Connect; `task_type` is this case's own, so that cases cannot meet in a queue."""
        self.task_type = task_type
        self._backend = backend
        split = urllib.parse.urlsplit(backend.base_url)
        assert split.hostname is not None
        self._path = split.path
        self._connection = http.client.HTTPConnection(
            split.hostname, split.port or 80, timeout=REQUEST_TIMEOUT_SECONDS
        )
        self.normaliser = Normaliser()

    def __enter__(self) -> Api:
        """Enter the case."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | list[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `raw` is sent as it is instead of `body` as JSON, a list of it in chunks."""
        content = raw if raw is not None or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        self._connection.request(method, self._path + path, content, sent)
        response = self._connection.getresponse()
        return Answer(
            status=response.status,
            content_type=response.getheader("Content-Type", ""),
            closes=response.getheader("Connection", "").lower() == "close",
            content=response.read(),
        )

    def record(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | list[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """As `call`, normalised."""
        return self.normaliser.answer(self.call(method, path, body, raw=raw, headers=headers))

    def make_ready(self, count: int = 1, *, wait: bool = True, **definition: object) -> None:
        """Queue tasks whose input is `{"a": 1}`; `definition` are fields of the task definition.

        `wait=False` is for a queue that a poll empties meanwhile.
        """
        self._backend.make_ready(task_definition(self.task_type, **definition), {"a": 1}, count, wait=wait)

    def cancel(self, task: Mapping[str, Any]) -> None:
        """End a task from outside."""
        self._backend.cancel(task)

    def another(self) -> Api:
        """Open a second connection, for a request that goes on while this one is used."""
        other = Api(self._backend, self.task_type)
        other.normaliser = self.normaliser
        return other

    def batch_poll(self, count: int = 1, timeout: int = 100, domain: str | None = None) -> Answer:
        """One batch poll; `timeout` in milliseconds."""
        query = urllib.parse.urlencode(
            {"workerid": WORKER_ID, "count": count, "timeout": timeout}
            | ({} if domain is None else {"domain": domain})
        )
        return self.call("GET", f"/tasks/poll/batch/{self.task_type}?{query}")

    def take(self, domain: str | None = None) -> dict[str, Any]:
        """Poll until a task is offered, and return it as it came."""
        task: dict[str, Any] = wait_until(
            lambda: (self.batch_poll(domain=domain).json() or [None])[0],
            f"a task of {self.task_type} to be offered",
            OFFERED_TIMEOUT_SECONDS,
        )
        # Named now: the answer to its result is a bare id, and must be recognised as this task's.
        self.normaliser.value(task)
        return task

    def ready(self, **definition: Any) -> dict[str, Any]:
        """Queue one task, take it, and return it as it came."""
        self.make_ready(**definition)
        return self.take()

    def update(self, task: Mapping[str, Any], path: str = "/tasks", **fields: object) -> dict[str, Any]:
        """Send a result for a task; the answer, normalised."""
        return self.record("POST", path, result_of(task, **fields))

    def look_up(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """What the server says of a task; the answer, normalised."""
        return self.record("GET", f"/tasks/{task['taskId']}")

    def wait_for_end(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Wait until a task has ended; the last answer, normalised."""
        wait_until(
            lambda: self.call("GET", f"/tasks/{task['taskId']}").json()["endTime"],
            f"task {task['taskId']} to end",
            OFFERED_TIMEOUT_SECONDS,
        )
        return self.look_up(task)


def result_of(task: Mapping[str, Any], **fields: object) -> dict[str, Any]:
    """The body of a result for a task."""
    ids = {name: task[name] for name in ("workflowInstanceId", "taskId")}
    return {**ids, "workerId": WORKER_ID, **fields}


def timed(since: float, least: float) -> str:
    """Whether something took at least so many seconds, in the words of a record."""
    return "not before its time" if time.monotonic() - since >= least else "too early"
