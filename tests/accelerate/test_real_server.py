"""An unmodified program under `conductor-fast accelerate`, on the real server."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.accelerate.program import Program
from tests.accelerate.test_task_handler import MAIN, WORKERS
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition

TASK_TYPES = ["decorated", "coroutine", "takes_task", "first"]


def test_its_workflows_complete(real_server: RealServer, tmp_path: Path) -> None:
    """Decorated, coroutine and class workers, the context and a task in progress; then SIGTERM."""
    for task_type in TASK_TYPES:
        real_server.define_task(task_definition(task_type))
    number = "${workflow.input.number}"
    inputs = {"decorated": {"number": number}, "coroutine": {"data": number}}
    real_server.register_workflow("accelerated", TASK_TYPES, inputs)
    program = Program(tmp_path, WORKERS + MAIN, real_server.url)
    try:
        program.wait_for("up and running")
        workflows = [real_server.start_workflow("accelerated", {"number": number}) for number in range(5)]
        for index, workflow in enumerate(real_server.wait_for_workflows(workflows, "COMPLETED", timeout=60)):
            outputs = {task["taskType"]: task["outputData"] for task in workflow["tasks"]}
            assert outputs["decorated"]["number"] == index
            assert outputs["coroutine"] == {"thread": True, "data": index}
            assert outputs["takes_task"] == {"polls": 2}
            assert outputs["first"] == {"class": "Classic"}
        assert program.end(signal.SIGTERM) == 143
        assert "unfinished" not in program.log
    finally:
        program.kill()
