"""Row 27: SIGTERM with work in every state; exit codes."""

from __future__ import annotations

import signal
import time

from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.faults.recorder import polls, posts
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
    server.push("work", {"seconds": 60}, response_timeout_seconds=2)
    wait_until(lambda: sum(worker.runs().values()) == 1, "it to run", 20)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(8) == 4
    leases = [line for line in server.transcript() if '"extendLease":true' in line["body"]]
    assert leases


def test_a_second_sigterm_ends_at_once(server: DevServer, start_worker: StartWorker) -> None:
    worker = start_worker(server, threads=2)
    server.push("work", {"seconds": 60})
    wait_until(lambda: sum(worker.runs().values()) == 1, "it to run", 20)
    worker.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "no new task" in worker.output() or "SIGTERM" in worker.output(), "the drain", 10)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(3) in (143, -signal.SIGTERM)


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
