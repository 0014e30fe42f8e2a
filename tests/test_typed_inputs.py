"""Typed inputs from the server to the function: right, or the task ends and says where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from conductor_fast import Configuration, ConfigurationError, TaskRunner, Worker, WorkerHost
from conductor_fast.testing import DevServer


@dataclass
class Line:
    sku: str
    quantity: int


@dataclass
class Order:
    id: int
    placed: datetime
    lines: list[Line]


def bill(order: Order, discount: float = 0.0) -> dict[str, Any]:
    pieces = sum(line.quantity for line in order.lines)
    return {"pieces": pieces, "year": order.placed.year, "discount": discount}


def double(number: int) -> dict[str, Any]:
    return {"double": number * 2 if number else None}


def ran(server: DevServer, worker: Worker, inputs: dict[str, Any]) -> dict[str, Any]:
    """The task after `worker` ran it on `inputs`."""
    server.push(worker.get_task_definition_name(), inputs)
    with TaskRunner(worker, Configuration(server_api_url=server.url)) as runner:
        runner.run_once()
    (task,) = server.tasks(worker.get_task_definition_name())
    return task


ORDER = {"id": "7", "placed": "2026-01-31T12:00:00Z", "lines": [{"sku": "a", "quantity": 2.0}]}


def test_inputs_become_what_the_function_says(server: DevServer) -> None:
    task = ran(server, Worker("bill", bill), {"order": ORDER, "discount": 1})
    assert task["status"] == "COMPLETED"
    assert task["outputData"] == {"pieces": 2, "year": 2026, "discount": 1.0}


def plain(a: int, b: str = "none", *, c: Any = ()) -> dict[str, Any]:
    return {"a": a, "b": b, "c": c}


async def coroutine(a: int, b: str = "none", *, c: Any = ()) -> dict[str, Any]:
    return plain(a, b, c=c)


@pytest.mark.parametrize("function", [plain, coroutine])
def test_inputs_of_one_worker_need_not_be_alike(
    server: DevServer, host: WorkerHost, function: Callable[..., Any]
) -> None:
    host.start_worker("work", function)
    huge = 10**30
    inputs: list[dict[str, Any]] = [
        {"a": 1, "b": "x", "c": None},
        {"c": 1.5, "surplus": True, "a": 2},
        {"b": "x"},
        {"a": huge, "b": "x"},
        {"a": 3, "c": {"nested": [1]}},
        {"a": 4, "b": "x"},
    ]
    ids = [server.push("work", each, retry_count=0) for each in inputs]
    assert server.wait_for(5, "work", "COMPLETED")
    assert server.wait_for(1, "work", "FAILED_WITH_TERMINAL_ERROR")
    for task_id, each in zip(ids, inputs, strict=True):
        expected = {"a": each["a"], "b": each.get("b", "none"), "c": each.get("c", [])} if "a" in each else {}
        assert server.task(task_id)["outputData"] == expected


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (
            {"order": {**ORDER, "lines": [{"sku": "a", "quantity": "many"}]}},
            "inputData.order.lines[0].quantity: expected int",
        ),
        ({}, "inputData.order is required and missing; expected Order"),
    ],
)
def test_inputs_that_do_not_fit_end_the_task(server: DevServer, inputs: dict[str, Any], reason: str) -> None:
    task = ran(server, Worker("bill", bill), inputs)
    assert task["status"] == "FAILED_WITH_TERMINAL_ERROR"
    assert task["reasonForIncompletion"] == reason
    assert "many" not in str({**task, "inputData": None})


def test_leniently_they_stay_as_they_came(server: DevServer) -> None:
    task = ran(server, Worker("double", double, strict_inputs=False), {"number": "ab"})
    assert task["outputData"] == {"double": "abab"}
    server.forget_terminal()
    task = ran(server, Worker("double", double, strict_inputs=False), {})
    assert task["outputData"] == {"double": None}


def test_every_way_to_start_a_worker_takes_the_setting(server: DevServer) -> None:
    with WorkerHost(server.url) as host:
        host.start_worker("double", double, strict_inputs=False)
        with pytest.raises(ConfigurationError, match="strict_inputs is a int; give True or False"):
            host.start_worker("other", double, strict_inputs=1)  # type: ignore[arg-type]
    with TaskRunner(configuration=Configuration(server_api_url=server.url)) as runner:
        runner.start_worker("double", double, strict_inputs=False)
