"""The fields of classes made of named fields: dataclasses, attrs, NamedTuple, TypedDict, plain ones."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterator
from typing import Any

from conductor_fast.worker.hints import Names, UnresolvedAnnotation, class_hints
from conductor_fast.worker.shapes import REQUIRED, Field, Record, Shape

Read = Callable[[Any], Shape]
"""From a resolved annotation to its shape."""

_Parameter = inspect.Parameter


def is_record(annotation: Any) -> bool:
    """Whether `fill` can tell the fields of `annotation`, a class."""
    if is_typed_dict(annotation) or is_named_tuple(annotation) or dataclasses.is_dataclass(annotation):
        return True
    return not _problem_of_plain(annotation)


def problem_of(annotation: Any) -> str:
    """Why a class is not a record."""
    return _problem_of_plain(annotation) or "it is not a class of fields"


def is_typed_dict(annotation: Any) -> bool:
    return _is_subclass(annotation, dict) and hasattr(annotation, "__total__")


def is_named_tuple(annotation: Any) -> bool:
    return _is_subclass(annotation, tuple) and hasattr(annotation, "_fields")


def _is_subclass(annotation: Any, base: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, base)


def record(annotation: type) -> Record:
    """The record without its fields, which `fill` finds: they may be of this very class."""
    if is_typed_dict(annotation):
        return Record(annotation.__name__, None, "dict")
    kind: typing.Literal["named_tuple", "class"] = "named_tuple" if is_named_tuple(annotation) else "class"
    return Record(annotation.__name__, annotation, kind)


def fill(into: Record, owner: type, variables: dict[Any, Any], read: Read) -> None:
    """Find the fields of `owner`, with `variables` in place of its type variables; UnresolvedAnnotation."""

    def shape(annotation: Any) -> Shape:
        return read(_substituted(annotation, variables))

    if into.kind == "dict":
        into.fields = list(_typed_dict_fields(owner, shape))
    else:
        _fill_from_constructor(into, owner, shape)
    if dataclasses.is_dataclass(owner):
        into.described = list(_dataclass_described(owner, into, shape))
    else:
        into.described = [(f.key, f.shape, f.default is REQUIRED) for f in into.fields]


def _typed_dict_fields(owner: Any, shape: Read) -> Iterator[Field]:
    annotations = inspect.get_annotations(owner)
    for key, annotation in class_hints(owner, annotations).items():
        required = key in owner.__required_keys__
        # Where annotations are text, __required_keys__ has not seen what they say.
        while (qualifier := qualifier_of(annotation)) is not None:
            required = {"Required": True, "NotRequired": False}.get(qualifier, required)
            annotation = typing.get_args(annotation)[0]
        yield Field(key, shape(annotation), REQUIRED if required else None)


def _fill_from_constructor(into: Record, owner: type, shape: Read) -> None:
    # The signature's own defaults are passed on: a dataclass or attrs class knows its factories by them.
    parameters = _constructor_parameters(owner)
    into.inline = _only_sets_fields(owner, [p.name for p in parameters])
    factories = {f.name: f.default_factory for f in dataclasses.fields(owner)} if into.inline else {}
    hints = _constructor_hints(owner, [p.name for p in parameters])
    for parameter in parameters:
        annotation = hints.get(parameter.name, Any)
        if parameter.kind is _Parameter.VAR_KEYWORD:
            into.rest = read_rest(annotation, shape)
        elif parameter.kind is not _Parameter.VAR_POSITIONAL:
            default = REQUIRED if parameter.default is _Parameter.empty else parameter.default
            if default is None and annotation is not Any:
                annotation = typing.Optional[annotation]  # noqa: UP045 - `|` fails for what is no class
            by_name = parameter.kind is _Parameter.KEYWORD_ONLY
            factory = factories.get(parameter.name, dataclasses.MISSING)
            made = None if factory is dataclasses.MISSING else factory
            into.fields.append(Field(parameter.name, shape(annotation), default, by_name, made))


def _constructor(owner: type) -> Any:
    # `inspect.signature` of the class shows a `__new__(cls, *args)` in place of the `__init__` that matters.
    found = _attribute(owner, "__init__")
    return found if isinstance(found, types.FunctionType) else _attribute(owner, "__new__")


def _constructor_parameters(owner: type) -> list[inspect.Parameter]:
    return list(inspect.signature(_constructor(owner)).parameters.values())[1:]


def _only_sets_fields(owner: Any, parameters: list[str]) -> bool:
    """Whether `owner` is a dataclass whose `__init__` is generated and is `self.name = name` alone."""
    if not dataclasses.is_dataclass(owner) or {f.name for f in dataclasses.fields(owner)} != {*parameters}:
        return False  # also one with an InitVar
    settings = vars(owner).get("__dataclass_params__")
    code = getattr(_attribute(owner, "__init__"), "__code__", None)
    return (
        settings is not None
        and all(f.init for f in dataclasses.fields(owner))
        and not settings.frozen
        and getattr(code, "co_filename", "") == "<string>"  # what dataclasses compiles
        and not hasattr(owner, "__post_init__")
        and owner.__new__ is object.__new__
        and type(owner).__call__ is type.__call__
    )


def read_rest(annotation: Any, read: Read) -> Shape:
    """The shape of what `**kwargs` takes together."""
    if qualifier_of(annotation) == "Unpack":
        return read(typing.get_args(annotation)[0])
    return read(dict[str, annotation])


def _constructor_hints(owner: Any, names: Collection[str]) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    if hasattr(owner, "__dataclass_fields__") or is_named_tuple(owner):
        hints = class_hints(owner, names)
    elif hasattr(owner, "__attrs_attrs__"):
        attributes = {a.alias: a for a in owner.__attrs_attrs__ if a.init}
        plain = {alias: a.name for alias, a in attributes.items() if a.converter is None}
        found = class_hints(owner, plain.values())
        hints = {alias: found[name] for alias, name in plain.items() if name in found}
        # A converter takes what its own parameter says, which attrs writes into the constructor.
        hints |= {alias: Any for alias, a in attributes.items() if a.converter is not None and a.converter}
    constructor = _constructor(owner)
    lookup = Names(constructor)
    for name, annotation in getattr(constructor, "__annotations__", {}).items():
        if name in names and (name not in hints or hints[name] is Any):
            try:
                hints[name] = lookup.resolve(annotation)
            except UnresolvedAnnotation as error:
                raise UnresolvedAnnotation(f"in its field {name!r} {error.problem}", error.remedy) from None
    return {name: _of_init_var(hint) for name, hint in hints.items()}


def _of_init_var(hint: Any) -> Any:
    return _attribute(hint, "type") if isinstance(hint, dataclasses.InitVar) else hint


def _dataclass_described(owner: Any, into: Record, shape: Read) -> Iterator[tuple[str, Shape, bool]]:
    # As the SDK describes a dataclass (json_schema_generator.py): all fields, also those it makes itself.
    by_key = {f.key: f for f in into.fields}
    fields = {f.name: f for f in dataclasses.fields(owner)}
    hints = class_hints(owner, fields)
    for name, field in fields.items():
        optional = (
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        )
        yield name, shape(hints[name]), not optional
    for name in by_key.keys() - fields.keys():
        yield name, by_key[name].shape, by_key[name].default is REQUIRED


def _problem_of_plain(annotation: Any) -> str:
    if not isinstance(annotation, type):
        return "it is not a class"
    if getattr(annotation, "_is_protocol", False) or inspect.isabstract(annotation):
        return "nothing can be made of a Protocol or an abstract class"
    if not isinstance(_constructor(annotation), types.FunctionType):
        return "it has no constructor written in Python"
    try:
        parameters = _constructor_parameters(annotation)
    except (TypeError, ValueError):
        return "its constructor has no signature that can be read"
    if all(p.kind is _Parameter.VAR_POSITIONAL or p.kind is _Parameter.VAR_KEYWORD for p in parameters):
        return "it has no constructor that takes fields"
    return ""


def qualifier_of(annotation: Any) -> str | None:
    """ "Required" and the like, which say something of a field and nothing of its values."""
    origin = typing.get_origin(annotation)
    name = getattr(origin, "_name", None) or getattr(origin, "__name__", None)
    return name if name in ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar", "Unpack") else None


def _substituted(annotation: Any, variables: dict[Any, Any]) -> Any:
    if not variables:
        return annotation
    if annotation in variables:
        return variables[annotation]
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or (isinstance(annotation, type) and not typing.get_args(annotation)):
        return annotation
    generic: Any = annotation
    return generic[tuple(variables.get(parameter, parameter) for parameter in parameters)]


def _attribute(owner: Any, name: str) -> Any:
    return getattr(owner, name)
