"""From any Python value to JSON's types, a level at a time, for the values that the encoder does not know."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import sys
import types
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

_REMEDY = "return a dict of str, int, float, bool, None, list or dataclass values"


class _RefusedError(Exception):
    """There is no conversion; the message says why, and shows nothing of the value."""


def to_plain(value: Any) -> Any:
    """One of JSON's types in place of `value`; its parts may again be anything. TypeError if there is none.

    As the SDK does it (http/api_client.py, sanitize_for_serialization), without its losses; the differences
    stand in docs/differences.md.
    The error's text begins with "is …" and never shows the value, whatever the user's code raised.
    """
    try:
        convert = _BY_TYPE.get(type(value))  # pyright: ignore[reportUnknownArgumentType]
        return _convert(type(value), value) if convert is None else convert(value)  # pyright: ignore[reportUnknownArgumentType]
    except _RefusedError as error:
        problem = str(error)
    except Exception as error:
        problem = f"is of type {type(value).__qualname__}, whose conversion raised {type(error).__name__}"
    raise TypeError(problem)


def _bytes(value: bytes | bytearray | memoryview) -> str:
    """Text if it is UTF-8, else base64: the SDK's rule."""
    raw = bytes(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode("ascii")


def _iso(value: datetime.date | datetime.time) -> str:
    return value.isoformat()


_BY_TYPE: dict[type, Callable[[Any], Any]] = {
    datetime.datetime: _iso,
    datetime.date: _iso,
    datetime.time: _iso,
    datetime.timedelta: str,
    decimal.Decimal: str,
    uuid.UUID: str,
    complex: str,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    set: list,
    frozenset: list,
    range: list,
}
"""The common ones, found at once."""

_BY_BASE: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((datetime.date, datetime.time), _iso),
    ((datetime.timedelta, decimal.Decimal, uuid.UUID, pathlib.PurePath), str),
    ((bytes, bytearray), _bytes),
    (Mapping, dict),
    ((Set, Sequence), list),
)
"""Their subclasses, and what is a mapping, a set or a sequence by its own word."""

_NEVER_RUN = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_CODE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def _convert(kind: type[Any], value: Any) -> Any:
    if isinstance(value, _NEVER_RUN):
        raise _RefusedError(
            f"is a {kind.__name__} and not its result; exhaust or await it inside the function"
        )
    if isinstance(value, _CODE):
        raise _RefusedError(f"is a {kind.__name__}, which is code and no data; {_REMEDY}")
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    for module, convert in _BY_LIBRARY:
        # Only what the user has imported can be here; nothing is imported for him.
        library = sys.modules.get(module)
        if library is not None:
            found, plain = convert(library, kind, value)
            if found:
                return plain
    for base, convert_base in _BY_BASE:
        if isinstance(value, base):
            return convert_base(value)
    return _object(kind, value)


def _object(kind: Any, value: Any) -> Any:
    """A plain object: its attributes that are not None; without attributes, its own text."""
    names = getattr(kind, "attribute_map", None)
    if isinstance(names, dict) and hasattr(kind, "swagger_types"):
        # A model of the SDK: by its wire names.
        wire: dict[str, Any] = {names[name]: getattr(value, name) for name in kind.swagger_types}
        return _without_none(wire)
    if hasattr(value, "__dict__"):
        return _without_none({**_slots(kind, value), **vars(value)})
    if kind.__str__ is not object.__str__:
        return str(value)
    slots = _slots(kind, value)
    if not slots:
        raise _RefusedError(f"is of type {kind.__qualname__}, which JSON has no word for; {_REMEDY}")
    return _without_none(slots)


def _without_none(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _slots(kind: type, value: Any) -> dict[str, Any]:
    names = {
        name: getattr(value, name)
        for base in reversed(kind.__mro__)
        for name, member in vars(base).items()
        if inspect.ismemberdescriptor(member) and base.__module__ != "builtins" and hasattr(value, name)
    }
    names.pop("__weakref__", None)
    return names


_Found = tuple[bool, Any]
_NOT_FOUND: _Found = (False, None)


def _pydantic(library: Any, kind: type, value: Any) -> _Found:
    """Fields by name, as the SDK's `vars()`: None left out. In Python's types: what they become is told here,
    once for all, so that a datetime looks the same in a model and in a dict."""
    if not issubclass(kind, getattr(library, "BaseModel", ())):
        return _NOT_FOUND
    if hasattr(kind, "model_dump"):
        return True, value.model_dump(exclude_none=True, warnings=False)
    return True, value.dict(exclude_none=True)


def _pydantic_type(_library: Any, kind: type, value: Any) -> _Found:
    """Its secrets and addresses: by their text, which masks the secrets."""
    if any(base.__module__.partition(".")[0] in ("pydantic", "pydantic_core") for base in kind.__mro__):
        return True, str(value)
    return _NOT_FOUND


def _msgspec(library: Any, kind: Any, value: Any) -> _Found:
    """Fields under their JSON names, with the tag, as msgspec writes them."""
    if not issubclass(kind, getattr(library, "Struct", ())):
        return _NOT_FOUND
    config = kind.__struct_config__
    plain: dict[str, Any] = {} if config.tag is None else {config.tag_field: config.tag}
    for written, name in zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True):
        if (field := getattr(value, name)) is not library.UNSET:
            plain[written] = field
    return True, plain


def _attrs(_library: Any, kind: type, value: Any) -> _Found:
    fields = getattr(kind, "__attrs_attrs__", None)
    if fields is None:
        return _NOT_FOUND
    return True, {field.name: getattr(value, field.name) for field in fields}


def _numpy(library: Any, kind: type, value: Any) -> _Found:
    if not issubclass(kind, (getattr(library, "generic", ()), getattr(library, "ndarray", ()))):
        return _NOT_FOUND
    if value.dtype.kind in "mM":
        # Times: `tolist` gives nanoseconds as bare numbers.
        return True, value.astype(str).tolist()
    plain = value.tolist()
    # A long double stays one in `tolist`; Python's floats hold less of it.
    return True, float(plain) if isinstance(plain, library.floating) else plain


_BY_LIBRARY: tuple[tuple[str, Callable[[Any, Any, Any], _Found]], ...] = (
    ("pydantic.main", _pydantic),
    ("pydantic.v1.main", _pydantic),
    ("pydantic", _pydantic_type),
    ("msgspec", _msgspec),
    ("attr", _attrs),
    ("numpy", _numpy),
)
