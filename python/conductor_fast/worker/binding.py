"""From a function's signature to the call that runs it, worked out once per worker."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_fast.interop.tasks import is_task_class, task_maker
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.model.task import Task
from conductor_fast.worker.annotations import Reader, shown
from conductor_fast.worker.compile import Compiler
from conductor_fast.worker.converter import Argument, Arguments, Converter, Member, caller, members
from conductor_fast.worker.hints import Names, UnresolvedAnnotation
from conductor_fast.worker.libraries import Unusable
from conductor_fast.worker.records import read_rest
from conductor_fast.worker.shapes import ANYTHING, REQUIRED, Field, Shape, Unknown, unknown_in

_Parameter = inspect.Parameter
_POSITIONAL = (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD)
_Refuse = Callable[[str], ConfigurationError]
_MakeTask = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Binding:
    """How to run a function on what a lane hands out.

    `call` takes the whole task as the server sent it if `whole_task`, else its `inputData`, or the values of
    its `members` alone. What it gives is the output, or a coroutine of it if `is_async`.
    """

    whole_task: bool
    call: Callable[[Any], Any]
    is_async: bool = False
    members: list[Member] | None = None


def bind(
    task_type: str,
    function: Callable[..., Any],
    *,
    strict_inputs: bool = True,
    make_task: _MakeTask = Task.from_wire,
    bare_is_input: bool = False,
) -> Binding:
    """Bind `function`; ConfigurationError names the worker and what to change.

    A single parameter that is annotated `Task` or `object`, or not annotated, gets the `Task` (the SDK's
    rule: client/worker/worker.py); any other parameter gets the input of its name, as its annotation asks:
    what converts without loss is converted (scalars.py), anything else, and a missing required input, is an
    InputMismatch. Not `strict_inputs`: the SDK's leniency (compile.py). A function that annotates the SDK's
    `Task` gets that one, any other what `make_task` makes. `bare_is_input`: a single parameter without
    annotation gets the input of its name, as a coroutine function's does there.
    """

    def refuse(problem: str) -> ConfigurationError:
        return ConfigurationError(f"worker {task_type!r}: {problem}")

    parameters = _parameters(function, refuse)
    is_async = any(map(inspect.iscoroutinefunction, (function, _called(function))))
    resolved = {p.name: _resolved(function, p.annotation) for p in parameters}
    takes_task = [p for p in parameters if is_task(resolved[p.name])]
    if len(parameters) == 1 and parameters[0].kind in _POSITIONAL:
        annotation = resolved[parameters[0].name]
        if takes_task or (annotation in (object, _Parameter.empty) and not bare_is_input):
            if is_task_class(annotation):
                make_task = task_maker() or make_task
            return Binding(True, _task_call(function, make_task), is_async)
    if takes_task:
        raise refuse(
            f"its parameter {takes_task[0].name!r} is annotated Task, but a function that takes the Task "
            "takes nothing else; remove the other parameters, or use get_task_context() in their place"
        )
    if parameters and all(p.kind is _Parameter.VAR_POSITIONAL for p in parameters):
        raise refuse("its function takes only *args, but inputs are passed by name; name its parameters")
    if not isinstance(strict_inputs, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - users have no checker
        raise refuse(f"strict_inputs is a {type(strict_inputs).__name__}; give True or False")
    call, taken = _input_call(function, parameters, resolved, refuse, strict=strict_inputs)
    return Binding(False, call, is_async, taken)


def _called(function: Any) -> Any:
    """Of a callable object, what is called."""
    return getattr(function, "__call__", None)  # noqa: B004


def _parameters(function: Any, refuse: _Refuse) -> list[inspect.Parameter]:
    if not callable(function):
        raise refuse(f"its function is a {type(function).__name__}, which cannot be called")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise refuse("its function is a generator; return the output instead of yielding it")
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise refuse(
            "its function has no signature that can be read; wrap it in a function of your own"
        ) from None


def _resolved(function: Callable[..., Any], annotation: Any) -> Any:
    """The annotation, or why it is none."""
    if annotation is _Parameter.empty:
        return annotation
    try:
        return Names(function).resolve(annotation)
    except UnresolvedAnnotation as error:
        # Importing Task for type checkers only is no mistake.
        if isinstance(annotation, str) and annotation.rpartition(".")[2] == "Task":
            return Task
        return Unknown(shown(annotation), error.problem, error.remedy)


def is_task(annotation: Any) -> bool:
    """Whether the parameter so annotated gets the `Task`."""
    return annotation is Task or is_task_class(annotation)


def _task_call(function: Callable[..., Any], make_task: _MakeTask) -> Callable[[dict[str, Any]], Any]:
    def call(wire: dict[str, Any]) -> Any:
        return function(make_task(wire))

    return call


def parameter_shape(parameter: inspect.Parameter, annotation: Any, reader: Reader) -> Shape:
    """What a parameter asks for; of `**kwargs`, what it asks of all that it takes."""
    if isinstance(annotation, Unknown):
        return annotation
    if annotation is _Parameter.empty:
        return ANYTHING
    if parameter.kind is _Parameter.VAR_KEYWORD:
        return read_rest(annotation, reader.read)
    if parameter.default is None and annotation is not Any:
        # `name: str = None` says that None is fine.
        annotation = typing.Optional[annotation]  # noqa: UP045 - `|` fails for what is no class
    return reader.read(annotation)


def _input_call(
    function: Callable[..., Any],
    parameters: list[inspect.Parameter],
    annotations: dict[str, Any],
    refuse: _Refuse,
    *,
    strict: bool,
) -> tuple[Callable[[Arguments], Any], list[Member] | None]:
    reader, compiler = Reader(), Compiler(strict=strict)
    arguments: list[Argument] = []
    rest: Converter | None = None
    for parameter in parameters:
        if parameter.kind is _Parameter.VAR_POSITIONAL:
            continue
        annotation = annotations[parameter.name]
        named = f"its parameter {parameter.name!r} is annotated {shown(parameter.annotation)}"
        shape = parameter_shape(parameter, annotation, reader)
        unknown = unknown_in(shape) if strict else None
        if unknown is not None:
            inner = "" if unknown is shape else f"of {unknown.name} in it, "
            raise refuse(f"{named}, but {inner}{unknown.problem}; {unknown.remedy}")
        try:
            if parameter.kind is _Parameter.VAR_KEYWORD:
                rest = compiler.converter(shape)
                continue
            default = REQUIRED if parameter.default is _Parameter.empty else parameter.default
            by_name = parameter.kind is _Parameter.KEYWORD_ONLY
            arguments.append(compiler.argument(Field(parameter.name, shape, default, by_name)))
        except Unusable as error:
            raise refuse(f"{named}, but {error}; correct the type, or annotate Any") from None
    return caller(function, arguments, rest), members(arguments, rest)
