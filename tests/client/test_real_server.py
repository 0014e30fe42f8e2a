"""The clients against the real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conductor_fast import ApiException
from tests.client.faces import TASK_CLIENTS, WORKFLOW_CLIENTS, Face
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 20.0
KINDS = list(zip(TASK_CLIENTS, WORKFLOW_CLIENTS, strict=True))


class Clients:
    """One kind's two clients, with a workflow and task types of their own."""

    def __init__(self, tasks: Face, workflows: Face, name: str) -> None:
        self.tasks = tasks
        self.workflows = workflows
        self.name = name
        self.types = (f"{name} first", f"{name} zweite ü")

    def register(self, folder: Path) -> None:
        """From files."""
        for number, task_type in enumerate(self.types):
            file = folder / f"task{number}.json"
            file.write_text(json.dumps(task_definition(task_type, retryCount=0)))
            self.workflows.register_task_definition(file)
        tasks = [
            {
                "name": task_type,
                "taskReferenceName": reference,
                "type": "SIMPLE",
                "inputParameters": {"name": "${workflow.input.name}"},
            }
            for reference, task_type in zip(("one", "two"), self.types, strict=True)
        ]
        file = folder / "workflow.json"
        file.write_text(json.dumps({"name": self.name, "tasks": tasks}))
        self.workflows.register_workflow(file)


@pytest.fixture(params=KINDS, ids=["blocking", "awaitable"])
def clients(real_server: RealServer, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clients]:
    """Of either kind, registered."""
    tasks, workflows = (Face(kind(real_server.url)) for kind in request.param)
    clients = Clients(tasks, workflows, f"client_{request.node.name}".replace("[", "_").rstrip("]"))
    clients.register(tmp_path)
    yield clients
    tasks.close()
    workflows.close()


def test_workflow_from_start_to_end(clients: Clients) -> None:
    """Every call that a person at a terminal makes on the way."""
    tasks, workflows, (first, second) = clients.tasks, clients.workflows, clients.types
    workflow_id = workflows.start_workflow(clients.name, {"name": "World"}, correlation_id="c")
    started = workflows.get_workflow(workflow_id)
    assert (started["status"], started["correlationId"]) == ("RUNNING", "c")
    wait_until(lambda: tasks.get_queue_size(first) == 1, "a task to be queued", TIMEOUT_SECONDS)
    assert tasks.get_queue_sizes()[first] == 1
    assert tasks.get_poll_data(first) == []

    task = tasks.get_task(started["tasks"][0]["taskId"])
    assert (task.status, task.task_def_name, task.input_data) == ("SCHEDULED", first, {"name": "World"})
    tasks.add_log(task.task_id, 'line\n"quoted" ü')
    logs = wait_until(lambda: tasks.get_logs(task.task_id), "the log to be there", TIMEOUT_SECONDS)
    assert [log.log for log in logs] == ['line\n"quoted" ü']
    tasks.signal(workflow_id, "COMPLETED", {"ignored": True})
    assert tasks.update_task(task.task_id, workflow_id, "COMPLETED", {"big": 2**70}) == task.task_id
    assert tasks.get_task(task.task_id).output_data == {"big": 2**70}

    after = tasks.update_task_sync(workflow_id, "two", "IN_PROGRESS", "half")
    assert (after["status"], after["tasks"][1]["outputData"]) == ("RUNNING", {"result": "half"})
    assert after["tasks"][1]["taskType"] == second
    second_id = after["tasks"][1]["taskId"]
    assert tasks.update_task_by_ref_name(workflow_id, "two", "COMPLETED", {"done": True}) == second_id
    ended = workflows.wait_for_workflow(workflow_id, TIMEOUT_SECONDS)
    assert (ended["status"], ended["output"]) == ("COMPLETED", {"result": "half", "done": True})
    assert tasks.update_task_by_ref_name(workflow_id, "two", "COMPLETED") == ""
    with pytest.raises(ApiException, match="409: Cannot terminate a COMPLETED workflow"):
        workflows.terminate_workflow(workflow_id)


def test_failed_and_terminated_workflows(clients: Clients) -> None:
    workflow_id = clients.workflows.start_workflow(clients.name)
    with pytest.raises(TimeoutError, match=workflow_id):
        clients.workflows.wait_for_workflow(workflow_id, 0.1)
    clients.tasks.update_task_by_ref_name(workflow_id, "one", "FAILED", None)
    failed = clients.workflows.wait_for_workflow(workflow_id, TIMEOUT_SECONDS)
    assert (failed["status"], failed["failedReferenceTaskNames"]) == ("FAILED", ["one"])

    workflow_id = clients.workflows.start_workflow(clients.name)
    clients.workflows.terminate_workflow(workflow_id, "no longer & needed")
    ended = clients.workflows.wait_for_workflow(workflow_id, TIMEOUT_SECONDS)
    assert (ended["status"], ended["reasonForIncompletion"]) == ("TERMINATED", "no longer & needed")
    assert [task["status"] for task in ended["tasks"]] == ["CANCELED"]


def test_refusals_have_the_servers_words(clients: Clients) -> None:
    tasks, workflows = clients.tasks, clients.workflows
    empty = {"name": f"{clients.name}_empty"}
    refused: dict[str, Callable[[], object]] = {
        "404: Task not found for taskId: nope": lambda: tasks.get_task("nope"),
        "404: No such workflow found by id: nope": lambda: workflows.get_workflow("nope"),
        "404: No such workflow defined. name=nope": lambda: workflows.start_workflow("nope"),
        "404: Found no running task r of workflow nope": lambda: tasks.update_task_sync(
            "nope", "r", "FAILED"
        ),
        "400: .*taskId: Task ID cannot be null or empty": lambda: tasks.update_task("", "w", "COMPLETED"),
        "400: .*tasks: WorkflowTask list cannot be empty": lambda: workflows.register_workflow(empty),
        "400: an HTML page: HTTP Status 400": lambda: tasks.get_task("a/b"),
    }
    for message, call in refused.items():
        with pytest.raises(ApiException, match=message):
            call()
