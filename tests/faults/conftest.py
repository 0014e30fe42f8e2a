"""Worker processes and recorders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder

ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """A process of `worker.py`."""

    def __init__(self, folder: Path, server: DevServer, secret: str = "", **options: Any) -> None:
        self._runs, self._output = folder / "runs", folder / "output"
        settings = {"server": server.url, "runs": str(self._runs), **options}
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", "tests.faults.worker", json.dumps(settings)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(f"{secret}\n".encode())
        self.process.stdin.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def runs(self) -> Counter[str]:
        """How often each task was run, by this process and those that shared its folder."""
        return Counter(self._runs.read_text().split()) if self._runs.exists() else Counter()

    def output(self) -> str:
        return self._output.read_text()

    def memory(self, field: str = "VmRSS") -> float:
        """MiB; `VmHWM`: the most it ever was."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))


class StartWorker(Protocol):
    def __call__(self, server: DevServer, secret: str = "", **options: Any) -> WorkerProcess: ...


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Starts worker processes, which do not outlive the test."""
    started: list[WorkerProcess] = []

    def start(server: DevServer, secret: str = "", **options: Any) -> WorkerProcess:
        started.append(WorkerProcess(tmp_path, server, secret, **options))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()
