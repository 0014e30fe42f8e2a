from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from conductor_fast import ConfigurationError, Task
from conductor_fast.worker.binding import InputMismatch, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal as NotThereAtRunTime

WIRE = {"taskId": "t1", "workflowInstanceId": "w1", "inputData": {"a": 1}}


def annotated(task: Task) -> Any:
    return task


def bare(task):  # type: ignore[no-untyped-def]
    return task


def as_object(task: object) -> Any:
    return task


def as_text(task: Task, /) -> Any:
    return task


class Methods:
    def method(self, task: Task) -> Any:
        return task

    def __call__(self, a: int) -> Any:
        return a


@pytest.mark.parametrize(
    "function", [annotated, bare, as_object, as_text, Methods().method, functools.partial(annotated)]
)
def test_a_single_open_parameter_gets_the_task(function: Callable[..., Any]) -> None:
    binding = bind("greet", function)
    assert binding.whole_task
    task = binding.call(WIRE)
    assert isinstance(task, Task)
    assert (task.task_id, task.input_data) == ("t1", {"a": 1})


def positional(a: int, b: int = 2) -> Any:
    return a, b


def keyword_only(*, a: int, b: int = 2) -> Any:
    return a, b


def rest(a: int, **others: Any) -> Any:
    return a, others


def single(name: str) -> Any:
    return name


def unresolvable(a: NotThereAtRunTime, b: int) -> Any:
    return a, b


def nothing() -> Any:
    return "called"


def any_and_rest(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


@pytest.mark.parametrize(
    ("function", "inputs", "result"),
    [
        (positional, {"a": 1}, (1, 2)),
        (positional, {"a": 1, "b": None, "c": 3}, (1, None)),
        (keyword_only, {"a": 1, "b": 5}, (1, 5)),
        (rest, {"a": 1, "x": 2, "y": 3}, (1, {"x": 2, "y": 3})),
        (single, {"name": "World"}, "World"),
        (unresolvable, {"a": 1, "b": 2}, (1, 2)),
        (nothing, {"a": 1}, "called"),
        (any_and_rest, {"a": 1}, ((), {"a": 1})),
        (lambda a, b: (b, a), {"a": 1, "b": 2}, (2, 1)),
        (functools.partial(positional, b=7), {"a": 1}, (1, 7)),
        (Methods(), {"a": 4}, 4),
    ],
)
def test_named_parameters_get_the_input_of_their_name(
    function: Callable[..., Any], inputs: dict[str, Any], result: Any
) -> None:
    binding = bind("greet", function)
    assert not binding.whole_task
    assert binding.call(inputs) == result


async def is_async(a: int) -> None: ...


def yields(a: int) -> Iterator[int]:
    yield a


class AsyncCall:
    async def __call__(self, a: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "expected"), [(is_async, True), (AsyncCall(), True), (positional, False)]
)
def test_a_coroutine_function_is_told_from_others(function: Any, expected: bool) -> None:
    assert bind("greet", function).is_async is expected


def test_a_missing_input_is_named_and_not_retried() -> None:
    with pytest.raises(InputMismatch, match=r"inputData\.a is required and missing"):
        bind("greet", positional).call({"b": 1})


def test_a_key_error_of_the_function_is_its_own() -> None:
    def fails(a: dict[str, int]) -> int:
        return a["nope"]

    with pytest.raises(KeyError, match="nope"):
        bind("greet", fails).call({"a": {}})


def two(task: Task, other: int) -> None: ...


def only_args(*args: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (yields, "return the output"),
        (two, r"get_task_context\(\)"),
        (only_args, "name its parameters"),
        (42, "cannot be called"),
        (max, "wrap it in a function"),
    ],
)
def test_a_function_that_cannot_be_a_worker_is_refused(function: Any, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=f"worker 'greet': .*{remedy}"):
        bind("greet", function)
