"""Real processes: import, signals, exit, fork."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a script in a process of its own, which does not outlive the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        # A shell that starts jobs in the background lets them ignore SIGINT, and so would the child.
        prelude = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code = prelude + textwrap.dedent(script)
        command = [sys.executable, "-X", "faulthandler", "-c", code, *arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str], timeout: float = 30) -> tuple[int, str]:
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        raise AssertionError(f"did not end within {timeout} s: {output}") from None
    return process.returncode, output


def wait_until_handled(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Until the process has a handler for the signal: a worker may run before its host waits."""

    def caught() -> bool:
        with open(f"/proc/{process.pid}/status") as status:
            mask = next(line.split()[1] for line in status if line.startswith("SigCgt"))
        return bool(int(mask, 16) >> (number - 1) & 1)

    wait_until(caught, f"a handler of {number.name}", 10)


IMPORT = """
    import logging, signal, sys, threading
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    loggers, modules = set(logging.root.manager.loggerDict), set(sys.modules)
    import conductor_fast
    assert threading.active_count() == 1
    assert set(logging.root.manager.loggerDict) == loggers
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == handlers
    new = {name for name in set(sys.modules) - modules if not name.startswith("conductor_fast")}
    assert not new & {"click", "rich", "prometheus_client", "conductor"}, new
    assert "conductor_fast._core" not in sys.modules
    print(*sorted(conductor_fast.__all__))
"""


def test_importing_does_nothing(start: Start) -> None:
    code, output = finish(start(IMPORT))
    assert code == 0, output
    assert "WorkerHost" in output.split()


WAIT = """
    import sys, time
    from conductor_fast import WorkerHost
    host = WorkerHost(sys.argv[1], drain_timeout=float(sys.argv[2]))
    def slow(seconds: float):
        time.sleep(seconds)
        return {"done": True}
    host.start_worker("slow", slow, 10)
    left = host.wait()
    print("left", *left)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(server: DevServer, start: Start, number: signal.Signals) -> None:
    process = start(WAIT, server.url, "25")
    server.push_many("slow", {"seconds": 1}, 10)
    wait_until(lambda: server.count("slow", "IN_PROGRESS") == 10, "ten tasks to run", 10)
    polls_before = server.requests
    wait_until_handled(process, signal.SIGTERM)
    process.send_signal(number)
    code, output = finish(process)
    assert (code, output) == (0, "left\n")
    assert server.count("slow", "COMPLETED") == 10
    polls = [line for line in server.transcript()[polls_before:] if line["method"] == "GET"]
    assert polls == [], "no poll after the signal"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(server: DevServer, start: Start, number: signal.Signals) -> None:
    process = start(WAIT, server.url, "25")
    server.push("slow", {"seconds": 60})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    wait_until_handled(process, signal.SIGTERM)
    process.send_signal(number)
    # It drains now, for 25 s if nobody insists. A second signal may only be sent once the first was seen.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(number)
    code, output = finish(process, 10)
    assert code == -number, output


def test_a_drain_that_gives_up_names_the_tasks_and_ends(server: DevServer, start: Start) -> None:
    process = start(WAIT, server.url, "0.2")
    task_id = server.push("slow", {"seconds": 60})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    wait_until_handled(process, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process, 10)
    assert code == 0, output
    assert f"left {task_id}" in output
    assert "1 tasks are left unfinished" in output


NO_STOP = """
    import sys
    from conductor_fast import WorkerHost
    host = WorkerHost(sys.argv[1])
    host.start_worker("quick", lambda task: {"ok": True}, 4)
    how = sys.argv[2]
    if how == "work":
        import time
        while not done:
            time.sleep(0.01)
    if how == "raise":
        raise SystemExit(7)
    if how == "error":
        1 / 0
"""


def test_a_script_that_ends_without_stop_ends_cleanly(server: DevServer, start: Start) -> None:
    """50 times, in three manners; each waits for the long poll that it has out, so several at a time."""
    script = NO_STOP.replace("while not done:", "for _ in range(5):")
    manners = [("end", 0), ("raise", 7), ("error", 1), ("work", 0)]
    server.push_many("quick", {}, 500)

    def run(index: int) -> None:
        manner, expected = manners[index % len(manners)]
        code, output = finish(start(script, server.url, manner))
        assert code == expected, f"{manner}: {code} {output}"
        if manner != "error":
            assert output == "", output

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(50)))
    assert server.count("quick", "IN_PROGRESS") == 0, "what was polled was reported"


FORK = """
    import os, sys
    from conductor_fast import WorkerHost
    host = WorkerHost(sys.argv[1])
    unstarted = WorkerHost(sys.argv[1])
    host.start_worker("parent", lambda task: {"by": os.getpid()})
    child = os.fork()
    if child == 0:
        with unstarted:
            unstarted.start_worker("child", lambda task: {"by": os.getpid()})
            import time
            time.sleep(1)
        sys.exit(5)   # the exit hook of the parent's host must not run here
    _, status = os.waitpid(child, 0)
    print(os.getpid(), child, os.waitstatus_to_exitcode(status))
"""


def test_a_host_that_was_not_started_works_after_fork(server: DevServer, start: Start) -> None:
    ids = [server.push("parent"), server.push("child")]
    code, output = finish(start(FORK, server.url))
    assert code == 0, output
    parent, child, child_code = output.split()[-3:]
    assert child_code == "5"
    outputs = [server.task(task_id)["outputData"].get("by") for task_id in ids]
    assert outputs == [int(parent), int(child)]


def test_handlers_of_the_application_stay(server: DevServer, start: Start) -> None:
    script = """
        import os, signal, sys, threading
        from conductor_fast import WorkerHost
        host = WorkerHost(sys.argv[1])
        def own(number, frame):
            print("own handler", flush=True)
            host.request_stop()
        signal.signal(signal.SIGTERM, own)
        host.start_worker("quick", lambda task: None)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        host.wait()
        assert signal.getsignal(signal.SIGTERM) is own
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    """
    code, output = finish(start(script, server.url))
    assert (code, output) == (0, "own handler\n")


UNREFERENCED = """
    import gc, sys, time
    from conductor_fast import WorkerHost

    def slow(seconds: float):
        print("running", flush=True)
        time.sleep(seconds)
        return {"done": True}

    WorkerHost(sys.argv[1]).start_worker("slow", slow)
    gc.collect()
    time.sleep(0.5)
"""


def test_a_host_that_nobody_refers_to_is_drained_at_exit(server: DevServer, start: Start) -> None:
    process = start(UNREFERENCED, server.url)
    server.push("slow", {"seconds": 1})
    wait_until(lambda: server.count("slow", "IN_PROGRESS"), "the task to run", 10)
    # The script ends while the function runs.
    code, output = finish(process)
    assert (code, output) == (0, "running\n")
    assert server.count("slow", "COMPLETED") == 1


NESTED = """
    import os, signal, sys, threading, time
    from conductor_fast import WorkerHost
    host = WorkerHost(sys.argv[1])

    def slow(seconds: float):
        time.sleep(seconds)
        return {"done": True}

    def own(number, frame):
        print("left", *host.stop(), flush=True)

    signal.signal(signal.SIGTERM, own)
    host.start_worker("slow", slow)
    time.sleep(0.5)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    print("left", *host.stop())
"""


def test_a_stop_within_a_stop_is_one_stop(server: DevServer, start: Start) -> None:
    server.push("slow", {"seconds": 1})
    process = start(NESTED, server.url)
    code, output = finish(process)
    assert (code, output) == (0, "left\nleft\n")


CALL = """
    import sys
    from conductor_fast import Configuration, TaskClient
    print("calling", flush=True)
    TaskClient(Configuration(server_api_url=sys.argv[1])).get_task("t")
"""


def test_ctrl_c_ends_the_wait_for_a_call(server: DevServer, start: Start) -> None:
    server.add_fault("hang")
    process = start(CALL, server.url)
    wait_until(lambda: server.requests, "the call", 20)
    process.send_signal(signal.SIGINT)
    code, output = finish(process, 10)
    assert code == -signal.SIGINT
    assert output.endswith("KeyboardInterrupt\n")
