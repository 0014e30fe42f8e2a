"""Each task of a coroutine function is an asyncio.Task of its own, with all that belongs to one."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import uvloop

from conductor_fast import Configuration, TaskHandler, Worker, WorkerHost, get_task_context
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until
from tests.test_callers_loop import run, until


@pytest.fixture(params=["asyncio", "uvloop"])
def _each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.mark.usefixtures("_each_loop")
def test_nothing_of_one_task_is_there_in_the_next(server: DevServer, host: WorkerHost) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    by_task: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()
    tasks: list[asyncio.Task[Any]] = []
    done: list[int] = []

    async def look(a: int) -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        found = {"variable": variable.get(), "by task": by_task.get(task, 0), "is new": task not in tasks}
        found["name is new"] = task.get_name() not in [other.get_name() for other in tasks]
        variable.set(a)
        by_task[task] = a
        tasks.append(task)
        task.add_done_callback(lambda _: done.append(a))
        task.set_name(f"look {a}")
        if a % 2:
            await asyncio.sleep(0)
        return found

    host.start_worker("look", look)
    ids = [server.push("look", {"a": a}) for a in range(1, 7)]
    assert server.wait_for(6, "look", "COMPLETED")
    for task_id in ids:
        expected = {"variable": 0, "by task": 0, "is new": True, "name is new": True}
        assert server.task(task_id)["outputData"] == expected
    wait_until(lambda: len(done) == 6, "the callbacks of all", 10)


@pytest.mark.usefixtures("_each_loop")
def test_a_cancellation_stays_with_its_task(server: DevServer, host: WorkerHost) -> None:
    async def cancel(how: str) -> dict[str, Any]:
        task = asyncio.current_task()
        assert task is not None
        if how == "timeout":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        if how in ("pending", "now"):
            task.cancel()
        if how == "now":
            await asyncio.sleep(10)
        return {"cancelling": getattr(task, "cancelling", int)()}

    host.start_worker("cancel", cancel)
    ids = {}
    for how in ("now", "pending", "timeout", "none"):
        ids[how] = server.push("cancel", {"how": how}, retry_count=0)
    assert server.wait_for(3, "cancel", "COMPLETED")
    assert server.task(ids["now"])["status"] == "FAILED"
    assert server.task(ids["now"])["reasonForIncompletion"] == "CancelledError"
    assert [server.task(ids[how])["outputData"]["cancelling"] for how in ("timeout", "none")] == [0, 0]


@pytest.mark.usefixtures("_each_loop")
def test_a_coroutine_that_nothing_else_holds_is_kept(server: DevServer, host: WorkerHost) -> None:
    waiting: list[weakref.ref[asyncio.Future[int]]] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def wait(a: int) -> dict[str, int]:
        future = asyncio.get_running_loop().create_future()
        waiting.append(weakref.ref(future))
        loops.append(asyncio.get_running_loop())
        return {"a": a + await future}

    host.start_worker("wait", wait)
    task_id = server.push("wait", {"a": 1})
    wait_until(lambda: loops, "it to wait", 10)
    gc.collect()

    def answer() -> None:
        future = waiting[0]()
        if future is not None:
            future.set_result(2)

    loops[0].call_soon_threadsafe(answer)
    assert server.wait_for(1, "wait", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"a": 3}
    wait_until(lambda: gc.collect() >= 0 and waiting[0]() is None, "all to be let go", 10)


@pytest.mark.usefixtures("_each_loop")
def test_the_first_step_is_as_any_other(server: DevServer, host: WorkerHost) -> None:
    async def look(how: str) -> dict[str, Any]:
        task = asyncio.current_task()
        found = {"is one of all": task in asyncio.all_tasks(), "timed out": False}
        if how == "raises":
            raise ValueError("at once")
        if how == "exits":
            raise SystemExit(3)
        if how == "timeout" and sys.version_info >= (3, 11):
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                found["timed out"] = True
        return found | {"is the same": asyncio.current_task() is task}

    host.start_worker("look", look, 4)
    ids = {
        how: server.push("look", {"how": how}, retry_count=0) for how in ("raises", "exits", "timeout", "")
    }
    assert server.wait_for(2, "look", "COMPLETED")
    assert server.wait_for(2, "look", "FAILED")
    assert server.task(ids["raises"])["reasonForIncompletion"] == "at once"
    assert server.task(ids["exits"])["reasonForIncompletion"] == "SystemExit: 3"
    expected = {"is one of all": True, "is the same": True, "timed out": sys.version_info >= (3, 11)}
    assert server.task(ids["timeout"])["outputData"] == expected
    assert server.task(ids[""])["outputData"] == expected | {"timed out": False}


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_functions_that_await_nothing_let_others_have_their_turn(
    server: DevServer, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    done = 0
    done_by_turn: list[int] = []

    async def work(a: int) -> None:
        nonlocal done
        done += 1

    async def program() -> None:
        workers = [Worker("work", work, thread_count=64)]
        async with TaskHandler(workers, Configuration(server_api_url=server.url)):
            server.push_many("work", {"a": 1}, 2_000)
            while done < 2_000:
                done_by_turn.append(done)
                await asyncio.sleep(0)

    loop = new_loop()
    loop.run_until_complete(asyncio.wait_for(program(), 30))
    loop.close()
    most = max(later - earlier for earlier, later in pairwise([*done_by_turn, done]))
    assert 0 < most <= 64


def _with_factory(server: DevServer, factory: Callable[..., Any], pushes: int) -> list[Any]:
    """What is left of `pushes` tasks on a loop of the program's that has this task factory."""
    kinds: list[Any] = []

    async def work(a: int) -> dict[str, int]:
        kinds.append(type(asyncio.current_task()))
        get_task_context().add_log("seen")
        return {"a": a}

    async def program() -> None:
        workers = [Worker("work", work)]
        async with TaskHandler(workers, Configuration(server_api_url=server.url)):
            asyncio.get_running_loop().set_task_factory(factory)
            for number in range(pushes):
                server.push("work", {"a": number}, retry_count=0)
            ended = ("COMPLETED", "FAILED")
            await until(lambda: sum(server.count("work", status) for status in ended) == pushes)

    run(program())
    return kinds


def test_the_task_factory_of_the_program_makes_them(server: DevServer) -> None:
    class Own(asyncio.Task):  # type: ignore[type-arg]
        pass

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return Own(coroutine, loop=loop, **options)

    assert _with_factory(server, factory, 3) == [Own] * 3
    assert server.count("work", "COMPLETED") == 3


@pytest.mark.parametrize("by_class", [True, False])
def test_the_loop_of_the_program_makes_them(server: DevServer, by_class: bool) -> None:
    made: list[str] = []

    class Own(asyncio.SelectorEventLoop):
        def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
            made.append(coro.__name__)
            return super().create_task(coro, **options)

    def traced(coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro.__name__)
        return asyncio.SelectorEventLoop.create_task(loop, coro, **options)

    async def program() -> None:
        async with TaskHandler([Worker("own", own)], configuration):
            server.push_many("own", {}, 3)
            await until(lambda: server.count("own", "COMPLETED") == 3)

    async def own() -> None: ...

    configuration = Configuration(server_api_url=server.url)
    loop = Own() if by_class else asyncio.SelectorEventLoop()
    if not by_class:
        loop.create_task = traced  # type: ignore[method-assign]
    loop.run_until_complete(asyncio.wait_for(program(), 30))
    loop.close()
    assert made.count("run_job") == 3


def test_one_that_never_began_is_reported_and_frees_its_slot(server: DevServer) -> None:
    began = 0

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        nonlocal began
        task = asyncio.Task(coroutine, loop=loop, **options)
        if coroutine.__name__ == "run_job":
            began += 1
            if began == 1:
                task.cancel()
        return task

    assert len(_with_factory(server, factory, 2)) == 1
    assert server.count("work", "COMPLETED") == server.count("work", "FAILED") == 1
    (failed,) = (task for task in server.tasks("work") if task["status"] == "FAILED")
    assert failed["reasonForIncompletion"] == "The worker lost this task before its function ended."


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with CPython 3.12")
def test_an_eager_factory_may_end_a_task_at_once(server: DevServer) -> None:
    factory: Any = vars(asyncio)["eager_task_factory"]
    assert len(_with_factory(server, factory, 5)) == 5
    assert server.count("work", "COMPLETED") == 5
