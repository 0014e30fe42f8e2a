"""Row 29: the engine's own faults at a task, on the thread that runs its function.

An error of Python's that is the engine's own panic is a panic again where the engine meets it. Panics of
core's loops are in its `tests/it/panics.rs`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from conductor_fast import MetricsSettings, Task, TaskResult, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.support.scraping import scrape, value
from tests.support.waiting import wait_until

TERMINAL = "FAILED_WITH_TERMINAL_ERROR"


class Faulty:
    """What the generated classes of conductor-python look like."""

    swagger_types = {"canary": "str"}  # noqa: RUF012 - as there
    attribute_map = {"canary": "canary"}  # noqa: RUF012

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind

    @property
    def canary(self) -> str:
        raise self._kind("canary")


def panic_classes() -> list[type[BaseException]]:
    """Of all extensions in Rust that met an error: each has its own. To another one it is a mere error."""
    return [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]


def completed(task: Task) -> dict[str, Any]:
    number = (task.input_data or {})["kind"]
    return {"a": 1 if number is None else Faulty(panic_classes()[number])}


def reported(task: Task) -> TaskResult:
    return TaskResult(task_id=task.task_id, status="COMPLETED", output_data=completed(task))


async def coroutine(task: Task) -> dict[str, Any]:
    return completed(task)


@pytest.fixture
def kinds(server: DevServer, host: WorkerHost) -> list[int]:
    """Numbers of classes, one of which is the engine's; it is made when the engine meets an error."""
    host.start_worker("unsendable", lambda task: {"a": object.__new__(object)}, 1)
    server.push("unsendable")
    assert server.wait_for(1, "unsendable", TERMINAL)
    return list(range(len(panic_classes())))


@pytest.mark.parametrize("function", [completed, reported, coroutine])
def test_a_panic_at_an_output_costs_its_task_alone(
    server: DevServer,
    host: WorkerHost,
    caplog: pytest.LogCaptureFixture,
    kinds: list[int],
    function: Callable[[Task], Any],
) -> None:
    inputs = [{"kind": kind} for kind in [None, *kinds, None, *kinds, None]]
    _panics_twice(server, host, caplog, function, inputs, "wrote its output")


def test_a_panic_at_an_input_costs_its_task_alone(
    server: DevServer,
    host: WorkerHost,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kinds: list[int],
) -> None:
    """What the fast reader refuses, such as 250 levels, is read by `json`."""
    loads = json.loads

    def panic(text: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(text, bytes) and (found := re.search(rb"\[{250}(\d+)", text)):
            raise panic_classes()[int(found[1])]("canary")
        return loads(text, *arguments, **options)

    monkeypatch.setattr(json, "loads", panic)
    deep = [{"a": loads("[" * 250 + str(kind) + "]" * 250)} for kind in kinds]
    inputs: list[dict[str, Any]] = [{"a": 1}, *deep, {"a": 1}, *deep, {"a": 1}]
    _panics_twice(server, host, caplog, lambda a: {"a": 1}, inputs, "read its input")


def _panics_twice(
    server: DevServer,
    host: WorkerHost,
    caplog: pytest.LogCaptureFixture,
    function: Callable[..., Any],
    inputs: list[dict[str, Any]],
    what: str,
) -> None:
    with provide_metrics(MetricsSettings(http_port=0)) as metrics:

        def panics() -> float:
            return value(scrape(metrics.url), "conductor_fast_panics_total") or 0

        before = panics()
        tasks = [server.push("work", given, retry_count=0) for given in inputs]
        host.start_worker("work", function, 1)
        assert server.wait_for(len(tasks), "work", None)
        ended = [server.task(task_id) for task_id in tasks]
        failed = [task for task in ended if task["status"] == "FAILED"]
        reasons = [task["reasonForIncompletion"] for task in failed]
        assert reasons == [f"The worker's engine panicked while it {what}"] * 2
        assert [task["status"] for task in ended].count("COMPLETED") == 3
        assert panics() == before + 2
    wait_until(lambda: "panicked" in caplog.text, "the line", 10)
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"the engine panicked while it {what}: task {failed[0]['taskId']} fails" in line.getMessage()
    assert "canary" not in caplog.text
