"""The Python of README.md does what it says."""

from __future__ import annotations

import importlib
import json
import re
import urllib.request
from pathlib import Path

import pytest

from conductor_fast.testing import DevServer
from tests.docs.blocks import DOCUMENTED_URL, ROOT, at, read_blocks
from tests.examples.process import Example, running
from tests.server.real_server import RealServer

TIMEOUT_SECONDS = 30.0
README = ROOT / "README.md"
# All there are: a block more fails here until a test runs it.
WORKER, WORKFLOW, _UNCHANGED, DROP_IN = [
    block.code for block in read_blocks(README) if block.language == "python"
]  # _UNCHANGED: test_zero_change.py


def test_worker_does_the_task_of_the_shown_command(tmp_path: Path) -> None:
    """Both `curl` lines are taken from the README as they stand, but for the port."""
    documented = DOCUMENTED_URL.removeprefix("http://").removesuffix("/api")
    commands = "\n".join(block.code for block in read_blocks(README) if block.language == "console")
    ((path, body),) = re.findall(rf"curl -H '.*' {documented}(/dev/push) -d '(.*)'", commands)
    (look,) = re.findall(rf"curl '{documented}(/dev/tasks\?.*)'", commands)

    with DevServer() as server, running(_script(tmp_path, WORKER, server.url), server.url) as process:
        root = server.url.removesuffix("/api")
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(root + path, body.encode(), headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            assert len(json.load(answer)) == 1
        assert server.wait_for(1, "greet", "COMPLETED", TIMEOUT_SECONDS)

        with urllib.request.urlopen(root + look, timeout=TIMEOUT_SECONDS) as answer:
            (task,) = json.load(answer)
        assert (task["status"], task["outputData"]) == ("COMPLETED", {"message": "Hello World"})
        _stop(process)


@pytest.mark.parametrize("worker", [WORKER, DROP_IN], ids=["worker", "drop_in"])
def test_workflow_with_the_worker_on_the_dev_server(
    worker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with DevServer() as server:
        _check_workflow(worker, server.url, tmp_path, capsys)


@pytest.mark.parametrize("worker", [WORKER, DROP_IN], ids=["worker", "drop_in"])
def test_workflow_with_the_worker_on_the_real_server(
    worker: str, real_server: RealServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _check_workflow(worker, real_server.url, tmp_path, capsys)


def test_the_drop_in_differs_from_the_sdk_in_its_import_alone() -> None:
    names = DROP_IN.splitlines()[0].removeprefix("from conductor_fast import ").split(", ")
    assert names == ["Configuration", "TaskHandler", "worker_task"]
    homes = {
        "Configuration": "conductor.client.configuration.configuration",
        "TaskHandler": "conductor.client.automator.task_handler",
        "worker_task": "conductor.client.worker.worker_task",
    }
    for name in names:
        assert hasattr(importlib.import_module(homes[name]), name)


def _check_workflow(worker: str, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    names: dict[str, object] = {"__name__": "readme"}
    with running(_script(folder, worker, url), url) as process:
        exec(compile(at(WORKFLOW, url), "README.md", "exec", dont_inherit=True), names)
        _stop(process)
    printed = capsys.readouterr().out
    assert printed == "{'said': 'Hello World'}\n"
    assert f'print(workflow["output"])  # {printed}' in WORKFLOW


def _script(folder: Path, worker: str, url: str) -> Path:
    script = folder / "worker.py"
    script.write_text(at(worker, url))
    return script


def _stop(process: Example) -> None:
    code, output, errors = process.stop()
    assert (code, output) == (0, ""), errors
