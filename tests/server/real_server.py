"""The real Conductor server as a process of the test session."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.server.calls import REQUEST_TIMEOUT_SECONDS, ServerCalls
from tests.server.installation import find_java, find_server_jar
from tests.support.waiting import wait_until

# About 15 s on two idle cores; a busy build machine may need several times that.
START_TIMEOUT_SECONDS = 400.0
STOP_TIMEOUT_SECONDS = 20.0
LOG_TAIL_CHARACTERS = 3000


class RealServer(ServerCalls):
    """One server with a fresh SQLite store in `folder`, reachable on loopback only.

    `settings`: further arguments, `--name=value`, that say otherwise.
    """

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        """Start the server and return once it answers."""
        # Asked first, so that a machine without them is told so before anything is started.
        java, jar = find_java(), find_server_jar()
        self._log = folder / "server.log"
        self._root = f"http://127.0.0.1:{free_port()}"
        super().__init__(f"{self._root}/api")
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
            *settings,
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


def free_port() -> int:
    """A port that nobody listens on now; Java cannot be handed an open socket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
