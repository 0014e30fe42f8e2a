"""`install()`: when, how often, and the switch."""

from __future__ import annotations

from conductor_fast.testing import DevServer
from tests.accelerate.conftest import Run
from tests.accelerate.program import PYTHON, WHO

MAIN = """
    if __name__ == "__main__":
        with TaskHandler(configuration=Configuration()) as handler:
            handler.start_processes()
            print("install:", conductor_fast.accelerate.install(), flush=True)
            handler.join_processes()
"""

INSTALL = """
    import conductor_fast.accelerate
    assert conductor_fast.accelerate.install()
"""


def test_names_imported_before_install_follow(run: Run, server: DevServer) -> None:
    """And a second `install()`, here with a handler that runs, changes nothing."""
    program = run(INSTALL + WHO + MAIN, command=PYTHON)
    task_id = server.push("who")
    assert server.wait_for(1, timeout=30), program.log
    assert server.task(task_id)["outputData"] == {"pid": program.process.pid}
    assert "install: True" in program.wait_for("install:")
    assert len(program.processes()) == 1


def test_a_handler_that_runs_already_stays_where_it_is(run: Run, server: DevServer) -> None:
    """`install()` after `start_processes()`: that handler on conductor-python, the next one here."""
    program = run(
        """
        import conductor_fast.accelerate
        @worker_task(task_definition_name="who")
        def who() -> dict:
            return {"pid": os.getpid()}

        @worker_task(task_definition_name="next", domain="d")
        def following() -> dict:
            return {"pid": os.getpid()}

        if __name__ == "__main__":
            workers = get_registered_workers()
            first = TaskHandler(workers[:1], Configuration(), scan_for_annotated_workers=False)
            first.start_processes()
            assert conductor_fast.accelerate.install()
            assert first.task_runner_processes[0].pid != os.getpid()
            with TaskHandler(workers[1:], Configuration(), scan_for_annotated_workers=False) as second:
                second.start_processes()
                assert second.task_runner_processes[0].pid == os.getpid()
                while not os.path.exists("enough"):
                    time.sleep(0.02)
            first.stop_processes()
            print("stopped", flush=True)
        """,
        command=PYTHON,
    )
    first, second = server.push("who"), server.push("next", domain="d")
    assert server.wait_for(2, timeout=40), program.log
    (program.path.parent / "enough").touch()
    assert server.task(first)["outputData"]["pid"] != program.process.pid
    assert server.task(second)["outputData"] == {"pid": program.process.pid}
    program.wait_for("stopped")
    assert program.end() == 0


def test_the_variable_switches_it_off(run: Run, server: DevServer) -> None:
    """The workers are processes then, and nothing is said of it."""
    program = run(
        "\n    import conductor_fast.accelerate\n" + WHO + MAIN,
        environment={"CONDUCTOR_FAST_ACCELERATE": "0"},
    )
    task_id = server.push("who")
    assert server.wait_for(1, timeout=40), program.log
    assert server.task(task_id)["outputData"]["pid"] != program.process.pid
    assert "install: False" in program.wait_for("install:")
    assert "not accelerated" not in program.log


def test_the_program_may_choose_the_start_method_first(run: Run, server: DevServer) -> None:
    """conductor-python fixes it when it is imported, and nobody has imported it ahead of the program."""
    program = run(
        WHO
        + """
    if __name__ == "__main__":
        multiprocessing.Process(target=print, args=("from a child",)).start()
        with TaskHandler(configuration=Configuration()) as handler:
            handler.start_processes()
            handler.join_processes()
    """,
        first="import multiprocessing\nmultiprocessing.set_start_method('fork')\n",
    )
    task_id = server.push("who")
    assert server.wait_for(1, timeout=30), program.log
    assert server.task(task_id)["outputData"] == {"pid": program.process.pid}
    program.wait_for("from a child")
