"""A task's whole round trip, poll to accepted result, by the size of what is decoded and encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from conductor_fast import Configuration, Task, TaskRunner, Worker
from conductor_fast.testing import DevServer

INPUTS: dict[str, dict[str, Any]] = {
    "4_fields": {"a": 1, "b": "two", "c": True, "d": 4.5},
    "8_kb": {
        "rows": [{"id": i, "name": f"name {i}", "tags": ["x", "y"], "price": i / 7} for i in range(120)]
    },
    "1_mb": {"text": ["ä" * 100 + "\n"] * 4_700},
}


def echo(task: Task) -> dict[str, Any]:
    """What came in goes out: decoded once and encoded once."""
    return task.input_data or {}


@pytest.fixture(scope="module")
def server() -> Iterator[DevServer]:
    with DevServer(transcript_capacity=0, requests_per_connection=None) as server:
        yield server


@pytest.mark.parametrize("name", INPUTS)
def test_one_task_round_trip(benchmark: BenchmarkFixture, server: DevServer, name: str) -> None:
    with TaskRunner(Worker(name, echo), Configuration(server_api_url=server.url)) as runner:

        def push() -> None:
            server.forget_terminal()
            server.push(name, INPUTS[name])

        run: Callable[..., object] = benchmark.pedantic
        run(runner.run_once, setup=push, rounds=100, warmup_rounds=5)
        (task,) = server.tasks(name)
    assert task["status"] == "COMPLETED"
    assert task["outputData"] == INPUTS[name]
