"""Schemas beside a task definition: the dev server keeps none, so the calls are looked at."""

from __future__ import annotations

from typing import Any

import pytest

from conductor_fast.client.call import Call
from conductor_fast.client.connection import Connection
from conductor_fast.model.exceptions import ApiException
from conductor_fast.worker.registration import Registration, register

SCHEMA = {"type": "object"}
REFERENCE = {"name": "greet_input", "version": 1}


class Server(Connection):
    """Answers each path with a value or an error, and keeps what was sent."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://127.0.0.1:9/api")
        self.answers = answers
        self.sent: list[tuple[str, Any]] = []

    def run(self, call: Call[Any]) -> Any:
        import json

        self.sent.append((call.method, call.body and json.loads(call.body)))
        answer = self.answers.get(f"{call.method}_{call.path[0]}")
        if isinstance(answer, Exception):
            raise answer
        return answer


def with_schema(template: dict[str, Any] | None = None, overwrite: bool = True) -> Registration:
    return Registration("greet", template, overwrite, {"inputSchema": SCHEMA})


def test_a_new_definition_refers_to_its_schemas() -> None:
    server = Server(GET_metadata=ApiException(404, "No such taskType"))
    register(server, with_schema())
    assert server.sent == [
        ("POST", {"name": "greet_input", "version": 1, "type": "JSON", "data": SCHEMA}),
        ("GET", None),
        ("POST", [{"name": "greet", "enforceSchema": False, "inputSchema": REFERENCE}]),
    ]


def test_an_existing_definition_keeps_what_it_has() -> None:
    server = Server(GET_metadata={"name": "greet", "retryCount": 7})
    register(server, with_schema())
    assert server.sent[-1] == ("PUT", {"name": "greet", "retryCount": 7, "inputSchema": REFERENCE})


def test_a_definition_that_may_not_be_overwritten_stays() -> None:
    server = Server(GET_metadata={"name": "greet"})
    register(server, with_schema(overwrite=False))
    assert [method for method, _ in server.sent] == ["POST", "GET"]


def test_a_server_without_schemas_gets_the_definition() -> None:
    """Conductor OSS."""
    server = Server(POST_schema=ApiException(404, ""), GET_metadata={"name": "greet"})
    register(server, with_schema({"name": "greet", "retryCount": 5}))
    assert server.sent[-1] == ("PUT", {"name": "greet", "retryCount": 5})


def test_another_refusal_is_the_callers() -> None:
    with pytest.raises(ApiException):
        register(Server(POST_schema=ApiException(400, "bad")), with_schema())
