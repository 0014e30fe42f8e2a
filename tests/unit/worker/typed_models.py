"""Classes that the typed-input table binds."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
from typing_extensions import NotRequired

Value = TypeVar("Value")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Caseless(enum.Enum):
    """Finds its members by any spelling."""

    YES = "yes"

    @classmethod
    def _missing_(cls, value: object) -> Caseless | None:
        return cls.YES if str(value).lower() == "yes" else None


@dataclass
class Line:
    sku: str
    quantity: int = 1


@dataclass
class Order:
    id: int
    lines: list[Line]
    due: date | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    id: int


@dataclass
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list)


@dataclass
class Page(Generic[Value]):
    items: list[Value]


@dataclass
class Even:
    value: int

    def __post_init__(self) -> None:
        if self.value % 2:
            raise ValueError(f"{self.value} is odd")


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: int = 9


@dataclass
class Dog:
    kind: Literal["dog"]
    lives: int = 1


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: int = 0


class Plain:
    """A class as the SDK builds it: by its constructor."""

    def __init__(self, name: str, size: int = 1, **others: Any) -> None:
        self.name, self.size, self.others = name, size, others

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Plain({self.name!r}, {self.size!r})"


def text_or_empty(value: str | None) -> str:
    return value or ""


@attrs.define
class Box:
    width: int = attrs.field(validator=attrs.validators.ge(0))
    labels: list[str] = attrs.field(factory=list)
    _key: str = attrs.field(default="", converter=text_or_empty)


class Item(msgspec.Struct):
    name: str
    price: float = 0.0


class Circle(msgspec.Struct, tag="circle"):
    radius: int


class Square(msgspec.Struct, tag="square"):
    side: int


class User(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(default=0, ge=0)


class Account(pydantic.BaseModel):
    owner: User
    opened: date


def first_word(value: str) -> str:
    """A validator that runs before conversion."""
    if not isinstance(value, str):
        raise ValueError(f"{value} has no words")
    return value.partition(" ")[0]


class StrictAccount(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    opened: date
