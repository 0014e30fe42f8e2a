"""Row 29: the interpreter's end in every manner, with polls in flight and tasks running.

`make faults N=25 ARGS="-k every_manner"` makes it 500 ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

SCRIPT = """
import asyncio, os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may ignore it
from conductor_fast import WorkerHost

async def coroutine(task):
    await asyncio.sleep(0.001)

def function(task):
    time.sleep(0.001)

host = WorkerHost(sys.argv[1])
host.start_worker("function", function, 4, poll_timeout=300)
host.start_worker("coroutine", coroutine, 4, poll_timeout=300)
time.sleep(float(sys.argv[2]))
"""

MANNERS = {
    "end": ("", 0),
    "exit": ("sys.exit(7)", 7),
    "error": ("1 / 0", 1),
    "interrupt": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT),
    "stop": ("host.stop()", 0),
    "unreferenced": ("del host; import gc; gc.collect()", 0),
    "thread": ("threading.Thread(target=time.sleep, args=[0.05]).start()", 0),
    "thread that stops": ("threading.Thread(target=host.stop).start()", 0),
    "waiting": ("threading.Timer(0.05, host.request_stop).start(); host.wait()", 0),
    "at exit": ("import atexit; atexit.register(host.stop)", 0),
}
ABRUPT = {
    "quick": ("os._exit(3)", 3),
    "other program": ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(4)'])", 4),
    "terminated": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -signal.SIGTERM),
}


def _end(server: DevServer, manner: str, delay: float) -> tuple[int, str]:
    last, _ = {**MANNERS, **ABRUPT}[manner]
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SCRIPT + last, server.url, str(delay)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=50,
    )
    return ended.returncode, ended.stdout


def test_the_interpreter_ends_in_every_manner(server: DevServer) -> None:
    manners = list(MANNERS) * 2
    for task_type in ("function", "coroutine"):
        server.push_many(task_type, {}, 4_000, response_timeout_seconds=600)
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda at: _end(server, manners[at], (at % 7) / 30), range(len(manners))))
    for manner, (code, output) in zip(manners, ends, strict=True):
        assert code == MANNERS[manner][1], f"{manner}: {code} {output}"
        expected = {"error": "ZeroDivisionError", "interrupt": "KeyboardInterrupt"}.get(manner)
        assert expected in output if expected else output == "", f"{manner}: {output}"
        assert "Fatal" not in output
    assert server.count(status="IN_PROGRESS") == 0, "what was polled was reported or handed back"
    assert server.count("function", "COMPLETED") > 0 < server.count("coroutine", "COMPLETED")


@pytest.mark.parametrize("manner", ABRUPT)
def test_an_end_that_nobody_can_prepare_for_is_no_crash(server: DevServer, manner: str) -> None:
    server.push_many("function", {}, 200)
    code, output = _end(server, manner, 0.05)
    assert (code, output) == (ABRUPT[manner][1], "")


HUNDRED = """
import sys, time
from conductor_fast import WorkerHost
host = WorkerHost(sys.argv[1], drain_timeout=1)
host.start_worker("slow", lambda task: time.sleep(60), 100, prefetch=0)
while input() != "end":
    pass
"""


def test_an_end_while_a_hundred_tasks_run_takes_no_longer_than_the_drain(server: DevServer) -> None:
    task_ids = server.push_many("slow", {}, 100)
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", HUNDRED, server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            wait_until(lambda: server.count("slow", "IN_PROGRESS") == 100, "all to run", 20)
            start = time.monotonic()
            output, _ = process.communicate("end\n", timeout=20)
            assert time.monotonic() - start < 10
        finally:
            process.kill()
    assert process.returncode == 0
    assert "100 tasks are left unfinished or unreported" in output
    assert all(task_id in output for task_id in task_ids)
