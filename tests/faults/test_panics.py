"""Row 29: the engine's own faults at a task, on the thread that runs its function.

An error of Python's that is a panic's is a panic again where the engine meets it. Panics of core's loops are in
its `tests/it/panics.rs`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from conductor_fast import Task, TaskResult, WorkerHost, _core
from conductor_fast.testing import DevServer
from tests.support.scraping import series, value
from tests.support.waiting import wait_until


def _panic_class() -> type[BaseException]:
    """That of this extension: others of the same kind have their own, which are mere errors to it."""

    def is_ours(kind: type[BaseException]) -> bool:
        def panic(_value: object) -> None:
            raise kind("a panic")

        try:
            _core.encode_json(object(), panic)
        except ValueError:
            return False
        except BaseException as error:
            return type(error) is kind
        return False

    with pytest.raises(ValueError, match="JSON"):
        _core.decode_json(b"[")  # the class is made when the first error is met
    (ours,) = (
        kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException" and is_ours(kind)
    )
    return ours


class Faulty:
    """What the generated classes of conductor-python look like."""

    swagger_types = {"canary": "str"}  # noqa: RUF012 - as there
    attribute_map = {"canary": "canary"}  # noqa: RUF012

    @property
    def canary(self) -> str:
        raise _panic_class()("canary")


def completed(task: Task) -> dict[str, Any]:
    return {"a": Faulty() if (task.input_data or {}).get("fault") else 1}


def reported(task: Task) -> TaskResult:
    return TaskResult(task_id=task.task_id, status="COMPLETED", output_data=completed(task))


async def coroutine(task: Task) -> dict[str, Any]:
    return completed(task)


def _panics() -> float:
    return value(series(_core.render_metrics("canonical")), "conductor_fast_panics_total") or 0


@pytest.mark.parametrize("function", [completed, reported, coroutine])
def test_a_panic_at_an_output_costs_its_task_alone(
    server: DevServer,
    host: WorkerHost,
    caplog: pytest.LogCaptureFixture,
    function: Callable[[Task], Any],
) -> None:
    before = _panics()
    tasks = [server.push("work", {"fault": number % 2 == 1}, retry_count=0) for number in range(6)]
    host.start_worker("work", function, 1)
    assert server.wait_for(3, "work", "COMPLETED")
    assert server.wait_for(3, "work", "FAILED")
    assert {server.task(task_id)["status"] for task_id in tasks[1::2]} == {"FAILED"}
    reason = server.task(tasks[1])["reasonForIncompletion"]
    assert reason == "The worker's engine panicked while it wrote its output"
    _is_told_once(caplog, tasks, before + 3)


def test_a_panic_at_an_input_costs_its_task_alone(
    server: DevServer, host: WorkerHost, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fast reader refuses, such as 250 levels, is read by `json`."""
    before, loads, kind = _panics(), json.loads, _panic_class()

    def panic(text: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(text, bytes) and b"[" * 250 in text:
            raise kind("canary")
        return loads(text, *arguments, **options)

    monkeypatch.setattr(json, "loads", panic)
    deep = loads("[" * 250 + "]" * 250)
    tasks = [server.push("work", {"a": deep if number % 2 else 1}, retry_count=0) for number in range(6)]
    host.start_worker("work", lambda a: {"a": 1}, 1)
    assert server.wait_for(3, "work", "COMPLETED")
    assert server.wait_for(3, "work", "FAILED")
    reason = server.task(tasks[1])["reasonForIncompletion"]
    assert reason == "The worker's engine panicked while it read its input"
    _is_told_once(caplog, tasks, before + 3)


def _is_told_once(caplog: pytest.LogCaptureFixture, tasks: list[str], panics: float) -> None:
    wait_until(lambda: "panicked" in caplog.text, "the line", 10)
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert re.search("the engine panicked while it .* fails, and so will others", line.getMessage())
    assert tasks[1] in line.getMessage()
    assert "canary" not in caplog.text
    assert _panics() == panics
