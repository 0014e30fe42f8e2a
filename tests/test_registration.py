"""Task definitions that workers make at their start, against the dev server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from conductor.client.http.models.task_def import TaskDef as SdkTaskDef

from conductor_fast import Configuration, ConfigurationError, TaskDef, TaskHandler, Worker, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


def definition(server: DevServer, name: str) -> dict[str, Any]:
    """What the server has; empty if nothing."""
    try:
        with urllib.request.urlopen(f"{server.url}/metadata/taskdefs/{name}") as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        error.close()
        return {}


def calls(server: DevServer) -> list[str]:
    """What was asked of definitions and schemas so far."""
    return [
        f"{line['method']} {line['path'].removeprefix('/api/')}"
        for line in server.transcript()
        if "/metadata/" in line["path"] or "/schema" in line["path"]
    ]


def start_and_stop(server: DevServer, *workers: Worker) -> list[str]:
    """Run the workers for as long as their registration takes; what was asked of the server meanwhile."""
    server.clear_transcript()
    with TaskHandler(workers, Configuration(server_api_url=server.url), scan_for_annotated_workers=False):
        pass
    return calls(server)


def worker(name: str = "greet", **settings: Any) -> Worker:
    return Worker(name, lambda task: None, register_task_def=True, **settings)


def test_one_that_is_missing_is_made(server: DevServer) -> None:
    assert start_and_stop(server, worker()) == ["GET metadata/taskdefs/greet", "POST metadata/taskdefs"]
    assert definition(server, "greet")["name"] == "greet"


def test_one_that_exists_is_not_reset(server: DevServer) -> None:
    """`overwrite_task_def` is the SDK's default, and there it resets the definition (S34)."""
    server.define({"name": "greet", "retryCount": 7})
    assert start_and_stop(server, worker()) == ["GET metadata/taskdefs/greet"]
    assert definition(server, "greet")["retryCount"] == 7


@pytest.mark.parametrize(
    "template",
    [
        TaskDef(name="another", retry_count=5, response_timeout_seconds=60),
        SdkTaskDef(name="another", retry_count=5, response_timeout_seconds=60),
        {"name": "another", "retryCount": 5, "responseTimeoutSeconds": 60},
    ],
    ids=["ours", "the SDK's", "dict"],
)
def test_a_template_replaces_one_that_exists(server: DevServer, template: Any) -> None:
    server.define({"name": "greet", "retryCount": 7})
    asked = start_and_stop(server, worker(task_def_template=template))
    assert asked == ["GET metadata/taskdefs/greet", "PUT metadata/taskdefs"]
    found = definition(server, "greet")
    assert (found["retryCount"], found["responseTimeoutSeconds"]) == (5, 60)
    assert definition(server, "another") == {}


def test_a_template_makes_one_that_is_missing(server: DevServer) -> None:
    start_and_stop(server, worker(task_def_template=TaskDef(retry_count=5)))
    assert definition(server, "greet")["retryCount"] == 5


def test_a_template_may_be_told_not_to_replace(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.define({"name": "greet", "retryCount": 7})
    template = TaskDef(retry_count=5)
    start_and_stop(server, worker(task_def_template=template, overwrite_task_def=False))
    monkeypatch.setenv("conductor.worker.greet.overwrite_task_def", "false")
    start_and_stop(server, worker(task_def_template=template))
    assert definition(server, "greet")["retryCount"] == 7
    assert template == TaskDef(retry_count=5), "the template stays as it was"


def test_the_environment_may_ask_for_it(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_ALL_REGISTER_TASK_DEF", "true")
    start_and_stop(server, Worker("greet", lambda task: None))
    assert definition(server, "greet")


def test_a_refusal_names_the_worker_and_lets_it_run(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    with WorkerHost(server.url) as host:
        host.add(worker(task_def_template=TaskDef(retry_count=-1)))
        server.push("greet")
        assert server.wait_for(1, "greet", "COMPLETED")
        wait_until(lambda: caplog.records, "the warning", 10)
    (record,) = caplog.records
    assert "worker 'greet': its task definition could not be registered (400" in record.message
    assert record.message.endswith("the worker runs without")


def test_a_server_that_comes_late(caplog: pytest.LogCaptureFixture) -> None:
    with DevServer() as first:
        port = int(first.url.split(":")[2].split("/")[0])
    with WorkerHost(f"http://127.0.0.1:{port}/api") as host:
        host.add(worker())
        wait_until(lambda: "could not be registered" in caplog.text, "the warning", 10)
        with DevServer(port=port) as server:
            wait_until(lambda: definition(server, "greet"), "the definition", 20)
            host.stop()
    assert caplog.text.count("could not be registered") == 1


def test_a_server_that_is_slow_does_not_hold_up_polling(server: DevServer) -> None:
    server.add_fault({"path": "/api/metadata", "delayMillis": 3_000})
    with WorkerHost(server.url) as host:
        for index in range(3):
            host.add(worker(f"greet_{index}"))
            server.push(f"greet_{index}")
        assert server.wait_for(3, status="COMPLETED", timeout=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"task_def_template": "greet"},
            "worker 'greet': task_def: a task definition is a TaskDef or a dict",
        ),
        ({"register_task_def": "yes"}, "worker 'greet': register_task_def 'yes' is no bool"),
    ],
)
def test_a_bad_setting_is_refused(server: DevServer, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message), WorkerHost(server.url) as host:
        host.add(Worker("greet", lambda task: None, **{"register_task_def": True, **settings}))
