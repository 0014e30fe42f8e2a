"""`TaskRunner`, the face for one worker, runs workflows of the real server."""

from __future__ import annotations

import threading

import pytest

from conductor_fast import Configuration, TaskRunner, Worker
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 30.0


class Doubler:
    """A worker function that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, number: int) -> dict[str, int]:
        with self._lock:
            self.calls += 1
        return {"number": number * 2}


@pytest.fixture
def doubler() -> Doubler:
    """A fresh one."""
    return Doubler()


def _runner(server: RealServer, task_type: str, doubler: Doubler) -> TaskRunner:
    def double(number: int) -> dict[str, int]:
        return doubler(number)

    server.define_task(task_definition(task_type))
    server.register_workflow(task_type, [task_type], {task_type: {"number": "${workflow.input.number}"}})
    worker = Worker(task_definition_name=task_type, execute_function=double, thread_count=10)
    return TaskRunner(worker, Configuration(server_api_url=server.url))


def test_run_works_until_it_is_stopped(real_server: RealServer, doubler: Doubler) -> None:
    """`run` blocks its thread, `stop` from another one ends it, and between them the work is done."""
    runner = _runner(real_server, "runner_run", doubler)
    workflow_ids = [real_server.start_workflow("runner_run", {"number": number}) for number in range(20)]
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        workflows = real_server.wait_for_workflows(workflow_ids, "COMPLETED", TIMEOUT_SECONDS)
        assert thread.is_alive()
    finally:
        runner.stop()
        thread.join(TIMEOUT_SECONDS)

    assert not thread.is_alive()
    outputs = [workflow["tasks"][0]["outputData"] for workflow in workflows]
    assert outputs == [{"number": number * 2} for number in range(20)]
    assert doubler.calls == 20


def test_run_once_does_what_is_ready(real_server: RealServer, doubler: Doubler) -> None:
    """One poll, and its tasks are with the server when the call returns."""
    runner = _runner(real_server, "runner_once", doubler)
    workflow_ids = [real_server.start_workflow("runner_once", {"number": number}) for number in range(3)]
    wait_until(
        lambda: real_server.queue_size("runner_once") == 3, "three tasks to be queued", TIMEOUT_SECONDS
    )
    try:
        runner.run_once()
        workflows = [real_server.workflow(workflow_id) for workflow_id in workflow_ids]
        assert [workflow["status"] for workflow in workflows] == ["COMPLETED"] * 3

        runner.run_once()
        assert doubler.calls == 3
    finally:
        runner.stop()
