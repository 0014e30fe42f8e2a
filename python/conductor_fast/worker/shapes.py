"""What an annotation asks of a value, before anybody converts or describes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

REQUIRED: Final = object()
"""The default of what has none."""


@dataclass(frozen=True)
class Anything:
    """Every value fits and stays what it is."""

    name: str = "anything"


@dataclass(frozen=True)
class Unknown:
    """An annotation that nothing here can read."""

    name: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Scalar:
    """One of `scalars.CONVERSIONS`."""

    type: Any
    name: str


@dataclass(frozen=True)
class Choice:
    """An Enum (`enumeration`) or a Literal: `values` are what JSON says, `members` what the function gets."""

    name: str
    values: tuple[Any, ...]
    members: tuple[Any, ...]
    enumeration: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Items:
    """A list, set, … of any length; `make` is None for a list, which is what JSON has."""

    name: str
    item: Shape
    make: Callable[[list[Any]], Any] | None
    unique: bool = False


@dataclass(frozen=True)
class FixedItems:
    """A tuple of as many items as it is written with."""

    name: str
    items: tuple[Shape, ...]


@dataclass(frozen=True)
class Mapping:
    """A dict; `make` is None for dict itself."""

    name: str
    key: Shape
    value: Shape
    make: Callable[[dict[Any, Any]], Any] | None


@dataclass(frozen=True)
class Field:
    """What JSON calls `key` goes to `parameter`, by position unless `by_name`."""

    key: str
    shape: Shape
    default: Any = REQUIRED
    by_name: bool = False
    factory: Callable[[], Any] | None = None
    """Of an `inline` record: makes the default."""


@dataclass(eq=False)
class Record:
    """A class that is made of named fields. Those are filled in later, because it may contain itself.

    `kind`: "class" is called with the fields; "named_tuple" too, and may come as a list; "dict" stays one.
    """

    name: str
    make: Any
    kind: Literal["class", "named_tuple", "dict"]
    fields: list[Field] = field(default_factory=list["Field"])
    inline: bool = False
    """Whether the constructor does nothing but set the fields by name, so that it need not be called."""
    rest: Shape | None = None
    """The shape of the dict of all other keys, of a class that takes `**kwargs`."""
    described: list[tuple[str, Shape, bool]] = field(default_factory=list[tuple[str, "Shape", bool]])
    """Key, shape, required: the fields as JSON Schema is told."""


@dataclass(frozen=True)
class AnyOf:
    """A union."""

    name: str
    members: tuple[Shape, ...]


@dataclass(frozen=True)
class Foreign:
    """A type of a library that validates and describes it itself; after `base`, where that is known here."""

    name: str
    library: Literal["pydantic", "msgspec"]
    type: Any
    base: Shape | None = None


Shape: TypeAlias = (
    Anything | Unknown | Scalar | Choice | Items | FixedItems | Mapping | Record | AnyOf | Foreign
)
ANYTHING: Final = Anything()


def unknown_in(shape: Shape, seen: set[int] | None = None) -> Unknown | None:
    """The first part of `shape` that nothing here can read."""
    seen = set() if seen is None else seen
    if isinstance(shape, Unknown):
        return shape
    if id(shape) in seen:
        return None
    seen.add(id(shape))
    for part in _parts(shape):
        if (found := unknown_in(part, seen)) is not None:
            return found
    return None


def _parts(shape: Shape) -> tuple[Shape, ...]:
    if isinstance(shape, Items):
        return (shape.item,)
    if isinstance(shape, FixedItems):
        return shape.items
    if isinstance(shape, Mapping):
        return (shape.key, shape.value)
    if isinstance(shape, AnyOf):
        return shape.members
    if isinstance(shape, Record):
        rest = () if shape.rest is None else (shape.rest,)
        return (*(f.shape for f in shape.fields), *rest)
    return (shape.base,) if isinstance(shape, Foreign) and shape.base is not None else ()
