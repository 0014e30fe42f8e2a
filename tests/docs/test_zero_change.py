"""README's zero-change section: its script, as it stands, by its commands."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.application import ENGINES, running, running_command
from tests.docs.blocks import ROOT, read_blocks
from tests.server.calls import ServerCalls
from tests.server.real_server import RealServer
from tests.support.definitions import task_definition

TIMEOUT_SECONDS = 30.0
SECTION = "An application of conductor-python, unchanged"
BLOCKS = [block for block in read_blocks(ROOT / "README.md") if block.section == SECTION]
(SCRIPT,) = [block.code for block in BLOCKS if block.language == "python"]
(COMMANDS,) = [block.code.splitlines() for block in BLOCKS if block.language == "console"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_script_on_either_engine(engine: str, server: DevServer, tmp_path: Path) -> None:
    with running(engine, _script(tmp_path), server.url, tmp_path / "log"):
        _check_workflow(ServerCalls(server.url))


@pytest.mark.timeout(600)
def test_a_clean_environment_on_the_real_server(real_server: RealServer, wheel: Path, tmp_path: Path) -> None:
    """An environment that has conductor-python, as the application's has, and then README's two commands."""
    install, run = (line.removeprefix("$ ").split() for line in COMMANDS)
    assert (install, run) == (
        ["pip", "install", "conductor-fast"],
        ["conductor-fast", "accelerate", "app.py"],
    )
    binaries = tmp_path / "venv" / "bin"
    pip = [str(binaries / "pip"), "--quiet", "--disable-pip-version-check"]
    _do(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    _do(*pip, "install", f"conductor-python=={version('conductor-python')}")
    # As the index would give it: the name stands for the wheel of this tree.
    _do(*pip, "install", str(wheel))

    folder = _script(tmp_path).parent
    words = [str(binaries / run[0]), *run[1:]]
    with running_command(words, real_server.url, tmp_path / "log", folder) as application:
        _check_workflow(real_server)
        assert len(application.processes()) == 1
        assert "accelerated: 1 workers run on conductor_fast" in application.log
        application.terminate()
        assert application.wait() == 143, application.log


def _script(folder: Path) -> Path:
    script = folder / "app.py"
    script.write_text(SCRIPT)
    return script


def _check_workflow(server: ServerCalls) -> None:
    server.define_task(task_definition("greet"))
    server.register_workflow("zero_change", ["greet"], {"greet": {"name": "${workflow.input.name}"}})
    workflow_id = server.start_workflow("zero_change", {"name": "World"})
    (workflow,) = server.wait_for_workflows([workflow_id], "COMPLETED", TIMEOUT_SECONDS)
    assert [task["outputData"] for task in workflow["tasks"]] == [{"message": "Hello World"}]


def _do(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
