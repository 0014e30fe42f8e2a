"""Programs that are written for conductor-python, run by `conductor-fast accelerate` or by Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.waiting import wait_until

COMMAND = [str(Path(sys.executable).with_name("conductor-fast")), "accelerate"]
PYTHON = [sys.executable]

IMPORTS = """
import asyncio, os, signal, sys, threading, time
from conductor.client.automator.async_task_runner import AsyncTaskRunner
from conductor.client.automator.task_handler import TaskHandler, get_registered_workers
from conductor.client.automator.task_runner import TaskRunner
from conductor.client.configuration.configuration import Configuration
from conductor.client.context.task_context import TaskInProgress, get_task_context
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_result import TaskResult
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker import Worker
from conductor.client.worker.worker_interface import WorkerInterface
from conductor.client.worker.worker_task import worker_task
"""


class Program:
    """A running program; what it writes goes to a file, errors too."""

    def __init__(
        self,
        folder: Path,
        body: str,
        url: str,
        *,
        command: Sequence[str] = tuple(COMMAND),
        environment: Mapping[str, str] | None = None,
        first: str = "",
    ) -> None:
        self.path = folder / "app.py"
        self.path.write_text(f"{first}{IMPORTS}{textwrap.dedent(body)}")
        self._log = folder / "app.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, str(self.path)],
                cwd=folder,
                env={**os.environ, "CONDUCTOR_SERVER_URL": url, **(environment or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def written(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, timeout: float = 30.0) -> str:
        """What it wrote so far, once `text` is in it."""
        wait_until(lambda: text in self.written or self._ended(text), text, timeout)
        return self.written

    def _ended(self, text: str) -> bool:
        if self.process.poll() is not None and text not in self.written:
            raise AssertionError(f"ended with {self.process.returncode} without {text!r}:\n{self.written}")
        return False

    def end(self, number: int | None = None, timeout: float = 30.0) -> int:
        """The exit code, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def processes(self) -> int:
        """How many processes it is now: itself, and those that it started."""
        listing = subprocess.run(
            ["ps", "-o", "pid=", "-g", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return len(listing.stdout.split())

    def kill(self) -> None:
        """With whatever it started."""
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            return
        self.process.wait()
