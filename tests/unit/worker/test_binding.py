from __future__ import annotations

import contextlib
import functools
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import pydantic
import pytest
from typing_extensions import TypeAliasType, Unpack

from conductor_fast import ConfigurationError, Task
from conductor_fast.worker.binding import bind
from conductor_fast.worker.mismatch import InputMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Options(TypedDict):
    size: int


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


def none_by_default(a: int = None) -> Any:  # type: ignore[assignment] # noqa: RUF013 - users write it
    return a


def typed_rest(a: int, **others: int) -> Any:
    return a, others


def unpacked_rest(a: int, **others: Unpack[Options]) -> Any:
    return a, others


def nothing() -> Any:
    return "called"


def any_and_rest(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


@pytest.mark.parametrize(
    ("function", "inputs", "result"),
    [
        (positional, {"a": 1}, (1, 2)),
        (positional, {"a": 1, "b": "5", "c": 3}, (1, 5)),
        (none_by_default, {"a": None}, None),
        (keyword_only, {"a": 1, "b": 5}, (1, 5)),
        (rest, {"a": 1, "x": 2, "y": 3}, (1, {"x": 2, "y": 3})),
        (typed_rest, {"a": 1, "x": "2"}, (1, {"x": 2})),
        (unpacked_rest, {"a": 1, "size": "2"}, (1, {"size": 2})),
        (single, {"name": "World"}, "World"),
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


class Speaks(Protocol):
    def speak(self) -> str: ...


class Abstract(ABC):
    @abstractmethod
    def speak(self) -> str: ...


class Empty: ...


class OfObjects(Enum):
    ONE = object()


@dataclass
class Holder:
    inner: Speaks


@dataclass
class Lost:
    amount: NotThereAtRunTime


def takes_callable(a: Callable[[int], int]) -> Any:
    return a


def takes_protocol(a: Speaks) -> Any:
    return a


def takes_abstract(a: list[Abstract]) -> Any:
    return a


def takes_empty(a: Empty) -> Any:
    return a


def takes_objects(a: OfObjects) -> Any:
    return a


def takes_file(a: io.TextIOWrapper) -> Any:
    return a


def takes_holder(a: Holder) -> Any:
    return a


def takes_lost(a: list[Lost]) -> Any:
    return a


def takes_class(a: type[int]) -> Any:
    return a


def takes_nonsense(a: 5) -> Any:  # type: ignore[valid-type]
    return a


def takes_rest(a: int, **others: Speaks) -> Any:
    return a, others


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (
            unresolvable,
            "'a' is annotated NotThereAtRunTime, but the name .* cannot be found; import it at run",
        ),
        (takes_callable, r"'a' is annotated Callable\[\[int\], int\], but .*; annotate a type"),
        (takes_protocol, "'a' is annotated Speaks, but nothing can be made of a Protocol"),
        (takes_abstract, r"'a' is annotated list\[Abstract\], but of Abstract in it, nothing can be made"),
        (takes_empty, "'a' is annotated Empty, but it has no constructor written in Python"),
        (takes_objects, "'a' is annotated OfObjects, but .*; give its members such values"),
        (takes_file, "'a' is annotated .*TextIOWrapper, but"),
        (takes_holder, "'a' is annotated Holder, but of Speaks in it, "),
        (
            takes_lost,
            "of Lost in it, in its field 'amount' the name 'NotThereAtRunTime' cannot be found; import",
        ),
        (takes_class, r"'a' is annotated type\[int\], but"),
        (takes_nonsense, "'a' is annotated 5, but"),
        (takes_rest, "'others' is annotated Speaks, but"),
    ],
)
def test_an_annotation_that_nobody_can_read_is_refused_unless_lenient(
    function: Callable[..., Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"worker 'greet': its parameter .*{problem}"):
        bind("greet", function)
    lenient = bind("greet", function, strict_inputs=False)
    make_holder: Any = Holder
    for as_it_is in ("text", ["text"], {"inner": "text"}):
        with contextlib.suppress(InputMismatch):
            passed: tuple[Any, ...] = (as_it_is, (as_it_is, {}), (as_it_is, None), make_holder("text"))
            assert lenient.call({"a": as_it_is}) in passed
            break
    else:
        pytest.fail("nothing passed")


def test_leniently_plain_values_stay_and_what_is_missing_is_none() -> None:
    def function(a: int, b: datetime, c: list[int], d: Decimal, e: str = "e") -> Any:
        return a, b, c, d, e

    call = bind("greet", function, strict_inputs=False).call
    assert call({"a": "5.5", "b": "now", "c": ["x"], "d": "1.5"}) == (
        "5.5",
        "now",
        ["x"],
        Decimal("1.5"),
        "e",
    )
    assert call({}) == (None, None, None, None, "e")
    assert call({"a": None, "b": None, "c": None, "d": None, "e": None}) == (None,) * 5


def test_leniently_records_miss_fields_but_hold_no_wrong_ones() -> None:
    """As dacite in the SDK: a missing field is None, a wrong type ends the task."""

    def function(a: Pair) -> Any:
        return a

    call = bind("greet", function, strict_inputs=False).call
    assert call({"a": {"left": 1, "more": 2}}) == Pair(1, None)  # type: ignore[arg-type]
    with pytest.raises(InputMismatch, match=r"inputData\.a\.left: expected int"):
        call({"a": {"left": "x"}})


@dataclass
class Pair:
    left: int
    right: int


def test_a_class_of_a_function_is_found_where_the_function_uses_it() -> None:
    @dataclass
    class Local:
        value: int
        next: Local | None = None

    def function(a: Local) -> Any:
        return Local(a.value + 1)

    assert bind("greet", function).call({"a": {"value": "1", "next": {"value": 2}}}) == Local(2)


def test_strict_inputs_is_true_or_false() -> None:
    with pytest.raises(
        ConfigurationError, match="worker 'greet': strict_inputs is a str; give True or False"
    ):
        bind("greet", positional, strict_inputs="no")  # type: ignore[arg-type]


Json = TypeAliasType("Json", "int | list[Json]")
Numbers = TypeAliasType("Numbers", list[int])


def takes_aliases(a: pydantic.JsonValue, b: Numbers) -> Any:
    return a, b


def takes_its_own(a: Json) -> Any:
    return a


def test_type_aliases_are_what_they_stand_for() -> None:
    call = bind("greet", takes_aliases).call
    assert call({"a": {"b": [1, None]}, "b": ["5"]}) == ({"b": [1, None]}, [5])
    with pytest.raises(ConfigurationError, match="worker 'greet': its parameter 'a' is annotated Json, but"):
        bind("greet", takes_its_own)
