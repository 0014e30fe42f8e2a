"""SIGTERM in `join_processes()` with fifty running tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.application import APPS, ENGINES, running
from tests.support.waiting import wait_until

TASKS = 50
START_TIMEOUT_SECONDS = 45.0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("engine", ENGINES)
def test_running_tasks_are_reported(engine: str, server: DevServer, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    for number in range(TASKS):
        server.push("held", {"number": number, "path": str(gate)})
    with running(engine, APPS / "held_tasks.py", server.url, tmp_path / "log") as application:
        wait_until(
            lambda: application.log.count("holding ") == TASKS, "all tasks to run", START_TIMEOUT_SECONDS
        )
        application.terminate()
        if engine == "sdk":
            # Its group is gone with the signal; what held them is not what loses them.
            application.wait()
        gate.touch()
        application.wait()
        wait_until(lambda: len(application.processes()) == 0, "the group to be gone", START_TIMEOUT_SECONDS)
        assert "Traceback" not in application.log
    statuses = [(task["status"], task["outputData"].get("number")) for task in server.tasks("held")]
    if engine == "accelerated":
        assert statuses == [("COMPLETED", number) for number in range(TASKS)]
    else:
        # Lost: the server waits for their response timeout.
        assert statuses == [("IN_PROGRESS", None)] * TASKS
