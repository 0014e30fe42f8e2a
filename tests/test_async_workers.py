"""Coroutine functions as workers, against the dev server."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import time
from typing import Any

import pytest

from conductor_fast import (
    Configuration,
    NonRetryableException,
    Task,
    TaskInProgress,
    TaskResult,
    TaskResultStatus,
    TaskRunner,
    Worker,
    WorkerHost,
    get_task_context,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def loop_module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whose event loop runs the coroutines: uvloop's if it can be imported."""
    module: str = request.param
    if module == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    return module


def test_the_loop_is_the_one_that_is_installed(server: DevServer, host: WorkerHost, loop_module: str) -> None:
    async def whose() -> dict[str, str]:
        return {"module": type(asyncio.get_running_loop()).__module__.partition(".")[0]}

    host.start_worker("whose", whose)
    task_id = server.push("whose")
    assert server.wait_for(1, "whose", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"module": loop_module}


def test_coroutines_run_side_by_side_up_to_their_slots(server: DevServer, host: WorkerHost) -> None:
    running = most = 0

    async def together(a: int) -> dict[str, int]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return {"a": a}

    host.start_worker("together", together, 20)
    server.push_many("together", {"a": 1}, 100)
    assert server.wait_for(100, "together", "COMPLETED")
    assert most == 20


def test_what_asyncio_offers_is_there(server: DevServer, host: WorkerHost) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    async def look(name: str) -> dict[str, Any]:
        before = variable.get()
        variable.set(name)
        await asyncio.sleep(0.01)
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.01)
        except asyncio.TimeoutError:
            timed_out = True
        task = asyncio.current_task()
        inner = await asyncio.gather(asyncio.sleep(0, "x"), asyncio.to_thread(variable.get))
        return {
            "before": before,
            "after": variable.get(),
            "timed_out": timed_out,
            "is_task": task is not None,
            "inner": inner,
        }

    host.start_worker("look", look, 5)
    ids = [server.push("look", {"name": f"n{number}"}) for number in range(5)]
    assert server.wait_for(5, "look", "COMPLETED")
    for number, task_id in enumerate(ids):
        assert server.task(task_id)["outputData"] == {
            "before": "unset",
            "after": f"n{number}",
            "timed_out": True,
            "is_task": True,
            "inner": ["x", f"n{number}"],
        }


def test_outcomes_are_those_of_other_functions(server: DevServer, host: WorkerHost) -> None:
    async def by_kind(task: Task) -> Any:
        kind = (task.input_data or {})["kind"]
        await asyncio.sleep(0)
        if kind == "progress" and (task.poll_count or 0) < 2:
            return TaskInProgress(0, {"at": 1})
        if kind == "raise":
            raise ValueError("boom")
        if kind == "exit":
            raise SystemExit(3)
        if kind == "never":
            raise NonRetryableException("no use")
        if kind == "nan":
            return {"x": float("nan")}
        if kind == "result":
            return TaskResult(status=TaskResultStatus.FAILED, reason_for_incompletion="as it says")
        return kind

    host.start_worker("by_kind", by_kind, 3)
    ids = {
        kind: server.push("by_kind", {"kind": kind}, retry_count=0)
        for kind in ("scalar", "progress", "raise", "exit", "never", "nan", "result")
    }
    expected = {
        "scalar": ("COMPLETED", None),
        "progress": ("COMPLETED", None),
        "raise": ("FAILED", "boom"),
        "exit": ("FAILED", "SystemExit: 3"),
        "never": ("FAILED_WITH_TERMINAL_ERROR", "no use"),
        "result": ("FAILED", "as it says"),
        "nan": (
            "FAILED_WITH_TERMINAL_ERROR",
            "outputData.x is NaN, which JSON has no word for (worker setting nan: null or string)",
        ),
    }
    assert server.wait_for(len(ids), "by_kind")
    seen = {
        kind: (server.task(task_id)["status"], server.task(task_id).get("reasonForIncompletion"))
        for kind, task_id in ids.items()
    }
    assert seen == expected
    assert server.task(ids["scalar"])["outputData"] == {"result": "scalar"}


def test_the_context_is_each_coroutines_own(server: DevServer, host: WorkerHost) -> None:
    async def identify(a: int) -> dict[str, Any]:
        first = get_task_context().get_task_id()
        await asyncio.sleep(0.01)
        get_task_context().add_log("later")
        return {
            "first": first,
            "later": get_task_context().get_task_id(),
            "thread": await asyncio.to_thread(own_id),
        }

    def own_id() -> str:
        return get_task_context().get_task_id()

    host.start_worker("identify", identify, 10)
    ids = server.push_many("identify", {"a": 1}, 10)
    assert server.wait_for(10, "identify", "COMPLETED")
    for task_id in ids:
        assert server.task(task_id)["outputData"] == {"first": task_id, "later": task_id, "thread": task_id}


def test_a_coroutine_that_blocks_delays_only_coroutines(server: DevServer, host: WorkerHost) -> None:
    async def blocks(a: int) -> None:
        time.sleep(1.5)  # noqa: ASYNC251 - what must not be done

    host.start_worker("blocks", blocks)
    host.start_worker("other", lambda task: None)
    server.push("blocks", {"a": 1})
    wait_until(lambda: server.count("blocks", "IN_PROGRESS"), "the blocking one to run", 10)
    server.push_many("other", {}, 20)
    assert server.wait_for(20, "other", "COMPLETED", timeout=1)
    assert server.count("blocks", "COMPLETED") == 0


def test_stop_drains_coroutines(server: DevServer) -> None:
    async def slow(a: int) -> dict[str, int]:
        await asyncio.sleep(0.5)
        return {"a": a}

    host = WorkerHost(server.url)
    host.start_worker("slow", slow, 50)
    server.push_many("slow", {"a": 1}, 50)
    wait_until(lambda: server.count("slow", "IN_PROGRESS") == 50, "fifty to run", 10)
    assert host.stop() == []
    assert server.count("slow", "COMPLETED") == 50


def test_a_drain_that_gives_up_names_the_coroutines_task(server: DevServer) -> None:
    cancelled = False

    async def stuck(a: int) -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise

    host = WorkerHost(server.url)
    host.start_worker("stuck", stuck)
    task_id = server.push("stuck", {"a": 1})
    wait_until(lambda: server.count("stuck", "IN_PROGRESS"), "it to run", 10)
    assert host.stop(drain_timeout=0.1) == [task_id]
    assert cancelled
    assert server.task(task_id)["status"] == "IN_PROGRESS"


def test_run_once(server: DevServer) -> None:
    async def double(n: int) -> dict[str, int]:
        await asyncio.sleep(0)
        return {"n": 2 * n}

    server.push_many("double", {"n": 1}, 3)
    worker = Worker("double", double, thread_count=5)
    with TaskRunner(worker, Configuration(server_api_url=server.url)) as runner:
        runner.run_once()
        assert server.count("double", "COMPLETED") == 3
