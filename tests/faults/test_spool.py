"""Rows 3 to 11: results on disk. Rows 6, 7 and 8 in depth are in core's tests (spool.rs, spool_crash.rs)."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker, WorkerProcess
from tests.faults.recorder import polls
from tests.support.scraping import scrape, value
from tests.support.waiting import wait_until

ROUNDS = int(os.environ.get("CONDUCTOR_FAST_KILL_ROUNDS", "5"))
TASKS_A_ROUND = 60


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("CONDUCTOR_FAST_SPOOL_DIR", str(folder))
    return folder


def files(spool: Path) -> list[Path]:
    return sorted(spool.rglob("*.db"))


def cli(*arguments: str, code: int = 0) -> str:
    """What `conductor-fast spool` prints."""
    program = 'import sys; from conductor_fast.cli.main import main; sys.argv[0] = "conductor-fast"; main()'
    command = [sys.executable, "-c", program, "spool", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return ended.stdout


def listed() -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("ls", "--json").splitlines()]


def statuses(server: DevServer) -> list[int | None]:
    return [line["status"] for line in server.transcript() if line["method"] == "POST"]


def posted(server: DevServer) -> set[str]:
    """The tasks of which a report was sent: before that, it was committed."""
    lines = [line for line in server.transcript() if (line["method"], line["path"]) == ("POST", "/api/tasks")]
    return {body["taskId"] for line in lines if "extendLease" not in (body := json.loads(line["body"]))}


def kill(worker: WorkerProcess) -> None:
    worker.process.kill()
    worker.process.wait()


def end(worker: WorkerProcess) -> None:
    def takes_signals() -> bool:
        lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        caught = next(line for line in lines if line.startswith("SigCgt")).split()[1]
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

    wait_until(takes_signals, "the worker to wait for signals", 20)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(40) == 0, worker.output()


def fill(server: DevServer, start_worker: StartWorker, count: int) -> None:
    """A worker that has `count` results on disk and none delivered, killed."""
    server.add_fault("503 of=updates")
    server.push_many("work", {}, count, response_timeout_seconds=600)
    worker = start_worker(server)
    wait_until(lambda: sum(worker.runs().values()) == count, "all to run", 30)
    wait_until(lambda: len(listed()) == count, "all to be on disk", 30)
    kill(worker)
    server.clear_faults()


@pytest.mark.timeout(0 if ROUNDS > 20 else 120)
def test_results_outlive_sigkill_at_random(server: DevServer, start_worker: StartWorker, spool: Path) -> None:
    """Row 3; `make kill-loop` runs 200 rounds. No report is sent before its result is on disk."""
    dice = random.Random()
    committed: set[str] = set()
    for number in range(ROUNDS):
        server.clear_faults()
        server.clear_transcript()
        server.add_fault(f"503 of=updates share={dice.random() / 2}")
        server.push_many("work", {}, TASKS_A_ROUND, response_timeout_seconds=3_600)
        worker = start_worker(server)
        wanted = dice.randrange(1, TASKS_A_ROUND)
        moment = f"the moment of round {number}"
        wait_until(lambda: len(posted(server)) >= wanted, moment, 30, 0.01)  # noqa: B023 - used at once
        kill(worker)
        committed |= posted(server)
    server.clear_faults()
    committed |= {result["task_id"] for result in listed()}
    last = start_worker(server)
    missing: set[str] = set()

    def all_delivered() -> bool:
        nonlocal missing
        missing = committed - {task["taskId"] for task in server.tasks("work", "COMPLETED")}
        return not missing

    wait_until(all_delivered, "every result that was on disk", 60)
    end(last)
    ran = last.runs()
    assert [task_id for task_id, runs in ran.items() if runs > 1] == [], "executed again"
    assert files(spool) == []


def test_without_a_spool_a_killed_workers_tasks_are_offered_again(
    server: DevServer, start_worker: StartWorker
) -> None:
    """Row 4."""
    server.add_fault("503 of=updates")
    server.push_many("work", {}, 20, response_timeout_seconds=2, retry_delay_seconds=0)
    worker = start_worker(server)
    wait_until(lambda: sum(worker.runs().values()) >= 20, "all to run", 30)
    kill(worker)
    server.clear_faults()
    start_worker(server)
    assert server.wait_for(20, "work", "COMPLETED", 30)


def test_a_kill_while_replaying_loses_nothing(
    server: DevServer, start_worker: StartWorker, spool: Path
) -> None:
    """Row 5."""
    fill(server, start_worker, 200)
    server.add_fault("delay-millis=50 of=updates")
    replaying = start_worker(server)
    wait_until(lambda: server.count("work", "COMPLETED") > 20, "the replay", 30)
    kill(replaying)
    server.clear_faults()
    worker = start_worker(server)
    assert server.wait_for(200, "work", "COMPLETED", 30)
    assert set(worker.runs().values()) == {1}
    end(worker)
    assert files(spool) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "zero"])
def test_a_corrupt_spool_is_set_aside_and_the_worker_starts(
    server: DevServer, start_worker: StartWorker, spool: Path, damage: str
) -> None:
    """Row 7."""
    fill(server, start_worker, 100)
    for file in files(spool):
        # What is in the log only would repair the rest.
        Path(f"{file}-wal").unlink(missing_ok=True)
        content = bytearray(file.read_bytes())
        if damage == "flip":
            content[0:100] = bytes(byte ^ 0xFF for byte in content[0:100])
        kept = {"flip": len(content), "truncate": len(content) // 2, "zero": 0}[damage]
        file.write_bytes(content[:kept])
    worker = start_worker(server)
    # A poll that was in flight at the kill takes one of them.
    server.push_many("work", {}, 20)
    wait_until(lambda: sum(worker.runs().values()) >= 119, "it to work", 20)
    if damage == "flip":
        assert list(spool.rglob("*.corrupt-*"))
        assert "damaged" in worker.output()


def test_a_full_disk_stops_polling_and_nothing_is_lost(
    server: DevServer, start_worker: StartWorker, spool: Path
) -> None:
    """Row 9: no file of the worker may grow over 1 MiB, until that is lifted."""
    server.add_fault("503 of=updates")
    server.push_many("work", {"value": "x" * 20_000}, 300, response_timeout_seconds=600)
    worker = start_worker(server)
    _soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1 << 20, hard))
    wait_until(lambda: server.count("work", "IN_PROGRESS") > 10, "some to be taken", 20)
    # Its own log is a file too.
    wait_until(lambda: len(listed()) > 10, "some to be on disk", 20)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (hard, hard))
    server.clear_faults()
    assert server.wait_for(300, "work", "COMPLETED", 60)
    assert set(worker.runs().values()) == {1}
    end(worker)


def test_a_disk_that_takes_nothing_stops_polling_until_it_does(
    server: DevServer, start_worker: StartWorker, spool: Path
) -> None:
    """Row 9: though every result is delivered."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    metrics = f"http://127.0.0.1:{port}/metrics"
    worker = start_worker(server, poll_timeout=100, metrics_port=port)
    server.push_many("work", {}, 3)
    assert server.wait_for(3, "work", "COMPLETED", 20)
    _soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1_024, hard))
    server.push("work")
    assert server.wait_for(4, "work", "COMPLETED", 20), "from memory"
    wait_until(lambda: value(scrape(metrics), "conductor_fast_spool_has_room") == 0, "no room", 10)

    sent = -1

    def no_poll_is_sent() -> bool:
        nonlocal sent
        before, sent = sent, len(polls(server, "work"))
        return before == sent

    # While polls are sent, there are ten a second.
    wait_until(no_poll_is_sent, "polling to stop", 20, interval=1)
    server.push_many("work", {}, 10)
    time.sleep(1)
    assert no_poll_is_sent()
    assert server.count("work", "SCHEDULED") == 10
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert server.wait_for(14, "work", "COMPLETED", 20)
    assert set(worker.runs().values()) == {1}
    end(worker)


@pytest.mark.parametrize("case", ["missing", "read-only", "a file"])
def test_a_spool_directory_that_cannot_be_used_is_refused_at_start(
    server: DevServer, start_worker: StartWorker, spool: Path, case: str
) -> None:
    """Row 10."""
    if case == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        spool.chmod(0o500)
    else:
        spool.rmdir()
        if case == "a file":
            spool.write_text("")
    worker = start_worker(server)
    assert worker.process.wait(20) != 0
    assert "CONDUCTOR_FAST_SPOOL_DIR" in worker.output()
    assert "give another directory" in worker.output() or "make it, or mount" in worker.output()


def test_an_orphan_is_adopted_once(server: DevServer, start_worker: StartWorker, spool: Path) -> None:
    """Row 11."""
    fill(server, start_worker, 50)
    server.clear_transcript()
    orphans = files(spool)
    workers = [start_worker(server), start_worker(server)]
    assert server.wait_for(50, "work", "COMPLETED", 30)
    wait_until(lambda: not set(orphans) & set(files(spool)), "the orphan's file to go", 10)
    wait_until(lambda: statuses(server).count(200) >= 50, "the transcript", 10)
    assert statuses(server).count(200) == 50
    assert all(worker.process.poll() is None for worker in workers)
    wait_until(lambda: len(files(spool)) == 2, "a file of each", 20)


def test_a_spool_is_private_and_holds_no_inputs(
    server: DevServer, start_worker: StartWorker, spool: Path
) -> None:
    """3.9."""
    server.add_fault("503 of=updates")
    task_id = server.push("work", {"value": "out", "secret": "canary-input"})
    worker = start_worker(server, secret="canary-key")
    wait_until(lambda: len(listed()) == 1, "the result on disk", 20)
    for file in spool.rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600), file
        if file.is_file():
            assert b"canary" not in file.read_bytes()
    shown = json.loads(cli("show", task_id))
    assert shown["body"]["outputData"] == {"value": "out"}
    end(worker)


def test_the_command_line_looks_after_the_results_of_an_ended_worker(
    server: DevServer, start_worker: StartWorker, spool: Path
) -> None:
    fill(server, start_worker, 3)
    one, two, _three = (result["task_id"] for result in listed())
    assert f"{spool}" in (table := cli("ls"))
    assert "(ended)" in table
    assert "3 results" in table
    assert one in table
    assert len(cli("export").splitlines()) == 3
    assert "1 results removed" in cli("drop", one, "--yes")
    assert "0 results removed" in cli("drop", "--dead-letters", "--yes")
    server.add_fault("400 of=updates count=1")
    # The first is refused and stays as a dead letter; a small failure is delivered in its stead.
    assert "everything is delivered" in cli("replay")
    dead = [result for result in listed() if result["state"] == "dead letter"]
    assert len(dead) == 1
    assert "status 400" in dead[0]["first_error"]
    assert "1 dead letters wait again" in cli("replay", dead[0]["task_id"])
    assert listed() == []
    assert cli("ls") == "nothing waits here\n"
    assert "there is no result" not in cli("ls")
    assert server.task(one)["status"] == "IN_PROGRESS", "it was dropped"
    assert server.task(two)["status"] != "IN_PROGRESS"
    assert cli("drop", code=2) == ""
