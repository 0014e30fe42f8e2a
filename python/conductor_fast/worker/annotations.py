"""From an annotation to the shape that it asks for."""

from __future__ import annotations

import collections
import collections.abc
import enum
import re
import sys
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal

from conductor_fast.worker import records
from conductor_fast.worker.hints import UnresolvedAnnotation
from conductor_fast.worker.scalars import CONVERSIONS
from conductor_fast.worker.shapes import (
    ANYTHING,
    AnyOf,
    Choice,
    FixedItems,
    Foreign,
    Items,
    Mapping,
    Record,
    Scalar,
    Shape,
    Unknown,
    unknown_in,
)

_LISTS = (
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
    collections.abc.Iterable,
)
_MADE_OF_LIST: dict[Any, Callable[[list[Any]], Any]] = {
    set: set,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
}
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_MODULES = re.compile(r"(?:(?:\w+|<locals>)\.)+(?=\w)")
_JSON_TYPES = (str, int, float, bool, type(None))
_OF_PYDANTIC = frozenset({"pydantic", "pydantic_core", "annotated_types"})
_AFTER_CONVERSION = frozenset({"FieldInfo", "StringConstraints", "AfterValidator"})
"""What pydantic applies to the converted value; anything else of it (BeforeValidator) wants JSON's own."""
_REMEDY = "annotate a type of which JSON can hold the values, or Any; strict_inputs=False passes it as it is"


def shown(annotation: Any) -> str:
    """An annotation as the user wrote it, more or less."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return "None" if annotation is type(None) else annotation.__name__
    return _MODULES.sub("", str(annotation))


class Reader:
    """Reads the annotations of one function. What it cannot read becomes `Unknown`."""

    def __init__(self) -> None:
        self._records: dict[Any, Record] = {}
        self._within: list[Any] = []

    def read(self, annotation: Any) -> Shape:
        """The shape of a resolved annotation."""
        if annotation is Any or annotation is object:
            return ANYTHING
        if annotation is None:
            annotation = type(None)
        if str(getattr(annotation, "__module__", "")).startswith("pydantic.") and _is_alias(annotation):
            return Foreign(shown(annotation), "pydantic", annotation)  # JsonValue, which contains itself
        if annotation in self._within:
            return Unknown(shown(annotation), "it is a type alias that contains itself", _REMEDY)
        if (behind := _behind(annotation)) is not None:
            self._within.append(annotation)
            try:
                return self.read(behind)
            finally:
                self._within.pop()
        if (constrained := self._annotated(annotation)) is not None:
            return constrained
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Union or origin is types.UnionType:
            return self._union(arguments)
        if origin is Literal:
            values = tuple(v.value if isinstance(v, enum.Enum) else v for v in arguments)
            return Choice(f"one of {', '.join(map(repr, values))}", values, arguments)
        found = self._container(annotation, origin or annotation, arguments)
        return found or self._class(annotation, origin or annotation, arguments)

    def _annotated(self, annotation: Any) -> Shape | None:
        if typing.get_origin(annotation) is not Annotated:
            return None
        inner, *metadata = typing.get_args(annotation)
        base = self.read(inner)
        # Rules that pydantic and msgspec are told in Annotated hold only if they are asked.
        modules = {type(item).__module__.partition(".")[0] for item in metadata}
        name = f"{base.name} as its annotation demands"
        if modules & _OF_PYDANTIC and "pydantic" in sys.modules:
            kinds = {type(item).__name__ for item in metadata if type(item).__module__.startswith("pydantic")}
            first = None if unknown_in(base) or kinds - _AFTER_CONVERSION else base
            return Foreign(name, "pydantic", annotation, first)
        if "msgspec" in modules:
            return Foreign(name, "msgspec", annotation, None if unknown_in(base) else base)
        return base

    def _union(self, arguments: tuple[Any, ...]) -> Shape:
        members = tuple(self.read(argument) for argument in arguments)
        name = " | ".join(member.name for member in members)
        given = [argument for argument in arguments if argument is not type(None)]
        if len(given) > 1 and all(hasattr(a, "__struct_config__") for a in given):
            return Foreign(name, "msgspec", typing.Union[arguments])  # noqa: UP007 - it knows their tags
        return AnyOf(name, members)

    def _container(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Shape | None:
        name = shown(annotation)
        if origin in _LISTS:
            return Items(name, self.read(arguments[0] if arguments else Any), None)
        if origin in _MADE_OF_LIST:
            item = self.read(arguments[0] if arguments else Any)
            return Items(name, item, _MADE_OF_LIST[origin], unique=origin is not collections.deque)
        if origin is tuple:
            if not arguments and annotation in (tuple, typing.Tuple):  # noqa: UP006 - old annotations are read too
                return Items(name, ANYTHING, tuple)
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return Items(name, self.read(arguments[0]), tuple)
            items = [self.read(argument) for argument in arguments if argument != ()]
            return FixedItems(name, tuple(items))
        if origin in _DICTS or origin is collections.OrderedDict:
            key, value = arguments or (Any, Any)
            make = collections.OrderedDict if origin is collections.OrderedDict else None
            return Mapping(name, self.read(str if key is Any else key), self.read(value), make)
        return None

    def _class(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Shape:
        name = shown(annotation)
        owner: Any = origin  # which `isinstance` does not narrow to a type of who knows what
        if annotation in CONVERSIONS:
            return Scalar(annotation, CONVERSIONS[annotation].expected)
        if not isinstance(origin, type):
            return Unknown(name, "no value of JSON is one", _REMEDY)
        if issubclass(owner, enum.Enum):
            return _enumeration(owner)
        if "pydantic" in sys.modules and hasattr(owner, "__get_pydantic_core_schema__"):
            return Foreign(name, "pydantic", annotation)
        if hasattr(owner, "__struct_config__"):
            return Foreign(name, "msgspec", annotation)
        if not records.is_record(owner):
            return Unknown(name, records.problem_of(owner), _REMEDY)
        return self._record(annotation, owner, arguments)

    def _record(self, annotation: Any, origin: type, arguments: tuple[Any, ...]) -> Shape:
        known = self._records.get(annotation)
        if known is not None:
            return known
        made = self._records[annotation] = records.record(origin)
        variables = dict(zip(getattr(origin, "__parameters__", ()), arguments, strict=False))
        try:
            records.fill(made, origin, variables, self.read)
        except UnresolvedAnnotation as error:
            del self._records[annotation]
            return Unknown(shown(annotation), error.problem, error.remedy)
        return made


def _behind(annotation: Any) -> Any:
    """What a type alias, a NewType, a type variable or a qualifier stands for; None if it is none."""
    if records.qualifier_of(annotation) in ("Required", "NotRequired", "ReadOnly", "Final"):
        return typing.get_args(annotation)[0]
    if isinstance(annotation, typing.NewType):
        return annotation.__supertype__
    if isinstance(annotation, typing.TypeVar):
        if annotation.__constraints__:
            return typing.Union[annotation.__constraints__]  # noqa: UP007 - of a tuple
        return annotation.__bound__ or Any
    # `type Name = …` of Python 3.12, also with arguments.
    alias = typing.get_origin(annotation) or annotation
    if _is_alias(alias):
        arguments = typing.get_args(annotation)
        return alias.__value__[arguments] if arguments else alias.__value__
    return None


def _is_alias(annotation: Any) -> bool:
    return type(annotation).__name__ == "TypeAliasType"


def _enumeration(enumeration: Any) -> Shape:
    members = tuple(enumeration.__members__.values())
    values = tuple(member.value for member in members)
    if not members or not all(type(value) in _JSON_TYPES for value in values):
        return Unknown(
            enumeration.__name__,
            "it has no members, or their values are not text, numbers, true or false",
            "give its members such values; strict_inputs=False passes it as it is",
        )
    return Choice(enumeration.__name__, values, members, enumeration)
