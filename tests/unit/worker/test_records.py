"""How the fields of classes are found and set."""

from __future__ import annotations

from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any

import pydantic
import pytest

from conductor_fast.worker.mismatch import InputMismatch
from tests.unit.worker.test_typed_input import bound


@dataclass
class Base:
    first: int


@dataclass(slots=True)
class Slots(Base):
    _: KW_ONLY
    second: list[int] = field(default_factory=list)


@dataclass
class Inherits(Slots):
    third: int | None = None


@dataclass
class OfConstructor:
    first: int
    given: InitVar[int]
    made: int = field(init=False)

    def __post_init__(self, given: int) -> None:
        self.made = given + 1


@dataclass
class OwnConstructor:
    first: int

    def __init__(self, other: str) -> None:
        self.first = len(other)


@dataclass
class Guarded:
    first: int

    def __setattr__(self, name: str, value: Any) -> None:
        if value == 13:
            raise ValueError("13")
        super().__setattr__(name, value)


@dataclass
class Counted:
    """Made in a way of its own."""

    first: int

    def __new__(cls, *args: Any) -> Counted:
        made = super().__new__(cls)
        made.__dict__["counted"] = True
        return made


@pydantic.dataclasses.dataclass
class OfPydantic:
    first: int


class Aliased(pydantic.BaseModel):
    first: int = pydantic.Field(alias="number")


@pytest.mark.parametrize(
    ("made", "value", "attributes"),
    [
        (Slots, {"first": "1"}, {"first": 1, "second": []}),
        (Inherits, {"first": 1, "second": ["2"], "third": "3"}, {"first": 1, "second": [2], "third": 3}),
        (OfConstructor, {"first": 1, "given": "2"}, {"first": 1, "made": 3}),
        (OwnConstructor, {"other": "abc"}, {"first": 3}),
        (Guarded, {"first": 12}, {"first": 12}),
        (Counted, {"first": 1}, {"first": 1, "counted": True}),
        (OfPydantic, {"first": "1"}, {"first": 1}),
        (Aliased, {"number": 1}, {"first": 1}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_class_is_made_as_its_constructor_makes_it(
    made: type, value: dict[str, Any], attributes: dict[str, Any]
) -> None:
    result = bound(made)({"value": value})
    assert type(result) is made
    assert {name: getattr(result, name) for name in attributes} == attributes


def test_default_factories_make_a_new_default_each_time() -> None:
    call = bound(Slots)
    assert call({"value": {"first": 1}}).second is not call({"value": {"first": 1}}).second


def test_what_setting_a_field_refuses_ends_the_task() -> None:
    with pytest.raises(InputMismatch, match="refused it with a ValueError"):
        bound(Guarded)({"value": {"first": 13}})
