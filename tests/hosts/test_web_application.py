"""Workers in the lifespan of a FastAPI application, served by uvicorn in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def application(server: DevServer, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process, and its address."""
    log = tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "tests.hosts.web_application:app", "--port", "0"]
    environment = {**os.environ, "CONDUCTOR_SERVER_URL": server.url}
    with (
        log.open("w") as out,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            find = re.compile(r"running on (http://[\d.:]+)").findall
            (address,) = wait_until(lambda: find(log.read_text()), "uvicorn to listen", 20)
            yield process, address
        finally:
            process.kill()


def get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_a_route_and_the_workers_share_the_lifespans_pool_and_loop(
    server: DevServer, application: tuple[subprocess.Popen[bytes], str]
) -> None:
    _, address = application
    server.push_many("nobody's", count=3)
    server.push_many("look_up", {"task_type": "nobody's"}, 20)
    assert server.wait_for(20, "look_up", "COMPLETED")
    assert get(f"{address}/size/nobody's") == {"size": 3, "healthy": True, "runs": 20, "on this loop": True}
    assert {task["outputData"]["size"] for task in server.tasks("look_up")} == {3}


def test_the_shutdown_of_the_application_drains(
    server: DevServer, application: tuple[subprocess.Popen[bytes], str]
) -> None:
    process, _ = application
    server.push("slow", {"seconds": 1})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    process.send_signal(signal.SIGTERM)
    # uvicorn ends itself by the signal that it has handled.
    assert process.wait(20) in (0, -signal.SIGTERM)
    assert server.tasks("slow")[0]["outputData"] == {"result": "finished"}
