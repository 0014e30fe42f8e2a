"""conductor-python's `TaskHandler` on this engine."""

from __future__ import annotations

import json
import signal

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.conftest import Run
from tests.support.waiting import wait_until

WORKERS = """
    @worker_task(task_definition_name="decorated", thread_count=60)
    def decorated(number: int, wait: float = 0.0) -> dict:
        get_task_context().add_log(f"number {number}")
        time.sleep(wait)
        return {"number": number, "pid": os.getpid(), "task": get_task_context().get_task_id()}

    @worker_task(task_definition_name="coroutine", thread_count=5)
    async def coroutine(data):
        await asyncio.to_thread(lambda: get_task_context().set_output({"thread": True}))
        return {"data": data}

    @worker_task(task_definition_name="takes_task")
    def takes_task(task: Task) -> TaskResult:
        if task.poll_count < 2:
            return TaskInProgress(callback_after_seconds=0, output={"polls": task.poll_count})
        result = task.to_task_result("COMPLETED")
        return result.add_output_data("polls", task.poll_count)

    @worker_task(task_definition_name="hopeless")
    def hopeless() -> dict:
        raise NonRetryableException("no use")

    class Classic(WorkerInterface):
        def execute(self, task):
            result = self.get_task_result_from_task(task)
            result.status = "COMPLETED"
            result.add_output_data("class", type(self).__name__)
            result.log("from a class")
            return result
"""

MAIN = """
    def main():
        handler = TaskHandler(workers=[Classic(["first", "second"])], configuration=Configuration())
        with handler:
            handler.start_processes()
            print("up and running", os.getpid(), flush=True)
            handler.join_processes()
        print("joined", flush=True)

    if __name__ == "__main__":
        main()
"""


def test_an_unmodified_application_runs_in_one_process(run: Run, server: DevServer) -> None:
    """Each kind of worker that conductor-python has, its context, results and exceptions."""
    ids = {
        "decorated": server.push("decorated", {"number": 7}),
        "coroutine": server.push("coroutine", {"data": [1]}),
        "takes_task": server.push("takes_task"),
        "hopeless": server.push("hopeless"),
        "first": server.push("first"),
        "second": server.push("second"),
    }
    program = run(WORKERS + MAIN)

    assert server.wait_for(len(ids), timeout=30), program.log
    tasks = {name: server.task(task_id) for name, task_id in ids.items()}
    pid = program.process.pid
    assert tasks["decorated"]["outputData"] == {"number": 7, "pid": pid, "task": ids["decorated"]}
    logs = {
        body["taskId"]: [line["log"] for line in body.get("logs") or []]
        for body in map(
            json.loads, (line["body"] for line in server.transcript() if line["method"] == "POST")
        )
    }
    assert logs[ids["decorated"]] == ["number 7"]
    assert logs[ids["first"]] == ["from a class"]
    assert tasks["coroutine"]["outputData"] == {"thread": True, "data": [1]}
    assert tasks["takes_task"]["outputData"] == {"polls": 2}
    assert tasks["hopeless"]["status"] == "FAILED_WITH_TERMINAL_ERROR"
    assert tasks["hopeless"]["reasonForIncompletion"] == "no use"
    assert tasks["first"]["outputData"] == tasks["second"]["outputData"] == {"class": "Classic"}
    assert len(program.processes()) == 1
    program.wait_for("accelerated: 5 workers")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -2)])
def test_a_signal_in_join_processes_reports_what_runs(
    run: Run, server: DevServer, number: int, code: int
) -> None:
    """All fifty, and then the program ends as Python does at that signal, without what follows."""
    for index in range(50):
        server.push("decorated", {"number": index, "wait": 1.0})
    program = run(WORKERS + MAIN)
    program.wait_for("up and running")
    wait_until(lambda: server.count("decorated", "IN_PROGRESS") == 50, "50 running", 20)

    assert program.end(number) == code
    assert server.count("decorated", "COMPLETED") == 50
    assert "joined" not in program.log
    assert ("KeyboardInterrupt" in program.log) == (number == signal.SIGINT)


def test_what_programs_touch_of_a_handler_is_there(run: Run, server: DevServer) -> None:
    """The attributes of processes and of the handler, and a worker that is added while it runs."""
    program = run("""
        def late() -> dict:
            return {"late": True}

        @worker_task(task_definition_name="early")
        def early() -> dict:
            return {}

        handler = TaskHandler(configuration=Configuration(), monitor_processes=False)
        process = handler.task_runner_processes[0]
        assert (process.pid, process.exitcode, process.is_alive()) == (None, None, False)
        for each in handler.task_runner_processes:
            each.daemon = True
        assert handler.metrics_provider_process is None
        assert handler.logger_process.is_alive()
        handler.start_processes()
        assert [worker.get_task_definition_name() for worker in handler.workers] == ["early"]
        assert (process.pid, process.exitcode, process.is_alive()) == (os.getpid(), None, True)
        assert process.name.startswith("Process-"), process.name
        process.join(timeout=0.01)
        row = {"worker": "early", "pid": os.getpid(), "alive": True, "exitcode": None, "restart_count": 0}
        assert handler.get_worker_process_status() == [row]
        assert handler.is_healthy()

        worker = Worker("late", late)
        handler._TaskHandler__create_task_runner_process(worker, Configuration(), None)
        handler.task_runner_processes[-1].daemon = True
        handler.task_runner_processes[-1].start()
        handler.workers.append(worker)
        handler._restart_counts.append(0)
        handler._next_restart_at.append(0.0)
        print("added", flush=True)
        sys.stdin.read()
        handler.task_runner_processes[-1].terminate()
        assert [row["alive"] for row in handler.get_worker_process_status()] == [True, False]
        handler.stop_processes()
        handler.queue.put_nowait(None)
        handler.logger_process.join(timeout=2)
        assert not handler.logger_process.is_alive()
        assert [each.exitcode for each in handler.task_runner_processes] == [0, -15]
        print("done", flush=True)
    """)
    task_id = server.push("late")
    assert server.wait_for(1, timeout=30), program.log
    assert server.task(task_id)["outputData"] == {"late": True}
    program.wait_for("done")
    assert program.end() == 0


def test_a_program_that_does_not_join_goes_on_running(run: Run, server: DevServer) -> None:
    """On conductor-python its processes keep it, until a signal."""
    program = run("""
        @worker_task(task_definition_name="kept")
        def kept() -> dict:
            return {}

        TaskHandler(configuration=Configuration()).start_processes()
        print("the end", flush=True)
    """)
    program.wait_for("the end")
    server.push("kept")
    assert server.wait_for(1, timeout=20), program.log
    assert program.process.poll() is None
    program.end(signal.SIGTERM)


def test_several_workers_of_one_queue_all_run(run: Run, server: DevServer) -> None:
    """Instances of a class are how programs had more threads before there was `thread_count`."""
    program = run("""
        here = threading.Barrier(3, timeout=20)

        class Meets(WorkerInterface):
            def execute(self, task):
                here.wait()
                return self.get_task_result_from_task(task).add_output_data("met", True)

        with TaskHandler([Meets("meet"), Meets("meet"), Meets("meet")], Configuration()) as handler:
            handler.start_processes()
            handler.join_processes()
    """)
    for _ in range(3):
        server.push("meet")
    assert server.wait_for(3, timeout=30), program.log
    assert server.count("meet", "COMPLETED") == 3
