"""The dev server and the real one behind one face: give work, see what has become of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from benches.compare.machine import ROOT
from tests.server.calls import ServerCalls
from tests.server.installation import NotInstalledError
from tests.server.real_server import RealServer, free_port
from tests.support.definitions import task_definition

STEPS = [f"step_{number}" for number in range(10)]
_END_TIMEOUT = 120.0
SQLITE, REDIS = "real server, SQLite", "real server, Redis"
_REDIS_SETTINGS = {
    "conductor.db.type": "redis_standalone",
    "conductor.queue.type": "redis_standalone",
    "conductor.redis.hosts": "localhost:{port}:us-east-1c",
    "conductor.redis-lock.serverAddress": "redis://localhost:{port}",
    "conductor.indexing.enabled": "false",
    "conductor.workflow-execution-lock.type": "noop_lock",
    "conductor.redis.workflowNamespacePrefix": "conductor",
    "conductor.redis.queueNamespacePrefix": "conductor_queues",
}

Task = dict[str, Any]


class Server(Protocol):
    """Where the work comes from."""

    name: str
    url: str

    def start(self, task_type: str) -> str:
        """One task; what it is asked for by."""

    def ended(self, wanted: list[str]) -> list[Task]:
        """Those tasks, once they have ended."""

    def work(self, seconds: float) -> Generator[None, None, int]:
        """A stretch of full work: gives once when it begins and once when it ends; the tasks done between."""


class OnDevServer:
    """Queues that never run empty, on a core of their own."""

    name = "dev server"

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._read().strip()

    def start(self, task_type: str) -> str:
        return str(self._ask("push", task_type, json.dumps({"number": 1})))

    def ended(self, wanted: list[str]) -> list[Task]:
        deadline = time.monotonic() + _END_TIMEOUT
        while True:
            tasks = {task["taskId"]: task for task in self._ask("tasks")}
            found = [tasks[task_id] for task_id in wanted]
            if all(task["status"] == "COMPLETED" for task in found):
                return found
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(wanted)} tasks did not end in {_END_TIMEOUT:.0f} s")
            time.sleep(0.02)

    def work(self, seconds: float) -> Generator[None, None, int]:
        self.fill(4_000, STEPS)
        time.sleep(seconds / 3)
        before = self._ask("count")
        yield
        time.sleep(seconds)
        done = int(self._ask("count") - before)
        yield
        self.fill(0, [])
        return done

    def fill(self, ready: int, task_types: list[str]) -> None:
        self._ask("fill", str(ready), *task_types)

    def completed(self, task_type: str) -> int:
        return int(self._ask("count", task_type))

    def push(self, task_type: str, task_input: dict[str, Any]) -> None:
        self._ask("push", task_type, json.dumps(task_input))

    def _ask(self, *words: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the server program ended; its error is above")
        return line


class OnRealServer:
    """Workflows of ten steps; single tasks are workflows of one."""

    def __init__(self, name: str, server: ServerCalls) -> None:
        self.name = name
        self._server = server
        self.url = server.url
        number = {step: {"number": "${workflow.input.number}"} for step in STEPS}
        for step in STEPS:
            server.define_task(task_definition(step))
            server.register_workflow(step, [step], number)
        server.register_workflow("all_steps", STEPS, number)

    def start(self, task_type: str) -> str:
        return self._server.start_workflow(task_type, {"number": 1})

    def ended(self, wanted: list[str]) -> list[Task]:
        workflows = self._server.wait_for_workflows(wanted, "COMPLETED", _END_TIMEOUT)
        return [task for workflow in workflows for task in workflow["tasks"]]

    def work(self, seconds: float) -> Generator[None, None, int]:
        # The server does some 170 tasks a second, whoever works.
        workflow_ids = [self._server.start_workflow("all_steps", {"number": 1}) for _ in range(5)]
        self.ended(workflow_ids)
        yield
        workflow_ids = [
            self._server.start_workflow("all_steps", {"number": 1}) for _ in range(int(10 * seconds))
        ]
        done = len(self.ended(workflow_ids))
        yield
        return done


@contextmanager
def dev_server() -> Generator[OnDevServer]:
    """The dev server while inside, on the first core."""
    command = [sys.executable, "-m", "benches.zero_change.dev_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        pin(process.pid, 0)
        yield OnDevServer(process)


@contextmanager
def real_server(store: str = SQLITE) -> Generator[OnRealServer]:
    """The real server while inside, on all cores: on one it would be all there is to see."""
    with tempfile.TemporaryDirectory() as folder, _redis(folder, store == REDIS) as settings:
        server = RealServer(Path(folder), settings)
        try:
            yield OnRealServer(store, server)
        finally:
            server.stop()


@contextmanager
def _redis(folder: str, wanted: bool) -> Generator[list[str]]:
    """A Redis that keeps nothing, and the server's settings for it."""
    if not wanted:
        yield []
        return
    program = shutil.which("redis-server")
    if program is None:
        raise NotInstalledError("there is no redis-server on this machine (apt-get install redis-server)")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            yield [f"--{name}={value.format(port=port)}" for name, value in _REDIS_SETTINGS.items()]
        finally:
            process.terminate()


def pin(pid: int, core: int) -> None:
    # What the process starts later inherits it. A machine with one core is left alone.
    if core in os.sched_getaffinity(0) and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(pid, {core})
