"""The wheel, in a venv that holds nothing else: what a user gets from `pip install`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import threading
from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer

def double(number: int) -> dict:
    return {"double": 2 * number, "thread": threading.current_thread().name}

with DevServer() as server:
    with WorkerHost(server.url) as host:
        host.start_worker("double", double, batch_size=2)
        for number in range(10):
            server.push("double", {"number": number})
        assert server.wait_for(10, "double", "COMPLETED"), server.tasks()
    outputs = [task["outputData"] for task in server.tasks("double")]
assert [output["double"] for output in outputs] == [2 * number for number in range(10)], outputs
print("ten tasks done")
"""


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
    return done.stdout


# Ten minutes: a cold build with fat LTO takes three on two cores. `make test` has built it before.
@pytest.mark.timeout(600)
def test_the_wheel_works_in_a_clean_venv(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    _run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    _run(venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    assert _run(venv / "bin/python", "-I", "-c", SCRIPT, cwd=tmp_path) == "ten tasks done\n"
    assert _run(venv / "bin/conductor-fast", "--version", cwd=tmp_path).startswith("conductor-fast ")
    # No checkout, no compiler, no conductor-python.
    compared = _run(venv / "bin/conductor-fast", "bench", "--seconds", "0.5", "--rounds", "1", cwd=tmp_path)
    assert "conductor-python is not installed here, and so not compared." in compared
    assert "conductor_fast  █" in compared
    # Their absence would make a type checker ignore the whole package.
    for name in ("py.typed", "_core.pyi"):
        assert list(venv.rglob(f"conductor_fast/{name}")), name
