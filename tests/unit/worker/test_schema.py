"""JSON Schema from types: the SDK's where the SDK has one, draft-07 for all that binding knows."""

# Annotations are values here, so no `from __future__ import annotations`.
# ruff: noqa: UP006, UP007, UP035, UP045 - the SDK reads the old annotations only
import dataclasses
import json
import typing
from collections.abc import Callable
from typing import Any, Dict, List, Optional, Union

import msgspec
import pydantic
import pytest
from conductor.client.automator.json_schema_generator import (
    generate_json_schema_from_function as sdk_generate,
)
from conductor.client.context.task_context import TaskInProgress as SdkTaskInProgress

from conductor_fast import Task, TaskInProgress, TaskResult
from conductor_fast.worker.schema import generate_json_schema_from_function as generate
from tests.unit.worker import typed_models as models
from tests.unit.worker.typed_row import Row
from tests.unit.worker.typed_table import ROWS


@dataclasses.dataclass
class Address:
    street: str
    number: Optional[int]
    tags: List[str] = dataclasses.field(default_factory=list)
    more: Dict[str, float] = dataclasses.field(default_factory=dict)
    made: int = dataclasses.field(default=1, init=False)


@dataclasses.dataclass
class Person:
    name: str
    home: Address
    others: List[Address]
    by_name: Dict[str, Address]
    free: Any = None


@dataclasses.dataclass
class NotDescribed:
    value: typing.Callable[[], int]


def of(annotation: Any, returned: Any = dict) -> Callable[..., Any]:
    def function(value: Any, other: Any = None) -> Any:
        return value, other

    function.__annotations__ |= {"value": annotation, "other": annotation, "return": returned}
    return function


# What the SDK has a schema for, and what it refuses although it knows the parts.
SDK_KNOWS = [
    str, int, float, bool, dict, list, Any, type(None), List, Dict, List[int], List[Any], list[str],
    List[List[int]], Dict[str, int], Dict[str, Any], dict[str, list[int]], Dict[int, str], Optional[dict],
    Dict[str, Dict[str, bool]], Optional[str], Optional[Any], Optional[List[int]], Optional[Dict[str, Any]],
    Address, Person, List[Person], Dict[str, Person], Optional[Address], List[Optional[int]],
    Dict[str, Optional[Address]], List[typing.Callable[[], int]], typing.Callable[[], int], NotDescribed,
]  # fmt: skip


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("annotation", SDK_KNOWS, ids=str)
def test_what_the_sdk_describes_is_described_the_same(annotation: Any, strict: bool) -> None:
    function = of(annotation, annotation)
    assert generate(function, "name", strict) == sdk_generate(function, "name", strict)


def bare(value, other: int) -> dict: ...  # type: ignore[no-untyped-def, type-arg, empty-body]


def bare_rest(value: int, **rest) -> dict: ...  # type: ignore[no-untyped-def, type-arg, empty-body]


def nothing() -> dict: ...  # type: ignore[type-arg, empty-body]


def none(value: int) -> None: ...


def no_return(value: int, size: float = 1.5, *, name: str, last: Optional[str]): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "function",
    [
        bare,
        bare_rest,
        nothing,
        none,
        no_return,
        of(int, Union[dict, SdkTaskInProgress]),
        of(int, Union[SdkTaskInProgress, Address]),
        of(int, Union[Address, None]),
        of(int, SdkTaskInProgress),
        of(int, Optional[int]),
        max,
        42,
    ],
)
def test_functions_are_described_as_by_the_sdk(function: Any, strict: bool) -> None:
    theirs = None if function == 42 else sdk_generate(function, "name", strict)  # it has no __name__ to log
    assert generate(function, "name", strict) == theirs


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.shown)
def test_what_binding_knows_has_a_schema_of_draft_07(row: Row, strict: bool) -> None:
    made = generate(of(row.annotation, row.annotation), "name", strict)
    assert made is not None
    assert made["input"] is not None
    assert "$schema" in made["input"]
    assert {"value", "other"} == made["input"]["properties"].keys()
    text = json.dumps(made)
    for word in ("$ref", "$defs", "prefixItems", "discriminator"):
        assert f'"{word}"' not in text


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (models.Color, {"type": "string", "enum": ["red", "blue"]}),
        (models.Access, INTEGER),
        (typing.Literal["a", 1], {"enum": ["a", 1]}),
        (int | str, {"anyOf": [INTEGER, STRING]}),
        (None | int, {"anyOf": [INTEGER, {"type": "null"}]}),
        (tuple[int, str], {"type": "array", "items": [INTEGER, STRING], "minItems": 2, "maxItems": 2}),
        (set[str], {"type": "array", "items": STRING}),
        (
            models.Movie,
            {
                "type": "object",
                "properties": {"title": STRING, "year": INTEGER},
                "required": ["title"],
                "additionalProperties": True,
            },
        ),
        (
            models.User,
            {
                "title": "User",
                "type": "object",
                "properties": {
                    "name": {"title": "Name", "type": "string"},
                    "age": {"title": "Age", "type": "integer", "minimum": 0, "default": 0},
                },
                "required": ["name"],
            },
        ),
        (
            models.Item,
            {
                "title": "Item",
                "type": "object",
                "properties": {"name": STRING, "price": {"type": "number", "default": 0.0}},
                "required": ["name"],
            },
        ),
        (typing.Annotated[int, msgspec.Meta(ge=0)], {"type": "integer", "minimum": 0}),
        (typing.Annotated[int, pydantic.Field(ge=0)], {"type": "integer", "minimum": 0}),
        (
            models.Tree,
            {
                "type": "object",
                "properties": {"value": INTEGER, "children": {"type": "array", "items": {"type": "object"}}},
                "required": ["value"],
                "additionalProperties": True,
            },
        ),
        (
            models.Page[int],
            {
                "type": "object",
                "properties": {"items": {"type": "array", "items": INTEGER}},
                "required": ["items"],
                "additionalProperties": True,
            },
        ),
    ],
    ids=str,
)
def test_what_only_we_describe(annotation: Any, schema: dict[str, Any]) -> None:
    made = generate(of(annotation), "name")
    assert made is not None
    assert made["input"] is not None
    assert made["input"]["properties"]["value"] == schema


class Node(pydantic.BaseModel):
    next: "Node | None" = None
    pair: tuple[int, str] = (1, "a")


def test_a_librarys_references_are_resolved() -> None:
    made = generate(of(Node), "name", strict_schema=True)
    assert made is not None
    assert made["input"] is not None
    node = made["input"]["properties"]["value"]
    assert node["properties"]["next"] == {"anyOf": [{"type": "object"}, {"type": "null"}], "default": None}
    pair = node["properties"]["pair"]
    assert pair["items"] == [INTEGER, STRING]
    assert node["additionalProperties"] is False


def takes_task(task: Task) -> TaskResult: ...  # type: ignore[empty-body]


def takes_object(task: object) -> "int | TaskInProgress": ...  # type: ignore[empty-body]


def test_tasks_and_results_are_no_data() -> None:
    assert generate(takes_task, "name") == {"input": None, "output": None}
    made = generate(takes_object, "name")
    assert made is not None
    assert made["input"] is None
    assert made["output"] == {"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}


def rest(value: int, *args: int, **others: int) -> "Lost": ...  # type: ignore[name-defined] # noqa: F821


def test_more_keywords_are_additional_properties() -> None:
    made = generate(rest, "name", strict_schema=True)
    assert made is not None
    assert made["input"] == {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"value": INTEGER},
        "required": ["value"],
        "additionalProperties": INTEGER,
    }
    assert made["output"] is None
