"""Servers that are down, busy or forgetful, and workers that die."""

from __future__ import annotations

import logging
import signal
import socket

import pytest

from conductor_fast import TaskInProgress, WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.faults.recorder import Recorder, polls, posts
from tests.support.waiting import wait_until

TERMINAL = "FAILED_WITH_TERMINAL_ERROR"


def test_a_server_that_is_down_at_start_gets_work_done_soon_after_it_is_up(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with caplog.at_level(logging.INFO), WorkerHost(f"http://127.0.0.1:{port}/api") as host:
        host.start_worker("work", recorder.work, 4)
        wait_until(lambda: "cannot connect" in caplog.text, "the trouble to be logged", 10)
        with DevServer(port=port) as server:
            task_ids = server.push_many("work", {}, 20)
            assert server.wait_for(20, "work", "COMPLETED")
            assert polls(server, "work")[0]["elapsedMillis"] < 2_000
            host.stop()
        assert recorder.ran_once(task_ids)
    lines = [record.getMessage() for record in caplog.records if "polling for" in record.getMessage()]
    assert len(lines) == 2, "one line per change of state"
    assert "works again" in lines[1]


def test_results_outlast_a_server_that_resets_all(server: DevServer, start_worker: StartWorker) -> None:
    task_ids = server.push_many("work", {"seconds": 0.5}, 200)
    worker = start_worker(server, threads=200)
    wait_until(lambda: server.count("work", "IN_PROGRESS") == 200, "all 200 to run", 20)
    server.add_fault("reset seconds=3")
    assert server.wait_for(200, "work", "COMPLETED", 20)
    assert worker.runs() == dict.fromkeys(task_ids, 1)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == 0


def test_what_a_killed_worker_held_is_offered_again_after_its_response_timeout(
    server: DevServer, start_worker: StartWorker
) -> None:
    server.push_many(
        "work", {"seconds": 1}, 20, response_timeout_seconds=2, retry_delay_seconds=0, retry_count=3
    )
    killed = start_worker(server, threads=10)
    wait_until(lambda: server.count("work", "IN_PROGRESS") == 10, "ten tasks to run", 20)
    killed.process.kill()
    killed.process.wait()
    completed = server.count("work", "COMPLETED")
    start_worker(server, threads=20)
    assert server.wait_for(20, "work", "COMPLETED", 20), "no workflow is left without a result"
    assert server.count("work", "TIMED_OUT") == 10 - completed


def test_a_type_whose_results_fail_leaves_the_others_alone(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    server.add_fault("500 of=updates type=poison")
    host.start_worker("poison", recorder.work, 1)
    host.start_worker("well", recorder.work, 1)
    poison = server.push_many("poison", {}, 20)
    wait_until(lambda: server.count("poison", "IN_PROGRESS") == 20, "one slot to run all 20", 10)
    well = server.push_many("well", {}, 200)
    assert server.wait_for(200, "well", "COMPLETED")
    server.clear_faults()
    assert server.wait_for(20, "poison", "COMPLETED")
    assert recorder.ran_once(poison + well)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_result_becomes_a_small_failure_and_frees_its_thread(
    server: DevServer, host: WorkerHost, recorder: Recorder, status: int
) -> None:
    server.add_fault(f"{status} of=updates count=1")
    task_id = server.push("work", {"value": "x" * 1_000})
    host.start_worker("work", recorder.work, 1)
    assert server.wait_for(1, "work", TERMINAL)
    assert f"status {status}" in server.task(task_id)["reasonForIncompletion"]
    server.push("work")
    assert server.wait_for(1, "work", "COMPLETED"), "its only thread goes on"
    assert host.stop() == []
    assert posts(server, task_id) == [("COMPLETED", status), (TERMINAL, 200)]


@pytest.mark.parametrize("fault", ["close-after", "cut=0", "cut-reset=3", "length-off=9", "garbage", "html"])
def test_a_result_whose_acknowledgement_is_lost_is_posted_again_and_its_task_is_not(
    server: DevServer, host: WorkerHost, recorder: Recorder, fault: str
) -> None:
    server.add_fault(f"{fault} of=updates count=1")
    task_id = server.push("work")
    host.start_worker("work", recorder.work, 1)
    wait_until(lambda: len(posts(server, task_id)) == 2, "the second post", 10)
    assert host.stop() == []
    first, second = posts(server, task_id)
    assert (first[0], second) == ("COMPLETED", ("COMPLETED", 200))
    assert recorder.ran_once([task_id])


@pytest.mark.parametrize("fault", ["again of=polls", "twice of=polls", "again of=polls share=0.5"])
def test_a_task_that_is_handed_out_twice_runs_once(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    server.add_fault(fault)
    # Results wait in the outbox while their tasks are offered again.
    server.add_fault("503 of=updates count=20")
    task_ids = server.push_many("work", {}, 100)
    host.start_worker("work", recorder.work, 10)
    assert server.wait_for(100, "work", "COMPLETED")
    server.clear_faults()
    assert host.stop() == []
    assert recorder.ran_once(task_ids)
    assert {status for status, _ in posts(server)} == {"COMPLETED"}, "none was handed back"
    lines = [record for record in caplog.records if "that delivery is ignored" in record.getMessage()]
    assert len(lines) == 1, "logged once"


def test_a_task_that_was_handed_in_runs_again(server: DevServer, host: WorkerHost) -> None:
    runs: list[int] = []

    def poll_it() -> object:
        runs.append(1)
        return TaskInProgress(callback_after_seconds=0) if len(runs) < 50 else {"done": True}

    # The acknowledgement is often lost or late, while the task is offered again at once.
    server.add_fault("close-after of=updates share=0.2")
    server.add_fault("delay-after-millis=20 of=updates share=0.3")
    server.push("work", response_timeout_seconds=600)
    host.start_worker("work", poll_it, 2)
    assert server.wait_for(1, "work", "COMPLETED", 30)
    assert len(runs) >= 50
