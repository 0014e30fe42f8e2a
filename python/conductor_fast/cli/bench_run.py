"""What `conductor-fast bench` measures: a client's stretch, in processes of its own."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from conductor_fast.cli.bench_tree import cpu_model, cpu_seconds, kill, members, pss_mebibytes

SDK = "conductor-python"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_WARM_UP = 1.0


@dataclass(frozen=True)
class Sample:
    """A client's stretch of one round."""

    client: str
    round: int
    seconds: float
    tasks: int
    tasks_per_second: float
    cpu_micros_per_task: float
    pss_mebibytes: float


class FailedError(Exception):
    """Why a client has no figures."""


def facts() -> dict[str, Any]:
    """Where and with what it ran, in the order in which it is printed."""
    try:
        sdk = importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError:
        sdk = None
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "conductor-fast": importlib.metadata.version("conductor-fast"),
        SDK: sdk,
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def sample(name: str, words: list[str], number: int, seconds: float, threads: int) -> Sample:
    """One stretch of a client in fresh processes. FailedError."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryFile("w+") as errors, dev_server(cores[:-1] or cores) as server:
        url = _line(server)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONDUCTOR_")}
        with (
            subprocess.Popen(  # noqa: S603 # our own programs
                [sys.executable, "-m", *words, url, str(threads)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores[-1:]),
            ) as client
        ):
            try:
                deadline = time.monotonic() + _START_SECONDS
                while not ask(server, "count"):
                    if client.poll() is not None or time.monotonic() > deadline:
                        errors.seek(0)
                        raise FailedError(f"did no work: {errors.read().strip()[-500:]}")
                    time.sleep(0.02)
                time.sleep(_WARM_UP)
                begun, before, cpu = time.monotonic(), ask(server, "count"), _cpu_seconds(client)
                time.sleep(seconds)
                wall, tasks = time.monotonic() - begun, ask(server, "count") - before
                cpu = _cpu_seconds(client) - cpu
                memory = pss_mebibytes(members(client.pid))
                wrong = ask(server, "check")
                if client.poll() is not None:
                    errors.seek(0)
                    raise FailedError(f"ended in the middle: {errors.read().strip()[-500:]}")
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(client.pid, signal.SIGTERM)
                try:
                    client.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    client.kill()
                kill(client.pid)
    if wrong or not tasks:
        raise FailedError(f"{wrong} wrong results" if wrong else "it did nothing in the measured stretch")
    return Sample(name, number, wall, tasks, tasks / wall, cpu / tasks * 1e6, memory)


def _cpu_seconds(client: subprocess.Popen[bytes]) -> float:
    return cpu_seconds(members(client.pid))


@contextmanager
def dev_server(cores: list[int]) -> Generator[subprocess.Popen[str]]:
    """On these cores, for one stretch. Its first line is its URL; `ask` it for numbers."""
    with subprocess.Popen(
        [sys.executable, "-m", "conductor_fast.cli.bench_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ) as server:
        yield server


def ask(server: subprocess.Popen[str], word: str) -> int:
    """`count`: tasks completed; `check`: results that are wrong. FailedError if it has ended."""
    if server.stdin is None:
        raise FailedError("the dev server is closed")
    # Where it has ended, the answer is missing. Unbuffered: what is left would be written at the end again.
    with suppress(BrokenPipeError):
        os.write(server.stdin.fileno(), f"{word}\n".encode())
    return int(_line(server))


def _line(server: subprocess.Popen[str]) -> str:
    line = server.stdout.readline().strip() if server.stdout else ""
    if not line:
        raise FailedError("the dev server ended; its error is above")
    return line
