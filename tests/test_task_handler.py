"""`TaskHandler` against the dev server: all workers, one process."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import (
    ConductorFastError,
    Configuration,
    ConfigurationError,
    MetricsSettings,
    TaskHandler,
    TaskRunner,
    Worker,
    WorkerHost,
    get_registered_workers,
    worker_task,
)
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until


@pytest.fixture
def configuration(server: DevServer) -> Configuration:
    return Configuration(server_api_url=server.url)


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conductor_fast.worker.registry._decorated_functions", {})


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


def test_decorated_functions_run(server: DevServer, configuration: Configuration) -> None:
    @worker_task("double")
    def decorated(n: int) -> dict[str, int]:
        return {"n": 2 * n}

    worker_task("triple", domain="blue")(lambda n, more=0: {"n": 3 * n})
    with TaskHandler(configuration=configuration) as handler:
        handler.start_processes()  # as the SDK's programs do; it has started already
        ids = [server.push("double", {"n": 1}), server.push("triple", {"n": 1}, domain="blue")]
        assert server.wait_for(2, status="COMPLETED")
        assert handler.is_healthy()
    assert [server.task(task_id)["outputData"] for task_id in ids] == [{"n": 2}, {"n": 3}]
    assert not handler.is_healthy()


def test_modules_are_imported_first(
    server: DevServer, configuration: Configuration, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "handler_workers.py").write_text(
        "from conductor_fast import worker_task\n@worker_task('imported')\ndef imported(n): return n\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    handler = TaskHandler(configuration=configuration, import_modules=["handler_workers"])
    assert [worker.get_task_definition_name() for worker in handler.workers] == ["imported"]
    with pytest.raises(ConfigurationError, match=r"give a list, \['handler_workers'\]"):
        TaskHandler(configuration=configuration, import_modules="handler_workers")


def test_registered_workers_given_as_well_are_not_doubled(configuration: Configuration) -> None:
    worker_task("double")(double)
    worker_task("double", domain="blue")(double)
    given = get_registered_workers()
    handler = TaskHandler(workers=given, configuration=configuration)
    assert handler.workers == given
    assert handler.workers is not given
    assert len(given) == 2


def test_one_worker_need_not_be_a_list(configuration: Configuration) -> None:
    worker = Worker("double", double)
    assert TaskHandler(worker, configuration).workers == [worker]
    assert TaskHandler(worker, configuration, import_modules=["json"]).workers == [worker]


def test_two_functions_for_one_queue_are_refused(server: DevServer, configuration: Configuration) -> None:
    worker_task("double")(lambda n: n)
    with pytest.raises(ConfigurationError, match=r"given with .*double, and .*lambda.* is decorated"):
        TaskHandler([Worker("double", double)], configuration)
    handler = TaskHandler(
        [Worker("first", double), Worker("double", double), Worker("double", len)],
        configuration,
        scan_for_annotated_workers=False,
    )
    with pytest.raises(ConductorFastError, match=r"worker 'double' is started already, with .*double; give"):
        handler.start_processes()
    assert handler.get_worker_process_status() == [], "none is started if one cannot be"
    handler.stop_processes()


def test_stop_drains_and_may_be_repeated(server: DevServer, configuration: Configuration) -> None:
    started = threading.Semaphore(0)

    def slow(n: int) -> dict[str, int]:
        started.release()
        time.sleep(0.5)
        return {"n": n}

    handler = TaskHandler([Worker("slow", slow, thread_count=3)], configuration)
    handler.start_processes()
    server.push_many("slow", {"n": 1}, 3)
    for _ in range(3):
        assert started.acquire(timeout=10)
    handler.stop_processes()
    handler.stop_processes()
    handler.join_processes()
    assert server.count("slow", "COMPLETED") == 3
    (row,) = handler.get_worker_process_status()
    assert (row["alive"], row["exitcode"]) == (False, 0)
    with pytest.raises(ConductorFastError, match="this task handler is stopped; make a new one"):
        handler.start_processes()


def test_stop_is_bounded(server: DevServer, configuration: Configuration) -> None:
    release = threading.Event()
    handler = TaskHandler([Worker("stuck", lambda task: release.wait(30))], configuration)
    handler.host.drain_timeout = 0.1
    handler.start_processes()
    server.push("stuck")
    wait_until(lambda: server.count("stuck", "IN_PROGRESS"), "the task to run", 10)
    begin = time.monotonic()
    handler.stop_processes()
    assert time.monotonic() - begin < 5
    release.set()


def test_join_blocks_until_stop(server: DevServer, configuration: Configuration) -> None:
    handler = TaskHandler([Worker("double", double)], configuration)
    with pytest.raises(ConductorFastError, match=r"call start_processes\(\) first"):
        handler.join_processes()
    handler.start_processes()
    thread = threading.Thread(target=handler.join_processes)
    thread.start()
    server.push("double", {"n": 1})
    assert server.wait_for(1, "double", "COMPLETED")
    assert thread.is_alive()
    handler.stop_processes()
    thread.join(10)
    assert not thread.is_alive()


def test_status_has_the_sdks_keys(server: DevServer, configuration: Configuration) -> None:
    handler = TaskHandler([Worker("double", double)], configuration)
    assert not handler.is_healthy()
    handler.start_processes()
    assert handler.get_worker_process_status() == [
        {"worker": "double", "pid": os.getpid(), "alive": True, "exitcode": None, "restart_count": 0}
    ]
    handler.workers.append(Worker("later", double))
    assert not handler.is_healthy(), "one of its workers does not run"
    handler.start_processes()
    assert handler.is_healthy()
    assert len(handler.get_worker_process_status()) == 2
    handler.stop_processes()


def test_in_an_asyncio_programs_lifespan(server: DevServer, configuration: Configuration) -> None:
    """As FastAPI's: started on the loop's thread, the loop goes on, stopped off it."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[TaskHandler]:
        handler = TaskHandler([Worker("double", double)], configuration)
        handler.start_processes()
        yield handler
        await asyncio.to_thread(handler.stop_processes)

    async def program() -> int:
        ticks = 0
        async with lifespan():
            server.push("double", {"n": 1})
            while not ticks or not server.count("double", "COMPLETED"):
                await asyncio.sleep(0.01)
                ticks += 1
        return ticks

    assert asyncio.run(program()) > 0


def test_two_handlers_in_one_process(server: DevServer, configuration: Configuration) -> None:
    with (
        TaskHandler([Worker("one", double)], configuration),
        TaskHandler([Worker("two", double)], configuration),
    ):
        server.push("one", {"n": 1})
        server.push("two", {"n": 1})
        assert server.wait_for(2, status="COMPLETED")


@pytest.mark.parametrize("face", [TaskHandler, TaskRunner, WorkerHost])
def test_what_is_no_configuration_is_named(face: Callable[..., Any]) -> None:
    arguments = {"server": 7} if face is WorkerHost else {"configuration": 7}
    with pytest.raises(ConfigurationError, match=r"configuration: expected a Configuration .*, not int"):
        face(**arguments)


def test_the_environment_goes_before_start_workers_arguments_too(
    server: DevServer, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_DOUBLE_DOMAIN", "blue")
    with WorkerHost(configuration) as host:
        host.start_worker("double", double, domain="red")
        server.push("double", {"n": 1}, domain="blue")
        assert server.wait_for(1, "double", "COMPLETED")


def test_no_workers_is_warned_about(configuration: Configuration, caplog: pytest.LogCaptureFixture) -> None:
    with TaskHandler(configuration=configuration):
        pass
    assert "there are no workers" in caplog.text


def test_metrics_are_told_while_it_runs(configuration: Configuration, tmp_path: Path) -> None:
    settings = MetricsSettings(str(tmp_path), file_name="told")
    with TaskHandler([], configuration, settings, scan_for_annotated_workers=False):
        assert "conductor_fast_outbox_results 0" in (tmp_path / "told").read_text()


def test_settings_come_from_the_environment(
    server: DevServer,
    configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("conductor.worker.double.domain", "blue")
    monkeypatch.setenv("CONDUCTOR_WORKER_ALL_WORKER_ID", "from-environment")
    with (
        caplog.at_level(logging.INFO, "conductor_fast"),
        TaskHandler(
            [Worker("double", double, domain="red"), Worker("echo", lambda task: None)], configuration
        ),
    ):
        server.push("double", {"n": 1}, domain="blue")
        server.push("echo")
        assert server.wait_for(2, status="COMPLETED")
    lines = [record.message for record in caplog.records if "domain=blue" in record.message]
    assert len(lines) == 1
    assert "domain=blue (conductor.worker.double.domain)" in lines[0]
    assert "worker_id=from-environment (CONDUCTOR_WORKER_ALL_WORKER_ID)" in lines[0]
    polls = [line["query"] for line in server.transcript() if line["method"] == "GET"]
    assert all("workerid=from-environment" in query for query in polls)


def test_a_paused_worker_does_not_poll(
    server: DevServer, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("conductor.worker.quiet.paused", "true")
    with TaskHandler([Worker("quiet", double), Worker("double", double)], configuration) as handler:
        server.push("quiet", {"n": 1})
        server.push("double", {"n": 1})
        assert server.wait_for(1, "double", "COMPLETED")
        assert handler.is_healthy()
    assert server.count("quiet", "SCHEDULED") == 1


def test_settings_are_read_at_start(server: DevServer, configuration: Configuration) -> None:
    worker = Worker("double", double)
    handler = TaskHandler([worker], configuration)
    worker.domain = "blue"
    worker.execute_function = lambda n, more=0: {"n": 3 * n}
    with handler:
        task_id = server.push("double", {"n": 1}, domain="blue")
        assert server.wait_for(1, "double", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"n": 3}
