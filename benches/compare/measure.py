"""Start a client against the server, let it warm up, and measure a stretch of its work."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import psutil

from benches.compare.machine import ROOT

_FIRST_TASK_TIMEOUT = 30.0
_STOP_TIMEOUT = 30.0


@dataclass(frozen=True)
class Sample:
    """One client's stretch of one round. Times are seconds of wall clock or of CPU."""

    client: str
    round: int
    tasks: int
    requests: int
    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float

    @property
    def tasks_per_second(self) -> float:
        return self.tasks / self.seconds

    @property
    def cpu_micros_per_task(self) -> float:
        return self.cpu_seconds / self.tasks * 1e6


class Server:
    """The server program, pinned to the first core."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._psutil = psutil.Process(process.pid)
        self.url = self._read().strip()

    def counts(self) -> tuple[int, int]:
        """Tasks completed and requests answered since the start."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write("\n")
        stdin.flush()
        tasks, requests = self._read().split()
        return int(tasks), int(requests)

    def cpu_seconds(self) -> float:
        return _cpu_seconds(self._psutil)

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the server program ended; its error is above")
        return line


@contextmanager
def server() -> Generator[Server]:
    """The server program while inside."""
    command = [sys.executable, "-m", "benches.compare.server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        _pin(process, 0)
        yield Server(process)


def sample(at: Server, client: str, round_number: int, warm_up: float, seconds: float) -> Sample:
    """One stretch of work of `client`, a program of this folder, in fresh processes on the second core."""
    with tempfile.TemporaryFile("w+") as errors, _client(client, at.url, errors) as process:
        _wait_for_first_task(at, client, process, errors)
        time.sleep(warm_up)
        before, tasks_before = _clocks(at, process), at.counts()
        time.sleep(seconds)
        after, tasks_after = _clocks(at, process), at.counts()
    wall, cpu, server_cpu = (later - earlier for earlier, later in zip(before, after, strict=True))
    tasks, requests = (later - earlier for earlier, later in zip(tasks_before, tasks_after, strict=True))
    if not tasks:
        raise SystemExit(f"{client} completed no task in {seconds} s")
    return Sample(client, round_number, tasks, requests, wall, cpu, server_cpu)


@contextmanager
def _client(client: str, url: str, errors: IO[str]) -> Generator[psutil.Process]:
    command = [sys.executable, "-m", f"benches.compare.{client}", url]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDUCTOR_")}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
    _pin(process, 1)
    watched = psutil.Process(process.pid)
    try:
        yield watched
    finally:
        family = [watched, *watched.children(recursive=True)] if watched.is_running() else []
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # The SDK's worker processes can outlive their handler.
        for member in family:
            if member.is_running():
                member.kill()


def _wait_for_first_task(at: Server, client: str, process: psutil.Process, errors: IO[str]) -> None:
    start, _ = at.counts()
    deadline = time.monotonic() + _FIRST_TASK_TIMEOUT
    while at.counts()[0] == start:
        if time.monotonic() > deadline or process.status() == psutil.STATUS_ZOMBIE:
            errors.seek(0)
            raise SystemExit(f"{client} completed no task; its last words:\n{errors.read()[-4_000:]}")
        time.sleep(0.05)


def _clocks(at: Server, process: psutil.Process) -> tuple[float, float, float]:
    return time.monotonic(), _cpu_seconds(process), at.cpu_seconds()


def _cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and all below it, those that have ended included."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        times = member.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _pin(process: subprocess.Popen[str] | subprocess.Popen[bytes], core: int) -> None:
    # What the process starts later inherits it. A machine with one core is left alone.
    if core in os.sched_getaffinity(0) and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(process.pid, {core})
