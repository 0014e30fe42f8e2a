"""Tasks that are taken ahead of the threads or coroutines that run them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conductor_fast import ConfigurationError, Worker, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


@pytest.fixture
def hosts(server: DevServer) -> Iterator[list[WorkerHost]]:
    """Ten hosts of one server."""
    with ExitStack() as stack:
        yield [stack.enter_context(WorkerHost(server.url)) for _ in range(10)]


def nothing() -> dict[str, Any]:
    return {}


def test_one_thread_polls_in_batches(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("short", nothing)
    server.push_many("short", {}, 200)
    assert server.wait_for(200, "short", "COMPLETED")
    server.clear_transcript()
    server.push_many("short", {}, 1_000)
    assert server.wait_for(1_200, "short", "COMPLETED")
    polls = [line for line in server.transcript() if line["method"] == "GET"]
    assert len(polls) < 200, f"{len(polls)} polls for 1,000 tasks"


def test_nobody_hoards_tasks_that_others_could_run(server: DevServer, hosts: list[WorkerHost]) -> None:
    latency = 0.02
    ended: list[float] = []

    def work() -> dict[str, Any]:
        time.sleep(latency)
        ended.append(time.monotonic())
        return {}

    for host in hosts:
        host.start_worker("burst", work, batch_size=5)
    for round_number in (1, 2):  # the second with functions that were timed
        ended.clear()
        server.push_many("burst", {}, 200)
        assert server.wait_for(200 * round_number, "burst", "COMPLETED")
    waves = sorted(ended)
    # 50 threads, four waves: the last one is over a task's latency after the one before, if nobody hoards.
    assert waves[-1] - waves[149] < 3 * latency + 0.25, "a quarter of a second is for a busy machine"


@pytest.mark.parametrize("kind", ["threads", "coroutines"])
def test_no_more_run_at_once_than_may(kind: str, server: DevServer, host: WorkerHost) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def change(by: int) -> None:
        nonlocal running, most
        with lock:
            running += by
            most = max(most, running)

    def function() -> dict[str, Any]:
        change(1)
        time.sleep(0.005)
        change(-1)
        return {}

    async def coroutine() -> dict[str, Any]:
        change(1)
        await asyncio.sleep(0.005)
        change(-1)
        return {}

    host.start_worker("few", function if kind == "threads" else coroutine, batch_size=3, prefetch=10)
    server.push_many("few", {}, 100)
    wait_until(lambda: server.count("few", "IN_PROGRESS") > 3, "tasks are taken ahead", 10, 0.002)
    assert server.wait_for(100, "few", "COMPLETED")
    assert most == 3


def test_what_waits_at_a_stop_goes_back_with_the_output_that_it_carried(server: DevServer) -> None:
    go_on = threading.Event()

    async def wait() -> dict[str, Any]:
        await asyncio.to_thread(go_on.wait, 10)
        return {"done": True}

    with WorkerHost(server.url) as host:
        host.start_worker("ahead", wait, batch_size=2, prefetch=4)
        server.push_many("ahead", {}, 9)
        wait_until(lambda: server.count("ahead", "IN_PROGRESS") == 6, "two run, four wait", 10, 0.002)
        host.request_stop()
        stopper = threading.Thread(target=host.stop)
        stopper.start()
        wait_until(lambda: server.count("ahead", "SCHEDULED") == 7, "four went back", 10, 0.002)
        go_on.set()
        stopper.join(10)
    assert server.count("ahead", "COMPLETED") == 2
    assert server.count("ahead", "SCHEDULED") == 7


@pytest.mark.parametrize("prefetch", [65, -1, "many", True])
def test_a_prefetch_that_is_none_is_refused_where_it_was_given(prefetch: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"'t': prefetch .*from 0 to 64"):
        Worker("t", nothing, prefetch=prefetch)
