"""Answers that are cut, slow, huge, false or somebody else's."""

from __future__ import annotations

import base64
import gzip
import json
import logging
from typing import Any

import pytest

from conductor_fast import AuthenticationSettings, Configuration, MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.faults.recorder import Recorder, polls, posts
from tests.support.scraping import scrape, value
from tests.support.waiting import wait_until

TERMINAL = "FAILED_WITH_TERMINAL_ERROR"


@pytest.mark.parametrize("fault", ["cut=5000", "cut-reset=5000"])
def test_tasks_that_came_whole_before_their_poll_was_cut_run_once(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    before = _ambiguous_polls()
    server.add_fault(f"{fault} of=polls count=1")
    task_ids = server.push_many("work", {"value": "x" * 100}, 10)
    host.start_worker("work", recorder.work, 10)
    wait_until(lambda: len(polls(server, "work")) > 1, "the next poll", 10)
    first, second = polls(server, "work")[:2]
    assert second["elapsedMillis"] - first["elapsedMillis"] < 1_000
    whole = 5_000 // len(json.dumps(server.task(task_ids[0]), separators=(",", ":")))
    assert server.wait_for(whole - 1, "work", "COMPLETED")
    later = server.push_many("work", {}, 5)
    wait_until(lambda: set(later) <= set(recorder.runs), "what is pushed later to run", 10)
    assert host.stop() == []
    # Ten threads start them in any order.
    ran = set(recorder.runs) & set(task_ids)
    assert ran == set(task_ids[: len(ran)])
    assert whole - 1 <= len(ran) <= whole + 1
    assert set(recorder.runs.values()) == {1}
    assert "connection lost" in caplog.text
    assert _ambiguous_polls() == before + 1


def _ambiguous_polls() -> float:
    with provide_metrics(MetricsSettings(http_port=0)) as metrics:
        told = scrape(metrics.url)
    return value(told, "conductor_fast_polls_ambiguous_total", taskType="work", domain="") or 0


@pytest.mark.parametrize(("fault", "is_ambiguous"), [("close-after", True), ("504", True), ("503", False)])
def test_a_poll_whose_answer_is_lost_is_counted(
    server: DevServer, host: WorkerHost, recorder: Recorder, fault: str, is_ambiguous: bool
) -> None:
    """The server may have handed out tasks with it, which then wait for their response timeout."""
    before = _ambiguous_polls()
    server.add_fault(f"{fault} of=polls count=1")
    host.start_worker("work", recorder.work, 1)
    wait_until(lambda: len(polls(server, "work")) > 2, "the next polls", 10)
    assert _ambiguous_polls() == before + is_ambiguous


def test_connections_that_the_server_closes_at_random_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    with DevServer(requests_per_connection=7) as server, WorkerHost(server.url) as host:
        server.add_fault("connection-close share=0.05")
        task_ids = server.push_many("work", {}, 3_000)
        host.start_worker("work", recorder.work, 10)
        assert server.wait_for(3_000, "work", "COMPLETED", 30)
        assert host.stop() == []
        assert recorder.ran_once(task_ids)
        assert [line for line in server.transcript() if line["status"] != 200] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_drip_ends_and_holds_nobody_up(server: DevServer, host: WorkerHost, recorder: Recorder) -> None:
    server.add_fault("drip-millis=500 of=polls type=slow count=1")
    server.push("slow")
    host.start_worker("slow", recorder.work, 1)
    host.start_worker("fast", recorder.work, 1)
    wait_until(lambda: polls(server, "slow"), "the poll that drips", 10)
    task_ids = server.push_many("fast", {}, 300)
    assert server.wait_for(300, "fast", "COMPLETED")
    assert len(polls(server, "slow")) == 1, "it drips still"
    assert server.connections_opened < 100, "posts keep to their ceiling of 64"
    assert recorder.ran_once(task_ids)
    wait_until(lambda: len(polls(server, "slow")) > 1, "the poll to be given up", 20)
    later = server.push("slow")
    wait_until(lambda: recorder.runs[later], "the next task of the slow type", 20)


FALSE_ANSWERS: list[tuple[str | dict[str, Any], str]] = [
    ("html", "text/html;charset=utf-8 instead of a JSON array of tasks"),
    ({"answer": {"status": 200, "body": "{}"}}, "application/json instead of a JSON array"),
    (
        {"answer": {"status": 200, "body": "hello", "headers": {"Content-Type": "text/plain"}}},
        "text/plain instead of a JSON array",
    ),
    ({"answer": {"status": 200, "body": "[1, null, {}, [[]]]"}}, "4 tasks of 'work' came without usable ids"),
    ("garbage", "connection lost"),
    ("length-off=100", "connection lost"),
    ("reset", "connection lost"),
    ({"answer": {"status": 204}}, ""),
    ("continue", ""),
    ("connection-close", ""),
    ("deep=100000", "1 tasks of 'work' came without usable ids"),
]


@pytest.mark.parametrize(("fault", "problem"), FALSE_ANSWERS, ids=lambda value: str(value)[:24])
def test_what_is_no_batch_is_not_taken_for_one(
    server: DevServer,
    host: WorkerHost,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    fault: str | dict[str, Any],
    problem: str,
) -> None:
    rule = {**fault, "of": "polls", "count": 1} if isinstance(fault, dict) else f"{fault} of=polls count=1"
    server.add_fault(rule)
    host.start_worker("work", recorder.work, 1)
    wait_until(lambda: len(polls(server, "work")) > 1, "the next poll", 10)
    task_id = server.push("work")
    assert server.wait_for(1, "work", "COMPLETED")
    assert host.stop() == []
    assert recorder.ran_once([task_id])
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    if problem:
        assert problem.replace("'", '"') in warnings[0], warnings
        assert len(warnings) == 1
    else:
        assert warnings == []


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed_and_the_token_stays_here(
    recorder: Recorder, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    keys = AuthenticationSettings("canary-key", "canary-secret")
    with DevServer(auth=("canary-key", "canary-secret")) as server, DevServer() as other:
        location = f"{other.url}/tasks?token=canary-path"
        redirect = {"status": status, "headers": {"Location": location}}
        server.add_fault({"answer": redirect, "of": "polls", "count": 2})
        task_id = server.push("work")
        with WorkerHost(Configuration(server_api_url=server.url, authentication_settings=keys)) as host:
            host.start_worker("work", recorder.work, 1)
            assert server.wait_for(1, "work", "COMPLETED")
        assert other.requests == 0
        assert recorder.ran_once([task_id])
        assert f"it redirects to {other.url.removesuffix('/api')}, which is not followed" in caplog.text
    assert "canary" not in caplog.text


def test_a_huge_answer_is_cut_and_memory_stays_bounded(server: DevServer, start_worker: StartWorker) -> None:
    worker = start_worker(server)
    server.push("work")
    assert server.wait_for(1, "work", "COMPLETED", 20)
    before = worker.memory()
    server.add_fault("huge=300000000 of=polls count=1")
    wait_until(lambda: "larger than 67108864 bytes" in worker.output(), "the answer to be cut", 30)
    assert worker.memory("VmHWM") - before < 64 + 16
    server.push("work")
    assert server.wait_for(2, "work", "COMPLETED")


def test_a_compressed_answer_is_refused_as_it_is(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    for _ in range(4):
        bomb = gzip.compress(bomb)
    answer = {
        "status": 200,
        "bodyBase64": base64.b64encode(bomb).decode(),
        "headers": {"Content-Encoding": "gzip, gzip, gzip, gzip, gzip", "Content-Type": "application/json"},
    }
    server.add_fault({"answer": answer, "of": "polls", "count": 1})
    host.start_worker("work", recorder.work, 1)
    wait_until(lambda: "instead of a JSON array" in caplog.text, "the answer to be refused", 10)
    task_id = server.push("work")
    assert server.wait_for(1, "work", "COMPLETED")
    assert recorder.ran_once([task_id])


def test_a_poisonous_batch_costs_its_poisonous_tasks_only(
    server: DevServer, host: WorkerHost, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    # Known to the server, and handed out by the rule alone.
    task_ids = server.push_many("kept back", {}, 10)
    tasks = [json.dumps({**server.task(task_id), "inputData": "INPUT"}).encode() for task_id in task_ids]
    inputs = [b'{"value": 1}'] * 6 + [
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"7" * 10_000 + b"}",
        b'{"a": "\xff"}',
        b"{}",
    ]
    parts = [task.replace(b'"INPUT"', given) for task, given in zip(tasks, inputs, strict=True)]
    parts[9] = parts[9].replace(b'"taskId"', b'"taskIt"')
    body = base64.b64encode(b"[" + b",".join(parts) + b"]").decode()
    answer = {"status": 200, "bodyBase64": body}
    server.add_fault({"answer": answer, "of": "polls", "taskType": "work", "count": 1})
    host.start_worker("work", recorder.work, 10)
    assert server.wait_for(6, "kept back", "COMPLETED")
    assert server.wait_for(3, "kept back", TERMINAL)
    server.push("work")
    assert server.wait_for(1, "work", "COMPLETED")
    assert host.stop() == []
    for task_id in task_ids[6:9]:
        assert "inputData" in server.task(task_id)["reasonForIncompletion"] or posts(server, task_id)
    assert "1 tasks of" in caplog.text
    assert "panicked" not in caplog.text


def test_more_tasks_than_asked_for_all_run_once_within_the_slots(server: DevServer, host: WorkerHost) -> None:
    recorder = Recorder()
    server.add_fault("more-tasks=50 of=polls count=3")
    task_ids = server.push_many("work", {}, 200)
    host.start_worker("work", recorder.work, 2)
    assert server.wait_for(200, "work", "COMPLETED")
    assert recorder.ran_once(task_ids)
