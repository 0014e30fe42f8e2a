"""Lease extension and what a function learns of a cancel, against the dev server."""

from __future__ import annotations

import asyncio
import ctypes
import time
from typing import Any

import pytest

from conductor_fast import (
    ConductorFastError,
    Configuration,
    TaskClient,
    TaskContext,
    TaskRunner,
    Worker,
    WorkerHost,
    get_task_context,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


def beats(server: DevServer) -> int:
    return sum('"extendLease":true' in line["body"] for line in server.transcript())


def cancel(server: DevServer, task_id: str) -> None:
    """End a running task from outside, as the termination of its workflow does."""
    task = server.task(task_id)
    with TaskClient(Configuration(server_api_url=server.url)) as client:
        client.update_task(task_id, task["workflowInstanceId"], "CANCELED")


def test_leases_are_extended_while_functions_hold_the_gil(server: DevServer, host: WorkerHost) -> None:
    usleep = ctypes.PyDLL(None).usleep  # unlike CDLL it keeps the GIL

    def slow(a: int) -> dict[str, int]:
        time.sleep(1)
        usleep(500_000)
        time.sleep(1)
        return {"a": a}

    server.push_many("slow", {"a": 1}, 8, response_timeout_seconds=1, retry_delay_seconds=0)
    host.start_worker("slow", slow, 8, lease_extend_enabled=True)
    assert server.wait_for(8, "slow", "COMPLETED", timeout=30)
    assert server.count("slow") == 8, "no attempt timed out"
    assert beats(server) >= 8 * 2


def test_a_drain_extends_leases(server: DevServer) -> None:
    host = WorkerHost(server.url)
    host.start_worker("slow", lambda task: time.sleep(2.5), lease_extend_enabled=True)
    server.push("slow", response_timeout_seconds=1, retry_delay_seconds=0)
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    assert host.stop() == []
    assert server.count("slow", "COMPLETED") == server.count("slow") == 1


def test_a_function_sees_that_its_task_is_cancelled(server: DevServer, host: WorkerHost) -> None:
    contexts: list[TaskContext] = []

    def patient(a: int) -> dict[str, Any]:
        context = get_task_context()
        contexts.append(context)
        before = context.cancelled
        deadline = time.monotonic() + 10
        while a and not context.cancelled and time.monotonic() < deadline:
            time.sleep(0.01)
        return {"before": before, "after": context.cancelled}

    host.start_worker("patient", patient, lease_extend_enabled=True)
    first = server.push("patient", {"a": 1}, response_timeout_seconds=1)
    wait_until(lambda: contexts, "the task to run", 10)
    cancelled_at = time.monotonic()
    cancel(server, first)
    wait_until(lambda: contexts[0].cancelled, "the function to be told", 10, interval=0.01)
    assert time.monotonic() - cancelled_at < 1
    second = server.push("patient", {"a": 0})
    assert server.wait_for(1, "patient", "COMPLETED")
    assert server.task(second)["outputData"] == {"before": False, "after": False}
    assert [context.cancelled for context in contexts] == [True, False], "each tells of its own task"
    assert server.task(first)["status"] == "CANCELED"


def test_a_coroutine_is_cancelled_once_with_its_task_and_the_others_go_on(
    server: DevServer, host: WorkerHost
) -> None:
    started: list[int] = []
    told: list[tuple[int, bool]] = []

    async def patient(a: int) -> dict[str, int]:
        context = get_task_context()
        started.append(a)
        try:
            await asyncio.sleep(10 if a else 2)
        except asyncio.CancelledError:
            await asyncio.sleep(1)  # cleans up, undisturbed by the next cancel
            told.append((a, context.cancelled))
            raise
        return {"a": a}

    host.start_worker("patient", patient, 3, lease_extend_enabled=True)
    ids = [server.push("patient", {"a": a}, response_timeout_seconds=1) for a in (1, 2, 0)]
    wait_until(lambda: len(started) == 3, "the tasks to run", 10)
    cancel(server, ids[0])
    time.sleep(0.9)
    cancel(server, ids[1])
    wait_until(lambda: len(told) == 2, "the coroutines to be told", 10)
    assert server.wait_for(1, "patient", "COMPLETED")
    assert told == [(1, True), (2, True)]
    assert server.task(ids[2])["outputData"] == {"a": 0}


def test_without_leases_nothing_is_extended_or_asked(server: DevServer, host: WorkerHost) -> None:
    def slow(a: int) -> dict[str, bool]:
        time.sleep(1.5)
        return {"cancelled": get_task_context().cancelled}

    host.start_worker("slow", slow)
    task_id = server.push("slow", {"a": 1}, response_timeout_seconds=1, retry_count=0)
    assert server.wait_for(1, "slow", "TIMED_OUT")
    host.stop()
    assert beats(server) == 0
    assert server.task(task_id)["outputData"] in ({}, None)


def test_a_workers_own_setting_counts(server: DevServer) -> None:
    worker = Worker("slow", lambda task: time.sleep(1.5), lease_extend_enabled=True)
    with TaskRunner(worker, Configuration(server_api_url=server.url)) as runner:
        server.push("slow", response_timeout_seconds=1, retry_count=0)
        runner.run_once()
    assert server.count("slow", "COMPLETED") == 1


def test_a_switch_is_true_or_false(host: WorkerHost) -> None:
    with pytest.raises(ConductorFastError, match="'slow': lease_extend_enabled 1 is no bool"):
        host.start_worker("slow", lambda: None, lease_extend_enabled=1)  # type: ignore[arg-type]
