"""Coroutine workers on the user's own event loop: `async with TaskHandler(…)` and `AsyncTaskRunner`."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from conductor_fast import (
    AsyncTaskRunner,
    ConductorFastError,
    Configuration,
    ConfigurationError,
    TaskHandler,
    Worker,
)
from conductor_fast.testing import DevServer


@pytest.fixture
def configuration(server: DevServer) -> Configuration:
    return Configuration(server_api_url=server.url)


async def until(holds: Callable[[], object], timeout: float = 10) -> None:
    """As `wait_until`, while the loop goes on."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def run(program: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(program, 30))


def test_what_the_users_loop_has_is_there(server: DevServer, configuration: Configuration) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="unset")

    async def program() -> None:
        inbox: asyncio.Queue[str] = asyncio.Queue()
        lock, shared = asyncio.Lock(), asyncio.get_running_loop().create_future()
        echo = await asyncio.start_server(_echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*echo.sockets[0].getsockname())
        name.set("the program's")

        async def talk(word: str) -> dict[str, Any]:
            async with lock:  # one connection for all
                writer.write(word.encode() + b"\n")
                answer = (await reader.readline()).decode().strip()
            await inbox.put(word)
            same = asyncio.get_running_loop() is shared.get_loop()
            return {"answer": answer, "same loop": same, "name": name.get()}

        def on_a_thread() -> str:
            return threading.current_thread().name

        workers = [Worker("talk", talk, thread_count=5), Worker("threaded", on_a_thread)]
        async with TaskHandler(workers, configuration) as handler:
            for number in range(20):
                server.push("talk", {"word": f"w{number}"})
            server.push("threaded")
            words = {await inbox.get() for _ in range(20)}
            await until(lambda: server.count(status="COMPLETED") == 21)
            assert handler.is_healthy()
        assert words == {f"w{number}" for number in range(20)}
        assert not handler.is_healthy()
        writer.close()
        await writer.wait_closed()
        echo.close()
        await echo.wait_closed()

    run(program())
    for task in server.tasks("talk"):
        expected = {"answer": task["inputData"]["word"].upper(), "same loop": True, "name": "the program's"}
        assert task["outputData"] == expected
    assert server.tasks("threaded")[0]["outputData"] == {"result": "threaded-0"}


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
    writer.close()


def test_leaving_lets_coroutines_finish_and_the_loop_go_on(
    server: DevServer, configuration: Configuration
) -> None:
    async def program() -> None:
        begun = asyncio.Event()
        ticks = before = 0

        async def slow() -> dict[str, bool]:
            begun.set()
            await asyncio.sleep(0.5)
            return {"done": True}

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        async def body() -> None:
            nonlocal before
            async with TaskHandler([Worker("slow", slow)], configuration):
                server.push("slow")
                await begun.wait()
                before = ticks
                raise ValueError("the body's")

        ticking = asyncio.create_task(tick())
        with pytest.raises(ValueError, match="the body's"):
            await body()
        assert server.tasks("slow")[0]["outputData"] == {"done": True}, "the drain came before the exception"
        assert ticks - before > 10, "the loop was not blocked"
        ticking.cancel()

    run(program())


def test_a_drain_that_gives_up_cancels_the_coroutines(
    server: DevServer, configuration: Configuration
) -> None:
    async def program() -> None:
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def stuck() -> None:
            begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        handler = TaskHandler([Worker("stuck", stuck)], configuration)
        handler.host.drain_timeout = 0.1
        async with handler:
            server.push("stuck")
            await begun.wait()
        await asyncio.wait_for(cancelled.wait(), 5)

    run(program())


def test_a_stop_on_the_loops_thread_does_not_block_it(
    server: DevServer, configuration: Configuration
) -> None:
    async def program() -> None:
        begun = asyncio.Event()

        async def slow() -> None:
            begun.set()
            await asyncio.sleep(0.3)

        async with TaskHandler([Worker("slow", slow)], configuration) as handler:
            server.push("slow")
            await begun.wait()
            started = time.monotonic()
            handler.stop_processes()
            assert time.monotonic() - started < 0.2, "it only asks"
        assert server.count("slow", "COMPLETED") == 1
        handler.stop_processes()  # once more, when all is over

    run(program())


def test_a_loop_is_chosen_once(configuration: Configuration) -> None:
    async def nothing() -> None: ...

    async def program() -> None:
        handler = TaskHandler([Worker("nothing", nothing)], configuration)
        handler.start_processes()
        with pytest.raises(ConductorFastError, match="run on another event loop already"):
            async with handler:
                pass
        await asyncio.to_thread(handler.stop_processes)

    run(program())


def test_a_runner_runs_until_stop(server: DevServer, configuration: Configuration) -> None:
    async def program() -> None:
        loop = asyncio.get_running_loop()

        async def slow(n: int) -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return {"n": 2 * n, "here": asyncio.get_running_loop() is loop}

        runner = AsyncTaskRunner(Worker("slow", slow, thread_count=10), configuration)
        running = asyncio.create_task(runner.run())
        server.push_many("slow", {"n": 21}, 20)
        await until(lambda: server.count("slow", "COMPLETED") >= 5)
        await runner.stop()
        await running
        outputs = [task["outputData"] for task in server.tasks("slow", "COMPLETED")]
        assert outputs == [{"n": 42, "here": True}] * len(outputs)
        assert not server.count("slow", "IN_PROGRESS"), "what was taken was finished"
        await runner.stop()

    run(program())


def test_a_cancelled_run_drains(server: DevServer, configuration: Configuration) -> None:
    """As Ctrl-C in `asyncio.run`, or a task group that ends."""

    async def program() -> None:
        begun = asyncio.Event()

        async def slow() -> None:
            begun.set()
            await asyncio.sleep(0.3)

        running = asyncio.create_task(AsyncTaskRunner(Worker("slow", slow), configuration).run())
        server.push("slow")
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert server.count("slow", "COMPLETED") == 1

    run(program())


def test_a_worker_may_stop_its_own_runner(server: DevServer, configuration: Configuration) -> None:
    async def program() -> None:
        async def last() -> None:
            await runner.stop()

        runner = AsyncTaskRunner(Worker("last", last), configuration)
        server.push("last")
        await runner.run()
        assert server.count("last", "COMPLETED") == 1

    run(program())


def test_one_poll_at_a_time(server: DevServer, configuration: Configuration) -> None:
    async def program() -> None:
        async def double(n: int) -> dict[str, int]:
            await asyncio.sleep(0)
            return {"n": 2 * n}

        server.push_many("double", {"n": 1}, 5)
        async with AsyncTaskRunner(Worker("double", double, thread_count=3), configuration) as runner:
            await runner.run_once()
            assert server.count("double", "COMPLETED") == 3
            await runner.run_once()
            assert server.count("double", "COMPLETED") == 5
            await runner.run_once()

    run(program())


def test_functions_that_are_no_coroutines_run_on_threads(
    server: DevServer, configuration: Configuration
) -> None:
    async def program() -> None:
        name = Worker("name", lambda task: threading.current_thread().name)
        async with AsyncTaskRunner(name, configuration) as runner:
            server.push("name")
            await runner.run_once()
        assert server.tasks("name")[0]["outputData"] == {"result": "name-0"}

    run(program())


@pytest.mark.parametrize("worker", ["greet", None])
def test_what_is_no_worker_is_refused(worker: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a conductor_fast\.Worker"):
        AsyncTaskRunner(worker)
