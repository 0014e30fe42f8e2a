"""conductor-python's `TaskRunner` and `AsyncTaskRunner` on this engine."""

from __future__ import annotations

import signal

from conductor_fast.testing import DevServer
from tests.accelerate.conftest import Run
from tests.support.waiting import wait_until

LISTENER = """
    from conductor.client.event import task_runner_events as events

    class Listener:
        def on_poll_completed(self, event):
            assert type(event) is events.PollCompleted
        def on_task_execution_completed(self, event):
            assert type(event) is events.TaskExecutionCompleted
            print("completed", event.task_type, event.task_id, event.timestamp.tzinfo, flush=True)

    def worker_function(number: int):
        return number * 2
"""


def test_run_works_until_it_is_stopped(run: Run, server: DevServer) -> None:
    """In a thread, by `stop`; its listeners get conductor-python's own events."""
    task_id = server.push("double", {"number": 4})
    program = run(
        LISTENER
        + """
    runner = TaskRunner(Worker("double", worker_function), Configuration(), event_listeners=[Listener()])
    thread = threading.Thread(target=runner.run)
    thread.start()
    while not os.path.exists("enough"):
        time.sleep(0.02)
    runner.stop()
    thread.join(20)
    print("ended", thread.is_alive(), flush=True)
    """
    )
    program.wait_for(f"completed double {task_id} UTC")
    (program.path.parent / "enough").touch()
    assert server.wait_for(1, timeout=20)
    assert server.task(task_id)["outputData"] == {"result": 8}
    program.wait_for("ended False")
    assert "not accelerated" not in program.log


def test_sigterm_in_run_reports_what_runs(run: Run, server: DevServer) -> None:
    task_id = server.push("slow")
    program = run("""
        def slow() -> dict:
            time.sleep(1)
            return {"done": True}

        TaskRunner(Worker("slow", slow), Configuration()).run()
        print("never", flush=True)
    """)
    wait_until(lambda: server.count("slow", "IN_PROGRESS") == 1, "a running task", 30)
    assert program.end(signal.SIGTERM) == 143
    assert server.task(task_id)["status"] == "COMPLETED"
    assert "never" not in program.log


def test_run_once_polls_once(run: Run, server: DevServer) -> None:
    """And its tasks are reported when the runner is left."""
    server.push_many("double", {"number": 1}, count=3)
    program = run(
        LISTENER
        + """
    with TaskRunner(Worker("double", worker_function, thread_count=2), Configuration()) as runner:
        runner.run_once()
    print("left", flush=True)
    """
    )
    program.wait_for("left")
    assert program.end() == 0
    assert (server.count("double", "COMPLETED"), server.count("double", "SCHEDULED")) == (2, 1)


def test_an_async_runner_runs_on_the_callers_loop(run: Run, server: DevServer) -> None:
    task_id = server.push("here", {"number": 5})
    program = run("""
        async def main():
            loop = asyncio.get_running_loop()
            seen = asyncio.Event()

            async def here(number: int):
                assert asyncio.get_running_loop() is loop
                get_task_context().add_log("here")
                seen.set()
                return {"number": number}

            runner = AsyncTaskRunner(Worker("here", here), Configuration())
            running = asyncio.create_task(runner.run())
            await seen.wait()
            await runner.stop()
            await running

        asyncio.run(main())
        print("over", flush=True)
    """)
    program.wait_for("over")
    assert program.end() == 0
    assert server.task(task_id)["outputData"] == {"number": 5}


def test_a_runner_of_its_own_stays_on_conductor_python(run: Run, server: DevServer) -> None:
    task_id = server.push("double", {"number": 4})
    program = run(
        LISTENER
        + """
    class OwnRunner(TaskRunner):
        def run_once(self):
            print("own step", flush=True)
            super().run_once()

    runner = OwnRunner(Worker("double", worker_function), Configuration())
    threading.Timer(2.0, runner.stop).start()
    runner.run()
    print("ended", flush=True)
    """
    )
    written = program.wait_for("ended")
    assert "own step" in written
    assert "__main__.OwnRunner is not accelerated and runs on conductor-python" in written
    assert server.task(task_id)["status"] == "COMPLETED"
