"""Row 29: fork, spawn, forkserver, and a server that forks after it has loaded the application."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]

CHILDREN = """
import multiprocessing, os, sys, threading
from conductor_fast import ConductorFastError, WorkerHost

def work(url, started, results):
    if started is not None:
        try:
            started.start_worker("refused", print)
        except ConductorFastError as error:
            results.put(str(error))
    done = threading.Event()
    with WorkerHost(url) as host:
        host.start_worker("child", lambda task: done.set() or {"by": os.getpid()})
        done.wait(20)
    results.put(os.getpid())

if __name__ == "__main__":
    url, method = sys.argv[1:]
    context = multiprocessing.get_context(method)
    host = WorkerHost(url)
    host.start_worker("parent", lambda task: {"by": os.getpid()})
    results = context.Queue()
    started = host if method == "fork" else None
    child = context.Process(target=work, args=(url, started, results))
    child.start()
    if started is not None:
        print(results.get(timeout=20))
    print("child", results.get(timeout=20))
    child.join()
    print("parent", os.getpid(), child.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_has_a_host_of_its_own_however_it_was_made(
    server: DevServer, tmp_path: Path, method: str
) -> None:
    script = tmp_path / "children.py"
    script.write_text(CHILDREN)
    in_child = server.push("child")
    ended = subprocess.run(
        [sys.executable, str(script), server.url, method], capture_output=True, text=True, timeout=50
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    if method == "fork":
        assert "cannot be used after fork; make a new one" in ended.stdout
    by_child, by_parent = re.findall(r"^(?:child|parent) (\d+)", ended.stdout, re.MULTILINE)
    assert f"parent {by_parent} 0" in ended.stdout
    assert server.task(in_child)["outputData"] == {"by": int(by_child)}
    assert server.count(status="IN_PROGRESS") == 0


def test_an_application_that_is_loaded_before_its_server_forks(server: DevServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:0"]
    environment = {**os.environ, "CONDUCTOR_SERVER_URL": server.url}
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, "tests.faults.preloaded:application"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            find = re.compile(r"Listening at: (http://[\d.:]+)").findall
            (address,) = wait_until(lambda: find(log.read_text()), "gunicorn to listen", 20)
            (by_master,) = [task["outputData"]["by"] for task in _completed(server, "loaded")]
            assert by_master == process.pid, "what was started goes on where it was"
            with urllib.request.urlopen(f"{address}/", timeout=10) as answer:
                refusal, _, worker = answer.read().decode().rpartition(" ")
            assert "cannot be used after fork; make a new one" in refusal
            (by_worker,) = [task["outputData"]["by"] for task in _completed(server, "forked")]
            assert by_worker == int(worker) != process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()
        finally:
            process.kill()
    assert server.count(status="IN_PROGRESS") == 0
    assert "Traceback" not in log.read_text()


def _completed(server: DevServer, task_type: str) -> list[dict[str, dict[str, int]]]:
    server.push(task_type)
    assert server.wait_for(1, task_type, "COMPLETED", 20)
    return server.tasks(task_type)
