"""Types of pydantic and msgspec: validated and described by their own library, found where the user's
import left it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

from conductor_fast.worker.mismatch import Mismatch
from conductor_fast.worker.shapes import Foreign


class Unusable(Exception):  # noqa: N818 - becomes a ConfigurationError
    """The library cannot work with the type; the text says why."""


def conversion(foreign: Foreign) -> Callable[[Any], Any]:
    """From JSON's value to the library's; Mismatch with the library's path. Unusable."""
    return _pydantic(foreign) if foreign.library == "pydantic" else _msgspec(foreign)


def known_keys(foreign: Foreign) -> frozenset[str] | None:
    """The keys of an object that the type knows, if it is a record."""
    if foreign.library == "msgspec":
        names = getattr(foreign.type, "__struct_encode_fields__", None)
        return None if names is None else frozenset(names)
    fields = getattr(foreign.type, "model_fields", None)
    if not isinstance(fields, dict):
        return None
    return frozenset(_names_of(fields))  # pyright: ignore[reportUnknownArgumentType]


def _names_of(fields: dict[str, Any]) -> Iterator[str]:
    for name, field in fields.items():
        yield name
        yield from (alias for alias in (field.alias, field.validation_alias) if isinstance(alias, str))


def json_schema(foreign: Foreign, mode: Literal["input", "output"]) -> dict[str, Any]:
    """The library's JSON Schema (2020-12) of its type."""
    module: Any = sys.modules[foreign.library]
    schema: dict[str, Any]
    if foreign.library == "msgspec":
        schema = module.json.schema(foreign.type)
    else:
        written = "validation" if mode == "input" else "serialization"
        schema = module.TypeAdapter(foreign.type).json_schema(mode=written)
    return schema


def _pydantic(foreign: Foreign) -> Callable[[Any], Any]:
    expected = foreign.name
    pydantic: Any = sys.modules["pydantic"]
    invalid: type[Exception] = pydantic.ValidationError
    try:
        # The validator itself: `model_validate` and the adapter's method cost 0.2 µs more.
        model = foreign.type
        if hasattr(model, "model_rebuild"):
            model.model_rebuild()
            validator: Any = model.__pydantic_validator__
        else:
            validator = pydantic.TypeAdapter(model).validator
        validate: Callable[[Any], Any] = validator.validate_python
        validate_json: Callable[[Any], Any] = validator.validate_json
    except Exception as error:
        raise Unusable(f"pydantic cannot build its validator ({type(error).__name__})") from None
    of_json = foreign.base is None

    def convert(value: Any) -> Any:
        try:
            return validate(value)
        except invalid as error:
            mismatch = _of_pydantic(expected, error)
        if of_json:
            # A strict model takes the text of a date from JSON, but not from Python. This is JSON.
            try:
                return validate_json(json.dumps(value))
            except (invalid, ValueError):
                pass
        raise mismatch

    return convert


_WORDED = re.compile(
    r"(int|float|bool|string|bytes|dict|list|tuple|set|frozen_set|date|datetime|time|time_delta|decimal|uuid|url|model"
    r"|dataclass|none|mapping|named_tuple|callable)"
    r"(_type|_parsing|_parsing_size|_from_float|_from_datetime_parsing|_from_date_parsing|_from_datetime_inexact)"
    r"|missing|greater_than|greater_than_equal|less_than|less_than_equal|multiple_of|finite_number|too_short|too_long"
    r"|string_too_short|string_too_long|none_required|extra_forbidden|url_scheme|literal_error|enum"
)
"""pydantic's own errors whose words hold nothing of the value, once what follows a comma is cut off."""


def _of_pydantic(expected: str, error: Any) -> Mismatch:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind: str = first["type"]
    path: list[str | int] = list(reversed(first["loc"]))
    if kind == "missing":
        return Mismatch(f"a value for {expected}", *path, missing=True)
    if kind in ("literal_error", "enum"):
        return Mismatch(f"{expected} ({first['msg']})", *path)
    if _WORDED.fullmatch(kind):
        return Mismatch(f"{expected} ({first['msg'].partition(',')[0]})", *path)
    return Mismatch(f"{expected} (pydantic: {kind})", *path)


def _msgspec(foreign: Foreign) -> Callable[[Any], Any]:
    expected, annotation = foreign.name, foreign.type
    msgspec: Any = sys.modules["msgspec"]
    convert_to, invalid = msgspec.convert, msgspec.ValidationError
    try:
        # It looks at a type when it first decodes one.
        msgspec.json.Decoder(annotation)
    except Exception as error:
        raise Unusable(f"msgspec cannot use it ({type(error).__name__})") from None

    def convert(value: Any) -> Any:
        try:
            return convert_to(value, annotation)
        except invalid as error:
            mismatch = _of_msgspec(expected, str(error))
        # As it stands first, so that "5" stays text for int | str; then with text taken for numbers.
        try:
            return convert_to(value, annotation, strict=False)
        except invalid:
            pass
        raise mismatch

    return convert


_PATH = re.compile(r"^(?P<text>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_SAFE = re.compile(
    r"Expected `[^`]*`(?:, got `[^`]*`| (?:of length )?(?:[<>]=?|==) [0-9.e+-]+)"
    r"|Invalid (?:UUID|base64 encoded string|decimal string|RFC3339 encoded (?:datetime|date|time))"
)


def _of_msgspec(expected: str, text: str) -> Mismatch:
    found = _PATH.match(text)
    said, where = (found["text"], found["path"] or "") if found else ("", "")
    path: list[str | int] = [
        int(index) if index.isdecimal() else name or index for name, index in _STEP.findall(where)
    ]
    path.reverse()
    if missing := _MISSING.fullmatch(said):
        return Mismatch(f"a value for {expected}", missing[1], *path, missing=True)
    if _SAFE.fullmatch(said):
        return Mismatch(f"{expected} ({said.replace('`', '')})", *path)
    return Mismatch(expected, *path)
