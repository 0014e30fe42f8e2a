"""`WorkflowClient` and `AsyncWorkflowClient` against the dev server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import ApiException, TaskClient
from conductor_fast.testing import DevServer
from tests.client.faces import Face
from tests.support.definitions import task_definition


def definition(name: str = "greeting", **fields: object) -> dict[str, Any]:
    """A workflow of two tasks."""
    return {
        "name": name,
        "tasks": [
            {
                "name": "first",
                "taskReferenceName": "one",
                "type": "SIMPLE",
                "inputParameters": {"name": "${workflow.input.name}"},
            },
            {
                "name": "second",
                "taskReferenceName": "two",
                "type": "SIMPLE",
                "inputParameters": {"text": "Hello ${one.output.result}"},
            },
        ],
        **fields,
    }


def complete(server: DevServer, workflow_id: str, reference: str, output: object) -> dict[str, Any]:
    with TaskClient(server.url) as client:
        return client.update_task_sync(workflow_id, reference, "COMPLETED", output)


def test_from_definition_to_end(server: DevServer, workflows: Face) -> None:
    for name in ("first", "second"):
        workflows.register_task_definition(task_definition(name))
    workflows.register_workflow(definition())
    workflow_id = workflows.start_workflow("greeting", {"name": "World"}, correlation_id="c")
    started = workflows.get_workflow(workflow_id)
    assert (started["status"], started["correlationId"]) == ("RUNNING", "c")
    assert [task["inputData"] for task in started["tasks"]] == [{"name": "World"}]
    complete(server, workflow_id, "one", "World!")
    complete(server, workflow_id, "two", {"done": True})
    ended = workflows.wait_for_workflow(workflow_id, timeout=5)
    assert (ended["status"], ended["output"]) == ("COMPLETED", {"done": True})
    assert ended["tasks"][1]["inputData"] == {"text": "Hello World!"}
    assert workflows.get_workflow(workflow_id, include_tasks=False)["tasks"] == []


def test_definitions_from_files(server: DevServer, workflows: Face, tmp_path: Path) -> None:
    """As a path or its text; registering again replaces."""
    file = tmp_path / "wörkflow.json"
    for description in ("first", "replaced"):
        file.write_text(json.dumps(definition(description=description), ensure_ascii=False), encoding="utf-8")
        workflows.register_workflow(file)
        workflows.register_workflow(str(file))
    task = tmp_path / "task.json"
    task.write_text(json.dumps(task_definition("first", retryCount=0)))
    workflows.register_task_definition(task)
    workflow_id = workflows.start_workflow("greeting")
    assert workflows.get_workflow(workflow_id)["workflowDefinition"]["description"] == "replaced"
    with TaskClient(server.url) as client:
        task_id = workflows.get_workflow(workflow_id)["tasks"][0]["taskId"]
        client.update_task(task_id, workflow_id, "FAILED", reason_for_incompletion="broken")
    failed = workflows.wait_for_workflow(workflow_id, 5)
    assert failed["status"] == "FAILED"
    assert "broken" in failed["reasonForIncompletion"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"name": ', "is not a JSON file"),
        (b"\xff\xfe", "is not a JSON file"),
        (b"[]", "holds no JSON object but a list"),
    ],
)
def test_broken_file_is_named(
    server: DevServer, workflows: Face, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(content)
    for register in (workflows.register_workflow, workflows.register_task_definition):
        with pytest.raises(ValueError, match=rf"broken\.json {message}"):
            register(file)
    with pytest.raises(FileNotFoundError, match="missing"):
        workflows.register_workflow(tmp_path / "missing.json")
    assert server.requests == 0


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        ({"name": "empty"}, 400, "tasks: WorkflowTask list cannot be empty"),
        (
            {"name": "w", "tasks": [{"name": "t", "taskReferenceName": "choose", "type": "WAIT"}]},
            501,
            "task choose of workflow w is of type WAIT",
        ),
    ],
)
def test_definition_that_is_refused(
    workflows: Face, given: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(ApiException, match=message) as caught:
        workflows.register_workflow(given)
    assert caught.value.status == status


def test_refusal_within_a_success(server: DevServer, workflows: Face) -> None:
    """The server answers 200 to a list of definitions of which it took none."""
    body = {"bulkErrorResults": {"greeting": "no room"}, "bulkSuccessfulResults": []}
    server.add_fault({"path": "/api/metadata", "answer": {"status": 200, "body": json.dumps(body)}})
    with pytest.raises(ApiException, match="greeting: no room"):
        workflows.register_workflow(definition())


def test_definition_that_cannot_be_json(server: DevServer, workflows: Face) -> None:
    with pytest.raises(ValueError, match=r"extra.*NaN"):
        workflows.register_workflow(definition(extra=float("nan")))
    with pytest.raises(ValueError, match=r"input\.a.*object"):
        workflows.start_workflow("greeting", {"a": object()})
    assert server.requests == 0


def test_versions(workflows: Face) -> None:
    """The newest unless one is named."""
    for version in (1, 2):
        workflows.register_workflow(definition(version=version))
    newest = workflows.get_workflow(workflows.start_workflow("greeting"))
    oldest = workflows.get_workflow(workflows.start_workflow("greeting", version=1))
    assert (newest["workflowVersion"], oldest["workflowVersion"]) == (2, 1)
    with pytest.raises(ApiException, match=r"404: No such workflow defined\. name=greeting, version=9"):
        workflows.start_workflow("greeting", version=9)


def test_domains(server: DevServer, workflows: Face) -> None:
    workflows.register_workflow(definition())
    workflows.start_workflow("greeting", task_to_domain={"first": "d"})
    assert [task["domain"] for task in server.tasks("first")] == ["d"]


def test_terminated_workflow(server: DevServer, workflows: Face) -> None:
    workflows.register_workflow(definition())
    workflow_id = workflows.start_workflow("greeting")
    workflows.terminate_workflow(workflow_id, "no longer & needed")
    ended = workflows.wait_for_workflow(workflow_id, timeout=5)
    assert (ended["status"], ended["reasonForIncompletion"]) == ("TERMINATED", "no longer & needed")
    assert [task["status"] for task in ended["tasks"]] == ["CANCELED"]
    assert server.count("first", "CANCELED") == 1


def test_completed_workflow_is_not_terminated(server: DevServer, workflows: Face) -> None:
    task_id = server.push("greet")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    complete(server, workflow_id, "greet_ref", None)
    with pytest.raises(ApiException, match="409: Cannot terminate a COMPLETED workflow"):
        workflows.terminate_workflow(workflow_id)


@pytest.mark.parametrize("method", ["get_workflow", "terminate_workflow", "wait_for_workflow"])
def test_unknown_workflow(workflows: Face, method: str) -> None:
    with pytest.raises(ApiException, match="404: No such workflow found by id: nope"):
        getattr(workflows, method)("nope")


@pytest.mark.parametrize("timeout", [0.0, 0.05])
def test_waiting_has_an_end(server: DevServer, workflows: Face, timeout: float) -> None:
    """And at least one look at the workflow."""
    workflow_id = server.task(server.push("greet"))["workflowInstanceId"]
    with pytest.raises(TimeoutError, match=f"{workflow_id}.*{timeout} s"):
        workflows.wait_for_workflow(workflow_id, timeout)
    complete(server, workflow_id, "greet_ref", None)
    assert workflows.wait_for_workflow(workflow_id, timeout)["status"] == "COMPLETED"
