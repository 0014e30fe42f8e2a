"""What clients do when the server or the way to it is in trouble."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from conductor_fast import ApiException, ConductorFastError, Configuration, TaskClient, WorkflowClient
from conductor_fast.testing import DevServer
from tests.client.faces import TASK_CLIENTS, Face

PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>please</body></html>"
HTML = {"content-type": "text/html"}


@pytest.mark.parametrize("kind", TASK_CLIENTS)
def test_server_that_is_down(kind: type[TaskClient]) -> None:
    """Also a call that is not repeatable is tried again when nothing can have been sent."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = Face(kind(f"http://127.0.0.1:{port}/api"))
    with pytest.raises(ApiException, match="cannot connect") as caught:
        client.get_task("t")
    assert caught.value.status == 0
    assert "refused" in str(caught.value)
    client.close()


def test_url_that_cannot_be_used() -> None:
    with pytest.raises(ConductorFastError, match="server_api_url"):
        TaskClient("ftp://nowhere").get_task("t")


def test_configuration_is_taken(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an object, and from the environment."""
    task_id = server.push("greet")
    with TaskClient(Configuration(server_api_url=server.url)) as client:
        assert client.get_task(task_id).task_id == task_id
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", server.url)
    with TaskClient() as client:
        assert client.get_task(task_id).task_id == task_id


@pytest.mark.parametrize("status", [503, 502, 500, 429])
def test_repeatable_call_survives_trouble_that_passes(server: DevServer, tasks: Face, status: int) -> None:
    task_id = server.push("greet")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    calls: list[Callable[[], str]] = [
        lambda: tasks.get_task(task_id).task_id,
        lambda: tasks.update_task(task_id, workflow_id, "COMPLETED"),
    ]
    for call in calls:
        server.add_fault({"path": "/api/", "count": 2, "answer": {"status": status, "body": ""}})
        before = server.requests
        assert call() == task_id
        assert server.requests == before + 3


def test_repeatable_call_survives_a_lost_answer(server: DevServer, tasks: Face) -> None:
    task_id = server.push("greet")
    workflow_id = server.task(task_id)["workflowInstanceId"]
    server.add_fault({"path": "/api/tasks", "count": 1, "closeAfter": True})
    assert tasks.update_task(task_id, workflow_id, "COMPLETED", {"a": 1}) == task_id
    assert server.task(task_id)["outputData"] == {"a": 1}


def test_trouble_that_stays_is_told_after_four_tries(server: DevServer, tasks: Face) -> None:
    server.add_fault({"path": "/api/", "answer": {"status": 503, "body": '{"message": "draining"}'}})
    with pytest.raises(ApiException, match="503: draining"):
        tasks.get_task("t")
    assert server.requests == 4


@pytest.mark.parametrize("status", [503, 500])
def test_line_of_a_log_is_sent_once(server: DevServer, tasks: Face, status: int) -> None:
    task_id = server.push("greet")
    server.add_fault({"path": "/api/", "count": 1, "answer": {"status": status, "body": ""}})
    with pytest.raises(ApiException, match=str(status)):
        tasks.add_log(task_id, "line")
    assert server.requests == 1


@pytest.mark.parametrize("status", [503, 500])
def test_workflow_is_not_started_twice(server: DevServer, workflows: Face, status: int) -> None:
    server.add_fault({"path": "/api/workflow", "count": 1, "answer": {"status": status, "body": ""}})
    with pytest.raises(ApiException, match=str(status)):
        workflows.start_workflow("w")
    server.add_fault({"path": "/api/workflow", "count": 1, "closeAfter": True})
    with pytest.raises(ApiException, match="connection lost") as caught:
        workflows.start_workflow("w")
    assert caught.value.status == 0
    assert server.requests == 2


def test_page_of_a_proxy_is_no_answer(server: DevServer, tasks: Face, workflows: Face) -> None:
    """A success with a page is none: neither a task, nor a workflow id, nor a silent yes."""
    server.add_fault({"path": "/api/", "answer": {"status": 200, "body": PAGE, "headers": HTML}})
    calls: list[Callable[[], object]] = [
        lambda: tasks.get_task("t"),
        lambda: tasks.add_log("t", "line"),
        lambda: workflows.start_workflow("w"),
    ]
    for call in calls:
        with pytest.raises(ApiException, match=r"not Conductor's.*check the URL") as caught:
            call()
        assert caught.value.status == 0


def test_page_of_a_proxy_is_cut_to_its_title(server: DevServer, tasks: Face) -> None:
    server.add_fault({"path": "/api/", "answer": {"status": 403, "body": PAGE, "headers": HTML}})
    with pytest.raises(ApiException) as caught:
        tasks.get_task("t")
    assert str(caught.value) == "403: an HTML page: Sign in"


@pytest.mark.parametrize("body", ["not JSON", "", "[]", "7"])
def test_success_that_is_no_task(server: DevServer, tasks: Face, body: str) -> None:
    server.add_fault({"path": "/api/", "answer": {"status": 200, "body": body}})
    with pytest.raises(ApiException, match="not Conductor's") as caught:
        tasks.get_task("t")
    assert caught.value.status == 0


def test_many_threads_share_a_client(server: DevServer) -> None:
    task_ids = server.push_many("greet", count=40)
    with TaskClient(server.url) as client, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda task_id: client.get_task(task_id).task_id, task_ids))
    assert found == task_ids


def test_closed_client_opens_again(server: DevServer, tasks: Face) -> None:
    task_id = server.push("greet")
    for _ in range(2):
        assert tasks.get_task(task_id).task_id == task_id
        tasks.close()
        tasks.close()


def test_nothing_is_opened_before_the_first_call(server: DevServer) -> None:
    with TaskClient(server.url), WorkflowClient(server.url):
        pass
    assert server.connections_opened == 0


def test_after_fork_the_client_says_what_to_do(server: DevServer) -> None:
    """And does it: closed, it opens again in the child."""
    task_id = server.push("greet")
    script = """
        import os, sys
        from conductor_fast import ConductorFastError, TaskClient

        client = TaskClient(sys.argv[1])
        client.get_task(sys.argv[2])
        child = os.fork()
        if child == 0:
            try:
                client.get_task(sys.argv[2])
            except ConductorFastError as error:
                print(error, flush=True)
            client.close()
            print(client.get_task(sys.argv[2]).status, flush=True)
            client.close()
            os._exit(0)
        os.waitpid(child, 0)
        print(client.get_task(sys.argv[2]).status)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), server.url, task_id]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    error, child, parent = run.stdout.splitlines()
    assert "cannot be used after fork" in error
    assert "child process" in error
    assert (child, parent) == ("SCHEDULED", "SCHEDULED")
