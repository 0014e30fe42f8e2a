"""An example, or a script out of the docs, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

FOLDER = Path(__file__).parents[2] / "examples"
# Of an idle worker it takes milliseconds; a busy build machine may need a while to get to it.
STOP_TIMEOUT_SECONDS = 20.0


class Example:
    """A running example."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def check_alive(self) -> None:
        """Fail with what it said if it ended."""
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"the example ended with {code}: {self._process.communicate()}")

    def stop(self) -> tuple[int, str, str]:
        """Send SIGTERM; return exit code, output and error output."""
        wait_until(self._waits_for_signals, "the example to handle SIGTERM", STOP_TIMEOUT_SECONDS)
        self._process.send_signal(signal.SIGTERM)
        output, errors = self._process.communicate(timeout=STOP_TIMEOUT_SECONDS)
        return self._process.returncode, output, errors

    def _waits_for_signals(self) -> bool:
        """Workers poll before `wait()` is called: a task that is done does not prove a handler."""
        self.check_alive()
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@contextmanager
def running(script: Path, url: str) -> Iterator[Example]:
    """Run `script` against the server at `url`; killed at the end if nobody stopped it."""
    # Nothing else that is set for the tests may reach it.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CONDUCTOR_")}
    with subprocess.Popen(
        [sys.executable, script],
        env={**environment, "CONDUCTOR_SERVER_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Example(process)
        finally:
            process.kill()
