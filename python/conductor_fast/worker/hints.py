"""Annotations as run-time types: text and forward references are looked up where they were written."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection
from typing import Any, ForwardRef


class UnresolvedAnnotation(Exception):  # noqa: N818 - becomes a ConfigurationError, or nothing if lenient
    """Text that is no type at run time. `problem` says why, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Names:
    """Where the names in annotations of a function or class are looked up."""

    def __init__(self, owner: Callable[..., Any]) -> None:
        if isinstance(owner, type):
            self.globals = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
            # A class of a function's body is in no module: it may at least name itself.
            self.locals: dict[str, Any] = {owner.__name__: owner}
        else:
            function = _defining(owner)
            self.globals = getattr(function, "__globals__", {})
            self.locals = _enclosing(function)
        for parameter in getattr(owner, "__type_params__", ()):
            self.locals[parameter.__name__] = parameter

    def resolve(self, annotation: Any) -> Any:
        """The type that `annotation` stands for; UnresolvedAnnotation."""
        # Of a class, because only there may the text say ClassVar or Final.
        holder = type("Holder", (), {"__annotations__": {"it": _with_references(annotation)}})
        try:
            hints = typing.get_type_hints(holder, self.globals, self.locals, include_extras=True)
        except NameError as error:
            name = error.name or "a name in it"
            raise UnresolvedAnnotation(
                f"the name {name!r} cannot be found",
                "import it at run time too, not only under TYPE_CHECKING, "
                "and define it in the module, not in a function",
            ) from None
        except Exception as error:
            raise UnresolvedAnnotation(
                f"it cannot be evaluated ({type(error).__name__})", "write a type in its place"
            ) from None
        return hints["it"]


def class_hints(owner: type, wanted: Collection[str]) -> dict[str, Any]:
    """The resolved annotations of these names, of a class and its bases; UnresolvedAnnotation."""
    hints: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        names = Names(base)
        names.locals.setdefault(owner.__name__, owner)
        # Not `vars`: since 3.14 annotations are made when they are asked for.
        for name, annotation in inspect.get_annotations(base).items():
            if name not in wanted:
                continue
            try:
                hints[name] = names.resolve(annotation)
            except UnresolvedAnnotation as error:
                raise UnresolvedAnnotation(f"in its field {name!r} {error.problem}", error.remedy) from None
    return hints


def _with_references(annotation: Any) -> Any:
    """`list["Order"]` as `list[ForwardRef("Order")]`: Python 3.10 leaves such text as it is."""
    if not isinstance(annotation, types.GenericAlias):
        return annotation
    origin: Any = annotation.__origin__
    arguments = annotation.__args__
    resolved = tuple(ForwardRef(a) if isinstance(a, str) else _with_references(a) for a in arguments)
    return annotation if resolved == arguments else types.GenericAlias(origin, resolved)


def _defining(function: Any) -> Any:
    """The plain function in which the annotations that `inspect.signature` shows are written."""
    while not isinstance(function, types.FunctionType) or hasattr(function, "__wrapped__"):
        if isinstance(function, functools.partial):
            function = typing.cast("Any", function).func
        elif hasattr(function, "__wrapped__"):
            function = typing.cast("Any", function).__wrapped__
        elif isinstance(function, types.MethodType):
            function = function.__func__
        elif isinstance(type(function).__call__, types.FunctionType):
            function = type(function).__call__
        else:
            break
    return function


def _enclosing(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # noqa: PERF203 - not assigned yet
            continue
    return found
