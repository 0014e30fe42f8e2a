"""Schemas that workers register at their start: with a dev server that keeps them, and by both SDKs.

A server with `/token` has `/schema`; the open one has neither.
"""

# Without `from __future__ import annotations`, with which conductor-python finds no types.
import json
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from conductor.client.automator.task_runner import TaskRunner as SdkTaskRunner
from conductor.client.configuration.configuration import Configuration as SdkConfiguration
from conductor.client.configuration.settings.authentication_settings import (
    AuthenticationSettings as SdkAuthenticationSettings,
)
from conductor.client.worker.worker import Worker as SdkWorker

from conductor_fast import AuthenticationSettings, Configuration, TaskDef, TaskHandler, Worker
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

KEYS = ("key", "secret")
REFERENCES = {
    "inputSchema": {"name": "greet_input", "version": 1},
    "outputSchema": {"name": "greet_output", "version": 1},
}


@dataclass
class Person:
    name: str
    age: int


def greet(person: Person, times: int = 1) -> dict[str, str]:
    return {"said": f"Hello {person.name}" * times}


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(auth=KEYS) as server:
        yield server


def ask(server: DevServer, path: str, body: object = None, token: str = "") -> Any:
    """What the server answers; None to what it does not know."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"})
    if token:
        request.add_header("X-Authorization", token)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        error.close()
        return None


def kept(server: DevServer) -> dict[str, Any]:
    """The schemas and the definition that the server has."""
    token = ask(server, "/token", {"keyId": KEYS[0], "keySecret": KEYS[1]})["token"]
    found = {name: ask(server, f"/schema/greet_{name}/1", token=token) for name in ("input", "output")}
    definition = ask(server, "/metadata/taskdefs/greet", token=token) or {}
    return found | {key: definition.get(key) for key in ("inputSchema", "outputSchema", "retryCount")}


def register(server: DevServer, **settings: Any) -> None:
    """Run the worker until its definition is registered."""
    worker = Worker("greet", greet, register_task_def=True, register_schema=True, **settings)
    configuration = Configuration(
        server_api_url=server.url, authentication_settings=AuthenticationSettings(*KEYS)
    )
    with TaskHandler([worker], configuration, scan_for_annotated_workers=False):
        wait_until(lambda: asked(server, "GET", "/metadata/taskdefs/greet"), "the look at the definition", 10)


def asked(server: DevServer, method: str, path: str) -> int:
    return sum(
        line["method"] == method and line["path"] == f"/api{path}" and line["status"] < 500
        for line in server.transcript()
    )


def register_by_sdk(server: DevServer, **settings: Any) -> None:
    worker = SdkWorker("greet", greet, register_task_def=True, register_schema=True, **settings)
    configuration = SdkConfiguration(
        server_api_url=server.url, authentication_settings=SdkAuthenticationSettings(*KEYS)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, of its own model's attributes
        # The first step of its run(), which else goes on to poll until it is stopped.
        SdkTaskRunner(worker, configuration)._TaskRunner__register_task_definition()


@pytest.mark.parametrize("strict", [False, True])
def test_schemas_and_definition_are_the_sdks(server: DevServer, strict: bool) -> None:
    register(server, strict_schema=strict)
    with DevServer(auth=KEYS) as other:
        register_by_sdk(other, strict_schema=strict)
        theirs = kept(other)
    ours = kept(server)
    for each in (theirs, ours):
        for side in ("input", "output"):
            assert each[side]["name"] == f"greet_{side}"
    assert {key: ours[key] for key in REFERENCES} == REFERENCES
    assert ours == theirs


def test_an_existing_definition_keeps_what_it_has(server: DevServer) -> None:
    server.define({"name": "greet", "retryCount": 7})
    register(server)
    assert kept(server)["retryCount"] == 7
    assert {key: kept(server)[key] for key in REFERENCES} == REFERENCES


def test_a_definition_that_may_not_be_overwritten_stays(server: DevServer) -> None:
    server.define({"name": "greet"})
    register(server, overwrite_task_def=False)
    assert kept(server)["inputSchema"] is None
    assert kept(server)["input"], "what it may refer to later is there"


def test_a_server_without_schemas_gets_the_definition() -> None:
    """Conductor OSS."""
    with DevServer() as server:
        server.define({"name": "greet"})
        register(server, task_def_template=TaskDef(retry_count=5))
        definition = ask(server, "/metadata/taskdefs/greet")
        assert asked(server, "POST", "/schema") == 1, "the 404 says it of both"
    assert (definition["retryCount"], definition.get("inputSchema")) == (5, None)


def test_a_refusal_is_told_and_the_worker_runs_without(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.add_fault({"path": "/api/schema", "answer": {"status": 400, "body": '{"message":"bad schema"}'}})
    worker = Worker("greet", greet, register_task_def=True, register_schema=True)
    configuration = Configuration(
        server_api_url=server.url, authentication_settings=AuthenticationSettings(*KEYS)
    )
    with TaskHandler([worker], configuration, scan_for_annotated_workers=False):
        server.push("greet", {"person": {"name": "Ada", "age": 36}})
        assert server.wait_for(1, "greet", "COMPLETED")
        wait_until(lambda: "bad schema" in caplog.text, "the warning", 10)
    assert "worker 'greet': its task definition could not be registered" in caplog.text
