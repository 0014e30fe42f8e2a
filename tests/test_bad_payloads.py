"""Every bad input and output, between good ones: its own task ends with a reason, nothing else is touched."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conductor_fast import Task, TaskResult, WorkerHost, get_task_context
from conductor_fast.testing import DevServer

TERMINAL = "FAILED_WITH_TERMINAL_ERROR"
CANARY = "canary-5ecret"


# One server and one host for all: each test has a task type of its own.
@pytest.fixture(scope="module")
def server() -> Iterator[DevServer]:
    with DevServer() as server:
        yield server


@pytest.fixture(scope="module")
def host(server: DevServer) -> Iterator[WorkerHost]:
    with WorkerHost(server.url) as host:
        yield host


@pytest.fixture
def task_type(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "_", request.node.name)


def posted(server: DevServer, task_id: str) -> list[dict[str, Any]]:
    bodies = [line["body"] for line in server.transcript() if line["method"] == "POST"]
    return [result for result in map(json.loads, bodies) if result["taskId"] == task_id]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "inputData .* nested too deeply: line 1 column"),
        (b'{"a": ' + b"7" * 10_000 + b"}", "inputData .* more digits .*: line 1 column"),
        (b'{"a": "\xff canary-5ecret"}', "inputData .* not UTF-8: line 1 column 8"),
        (b'{"a": "canary-5ecret", b: 2}', "inputData .*: line 1 column 24"),
        (b'["canary-5ecret"]', "inputData is not a JSON object"),
        (b'"canary-5ecret"', "inputData is not a JSON object"),
    ],
    ids=["deep", "digits", "utf-8", "syntax", "array", "string"],
)
@pytest.mark.parametrize("whole_task", [False, True], ids=["input", "task"])
def test_a_bad_input_between_good_ones(
    server: DevServer, host: WorkerHost, task_type: str, raw: bytes, reason: str, whole_task: bool
) -> None:
    def by_name(a: int) -> dict[str, int]:
        return {"a": a}

    def by_task(task: Task) -> dict[str, int]:
        return {"a": (task.input_data or {})["a"]}

    good = server.push_many(task_type, {"a": 1}, 3)
    bad = server.push_raw_input(task_type, raw)
    good += server.push_many(task_type, {"a": 1}, 3)
    host.start_worker(task_type, by_task if whole_task else by_name, 7)
    assert server.wait_for(6, task_type, "COMPLETED")
    assert server.wait_for(7, task_type)
    (result,) = posted(server, bad)
    if whole_task and "JSON object" in reason:
        assert result["status"] == "FAILED"  # the function's own complaint: the task itself could be read
    else:
        assert result["status"] == TERMINAL
        expected = reason.replace("inputData", "The task", 1).split(": line")[0] if whole_task else reason
        assert re.search(expected, result["reasonForIncompletion"]), result
    assert CANARY not in json.dumps(result)
    for task_id in good:
        assert server.task(task_id)["outputData"] == {"a": 1}


def test_duplicate_keys_are_read_as_python_reads_them(server: DevServer, host: WorkerHost) -> None:
    host.start_worker("twice", lambda a, b=0: {"a": a})
    task_id = server.push_raw_input("twice", b'{"a": 1, "a": 2}')
    assert server.wait_for(1, "twice", "COMPLETED")
    assert server.task(task_id)["outputData"] == {"a": 2}


class Unprintable:
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError(CANARY)

    __repr__ = __str__


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError(CANARY)


def cycle() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["up"] = [inner]
    return {"down": inner}


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def generator() -> Iterator[int]:
    yield 1


async def coroutine() -> None: ...


def raises(error: BaseException) -> Any:
    raise error


def logs(log: Any) -> Any:
    get_task_context().add_log(log)
    return {"fine": True}


BAD_OUTPUTS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "deep": (lambda: {"x": deep()}, TERMINAL, r"outputData.x\[0\].* nested in more than"),
    "digits": (lambda: {"x": [10**10_000]}, TERMINAL, r"outputData.x\[0\] is an integer of more digits"),
    "cycle": (cycle, TERMINAL, r"outputData.down.* contains itself"),
    "nan": (lambda: {"x": {"y": math.nan}}, TERMINAL, r"outputData.x.y is NaN"),
    "unprintable": (
        lambda: {"x": Unprintable()},
        TERMINAL,
        r"outputData.x is of type Unprintable, .*RuntimeError",
    ),
    "unprintable alone": (Unprintable, TERMINAL, r"outputData.result is of type Unprintable, .*RuntimeError"),
    "class": (lambda: Unprintable, TERMINAL, r"outputData.result is a type"),
    "key": (
        lambda: {"x": {(Unprintable(),): 1}},
        TERMINAL,
        r"outputData.x has a key that is of type Unprintable",
    ),
    "generator": (generator, TERMINAL, "returned a generator"),
    "generator inside": (lambda: {"x": generator()}, TERMINAL, "outputData.x is a generator"),
    "coroutine": (coroutine, TERMINAL, "returned a coroutine"),
    "error": (lambda: raises(UnprintableError()), "FAILED", "UnprintableError, whose text cannot be had"),
    "surrogate error": (lambda: raises(ValueError("\ud800")), "FAILED", r"\\ud800"),
    "log": (lambda: logs(Unprintable()), "COMPLETED", ""),
    "surrogate log": (lambda: logs("\ud800"), "COMPLETED", ""),
    "large": (
        lambda: {"x": "y" * 10_485_760},
        TERMINAL,
        "outputData has 10485768 bytes, .* at most 10485760",
    ),
    "callback": (lambda: TaskResult(callback_after_seconds="soon"), TERMINAL, "cannot be reported"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BAD_OUTPUTS)
@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_bad_output_between_good_ones(
    server: DevServer, host: WorkerHost, task_type: str, name: str
) -> None:
    output, status, reason = BAD_OUTPUTS[name]
    good = server.push_many(task_type, {"bad": False}, 3)
    bad = server.push(task_type, {"bad": True}, retry_count=0)
    good += server.push_many(task_type, {"bad": False}, 3)
    # One thread: it has to live on.
    host.start_worker(task_type, lambda bad, other=0: output() if bad else {"good": True}, 1)
    assert server.wait_for(7, task_type, timeout=20)
    (result,) = posted(server, bad)
    assert result["status"] == status
    assert re.search(reason, result.get("reasonForIncompletion", "")), result
    for task_id in good:
        assert server.task(task_id)["outputData"] == {"good": True}


def test_nan_as_the_worker_is_set(server: DevServer, host: WorkerHost) -> None:
    outputs = {"null": {"x": [None, None]}, "string": {"x": ["NaN", "-Infinity"]}}
    host.start_worker("null", lambda: {"x": [math.nan, -math.inf]}, nan="null")
    host.start_worker("string", lambda: {"x": [math.nan, -math.inf]}, nan="string")
    for name, output in outputs.items():
        task_id = server.push(name)
        assert server.wait_for(1, name, "COMPLETED")
        assert server.task(task_id)["outputData"] == output


@pytest.mark.parametrize("whole_task", [False, True], ids=["input", "task"])
def test_an_input_that_the_server_moved_out_is_not_run(
    server: DevServer, host: WorkerHost, task_type: str, whole_task: bool
) -> None:
    ran: list[object] = []
    kept_back = f"kept back {task_type}"  # known to the server, and handed out by the rule alone
    task_id = server.push(kept_back)
    task = {**server.task(task_id), "inputData": {}, "externalInputPayloadStoragePath": f"task/{CANARY}.json"}
    rule = {
        "method": "GET",
        "taskType": task_type,
        "count": 1,
        "answer": {"status": 200, "body": json.dumps([task])},
    }
    server.add_fault(rule)
    host.start_worker(task_type, (lambda task: ran.append(task)) if whole_task else (lambda: ran.append(0)))
    assert server.wait_for(1, kept_back, TERMINAL)
    (result,) = posted(server, task_id)
    assert "externalInputPayloadStoragePath" in result["reasonForIncompletion"]
    assert CANARY not in result["reasonForIncompletion"]
    assert ran == []


def test_secrets_stay_out_of_reasons_and_logs(
    server: DevServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes wrong with a value, it is told where it stands and of what type it is."""

    class Holder:
        __slots__ = ("secret",)

        def __str__(self) -> str:
            raise TypeError(CANARY)

    secret: Any = CANARY
    outputs: list[Any] = [
        {"x": {"secret": [secret, object()]}},
        {"x": [secret, [secret], math.nan]},
        {"x": Holder()},
        Holder(),
        {(secret, object()): 1},
        {"x": [secret] * 1_000_000},
        {"x": {"s": secret, "f": lambda: secret}},
        TaskResult(output_data={"x": [secret, math.inf]}, reason_for_incompletion="fine"),
    ]
    raw_inputs = [b'{"s": "canary-5ecret" x}', b'{"s": "canary-5ecret\xff"}', b'["canary-5ecret"]']
    with caplog.at_level(logging.DEBUG), WorkerHost(server.url) as host:
        host.start_worker("outputs", lambda index, secret: outputs[index])
        host.start_worker("inputs", lambda s, t: None)
        ids = [server.push("outputs", {"index": i, "secret": CANARY}) for i in range(len(outputs))]
        ids += [server.push_raw_input("inputs", raw) for raw in raw_inputs]
        ids.append(server.push("inputs", {"s": CANARY}))
        assert server.wait_for(len(outputs), "outputs", TERMINAL)
        assert server.wait_for(len(raw_inputs) + 1, "inputs", TERMINAL)
    for task_id in ids:
        (result,) = posted(server, task_id)
        assert result["reasonForIncompletion"]
        assert CANARY not in json.dumps(result)
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())
