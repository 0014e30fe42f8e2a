"""An unmodified application as a group of processes, on either engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import psutil

APPS = Path(__file__).parent / "apps"
ENGINES = ("sdk", "accelerated")
# Ours takes milliseconds with nothing running, and at most its 25 s of drain.
STOP_TIMEOUT_SECONDS = 40.0


class Application:
    """A running application; the SDK's worker processes belong to its group."""

    def __init__(
        self,
        words: Sequence[str],
        url: str,
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # Nothing else that is set for the tests may reach it.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CONDUCTOR_")}
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                words,
                cwd=folder,
                env={**inherited, "CONDUCTOR_SERVER_URL": url, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check_alive(self) -> None:
        """RuntimeError with what it said if it ended."""
        code = self.process.poll()
        if code is not None:
            raise RuntimeError(f"ended with {code}: {self.log}")

    @property
    def log(self) -> str:
        """What it and its children have said so far."""
        return self._log.read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """It and all that it has started."""
        return [each for each in psutil.process_iter() if _group(each) == self.process.pid]

    def terminate(self) -> None:
        """SIGTERM to the group, as a service manager does it."""
        os.killpg(self.process.pid, signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(STOP_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End whatever is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def command(engine: str, script: Path, *arguments: str) -> list[str]:
    """How a user starts `script`."""
    if engine == "sdk":
        return [sys.executable, str(script), *arguments]
    return [str(Path(sys.executable).with_name("conductor-fast")), "accelerate", str(script), *arguments]


def _group(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getpgid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


@contextmanager
def running_command(
    words: Sequence[str], url: str, log: Path, folder: Path | None = None
) -> Iterator[Application]:
    """Run a command against the server at `url`; killed at the end with all that it started."""
    application = Application(words, url, log, folder)
    try:
        yield application
    finally:
        application.kill()


def running(
    engine: str, script: Path, url: str, log: Path, *arguments: str
) -> AbstractContextManager[Application]:
    """Run `script` on an engine, as a user does."""
    return running_command(command(engine, script, *arguments), url, log)
