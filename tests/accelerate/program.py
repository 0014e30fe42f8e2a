"""Programs that are written for conductor-python, run by `conductor-fast accelerate` or by Python itself."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.accelerate.application import Application
from tests.support.waiting import wait_until

COMMAND = [str(Path(sys.executable).with_name("conductor-fast")), "accelerate"]
PYTHON = [sys.executable]

WHO = """
    @worker_task(task_definition_name="who")
    def who() -> dict:
        return {"pid": os.getpid()}
"""
"""A worker that tells in which process it runs."""

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


class Program(Application):
    """An application that a test writes; its log is what it writes, errors too."""

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
        super().__init__([*command, str(self.path)], url, folder / "app.log", folder, environment)

    def wait_for(self, text: str, timeout: float = 30.0) -> str:
        """What it wrote so far, once `text` is in it."""
        wait_until(lambda: text in self.log or self._ended(text), text, timeout)
        return self.log

    def _ended(self, text: str) -> bool:
        if self.process.poll() is not None and text not in self.log:
            raise AssertionError(f"ended with {self.process.returncode} without {text!r}:\n{self.log}")
        return False

    def end(self, number: int | None = None, timeout: float = 30.0) -> int:
        """The exit code, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(timeout)
