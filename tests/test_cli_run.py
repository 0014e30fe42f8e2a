"""`conductor-fast run` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

PROGRAM = str(Path(sys.executable).with_name("conductor-fast"))

MODULE = """
    import logging
    import time
    from conductor_fast import WorkerInterface, worker_task

    @worker_task("greet")
    def greet(name: str):
        return {"message": f"Hello {name}"}

    @worker_task("slow", thread_count=10)
    def slow(seconds: float):
        time.sleep(seconds)
        return {"done": True}

    @worker_task("refuse")
    def refuse(order: int):
        logging.getLogger("shop").info("it is %s", "refused")
        raise ValueError("sold\\nout")

    class Echo(WorkerInterface):
        def execute(self, task):
            return {"echo": task.input_data}

    echo = Echo("echo")
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path, server: DevServer) -> Iterator[Start]:
    """Runs `conductor-fast run` in a folder with the module `shop.workers`; it does not outlive the test."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "workers.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    (tmp_path / "twice.py").write_text(
        "from conductor_fast import worker_task\n"
        "@worker_task('same')\ndef first(): ...\n@worker_task('same')\ndef second(): ...\n"
    )
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str, url: str = server.url) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [PROGRAM, "run", *arguments, "--server", url],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def wait_until_handled(process: subprocess.Popen[str]) -> None:
    def caught() -> bool:
        status = Path(f"/proc/{process.pid}/status").read_text()
        mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)

    wait_until(caught, "a handler of SIGTERM", 10)


@pytest.mark.parametrize("module", ["shop", "shop.workers"])
def test_the_workers_of_a_module_or_package_run(server: DevServer, run: Start, module: str) -> None:
    process = run(module)
    greet, echo = server.push("greet", {"name": "Ada"}), server.push("echo", {"a": 1})
    assert server.wait_for(2, status="COMPLETED")
    assert server.task(greet)["outputData"] == {"message": "Hello Ada"}
    assert server.task(echo)["outputData"] == {"echo": {"a": 1}}
    wait_until_handled(process)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 0, output


def test_json_logs_are_an_object_a_line_with_the_ids_of_tasks(server: DevServer, run: Start) -> None:
    process = run("shop", "--log-format", "json", "--log-level", "debug")
    task_id = server.push("refuse", {"order": 1}, workflow_instance_id="w-1", retry_count=0)
    assert server.wait_for(1, "refuse", "FAILED")
    wait_until_handled(process)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 0, output
    lines = [json.loads(line) for line in output.splitlines()]
    now = datetime.now(timezone.utc)
    assert all(now - timedelta(minutes=1) < datetime.fromisoformat(line["time"]) <= now for line in lines)
    ids = {"task_type": "refuse", "task_id": task_id, "workflow_id": "w-1"}
    of_task = {line["logger"]: line for line in lines if ids.items() <= line.items()}
    assert set(of_task) == {"shop", "conductor_fast.worker", "conductor_fast.update"}
    own, raised = of_task["shop"], of_task["conductor_fast.worker"]
    assert {key: own[key] for key in own if key not in ids and key != "time"} == {
        "level": "INFO",
        "logger": "shop",
        "message": "it is refused",
    }
    assert raised["level"] == "WARNING"
    assert raised["exception"].endswith("ValueError: sold\nout")
    assert any(line["logger"] == "conductor_fast.poll" and line["level"] == "DEBUG" for line in lines)


def test_the_level_of_the_log_is_the_option_or_the_environment(
    server: DevServer, run: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUCTOR_LOG_LEVEL", "error")
    quiet, loud = run("shop"), run("shop", "--log-level", "info")
    for process in (quiet, loud):
        wait_until_handled(process)
        process.send_signal(signal.SIGTERM)
    assert finish(quiet) == (0, "")
    assert " INFO conductor_fast." in finish(loud)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_with_0(server: DevServer, run: Start, number: signal.Signals) -> None:
    process = run("shop.workers")
    server.push_many("slow", {"seconds": 1}, 10)
    wait_until(lambda: server.count("slow", "IN_PROGRESS") == 10, "ten tasks to run", 10)
    wait_until_handled(process)
    process.send_signal(number)
    code, output = finish(process)
    assert code == 0, output
    assert server.count("slow", "COMPLETED") == 10


def test_a_drain_that_gives_up_exits_with_4_and_names_the_tasks(server: DevServer, run: Start) -> None:
    process = run("shop.workers", "--drain-timeout", "0.2")
    task_id = server.push("slow", {"seconds": 60})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    wait_until_handled(process)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 4, output
    assert task_id in output


def test_results_that_the_server_refused_and_that_lie_on_disk_exit_with_4(
    server: DevServer, run: Start, tmp_path: Path
) -> None:
    """Those that only wait are delivered by the next process: nobody has to come for them."""
    spool = tmp_path / "spool"
    spool.mkdir()
    server.add_fault("400 of=updates type=greet count=1")
    server.add_fault("503 of=updates type=echo")
    refused, waiting = server.push("greet", {"name": "Ada"}), server.push("echo")
    for left in (1, 0):
        process = run("shop.workers", "--spool-dir", str(spool))
        wait_until_handled(process)
        if left:
            assert server.wait_for(1, "greet", "FAILED_WITH_TERMINAL_ERROR")
            wait_until(lambda: server.task(waiting)["status"] == "IN_PROGRESS", "the other to be taken", 10)
        process.send_signal(signal.SIGTERM)
        code, output = finish(process)
        assert code == 4 * left, output
        assert ("1 results that the server refuses or that are too old stay in" in output) == bool(left)
        command = [PROGRAM, "spool", "--spool-dir", str(spool), "drop", refused, "--yes"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_a_signal_during_the_start_is_no_failure(server: DevServer, run: Start) -> None:
    process = run("shop.workers")
    wait_until_handled(process)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 0, output
    assert "Traceback" not in output


def test_a_second_signal_ends_it_at_once(server: DevServer, run: Start) -> None:
    process = run("shop.workers")
    server.push("slow", {"seconds": 60})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == -signal.SIGTERM, output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument 'MODULE...'"),
        (["no_such_module"], 2, "there is no module 'no_such_module'"),
        (["shop.no_such"], 2, "there is no module 'shop.no_such'"),
        (["shop", "--drain-timeout", "-1"], 2, "--drain-timeout"),
        (["shop", "--log-format", "xml"], 2, "'xml' is not one of 'text', 'json'"),
        (["shop", "--log-level", "loud"], 2, "--log-level"),
        (["broken"], 1, "ModuleNotFoundError: No module named 'no_such_library'"),
        (["json"], 1, "there are no workers in json: decorate a function with @worker_task"),
        (
            ["twice"],
            1,
            "Error: worker 'same': two functions are decorated for it, twice.first and twice.second",
        ),
    ],
)
def test_what_cannot_run_says_so(run: Start, arguments: list[str], code: int, message: str) -> None:
    got, output = finish(run(*arguments))
    assert got == code, output
    assert message in output


def test_a_bad_address_is_wrong_usage(run: Start) -> None:
    code, output = finish(run("shop", url="localhost:8080"))
    assert code == 2
    assert "server_api_url 'localhost:8080' does not start with http" in output
