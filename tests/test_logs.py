"""What the engine tells `logging`, against the dev server."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

PACKAGE = logging.getLogger("conductor_fast")


class Calling(logging.Handler):
    """Does with each record what a test wants; keeps those that it has done with."""

    def __init__(self, call: Callable[[logging.LogRecord], object]) -> None:
        super().__init__()
        self.call = call
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.call(record)
        self.records.append(record)

    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@contextmanager
def handler(call: Callable[[logging.LogRecord], object], level: int = logging.DEBUG) -> Iterator[Calling]:
    """`call` gets all records of the package from `level` on."""
    calling, former = Calling(call), PACKAGE.level
    PACKAGE.addHandler(calling)
    PACKAGE.setLevel(level)
    try:
        yield calling
    finally:
        PACKAGE.removeHandler(calling)
        PACKAGE.setLevel(former)


def empty() -> dict[str, int]:
    return {}


def fail() -> None:
    raise KeyError("gone")


def of(records: list[logging.LogRecord], area: str) -> list[logging.LogRecord]:
    return [record for record in records if record.name == f"conductor_fast.{area}"]


def ids(record: logging.LogRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in ("task_type", "task_id", "workflow_id"))


def test_debug_tells_of_polls_results_and_beats_with_their_ids(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.define({"name": "nap", "responseTimeoutSeconds": 1})
    beaten = threading.Event()

    def nap() -> None:
        beaten.wait(10)

    with caplog.at_level(logging.DEBUG, "conductor_fast"), WorkerHost(server.url) as host:
        before = time.time()
        host.start_worker("nap", nap, lease_extend_enabled=True)
        task_id = server.push("nap", workflow_instance_id="w-1")
        wait_until(lambda: of(caplog.records, "lease"), "a beat", 10)
        beaten.set()
        assert server.wait_for(1, "nap", "COMPLETED")
        host.stop()
        after = time.time()
    (delivered,) = of(caplog.records, "update")
    assert delivered.getMessage().startswith(f"delivered the result of task {task_id} in ")
    assert ids(delivered) == ids(of(caplog.records, "lease")[0]) == ("nap", task_id, "w-1")
    polls = of(caplog.records, "poll")
    assert any(record.getMessage().startswith("polled up to 1 tasks, got 1 after ") for record in polls)
    assert all(ids(record) == ("nap", None, None) for record in polls)
    text = logging.Formatter("%(levelname)s %(task_id)s %(asctime)s.%(msecs)03d").format(delivered)
    assert text.startswith(f"DEBUG {task_id} ")
    assert before <= delivered.created <= after
    assert int(delivered.msecs) == int(delivered.created * 1_000) % 1_000


def test_the_time_is_when_it_happened(server: DevServer, host: WorkerHost) -> None:
    released = threading.Event()
    with handler(lambda _record: _wait(released)) as slow:
        task_id = server.push("greet")
        host.start_worker("greet", empty)
        assert server.wait_for(1, "greet", "COMPLETED")
        wait_until(lambda: not host.runtime.held(), "the answer to the result", 10)
        told_after = time.time()
        released.set()
        host.stop()
    (delivered,) = of(slow.records, "update")
    assert task_id in delivered.getMessage()
    assert delivered.created < told_after


def _wait(event: threading.Event) -> None:
    # The host's own thread logs at the start too, which is not what is tested here.
    if threading.current_thread().name == "conductor-log":
        assert event.wait(20)


def test_levels_may_change_while_it_runs(
    server: DevServer, host: WorkerHost, caplog: pytest.LogCaptureFixture
) -> None:
    def run_one() -> None:
        server.push("greet")
        assert server.wait_for(server.count("greet"), "greet", "COMPLETED")

    host.start_worker("greet", empty)
    run_one()
    with caplog.at_level(logging.DEBUG, "conductor_fast.update"):

        def is_told() -> bool:
            run_one()
            return bool(of(caplog.records, "update"))

        wait_until(is_told, "records of the new level", 10)
    assert not of(caplog.records, "poll"), "another logger"
    with caplog.at_level(logging.DEBUG, "conductor_fast"):
        wait_until(lambda: of(caplog.records, "poll"), "records of polls", 10)
        logging.disable(logging.CRITICAL)
        try:
            told = len(caplog.records)
            run_one()
            host.stop()
            assert len(caplog.records) == told
        finally:
            logging.disable(logging.NOTSET)


def test_what_a_function_raises_is_logged(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    async def fail_later() -> None:
        raise KeyError("gone")

    with WorkerHost(server.url) as host:
        host.start_worker("fail", fail)
        host.start_worker("fail_later", fail_later)
        tasks = {(name, server.push(name, retry_count=0)) for name in ("fail", "fail_later")}
        assert server.wait_for(2, None, "FAILED")
    records = of(caplog.records, "worker")
    assert {ids(record)[:2] for record in records} == tasks
    assert {record.levelname for record in records} == {"WARNING"}
    assert all(record.exc_info and record.exc_info[0] is KeyError for record in records)
    assert "in fail\n" in caplog.text


def test_a_slow_handler_of_eight_busy_threads(server: DevServer) -> None:
    logger = logging.getLogger("conductor_fast.test")

    def chatty() -> None:
        logger.debug("running")

    server.push_many("chatty", {}, 400)
    with handler(lambda _record: time.sleep(0.001)) as slow, WorkerHost(server.url) as host:
        host.start_worker("chatty", chatty, batch_size=8)
        assert server.wait_for(400, "chatty", "COMPLETED", 20)
        host.stop()
        wait_until(lambda: len(of(slow.records, "update")) == 400, "all records", 10)
    assert len(of(slow.records, "test")) == 400


def test_more_than_a_handler_can_take_is_dropped_counted_and_said(server: DevServer) -> None:
    released = threading.Event()
    server.push_many("many", {}, 12_000)
    with handler(lambda _record: _wait(released)) as slow, WorkerHost(server.url) as host:
        host.start_worker("fail", fail)
        host.start_worker("many", empty, batch_size=8)
        assert server.wait_for(12_000, "many", "COMPLETED", 20)
        # Room is left for what matters.
        server.push("fail", retry_count=0)
        assert server.wait_for(1, "fail", "FAILED")
        released.set()
        wait_until(lambda: of(slow.records, "engine"), "the line that tells of it", 10)
    (told,) = of(slow.records, "engine")
    dropped = int(told.getMessage().split()[0])
    assert told.getMessage() == f"{dropped} log records were dropped: the log handlers are too slow"
    assert told.levelname == "WARNING"
    delivered = len(of(slow.records, "update"))
    assert 0 < delivered < 12_000
    assert dropped + delivered + len(of(slow.records, "poll")) > 12_000
    assert of(slow.records, "worker")


def test_a_handler_that_raises_stops_nothing(
    server: DevServer, host: WorkerHost, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(record: logging.LogRecord) -> None:
        if threading.current_thread().name == "conductor-log":
            raise SystemExit(record.getMessage())

    with handler(broken):
        host.start_worker("greet", empty)
        server.push_many("greet", {}, 3)
        assert server.wait_for(3, "greet", "COMPLETED")
        assert host.alive() == {("greet", None): True}
        assert "conductor-log" in {thread.name for thread in threading.enumerate()}
        assert host.stop() == []
    assert capsys.readouterr().err.count("Traceback") == 1, "said, but not for each record"


def test_a_handler_that_raises_does_not_end_the_telling_of_events(server: DevServer) -> None:
    heard: list[object] = []

    class Broken:
        def on_task_update_completed(self, event: object) -> None:
            heard.append(event)
            raise ValueError

    def broken(record: logging.LogRecord) -> None:
        if threading.current_thread().name == "conductor-events":
            raise RuntimeError(record.getMessage())

    with handler(broken), WorkerHost(server.url, event_listeners=[Broken()]) as host:
        host.start_worker("greet", empty)
        server.push_many("greet", {}, 3)
        assert server.wait_for(3, "greet", "COMPLETED")
    assert len(heard) == 3


def test_a_handler_that_raises_does_not_keep_a_drain_from_its_end(server: DevServer) -> None:
    def broken(record: logging.LogRecord) -> None:
        raise RuntimeError(record.getMessage())

    go_on = threading.Event()
    host = WorkerHost(server.url)
    host.start_worker("stuck", lambda: go_on.wait(20))
    task_id = server.push("stuck")
    wait_until(lambda: server.count("stuck", "IN_PROGRESS"), "the task to run", 10)
    with handler(broken):
        assert host.stop(0.01) == [task_id]
    go_on.set()


def test_a_handler_may_pause_and_stop_the_host(server: DevServer) -> None:
    calls: list[object] = []

    def meddle(record: logging.LogRecord) -> None:
        if record.name == "conductor_fast.update":
            host.pause("greet")
            calls.append(host.stop())

    with handler(meddle):
        host = WorkerHost(server.url)
        host.start_worker("greet", empty)
        server.push("greet")
        assert host.wait() == []
    assert calls == [[]]


def test_a_handler_that_stops_the_host_when_it_names_tasks(server: DevServer) -> None:
    go_on = threading.Event()
    with handler(lambda _record: host.stop()):
        host = WorkerHost(server.url)
        PACKAGE.setLevel(logging.ERROR)
        host.start_worker("stuck", lambda: go_on.wait(20))
        task_id = server.push("stuck")
        wait_until(lambda: server.count("stuck", "IN_PROGRESS"), "the task to run", 10)
        assert host.stop(0.01) == [task_id]
    go_on.set()


PROGRAM = """
    import logging, sys, threading, time
    from conductor_fast import WorkerHost

    logging.basicConfig(format="%(name)s %(message)s", level=logging.DEBUG)
    blocked = threading.Event()

    class Blocked(logging.Handler):
        def handle(self, record):  # without its lock, for which logging itself waits at exit
            blocked.set()
            threading.Event().wait()

    if {block}:
        logging.getLogger("conductor_fast.poll").addHandler(Blocked())
    started = threading.Event()

    def work(seconds: float):
        started.set()
        time.sleep(seconds)
        return {{}}

    host = WorkerHost({url!r}, drain_timeout=0.5)
    host.start_worker("work", work)
    assert (blocked if {block} else started).wait(10)
"""


@pytest.mark.parametrize(
    ("seconds", "block", "last_words"),
    [
        (0, False, "conductor_fast.update delivered the result of task {}"),
        (30, False, "conductor_fast.host 1 tasks are left unfinished or unreported: {}"),
        (0, True, "conductor_fast.host worker host started"),
    ],
    ids=["drained", "abandoned", "blocked"],
)
def test_the_log_is_told_at_exit(server: DevServer, seconds: int, block: bool, last_words: str) -> None:
    task_id = server.push("work", {"seconds": seconds})
    script = "\n".join(line[4:] for line in PROGRAM.format(url=server.url, block=block).splitlines())
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert last_words.format(task_id) in ended.stderr
    assert "Traceback" not in ended.stderr
