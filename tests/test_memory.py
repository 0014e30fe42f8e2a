"""What tasks take of memory, and that it is given back."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

MIB = 1_048_576
TASKS = 64

WORKER = """
import sys, threading
from conductor_fast.host.worker_host import WorkerHost

together = threading.Barrier(64)

def echo(text: str) -> dict:
    together.wait(60)  # all inputs are in memory at once
    return {"text": text}

with WorkerHost(sys.argv[1]) as host:
    host.start_worker("echo", echo, 64)
    host.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_64_megabytes_in_and_out_stay_under_four_times_that_and_are_given_back(server: DevServer) -> None:
    process = subprocess.Popen([sys.executable, "-c", WORKER, server.url])

    def memory(file: str, field: str) -> int:
        """In MiB."""
        lines = Path(f"/proc/{process.pid}/{file}").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:"))) // 1_024

    def run(count: int, size: int) -> None:
        server.push_many("echo", {"text": "x" * size}, count)
        wait_until(lambda: server.count("echo", "COMPLETED") == count, "all results", 60)
        server.forget_terminal()

    try:
        run(TASKS, 10)
        before = memory("smaps_rollup", "Pss")
        for _ in range(2):
            run(TASKS, MIB)
        shared = memory("status", "VmRSS") - memory("smaps_rollup", "Pss")
        assert memory("status", "VmHWM") - shared - before < TASKS * 4
        # Less than one copy of each document is left: nobody keeps its last task.
        wait_until(lambda: memory("smaps_rollup", "Pss") < before + TASKS, "the memory given back", 30)
    finally:
        process.kill()
        process.wait()


def _function(a: int, text: str) -> dict[str, Any]:
    return {"a": a, "text": [text]}


async def _coroutine(a: int, text: str) -> dict[str, Any]:
    return {"a": a, "text": [text]}


@pytest.mark.parametrize("function", [_function, _coroutine])
def test_nothing_is_kept_of_tasks_that_are_done(server: DevServer, host: WorkerHost, function: Any) -> None:
    host.start_worker("copy", function, 20)

    def run(count: int) -> int:
        """Python's memory blocks after so many tasks."""
        server.push_many("copy", {"a": 1, "text": "two"}, count)
        wait_until(lambda: server.count("copy", "COMPLETED") == count, "all results", 60)
        server.forget_terminal()
        gc.collect()
        return sys.getallocatedblocks()

    before = run(2_000)
    tasks = 8_000
    assert run(tasks) - before < tasks // 20
