"""The real Conductor server as a process of the test session."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.server.installation import find_java, find_server_jar
from tests.support.waiting import wait_until

# About 15 s on two idle cores; a busy build machine may need several times that.
START_TIMEOUT_SECONDS = 400.0
STOP_TIMEOUT_SECONDS = 20.0
REQUEST_TIMEOUT_SECONDS = 30.0
LOG_TAIL_CHARACTERS = 3000


class RealServer:
    """One server with a fresh SQLite store in `folder`, reachable on loopback only.

    It speaks by urllib alone: a judge of our client must not use our client.
    """

    def __init__(self, folder: Path) -> None:
        """Start the server and return once it answers."""
        # Asked first, so that a machine without them is told so before anything is started.
        java, jar = find_java(), find_server_jar()
        self._log = folder / "server.log"
        self._root = f"http://127.0.0.1:{_free_port()}"
        self.url = f"{self._root}/api"
        command = [
            str(java),
            "-Xmx1500m",
            # It unpacks native libraries and keeps large payloads there, and does not clean up.
            f"-Djava.io.tmpdir={folder}",
            "-jar",
            str(jar),
            f"--server.port={urllib.parse.urlsplit(self._root).port}",
            "--server.address=127.0.0.1",
            # By default 500 ms: on a busy machine a result may meet the lock of the decision before it for
            # longer, and its workflow then stands still until the server repairs it, a minute or two later.
            "--conductor.app.lockTimeToTry=30s",
        ]
        # Spring reads settings from such variables, and the server is to have no others than these.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CONDUCTOR_", "SPRING_"))
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for_health()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, by force if it does not follow SIGTERM."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def define_task(self, definition: Mapping[str, Any]) -> None:
        """Register a task definition, or replace it."""
        self._call("POST", "/metadata/taskdefs", [definition])

    def register_workflow(
        self, name: str, task_types: Sequence[str], inputs: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Register a workflow that runs the task types in sequence.

        A task's reference name is its task type. `inputs` maps a task type to its inputParameters;
        a task type that is not in it gets no input.
        """
        tasks = [
            {
                "name": task_type,
                "taskReferenceName": task_type,
                "type": "SIMPLE",
                "inputParameters": (inputs or {}).get(task_type, {}),
            }
            for task_type in task_types
        ]
        # PUT takes a list and replaces; POST would refuse a name that is there.
        workflow = {"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks}
        self._call("PUT", "/metadata/workflow", [workflow])

    def start_workflow(
        self, name: str, workflow_input: Mapping[str, Any], domains: Mapping[str, str] | None = None
    ) -> str:
        """Start a workflow and return its id; `domains` maps a task type to its domain."""
        body = {"name": name, "version": 1, "input": workflow_input, "taskToDomain": domains or {}}
        return self._call("POST", "/workflow", body).decode()

    def terminate_workflow(self, workflow_id: str) -> None:
        """End a workflow; its running task is canceled."""
        self._call("DELETE", f"/workflow/{workflow_id}")

    def workflow(self, workflow_id: str) -> dict[str, Any]:
        """Return a workflow with its tasks."""
        answer: dict[str, Any] = json.loads(self._call("GET", f"/workflow/{workflow_id}?includeTasks=true"))
        return answer

    def queue_size(self, task_type: str) -> int:
        """Return how many tasks of a type wait to be polled."""
        sizes: dict[str, int] = json.loads(
            self._call("GET", f"/tasks/queue/sizes?{urllib.parse.urlencode({'taskType': task_type})}")
        )
        return sizes[task_type]

    def wait_for_workflows(
        self, workflow_ids: Iterable[str], status: str, timeout: float
    ) -> list[dict[str, Any]]:
        """Wait until every workflow has `status`; return them in the order asked.

        A workflow that ends in another status fails at once: it would never get there.
        """
        deadline = time.monotonic() + timeout

        def look(workflow_id: str) -> dict[str, Any]:
            workflow = self.workflow(workflow_id)
            if workflow["status"] == status:
                return workflow
            assert workflow["status"] in ("RUNNING", "PAUSED"), (
                f"{workflow_id} is {workflow['status']}: {workflow.get('reasonForIncompletion')}"
            )
            return {}

        return [
            wait_until(
                functools.partial(look, workflow_id),
                f"workflow {workflow_id} to be {status}",
                max(0.0, deadline - time.monotonic()),
            )
            for workflow_id in workflow_ids
        ]

    def _wait_for_health(self) -> None:
        """Not /actuator/health: that says DOWN for the whole life of this server."""

        def is_healthy() -> bool:
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended with {self._process.returncode}: {self._log_tail()}")
            try:
                with urllib.request.urlopen(
                    f"{self._root}/health", timeout=REQUEST_TIMEOUT_SECONDS
                ) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, ConnectionError):
                return False

        try:
            wait_until(is_healthy, "the real server to be healthy", START_TIMEOUT_SECONDS, interval=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._log_tail()}") from None

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            # urllib's own text leaves out the server's explanation.
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
        return content


def _free_port() -> int:
    """A port that nobody listens on now; Java cannot be handed an open socket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
