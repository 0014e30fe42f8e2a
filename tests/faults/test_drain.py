"""Row 27: SIGTERM with work in every state, stops at any moment, exit codes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conductor_fast import Task, WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.faults.recorder import Recorder, polls, posts
from tests.support.waiting import wait_until


def test_sigterm_hands_back_what_was_not_started(server: DevServer, start_worker: StartWorker) -> None:
    worker = start_worker(server, threads=8, prefetch=5, poll_timeout=1_000)
    server.push_many("work", {"seconds": 2}, 8, response_timeout_seconds=600)
    wait_until(lambda: sum(worker.runs().values()) == 8, "eight to run", 20)
    server.push_many("work", {"seconds": 2}, 5, response_timeout_seconds=600)
    wait_until(lambda: server.count("work", "IN_PROGRESS") == 13, "five to be prefetched", 10)
    before = len(polls(server, "work"))
    start = time.monotonic()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(15) == 0
    assert time.monotonic() - start < 5
    assert server.count("work", "COMPLETED") == 8
    assert server.count("work", "SCHEDULED") == 5
    assert [status for status, _ in posts(server)].count("IN_PROGRESS") == 5
    assert sum(worker.runs().values()) == 8
    assert len(polls(server, "work")) <= before + 1


def test_a_drain_that_gives_up_exits_with_4(server: DevServer, start_worker: StartWorker) -> None:
    worker = start_worker(server, threads=2, drain_timeout=3)
    task_id = server.push("work", {"seconds": 60}, response_timeout_seconds=2)
    wait_until(lambda: sum(worker.runs().values()) == 1, "it to run", 20)
    signalled = server.transcript()[-1]["sequence"]
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(8) == 4
    later = [line for line in server.transcript() if line["sequence"] > signalled]
    assert any('"extendLease":true' in line["body"] for line in later), "it had a heartbeat while it drained"
    assert f"1 tasks are left unfinished or unreported: {task_id}" in worker.output()


def test_two_hundred_running_tasks_are_finished_after_sigterm(
    server: DevServer, start_worker: StartWorker
) -> None:
    worker = start_worker(server, threads=200, prefetch=0)
    server.push_many("work", {"seconds": 3}, 200, response_timeout_seconds=600)
    wait_until(lambda: sum(worker.runs().values()) == 200, "all to run", 30)
    signalled = server.transcript()[-1]["sequence"]
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(26) == 0
    assert server.count("work", "COMPLETED") == 200
    assert [line for line in polls(server, "work") if line["sequence"] > signalled + 1] == []
    assert max(worker.runs().values()) == 1


def test_a_stop_at_any_moment_leaves_no_task_with_this_worker(server: DevServer) -> None:
    """20 times; `make faults N=25 ARGS="-k any_moment"` makes it 500."""
    recorder = Recorder()

    def work(task: Task) -> None:
        recorder.work(task)
        time.sleep(random.uniform(0, 0.004))

    pushed = 0
    for _ in range(20):
        host = WorkerHost(server.url)
        host.start_worker("work", work, 4, poll_timeout=random.choice([0, 20, 200]))
        for _ in range(3):
            pushed += len(server.push_many("work", {}, random.randrange(12), response_timeout_seconds=600))
            time.sleep(random.uniform(0, 0.02))
        assert host.stop() == []
        assert server.count("work", "IN_PROGRESS") == 0
        assert server.count("work", "COMPLETED") == len(recorder.runs)
    assert server.count("work", "COMPLETED") + server.count("work", "SCHEDULED") == pushed
    assert set(recorder.runs.values()) <= {1}


IN_A_CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--kill-child", "--mount-proc"]

PID_1 = """
import os, sys, time
from conductor_fast import WorkerHost
assert os.getpid() == 1
host = WorkerHost(sys.argv[1])
host.start_worker("work", lambda task: time.sleep(60))
host.wait()
"""


def test_a_second_sigterm_ends_the_first_process_of_a_container_too(server: DevServer) -> None:
    """The kernel spares it every signal that it does not handle, so that the default action is none."""
    try:
        subprocess.run([*IN_A_CONTAINER, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine makes no PID namespaces for us")
    server.push("work")
    with subprocess.Popen([*IN_A_CONTAINER, sys.executable, "-c", PID_1, server.url]) as outer:
        try:
            wait_until(lambda: server.count("work", "IN_PROGRESS"), "the task to run", 20)
            inner = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
            status = Path(f"/proc/{inner}/status")
            wait_until(lambda: _catches_sigterm(status), "a handler", 10)
            os.kill(inner, signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                outer.wait(1)  # it drains
            os.kill(inner, signal.SIGTERM)
            assert outer.wait(5) == 128 + signal.SIGTERM
        finally:
            outer.kill()


def _catches_sigterm(status: Path) -> bool:
    mask = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def test_more_tasks_than_slots_are_handed_back_at_a_stop(
    server: DevServer, start_worker: StartWorker
) -> None:
    """3.8: execute up to capacity, hand back the rest."""
    server.add_fault("more-tasks=20 of=polls count=1")
    server.push_many("work", {"seconds": 2}, 21, response_timeout_seconds=600)
    worker = start_worker(server, threads=1)
    wait_until(lambda: sum(worker.runs().values()) == 1, "one to run", 20)
    wait_until(lambda: server.count("work", "SCHEDULED") == 20, "the rest to be handed back", 5)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(15) == 0
    assert server.count("work", "COMPLETED") >= 1
