"""Each example does what it says, on the dev server and on the real one, and ends when asked to."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import pytest

from conductor_fast.testing import DevServer
from tests.examples.process import FOLDER, running
from tests.examples.servers import OnDevServer, OnRealServer, Server
from tests.server.real_server import RealServer
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 30.0
EXAMPLES = sorted(file.stem for file in FOLDER.glob("*.py"))


class _AnyPositive:
    """Equal to every float that is no less than 0."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and other >= 0

    def __repr__(self) -> str:
        return "a float of at least 0"


@dataclass(frozen=True)
class _Attempt:
    """What of an attempt at a task must be on the server."""

    output: dict[str, Any] = field(default_factory=dict)
    status: str = "COMPLETED"
    reason: str | None = None
    polls: int = 1
    callback_after_seconds: int = 0


@dataclass(frozen=True)
class _Case:
    """A task and what must come of it."""

    task_type: str
    task_input: dict[str, Any]
    attempts: list[_Attempt]


_SAMPLE = _Attempt({"outputKey1": "value", "oddEven": 1, "mod": 4})
_SIMPLE = _Attempt({"keys": ["Key1", "Key2"], "message": "Hello World", "value": _AnyPositive()})
_LINES = [{"article": "pen", "cents": 120}, {"article": "ink", "cents": 380}]
_OUT_OF_STOCK = _Attempt({"expected": "tomorrow"}, "FAILED", "out of stock")

CASES = {
    "task_handler": [
        _Case("greet_task", {"name": "Ada"}, [_Attempt({"message": "Hello Ada"})]),
        _Case("road_task", {}, [_Attempt({"by": "road_task"})]),
        _Case("rail_task", {}, [_Attempt({"by": "rail_task"})]),
    ],
    "worker_host": [_Case("task_1", {}, [_SAMPLE]), _Case("task_2", {}, [_SAMPLE])],
    "task_runner": [_Case("simple_task", {}, [_SIMPLE])],
    "typed_output": [
        _Case(
            "invoice_task",
            {"customer": "Ada", "prices": {"pen": 120, "ink": 380}},
            [_Attempt({"customer": "Ada", "lines": _LINES, "total_cents": 500})],
        ),
        _Case(
            "invoice_task",
            {"customer": "Ada", "prices": {}, "discount_cents": 50},
            [_Attempt({"customer": "Ada", "lines": [], "total_cents": -50})],
        ),
        _Case(
            "invoice_task",
            {"prices": {}},
            [
                _Attempt(
                    status="FAILED_WITH_TERMINAL_ERROR",
                    reason="inputData.customer is required and missing; expected str",
                )
            ],
        ),
    ],
    "long_running": [
        # Back in its queue, where it waits for a minute; the test does not.
        _Case("long_running_task", {}, [_Attempt(status="SCHEDULED", callback_after_seconds=60)]),
        _Case("report_task", {}, [_Attempt({"pages": 3}, polls=3)]),
    ],
    "errors": [
        _Case(
            "failing_task",
            {},
            [_Attempt(status="FAILED", reason="the bank does not answer"), _Attempt({"retries": 1})],
        ),
        _Case("terminal_task", {"amount": 5}, [_Attempt({"amount": 5})]),
        _Case(
            "terminal_task",
            {"amount": -5},
            [_Attempt(status="FAILED_WITH_TERMINAL_ERROR", reason="amount -5 is negative")],
        ),
        # The definition allows one retry, which has the same result.
        _Case("rejecting_task", {}, [_OUT_OF_STOCK, _OUT_OF_STOCK]),
    ],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_on_the_dev_server(name: str) -> None:
    with DevServer() as server:
        _check(name, OnDevServer(server))


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_on_the_real_server(name: str, real_server: RealServer) -> None:
    _check(name, OnRealServer(real_server))


def test_readme_lists_every_example_and_pushes_its_tasks() -> None:
    """The commands of the README are taken from it as they stand, but for the port."""
    readme = (FOLDER / "README.md").read_text()
    assert [name for name in EXAMPLES if f"({name}.py)" not in readme] == []

    bodies = re.findall(r"curl -d '(.*)' http://localhost:8080/dev/push", readme)
    with DevServer() as server:
        for body in bodies:
            root = server.url.removesuffix("/api")
            with urllib.request.urlopen(f"{root}/dev/push", body.encode(), timeout=10) as answer:
                assert len(json.load(answer)) == 1
    pushed = {json.loads(body)["taskType"] for body in bodies}
    assert pushed == {case.task_type for cases in CASES.values() for case in cases}


def _check(name: str, server: Server) -> None:
    cases = CASES[name]
    workflow_ids = [server.start(case.task_type, case.task_input) for case in cases]
    expected = [case.attempts for case in cases]

    seen: list[list[_Attempt]] = []

    def stand_as_they_must() -> bool:
        seen[:] = [[_attempt(task) for task in server.attempts(workflow_id)] for workflow_id in workflow_ids]
        example.check_alive()
        return seen == expected

    with running(FOLDER / f"{name}.py", server.url) as example:
        # Its own message could not tell what differs; the assertion does.
        with contextlib.suppress(AssertionError):
            wait_until(stand_as_they_must, "the tasks to stand as they must", TIMEOUT_SECONDS)
        assert seen == expected
        code, output, errors = example.stop()

    assert code == 0, errors
    assert output.startswith("Working on ")
    # Of what functions raise, and of nothing else.
    assert errors.count("Traceback") == (2 if name == "errors" else 0), errors


def _attempt(task: dict[str, Any]) -> _Attempt:
    return _Attempt(
        output=task["outputData"],
        status=task["status"],
        reason=task.get("reasonForIncompletion"),
        polls=task["pollCount"],
        callback_after_seconds=task["callbackAfterSeconds"],
    )
