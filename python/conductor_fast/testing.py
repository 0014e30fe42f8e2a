"""What users' tests need: a Conductor task service in the test's own process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from conductor_fast import _core


class DevServer:
    """An in-memory Conductor task service: hands out pushed tasks and keeps what is reported.

    It answers as the real server does (3.32.3 on Redis; `gathering=True`: on SQLite). A pushed task is a
    workflow of its own; workflows of SIMPLE tasks in sequence are registered and started with
    `WorkflowClient(server.url)`, other types of task are refused with 501.

    It listens on 127.0.0.1, on a free port unless `port` is given; OSError if that is taken.
    `requests_per_connection`: each connection is closed after so many, as Tomcat does; None for never.
    `transcript_capacity`: so many requests are kept; 0 for none.
    `auth`: (key, secret); calls then need a token, which `/token` gives and which is good for `token_ttl`;
    and `/schema` keeps schemas. Without it the server has neither, as the open one.

    Times are seconds. A task is a dict as `GET /tasks/{taskId}` answers. A context manager.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        gathering: bool = False,
        requests_per_connection: int | None = 100,
        transcript_capacity: int = 100_000,
        auth: tuple[str, str] | None = None,
        token_ttl: float = 2_700.0,
    ) -> None:
        self._server = _core.DevServer(
            host=host,
            port=port,
            gathering=gathering,
            requests_per_connection=requests_per_connection,
            transcript_capacity=transcript_capacity,
            auth=auth,
            token_ttl=token_ttl,
        )

    @property
    def url(self) -> str:
        """The API's address, up to and with `/api`."""
        return self._server.url

    @property
    def requests(self) -> int:
        """How many requests were answered since the start."""
        return self._server.requests

    @property
    def connections_opened(self) -> int:
        """How many connections were accepted since the start."""
        return self._server.connections_opened

    def push(self, task_type: str, input: Mapping[str, Any] | None = None, **options: Any) -> str:
        """Make one task ready; its id. `options` as in `push_many`."""
        return self.push_many(task_type, input, 1, **options)[0]

    def push_many(
        self,
        task_type: str,
        input: Mapping[str, Any] | None = None,
        count: int = 1,
        *,
        domain: str | None = None,
        workflow_instance_id: str | None = None,
        response_timeout_seconds: int | None = None,
        retry_count: int | None = None,
        retry_delay_seconds: int | None = None,
    ) -> list[str]:
        """Make `count` tasks ready; their ids.

        What is None comes from the task definition, else from the server's defaults: 3,600 s response
        timeout, 3 retries, 60 s between them.
        """
        return self._server.push(
            task_type,
            json.dumps(dict(input or {})),
            count,
            domain=domain,
            workflow_instance_id=workflow_instance_id,
            response_timeout_seconds=response_timeout_seconds,
            retry_count=retry_count,
            retry_delay_seconds=retry_delay_seconds,
        )

    def push_raw_input(self, task_type: str, input: bytes) -> str:
        """Make one task ready whose `inputData` is these bytes, valid JSON or not; its id."""
        return self._server.push_raw_input(task_type, input)

    def define(self, definition: Mapping[str, Any]) -> None:
        """Register a task definition, as `POST /metadata/taskdefs` does."""
        self._server.define(json.dumps(dict(definition)))

    def task(self, task_id: str) -> dict[str, Any]:
        """The task as it stands; KeyError if there is none."""
        text = self._server.task(task_id)
        if text is None:
            raise KeyError(task_id)
        task: dict[str, Any] = json.loads(text)
        return task

    def tasks(self, task_type: str | None = None, status: str | None = None) -> list[dict[str, Any]]:
        """All tasks of that type and status, in the order in which they were made."""
        tasks: list[dict[str, Any]] = json.loads(self._server.tasks(task_type, status))
        return tasks

    def count(self, task_type: str | None = None, status: str | None = None) -> int:
        """How many tasks of that type and status there are."""
        return self._server.count(task_type, status)

    def wait_for(
        self, count: int, task_type: str | None = None, status: str | None = None, timeout: float = 10.0
    ) -> bool:
        """Block until `count` tasks have that status (None: have ended); false after `timeout`."""
        return self._server.wait_for(count, task_type, status, timeout)

    def forget_terminal(self) -> int:
        """Drop tasks that have ended, for long runs; how many."""
        return self._server.forget_terminal()

    def transcript(self) -> list[dict[str, Any]]:
        """Every request in order: a dict with `sequence` (from 1), `elapsedMillis` since the start, `method`,
        `path`, `query`, `taskType`, `body` (its first 2,048 bytes), `bodyBytes` and `status`; None for what
        it does not have or was not answered yet.
        """
        transcript: list[dict[str, Any]] = json.loads(self._server.transcript())
        return transcript

    def clear_transcript(self) -> None:
        """Forget the requests so far."""
        self._server.clear_transcript()

    def add_fault(self, rule: Mapping[str, Any] | str) -> int:
        """Let requests fail, as network, proxies and sick servers do: one fault, and whom it hits.

        `rule` in words, `"503 of=updates seconds=30"`, or as a mapping, `{"status": 503, "of": "updates",
        "seconds": 30}`; `fault_table()` has all of them. The first rule that hits a request is the one used.
        ValueError says what is wrong with a rule.
        """
        return self._server.add_fault(rule if isinstance(rule, str) else json.dumps(dict(rule)))

    @staticmethod
    def fault_table() -> str:
        """Every word of a fault rule, a line each."""
        return _core.DevServer.fault_table()

    def clear_faults(self) -> None:
        """Let no request fail any more."""
        self._server.clear_faults()

    def expire_tokens(self) -> None:
        """Let every token that was issued so far expire now."""
        self._server.expire_tokens()

    def stop(self) -> None:
        """Close the listener and every connection. Idempotent."""
        self._server.stop()

    def __enter__(self) -> DevServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
