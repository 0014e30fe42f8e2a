"""Row 29: fork, spawn, forkserver, and a server that forks after it has loaded the application."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from conductor_fast import Configuration, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]

WITH_SPOOL = """
import os, sys, threading
from conductor_fast import Configuration, WorkerHost

def say(*words):
    # Both processes write here: each line in one piece.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

url, folder = sys.argv[1:]
ran, end = threading.Event(), threading.Event()
host = WorkerHost(Configuration(server_api_url=url, spool_dir=folder))
host.start_worker("work", lambda task: ran.set() or {"by": os.getpid()})
ran.wait(20)
child = os.fork()
if child:
    say(child)
    end.wait()
own = os.path.join(folder, os.listdir(folder)[0])
names = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
say("locks", [name for name in names if name.endswith(".lock")])
with WorkerHost(Configuration(server_api_url=url, spool_dir=folder)) as other:
    other.start_worker("child", lambda task: {"by": os.getpid()})
    say("files", sorted(name for name in os.listdir(own) if name.endswith(".db")))
    sys.stdin.read()
say("ended")
"""

BUSY_SPOOL = """
import os, sys, threading
from conductor_fast import Configuration, WorkerHost

url, folder, forks = sys.argv[1:]
host = WorkerHost(Configuration(server_api_url=url, spool_dir=folder))
ran = threading.Semaphore(0)
host.start_worker("work", lambda task: ran.release() or {"value": "x" * 5_000})
for _ in range(int(forks)):
    ran.acquire(timeout=20)
    child = os.fork()
    if not child:
        with WorkerHost(Configuration(server_api_url=url, spool_dir=folder)) as other:
            other.start()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
host.stop()
print("done")
"""

FORKS_IN_ITS_FUNCTION = """
import os, sys
from conductor_fast import WorkerHost
from tests.support.waiting import wait_until

def work(task):
    child = os.fork()
    if child:
        os.write(1, f"{child}\\n".encode())
        # Its thread has returned as well, and waits for a task that never comes.
        asleep = lambda: open(f"/proc/{child}/stat").read().rpartition(")")[2].split()[0] == "S"
        wait_until(asleep, "the child to return", 20)
    return {"by": os.getpid()}

host = WorkerHost(sys.argv[1])
host.start_worker("work", work)
sys.stdin.read()
host.stop()
"""

HELD_LOCKS = """
import os, sys, threading
from prometheus_client import CollectorRegistry
from conductor_fast import register_collector

collector = register_collector(CollectorRegistry())
# Threads that take the locks of the counters all the time, at any moment of each fork.
ended = threading.Event()
def look():
    while not ended.is_set():
        list(collector.collect())
for _ in range(4):
    threading.Thread(target=look, daemon=True).start()
for number in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        list(collector.collect())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
ended.set()
print("done")
"""

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


def test_a_child_neither_writes_nor_locks_the_results_of_its_parent(
    server: DevServer, tmp_path: Path
) -> None:
    """While the child lives, others take over what its parent has left."""
    spool = tmp_path / "spool"
    spool.mkdir()
    server.add_fault("503 of=updates type=work")
    task_id = server.push("work", response_timeout_seconds=600)
    command = [sys.executable, "-c", WITH_SPOOL, server.url, str(spool)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child = 0
    with parent:
        try:
            assert parent.stdout is not None
            assert parent.stdin is not None
            lines = sorted(parent.stdout.readline().strip() for _ in range(3))
            child = int(lines[0])
            assert lines[2] == "locks []"
            files = re.findall(r"(\d+)-\w+\.db", lines[1])
            assert sorted(files) == sorted([str(child), str(parent.pid)])
            assert server.count("work", "IN_PROGRESS") == 1
            parent.kill()
            parent.wait()
            os.kill(child, 0)
            server.clear_faults()
            with WorkerHost(Configuration(server_api_url=server.url, spool_dir=spool)) as other:
                other.start()
                assert server.wait_for(1, "work", "COMPLETED", 20), "what the parent has left is delivered"
            assert server.task(task_id)["outputData"] == {"by": parent.pid}
            parent.stdin.close()
            assert parent.stdout.readline() == "ended\n"
            assert list(spool.rglob("*.db")) == []
        finally:
            parent.kill()
            if child:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def test_a_fork_while_results_are_written_to_disk_blocks_no_child(server: DevServer, tmp_path: Path) -> None:
    server.push_many("work", {}, 5_000)
    command = [sys.executable, "-W", "ignore", "-c", BUSY_SPOOL, server.url, str(tmp_path), "30"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert (ended.stdout, ended.stderr) == ("done\n", "")


def test_a_function_that_returns_in_a_child_as_well_has_one_result_its_parents(server: DevServer) -> None:
    """The child has the sockets of its parent, over which a result must not be sent twice."""
    task_id = server.push("work")
    command = [sys.executable, "-W", "ignore", "-c", FORKS_IN_ITS_FUNCTION, server.url]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    child = 0
    with parent:
        try:
            assert parent.stdout is not None
            assert parent.stdin is not None
            child = int(parent.stdout.readline())
            assert server.wait_for(1, "work", "COMPLETED", 20)
            assert server.task(task_id)["outputData"] == {"by": parent.pid}
            parent.stdin.close()
            assert parent.wait(20) == 0
        finally:
            parent.kill()
            if child:
                os.kill(child, signal.SIGKILL)
    assert len([line for line in server.transcript() if line["method"] == "POST"]) == 1


def test_a_fork_while_other_threads_read_the_counters_blocks_no_child() -> None:
    command = [sys.executable, "-W", "ignore", "-c", HELD_LOCKS, "200"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("done\n", "")
