"""What is not accelerated: it runs on conductor-python whole, and one line says what and why."""

from __future__ import annotations

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.conftest import Run
from tests.accelerate.program import WHO

MAIN = """
    if __name__ == "__main__":
        with %s as handler:
            handler.start_processes()
            handler.join_processes()
"""

HANDLER = "TaskHandler(configuration=Configuration())"

SUBCLASS = """
    class OwnHandler(TaskHandler):
        def start_processes(self):
            print("their own", flush=True)
            super().start_processes()
"""

PATCHED_RUNNER = """
    run_once = TaskRunner.run_once
    def patched(self):
        run_once(self)
    TaskRunner.run_once = patched
"""

OTHER_RUNNER = """
    import conductor.client.automator.task_handler
    class OwnRunner(TaskRunner):
        pass
    conductor.client.automator.task_handler.TaskRunner = OwnRunner
"""

UNUSABLE_WORKER = """
    @worker_task(task_definition_name="other")
    def other(task: Task, more: int) -> dict:
        return {}
"""

OWN_CONNECTION = """
    def configuration():
        import httpx
        configuration = Configuration()
        configuration.http_connection = httpx.Client()
        return configuration
"""

CASES = {
    "a handler of its own": (
        SUBCLASS,
        "OwnHandler(configuration=Configuration())",
        "__main__.OwnHandler has a",
    ),
    "a patched runner": (PATCHED_RUNNER, HANDLER, "TaskRunner.run_once is patched"),
    "another runner": (OTHER_RUNNER, HANDLER, "TaskRunner is patched"),
    "a worker that cannot be bound": (UNUSABLE_WORKER, HANDLER, "worker 'other': its parameter 'task'"),
    "its assert_hostname": (
        "",
        "(lambda c: setattr(c, 'assert_hostname', False) or TaskHandler(configuration=c))(Configuration())",
        "assert_hostname is not supported",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_runs_on_conductor_python_whole(run: Run, server: DevServer, case: str) -> None:
    """The worker is a process, its task is done, and the one line names what is in the way."""
    body, handler, reason = CASES[case]
    program = run(WHO + body + MAIN % handler)
    task_id = server.push("who")
    assert server.wait_for(1, timeout=60), program.log
    assert server.task(task_id)["outputData"]["pid"] != program.process.pid
    lines = [line for line in program.log.splitlines() if "is not accelerated" in line]
    assert len(lines) == 1, program.log
    assert reason in lines[0]
    assert "accelerated:" not in program.log


def test_an_own_connection_stays_on_conductor_python(run: Run) -> None:
    """It cannot be pickled there either, so that only a runner can have it."""
    program = run(
        OWN_CONNECTION
        + """
    runner = TaskRunner(Worker("who", lambda: {}), configuration())
    threading.Timer(0.2, runner.stop).start()
    runner.run()
    print("done", flush=True)
    """
    )
    written = program.wait_for("done")
    assert "TaskRunner is not accelerated" in written
    assert "http_connection" in written


def test_process_isolation_that_is_asked_for_is_kept(run: Run, server: DevServer) -> None:
    program = run(WHO + MAIN % HANDLER, environment={"CONDUCTOR_WORKER_ISOLATION": "process"})
    task_id = server.push("who")
    assert server.wait_for(1, timeout=60), program.log
    assert server.task(task_id)["outputData"]["pid"] != program.process.pid
    program.wait_for("CONDUCTOR_WORKER_ISOLATION=process")


def test_thread_isolation_is_what_it_is(run: Run, server: DevServer) -> None:
    """Asked for by the variable, and by the call that conductor-python's agents make."""
    program = run(
        WHO
        + """
    if __name__ == "__main__":
        from conductor.client.automator.worker_isolation import apply_thread_isolation
        apply_thread_isolation()
    """
        + MAIN % HANDLER,
        environment={"CONDUCTOR_WORKER_ISOLATION": "thread"},
    )
    task_id = server.push("who")
    assert server.wait_for(1, timeout=30), program.log
    assert server.task(task_id)["outputData"] == {"pid": program.process.pid}
    program.wait_for("accelerated: 1 workers")


OTHER_VERSION = """
import importlib.metadata as metadata
real = metadata.version
metadata.version = lambda name: "2.1.0" if name == "conductor-python" else real(name)
"""

WITHOUT_METHOD = """
import conductor.client.automator.task_handler as module
del module.TaskHandler._TaskHandler__start_monitor_thread
module.TaskHandler._TaskHandler__begin_to_monitor = lambda self: None
"""


def test_another_version_gets_one_warning_and_works(run: Run, server: DevServer) -> None:
    program = run(
        "\n    import conductor_fast.accelerate\n    conductor_fast.accelerate.install()\n"
        + WHO
        + MAIN % HANDLER,
        first=OTHER_VERSION,
    )
    task_id = server.push("who")
    assert server.wait_for(1, timeout=30), program.log
    assert server.task(task_id)["outputData"] == {"pid": program.process.pid}
    assert program.log.count("conductor-python is 2.1.0, but accelerating is tested with 2.0.0") == 1


def test_a_version_of_another_make_stays_as_it_is(run: Run, server: DevServer) -> None:
    """Nothing is patched, not even what could be."""
    program = run(
        """
        import conductor_fast.accelerate
        init = TaskHandler.__init__
        conductor_fast.accelerate.install()
        assert TaskHandler.__init__ is init
        print("left alone", flush=True)
        """,
        first=WITHOUT_METHOD,
        command=[__import__("sys").executable],
    )
    written = program.wait_for("left alone")
    assert "has no method _TaskHandler__start_monitor_thread" in written
