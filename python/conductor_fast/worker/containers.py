"""Converters of what holds other values: lists, tuples, dicts, unions, choices, TypedDicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_fast.worker.converter import EVERYTHING, Argument, Converter
from conductor_fast.worker.mismatch import Mismatch, kind_of
from conductor_fast.worker.scalars import CONVERSIONS
from conductor_fast.worker.shapes import REQUIRED

_NULL = type(None)


def items(expected: str, item: Converter, make: Callable[[list[Any]], Any] | None) -> Converter:
    """Of a JSON list, each of whose items is converted; the list itself stays if nothing in it changes."""
    passes, convert_item, item_is_exact = item.passes, item.convert, item.is_exact

    def convert(value: Any) -> Any:
        kind = kind_of(value)
        if kind is not list:
            raise Mismatch(expected)
        converted: list[Any] = value
        if passes is not EVERYTHING and not passes.issuperset(map(type, value)):
            converted = []
            try:
                for each in value:
                    converted.append(convert_item(each))
            except Mismatch as mismatch:
                mismatch.path.append(len(converted))
                raise
        if make is None:
            return converted
        try:
            return make(converted)
        except TypeError:
            pass
        raise Mismatch(f"{expected}, of items that can be hashed")

    def is_exact(value: Any) -> bool:
        kind = kind_of(value)
        return kind is list and make is None and all(map(item_is_exact, value))

    whole = frozenset({list}) if passes is EVERYTHING and make is None else frozenset[type]()
    return Converter(expected, convert, whole, is_exact)


def fixed_items(expected: str, members: list[Converter]) -> Converter:
    """Of a JSON list with one item for each of `members`."""

    def convert(value: Any) -> Any:
        kind = kind_of(value)
        if kind is not list or len(value) != len(members):
            raise Mismatch(f"{expected}, a list of {len(members)}")
        converted: list[Any] = []
        try:
            for member, each in zip(members, value, strict=True):
                converted.append(member.convert(each))
        except Mismatch as mismatch:
            mismatch.path.append(len(converted))
            raise
        return tuple(converted)

    return Converter(expected, convert)


def mapping(
    expected: str, key: Converter, item: Converter, make: Callable[[dict[Any, Any]], Any] | None
) -> Converter:
    """Of a JSON object whose values, and keys where they are no text, are converted."""
    passes, convert_item, item_is_exact = item.passes, item.convert, item.is_exact
    keys_stay = key.passes is EVERYTHING or str in key.passes

    def convert(value: Any) -> Any:
        kind = kind_of(value)
        if kind is not dict:
            raise Mismatch(expected)
        converted: dict[Any, Any] = value
        if not keys_stay or not (passes is EVERYTHING or passes.issuperset(map(type, value.values()))):
            converted, name = {}, ""
            try:
                for name, each in value.items():
                    converted[name if keys_stay else key.convert(name)] = convert_item(each)
            except Mismatch as mismatch:
                mismatch.path.append(name)
                raise
            if len(converted) != len(value):
                raise Mismatch(f"{expected}, of keys that differ")
        return converted if make is None else make(converted)

    def is_exact(value: Any) -> bool:
        kind = kind_of(value)
        return kind is dict and keys_stay and make is None and all(map(item_is_exact, value.values()))

    whole = passes is EVERYTHING and keys_stay and make is None
    return Converter(expected, convert, frozenset({dict}) if whole else frozenset(), is_exact)


def typed_dict(expected: str, fields: list[Argument]) -> Converter:
    """Of a JSON object that stays one; keys that it does not name stay too."""
    missing_default = {f.key: f.default for f in fields if f.default is REQUIRED}

    def convert(value: Any) -> Any:
        kind = kind_of(value)
        if kind is not dict:
            raise Mismatch(expected)
        converted: dict[str, Any] = value
        for field in fields:
            key, converter = field.key, field.converter
            if key not in value:
                if key in missing_default:
                    raise Mismatch(converter.expected, key, missing=True)
                continue
            each = value[key]
            if converter.passes is EVERYTHING or type(each) in converter.passes:
                continue
            try:
                each = converter.convert(each)
            except Mismatch as mismatch:
                mismatch.path.append(key)
                raise
            converted = dict(value) if converted is value else converted
            converted[key] = each
        return converted

    return Converter(expected, convert, is_exact=exact_fields(fields), keys=frozenset(f.key for f in fields))


def exact_fields(fields: list[Argument]) -> Callable[[Any], bool]:
    """Whether a JSON object has no other keys than these, and every value as it should be."""

    def is_exact(value: Any) -> bool:
        kind = kind_of(value)
        if kind is not dict:
            return False
        found = 0
        for field in fields:
            if field.key in value:
                found += 1
                if not field.converter.is_exact(value[field.key]):
                    return False
            elif field.default is REQUIRED:
                return False
        return found == len(value)

    return is_exact


def any_of(expected: str, members: list[Converter]) -> Converter:
    """Of a union: the first member that takes the value as it is; else the first record that knows all
    keys of an object; else the first that can convert it."""
    if any(member.passes is EVERYTHING for member in members):
        return Converter(expected, lambda value: value, EVERYTHING, lambda value: True)
    passes = frozenset[type]().union(*(member.passes for member in members))
    records = [member for member in members if member.keys is not None]
    given = [member for member in members if member.passes != frozenset({_NULL})]

    def or_none(value: Any) -> Any:
        try:
            return given[0].convert(value)
        except Mismatch as mismatch:
            if not mismatch.path and mismatch.expected == given[0].expected:
                mismatch.expected = expected
            raise

    def convert(value: Any) -> Any:
        if type(value) in passes:
            return value
        if len(given) == 1:
            return or_none(value)
        order = [member for member in members if member.is_exact(value)]
        kind = kind_of(value)
        if kind is dict:
            order += [member for member in records if member.keys is not None and member.keys >= value.keys()]
        deeper: list[Mismatch] = []
        for member in dict.fromkeys([*order, *members]):
            try:
                return member.convert(value)
            except Mismatch as mismatch:  # noqa: PERF203 - each member is a try
                if mismatch.path:
                    deeper.append(mismatch)
        # If one member alone took the value for its own, its complaint says more.
        if len(deeper) == 1:
            raise deeper[0]
        raise Mismatch(expected)

    return Converter(expected, convert, passes, lambda value: any(m.is_exact(value) for m in members))


def choice(expected: str, values: tuple[Any, ...], members: tuple[Any, ...], enumeration: Any) -> Converter:
    """Of an Enum or a Literal: by value, and true is not 1."""
    by_value: dict[tuple[type, Any], Any] = {
        (kind_of(v), v): member for v, member in zip(values, members, strict=True)
    }
    kinds = list(dict.fromkeys(map(kind_of, values)))

    def convert(value: Any) -> Any:
        kind = kind_of(value)
        if kind is list or kind is dict:
            raise Mismatch(expected)
        if (kind, value) in by_value:
            return by_value[kind, value]
        for other in kinds:
            try:
                candidate = CONVERSIONS[other].convert(value)
            except Mismatch:
                continue
            if (other, candidate) in by_value:
                return by_value[other, candidate]
            if enumeration is not None and kind is not bool:
                try:  # flags, and `_missing_`
                    return enumeration(candidate)
                except (ValueError, TypeError, KeyError):
                    continue
        raise Mismatch(expected)

    def is_exact(value: Any) -> bool:
        return type(value) not in (list, dict) and (type(value), value) in by_value

    return Converter(expected, convert, is_exact=is_exact)
