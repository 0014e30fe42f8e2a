"""JSON's plain values to plain Python types: only where nothing is lost and one reading is possible.

| asked | also taken | refused |
|---|---|---|
| int | 5.0, "5" | 5.5, "5.0", "05", " 5", true |
| float | 5 (if a float can be it), "5.5" | "nan", "inf", true, 2**53 + 1 |
| bool | "true", "false" | 1, "True", "yes" |
| str | | 5 (text of it could be "5", "5.0", "05") |
| bytes | text, as UTF-8 | |
| Decimal | "5.50", 5, 5.5 (its shortest decimal, as JSON wrote it) | "nan", true |
| datetime, date, time, UUID | their ISO text | numbers (are they seconds?), a datetime for a date |
"""

from __future__ import annotations

import datetime
import decimal
import math
import pathlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_fast.worker.mismatch import Mismatch, kind_of

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,6})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = r"([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.([0-9]{1,9}))?(Z|z|[+-][0-9]{2}:?[0-9]{2})?"
_CLOCK = re.compile(_TIME)
_MOMENT = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[Tt ]{_TIME})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")
_NULL = type(None)


@dataclass(frozen=True)
class Conversion:
    """`convert` raises Mismatch; values of exactly the types in `passes` need no conversion."""

    expected: str
    convert: Callable[[Any], Any]
    passes: frozenset[type] = frozenset()


def _int(value: Any) -> int:
    kind = kind_of(value)
    if kind is int:
        return int(value)
    if kind is float and value.is_integer():
        return int(value)
    if kind is str and _INTEGER.fullmatch(value):
        try:
            return int(value)
        except ValueError:  # more digits than the interpreter allows
            pass
    raise Mismatch("int")


def _float(value: Any) -> float:
    kind = kind_of(value)
    if kind is float:
        return float(value)
    if kind is int or (kind is str and _NUMBER.fullmatch(value)):
        try:
            number = float(value)
        except OverflowError:
            raise Mismatch("float") from None
        if math.isfinite(number) and (kind is str or number == value):
            return number
    raise Mismatch("float")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is str and value in ("true", "false"):
        return value == "true"
    raise Mismatch("bool")


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    raise Mismatch("str")


def _bytes(value: Any) -> bytes:
    # UTF-8, as the SDK sends bytes: every text is some bytes, while few are base64.
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            pass
    raise Mismatch(_BYTES)


def _decimal(value: Any) -> decimal.Decimal:
    kind = kind_of(value)
    if kind is int:
        return decimal.Decimal(value)
    if kind is float and math.isfinite(value):
        return decimal.Decimal(repr(value))
    if kind is str and _NUMBER.fullmatch(value):
        return decimal.Decimal(value)
    raise Mismatch(_DECIMAL)


def _uuid(value: Any) -> uuid.UUID:
    if type(value) is str and _UUID.fullmatch(value):
        return uuid.UUID(value)
    raise Mismatch(_UUID_TEXT)


def _date(value: Any) -> datetime.date:
    if type(value) is str and _DATE.fullmatch(value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            pass
    raise Mismatch(_DATE_TEXT)


def _datetime(value: Any) -> datetime.datetime:
    match = _MOMENT.fullmatch(value) if type(value) is str else None
    if match is not None:
        date, *rest = match.groups()
        clock = "00:00" if rest[0] is None else _clock(*rest)
        if clock is not None:
            try:
                return datetime.datetime.fromisoformat(f"{date}T{clock}")
            except ValueError:
                pass
    raise Mismatch(_MOMENT_TEXT)


def _time(value: Any) -> datetime.time:
    match = _CLOCK.fullmatch(value) if type(value) is str else None
    clock = _clock(*match.groups()) if match is not None else None
    if clock is not None:
        try:
            return datetime.time.fromisoformat(clock)
        except ValueError:
            pass
    raise Mismatch(_TIME_TEXT)


def _clock(time: str, fraction: str | None, zone: str | None) -> str | None:
    """The one form that `fromisoformat` of Python 3.10 reads; None if nanoseconds would be lost."""
    fraction = (fraction or "").ljust(6, "0")
    if fraction[6:].strip("0"):
        return None
    if len(time) == len("00:00"):
        time += ":00"
    if zone in ("Z", "z"):
        zone = "+00:00"
    elif zone and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{time}.{fraction[:6]}{zone or ''}"


def _path(value: Any) -> pathlib.Path:
    if type(value) is str:
        return pathlib.Path(value)
    raise Mismatch(_PATH)


def _null(value: Any) -> None:
    if value is not None:
        raise Mismatch("None")


_BYTES = "bytes (text, taken as UTF-8)"
_DECIMAL = "Decimal (a number, or its text)"
_UUID_TEXT = "UUID (its text)"
_DATE_TEXT = "date (ISO 8601 text)"
_MOMENT_TEXT = "datetime (ISO 8601 text)"
_TIME_TEXT = "time (ISO 8601 text)"
_PATH = "Path (text)"

CONVERSIONS: dict[Any, Conversion] = {
    int: Conversion("int", _int, frozenset({int})),
    float: Conversion("float", _float, frozenset({float})),
    bool: Conversion("bool", _bool, frozenset({bool})),
    str: Conversion("str", _str, frozenset({str})),
    _NULL: Conversion("None", _null, frozenset({_NULL})),
    bytes: Conversion(_BYTES, _bytes),
    decimal.Decimal: Conversion(_DECIMAL, _decimal),
    uuid.UUID: Conversion(_UUID_TEXT, _uuid),
    datetime.date: Conversion(_DATE_TEXT, _date),
    datetime.datetime: Conversion(_MOMENT_TEXT, _datetime),
    datetime.time: Conversion(_TIME_TEXT, _time),
    pathlib.Path: Conversion(_PATH, _path),
}

LEFT_BY_THE_SDK = frozenset({int, float, str, bool, datetime.date, datetime.datetime})
"""What the SDK passes as it came (automator/utils.py, simple_types)."""

JSON_TYPE_NAMES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    _NULL: "null",
}

JSON_SCHEMAS: dict[Any, dict[str, Any]] = {
    **{kind: {"type": name} for kind, name in JSON_TYPE_NAMES.items()},
    bytes: {"type": "string"},
    decimal.Decimal: {"anyOf": [{"type": "number"}, {"type": "string"}]},
    uuid.UUID: {"type": "string", "format": "uuid"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.time: {"type": "string", "format": "time"},
    pathlib.Path: {"type": "string", "format": "path"},
}
