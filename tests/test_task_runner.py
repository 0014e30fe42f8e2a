"""`TaskRunner` against the dev server."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import Configuration, ConfigurationError, MetricsSettings, TaskRunner, Worker
from conductor_fast.testing import DevServer


def configuration(server: DevServer) -> Configuration:
    return Configuration(server_api_url=server.url)


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


def test_run_until_stop(server: DevServer) -> None:
    runner = TaskRunner(Worker("double", double, thread_count=3), configuration(server))
    thread = threading.Thread(target=runner.run)
    thread.start()
    server.push_many("double", {"n": 21}, 30)
    assert server.wait_for(30, "double", "COMPLETED")
    runner.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert {task["outputData"]["n"] for task in server.tasks("double")} == {42}


def test_run_once_polls_once_and_returns_when_all_is_reported(server: DevServer) -> None:
    server.push_many("double", {"n": 1}, 5)
    with TaskRunner(Worker("double", double, thread_count=3), configuration(server)) as runner:
        runner.run_once()
        assert server.count("double", "COMPLETED") == 3
        runner.run_once()
        assert server.count("double", "COMPLETED") == 5
        runner.run_once()
    assert server.count("double") == 5


def test_ctrl_c_ends_run_once_while_its_poll_is_held(server: DevServer) -> None:
    """What the poll brings is run all the same."""
    server.add_fault("delay-millis=3000 of=polls count=1")
    worker = Worker("double", double, poll_timeout=1_000)
    with TaskRunner(worker, configuration(server)) as runner:
        start = time.monotonic()
        interrupt = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            runner.run_once()
        assert time.monotonic() - start < 2.5, "before its poll ends"
        server.push("double", {"n": 1})
    assert server.count("double", "COMPLETED") == 1


def test_workers_are_started_as_in_the_go_guide(server: DevServer) -> None:
    with TaskRunner(configuration=configuration(server)) as runner:
        runner.start_worker("simple_task", double, 1, 1.0)
        server.push("simple_task", {"n": 1})
        assert server.wait_for(1, "simple_task", "COMPLETED")


def test_the_interval_of_the_guide_is_kept(server: DevServer) -> None:
    with TaskRunner(
        Worker("double", double, poll_interval=200, poll_timeout=0), configuration(server)
    ) as runner:
        thread = threading.Thread(target=runner.run)
        thread.start()
        server.push("other")
        assert not server.wait_for(1, "double", timeout=1.1)
        runner.stop()
        thread.join(10)
    polls = [line["elapsedMillis"] for line in server.transcript()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(polls)]
    assert gaps
    # Arrivals are late at times, and then the next gap is short: their mean is the interval.
    assert sum(gaps) / len(gaps) >= 195, gaps


@pytest.mark.parametrize("worker", ["greet", object()])
def test_what_is_no_worker_is_refused(worker: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a conductor_fast\.Worker"):
        TaskRunner(worker)


def test_run_once_needs_a_worker(server: DevServer) -> None:
    with pytest.raises(ConfigurationError, match="worker"):
        TaskRunner(configuration=configuration(server)).run_once()


def test_metrics_are_told_while_it_runs(server: DevServer, tmp_path: Path) -> None:
    settings = MetricsSettings(str(tmp_path), file_name="told")
    with TaskRunner(None, configuration(server), settings) as runner:
        runner.start_worker("runner_metrics", lambda: None)
        assert "conductor_fast_outbox_results 0" in (tmp_path / "told").read_text()
