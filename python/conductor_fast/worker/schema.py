"""JSON Schema (draft-07) of what a function takes and returns, as the SDK writes it where the SDK can."""

from __future__ import annotations

import enum
import inspect
import logging
import types
import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, Literal

from conductor_fast.worker import libraries
from conductor_fast.worker.annotations import Reader
from conductor_fast.worker.draft07 import inlined
from conductor_fast.worker.hints import Names, UnresolvedAnnotation
from conductor_fast.worker.records import read_rest
from conductor_fast.worker.scalars import JSON_SCHEMAS, JSON_TYPE_NAMES
from conductor_fast.worker.shapes import (
    AnyOf,
    Anything,
    Choice,
    FixedItems,
    Foreign,
    Items,
    Mapping,
    Record,
    Scalar,
    Shape,
    Unknown,
)

Schema = dict[str, Any]

_DRAFT = {"$schema": "http://json-schema.org/draft-07/schema#"}
_NULL: Schema = {"type": "null"}
_OUR_VALUES = ("Task", "TaskResult", "TaskInProgress")
_Parameter = inspect.Parameter
_logger = logging.getLogger("conductor_fast.worker")


def generate_json_schema_from_function(
    func: Callable[..., Any], schema_name: str, strict_schema: bool = False
) -> dict[str, Schema | None] | None:
    """`{"input": schema or None, "output": schema or None}`, the SDK's function (json_schema_generator.py).

    None for what has no schema: a parameter without annotation or of an unknown one, a function that takes
    the Task. `strict_schema`: objects may have no other keys. `schema_name` is not used, as in the SDK.
    Beyond the SDK it describes every annotation that `bind` knows, reads annotations that are text, and
    lets what `**kwargs` takes be additional properties instead of one property of that name.
    """
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError) as error:
        _logger.debug("no JSON Schema of a function without signature: %s", type(error).__name__)
        return None
    made: dict[str, Schema | None] = {}
    for name, describe in (("input", _input), ("output", _output)):
        try:
            made[name] = describe(func, signature, strict_schema)
        except Exception as error:  # noqa: PERF203 - two rounds
            # A library's own type may fail in any way; no schema is what the SDK gives then.
            _logger.debug("no JSON Schema of the %s: %s", name, type(error).__name__)
            made[name] = None
    return made


def _input(func: Callable[..., Any], signature: inspect.Signature, strict: bool) -> Schema | None:
    reader, writer = Reader(), _Writer("input", strict=strict)
    parameters = [p for p in signature.parameters.values() if p.kind is not _Parameter.VAR_POSITIONAL]
    schema: Schema = {**_DRAFT, "type": "object", "properties": {}, "additionalProperties": not strict}
    required: list[str] = []
    for parameter in parameters:
        annotation = _resolved(func, parameter.annotation)
        if annotation is _Parameter.empty or _is_ours(annotation):
            return None
        if annotation is object and len(parameters) == 1:
            return None
        if parameter.kind is _Parameter.VAR_KEYWORD:
            rest = writer.describe(read_rest(annotation, reader.read))
            if rest is None:
                return None
            schema["properties"] |= rest.get("properties", {})
            required += rest.get("required", [])
            if "properties" not in rest:
                schema["additionalProperties"] = rest.get("additionalProperties", True)
            continue
        described = writer.describe(reader.read(annotation))
        if described is None:
            return None
        schema["properties"][parameter.name] = described
        if parameter.default is _Parameter.empty and not _takes_none(annotation):
            required.append(parameter.name)
    return {**schema, "required": required} if required else schema


def _output(func: Callable[..., Any], signature: inspect.Signature, strict: bool) -> Schema | None:
    if signature.return_annotation in (inspect.Signature.empty, None):
        return None
    annotation = _resolved(func, signature.return_annotation)
    if annotation is type(None) and isinstance(signature.return_annotation, str):
        return None  # `-> None` in a module whose annotations are text
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = _data_of(annotation)
    if _is_ours(annotation):
        return None
    described = _Writer("output", strict=strict).describe(Reader().read(annotation))
    return None if described is None else {**_DRAFT, **described}


def _resolved(func: Callable[..., Any], annotation: Any) -> Any:
    if annotation is _Parameter.empty:
        return annotation
    try:
        return Names(func).resolve(annotation)
    except UnresolvedAnnotation:
        return annotation  # text, which is no type


def _is_ours(annotation: Any) -> bool:
    """Whether it stands for a task or result, ours or the SDK's, and not for data."""
    package = getattr(annotation, "__module__", "").partition(".")[0]
    return package in ("conductor", "conductor_fast") and getattr(annotation, "__name__", "") in _OUR_VALUES


def _takes_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation) and typing.get_origin(annotation) in (
        typing.Union,
        types.UnionType,
    )


def _data_of(union: Any) -> Any:
    """What the SDK describes of `Union[dict, TaskInProgress]`: the first dict or dataclass; or the data."""
    members = [member for member in typing.get_args(union) if not _is_ours(member)]
    for member in members:
        if member is dict or typing.get_origin(member) is dict or is_dataclass(member):
            return member
    return typing.Union[tuple(members)] if members else type(None)  # noqa: UP007 - of a tuple


class _Writer:
    """Describes shapes; None is what has no description."""

    def __init__(self, mode: Literal["input", "output"], *, strict: bool) -> None:
        self._mode: Literal["input", "output"] = mode
        self._strict = strict
        self._within: list[Record] = []

    def describe(self, shape: Shape) -> Schema | None:
        if isinstance(shape, Anything):
            return {}
        if isinstance(shape, Unknown):
            return None
        if isinstance(shape, Scalar):
            return dict(JSON_SCHEMAS[shape.type])
        if isinstance(shape, Choice):
            return _choice(shape)
        if isinstance(shape, Items):
            return self._items(shape)
        if isinstance(shape, FixedItems):
            return self._fixed(list(shape.items), len(shape.items))
        if isinstance(shape, Mapping):
            return self._mapping(shape)
        if isinstance(shape, AnyOf):
            return self._any_of(shape)
        if isinstance(shape, Foreign):
            return self._foreign(shape)
        return self._record(shape)

    def _items(self, shape: Items) -> Schema:
        described: Schema = {"type": "array"}
        # An item without description leaves the list, as in the SDK.
        if item := self.describe(shape.item):
            described["items"] = item
        return {**described, "uniqueItems": True} if shape.unique and self._mode == "output" else described

    def _fixed(self, items: list[Shape], least: int) -> Schema | None:
        described = [item for shape in items if (item := self.describe(shape)) is not None]
        if len(described) < len(items):
            return None
        size = {"minItems": least, "maxItems": len(items)}
        return {"type": "array", "items": described, **size} if items else {"type": "array", **size}

    def _mapping(self, shape: Mapping) -> Schema:
        text = isinstance(shape.key, Scalar) and shape.key.type is str
        value = self.describe(shape.value) if text else None
        return {"type": "object", "additionalProperties": value} if value else {"type": "object"}

    def _any_of(self, shape: AnyOf) -> Schema | None:
        described: list[Schema] = []
        for member in sorted(shape.members, key=_is_null):  # null last, as in the SDK
            schema = self.describe(member)
            if schema is None or schema == {}:
                return schema
            if schema not in described:
                described.append(schema)
        return {"anyOf": described} if len(described) > 1 else described[0]

    def _foreign(self, shape: Foreign) -> Schema | None:
        try:
            return inlined(libraries.json_schema(shape, self._mode), strict=self._strict)
        except Exception:
            if shape.base is None:
                raise
            return self.describe(shape.base)

    def _record(self, record: Record) -> Schema | None:
        if record in self._within:
            return {"type": "object"}  # a class that contains itself is described once
        self._within.append(record)
        try:
            fields = [(key, self.describe(shape), required) for key, shape, required in record.described]
            rest = None if record.rest is None else self.describe(record.rest)
            if record.kind != "named_tuple":
                return self._object(fields, rest)
            least = sum(required for _key, _schema, required in fields)
            as_list = self._fixed([shape for _key, shape, _required in record.described], least)
            as_object = self._object(fields, None)
        finally:
            self._within.pop()
        if self._mode == "output" or as_object is None or as_list is None:
            return as_list
        return {"anyOf": [as_object, as_list]}

    def _object(self, fields: list[tuple[str, Schema | None, bool]], rest: Schema | None) -> Schema | None:
        properties = {key: schema for key, schema, _required in fields if schema is not None}
        if len(properties) < len(fields):
            return None
        more = not self._strict if rest is None else rest.get("additionalProperties", True)
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": more}
        required = [key for key, _schema, required in fields if required]
        return {**schema, "required": required} if required else schema


def _is_null(shape: Shape) -> bool:
    return isinstance(shape, Scalar) and shape.type is type(None)


def _choice(shape: Choice) -> Schema:
    if isinstance(shape.enumeration, type) and issubclass(shape.enumeration, enum.Flag):
        return {"type": "integer"}  # any sum of its members
    kinds = {JSON_TYPE_NAMES[type(value)] for value in shape.values}
    described: Schema = {"enum": list(shape.values)}
    return {**described, "type": kinds.pop()} if len(kinds) == 1 else described
