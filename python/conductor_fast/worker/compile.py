"""From a shape to its converter, made once per worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_fast.worker import containers, libraries
from conductor_fast.worker.converter import EVERYTHING, Argument, Converter, maker
from conductor_fast.worker.mismatch import Mismatch, kind_of
from conductor_fast.worker.scalars import CONVERSIONS, LEFT_BY_THE_SDK
from conductor_fast.worker.shapes import (
    REQUIRED,
    AnyOf,
    Anything,
    Choice,
    Field,
    FixedItems,
    Foreign,
    Items,
    Mapping,
    Record,
    Scalar,
    Shape,
    Unknown,
)

_NULL = type(None)


def _as_it_is(value: Any) -> Any:
    return value


def _everything(name: str) -> Converter:
    return Converter(name, _as_it_is, EVERYTHING, lambda value: True)


class Compiler:
    """Makes the converters of one function.

    Not `strict`, the SDK's leniency (automator/utils.py): parameters and items that are plain values stay as
    they came, null fits everywhere, what is missing is None, and an unknown annotation asks nothing.
    Fields of records are checked all the same, as dacite does for the SDK.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._records: dict[int, Converter] = {}
        self._kept: list[Record] = []

    def argument(self, field: Field) -> Argument:
        """A parameter of the function."""
        if self._strict:
            return Argument(field.key, self.converter(field.shape), field.default, field.by_name)
        default = None if field.default is REQUIRED else field.default
        return Argument(field.key, self.lenient(field.shape), default, field.by_name)

    def lenient(self, shape: Shape) -> Converter:
        """The converter of a parameter or item, null allowed, if not strict."""
        if self._strict:
            return self.converter(shape)
        if isinstance(shape, Scalar) and shape.type in LEFT_BY_THE_SDK:
            return _everything(shape.name)
        made = self.converter(shape)
        if made.passes is EVERYTHING or _NULL in made.passes:
            return made
        return containers.any_of(made.expected, [made, self.converter(Scalar(_NULL, "None"))])

    def converter(self, shape: Shape) -> Converter:
        if isinstance(shape, Anything | Unknown):
            return _everything(shape.name)
        if isinstance(shape, Scalar):
            scalar = CONVERSIONS[shape.type]
            return Converter(scalar.expected, scalar.convert, scalar.passes, _type_in(scalar.passes))
        if isinstance(shape, Choice):
            return containers.choice(shape.name, shape.values, shape.members, shape.enumeration)
        if isinstance(shape, Items):
            return containers.items(shape.name, self.lenient(shape.item), shape.make)
        if isinstance(shape, FixedItems):
            return containers.fixed_items(shape.name, [self.lenient(item) for item in shape.items])
        if isinstance(shape, Mapping):
            key, value = self.converter(shape.key), self.lenient(shape.value)
            return containers.mapping(shape.name, key, value, shape.make)
        if isinstance(shape, AnyOf):
            return containers.any_of(shape.name, [self.lenient(member) for member in shape.members])
        if isinstance(shape, Foreign):
            return self._foreign(shape)
        return self._record(shape)

    def _foreign(self, shape: Foreign) -> Converter:
        convert = libraries.conversion(shape)
        if shape.base is None:
            return Converter(shape.name, convert, keys=libraries.known_keys(shape))
        first = self.converter(shape.base).convert
        return Converter(shape.name, lambda value: convert(first(value)))

    def _record(self, record: Record) -> Converter:
        if id(record) in self._records:
            return self._records[id(record)]
        # A record that contains itself finds this one, which is filled in when the real one is made.
        made = self._records[id(record)] = Converter(record.name, _as_it_is)
        made.convert = lambda value: real.convert(value)
        made.is_exact = lambda value: real.is_exact(value)
        made.keys = frozenset(field.key for field in record.fields)
        self._kept.append(record)
        real = self._made(record)
        made.convert, made.is_exact = real.convert, real.is_exact
        return made

    def _made(self, record: Record) -> Converter:
        fields = [
            Argument(
                field.key,
                self.converter(field.shape),
                None if field.default is REQUIRED and not self._strict else field.default,
                field.by_name,
                field.factory if self._strict else None,
            )
            for field in record.fields
        ]
        if record.kind == "dict":
            return containers.typed_dict(record.name, fields)
        rest = None if record.rest is None else self.converter(record.rest)
        inline = record.inline and self._strict
        convert = maker(f"{record.name} (an object)", record.make, fields, rest, inline=inline)
        if record.kind == "named_tuple":
            convert = _or_list(record.name, fields, convert)
        return Converter(record.name, convert, is_exact=containers.exact_fields(fields))


def _type_in(passes: frozenset[type]) -> Callable[[Any], bool]:
    def is_exact(value: Any) -> bool:
        kind = kind_of(value)
        return kind in passes

    return is_exact


def _or_list(name: str, fields: list[Argument], convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A NamedTuple is written as a list as well: JSON has no tuples."""
    keys = [field.key for field in fields]

    def convert_either(value: Any) -> Any:
        kind = kind_of(value)
        if kind is list:
            if len(value) > len(keys):
                raise Mismatch(f"{name} (an object, or a list of {len(keys)})")
            value = dict(zip(keys, value, strict=False))
        return convert(value)

    return convert_either
