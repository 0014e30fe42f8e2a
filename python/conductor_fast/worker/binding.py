"""From a function's signature to the call that runs it, worked out once per worker."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_fast.model.exceptions import ConfigurationError, NonRetryableException
from conductor_fast.model.task import Task

SOURCE_NAME = "<conductor_fast binding>"
"""The file name of generated code, by which tracebacks leave it out."""

_Parameter = inspect.Parameter
_POSITIONAL = (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD)


class InputMismatch(NonRetryableException):
    """A task's input does not fit the function: another attempt would get the same input."""


@dataclass(frozen=True)
class Binding:
    """How to run a function on what a lane hands out.

    `call` takes the whole task as the server sent it if `whole_task`, else its `inputData`. What it gives
    is the output, or a coroutine of it if `is_async`.
    """

    whole_task: bool
    call: Callable[[dict[str, Any]], Any]
    is_async: bool = False


def bind(task_type: str, function: Callable[..., Any]) -> Binding:
    """Bind `function`; ConfigurationError names the worker and what to change.

    A single parameter that is annotated `Task` or `object`, or not annotated, gets the `Task` (the SDK's
    rule: client/worker/worker.py); any other parameter gets the input of its name.
    """

    def refuse(problem: str) -> ConfigurationError:
        return ConfigurationError(f"worker {task_type!r}: {problem}")

    if not callable(function):
        raise refuse(f"its function is a {type(function).__name__}, which cannot be called")
    called = getattr(function, "__call__", None)  # noqa: B004 - of a callable object, what is called
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise refuse("its function is a generator; return the output instead of yielding it")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise refuse(
            "its function has no signature that can be read; wrap it in a function of your own"
        ) from None
    annotations = _annotations(function)
    takes_task = [p for p in parameters if _is_task(annotations.get(p.name, p.annotation))]
    if len(parameters) == 1 and parameters[0].kind in _POSITIONAL:
        annotation = annotations.get(parameters[0].name, parameters[0].annotation)
        if takes_task or annotation in (object, _Parameter.empty):
            return Binding(True, _task_call(function), is_async)
    if takes_task:
        raise refuse(
            f"its parameter {takes_task[0].name!r} is annotated Task, but a function that takes the Task "
            "takes nothing else; remove the other parameters, or use get_task_context() in their place"
        )
    if parameters and all(p.kind is _Parameter.VAR_POSITIONAL for p in parameters):
        raise refuse("its function takes only *args, but inputs are passed by name; name its parameters")
    return Binding(False, _input_call(function, parameters), is_async)


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    # What cannot be resolved (a name imported for type checking only) stays the text that it is.
    target = function if hasattr(function, "__annotations__") else getattr(function, "__call__", function)  # noqa: B004
    try:
        return typing.get_type_hints(target)
    except Exception:
        return {}


def _is_task(annotation: Any) -> bool:
    return annotation is Task or (isinstance(annotation, str) and annotation.rpartition(".")[2] == "Task")


def _task_call(function: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    from_wire = Task.from_wire

    def call(wire: dict[str, Any]) -> Any:
        return function(from_wire(wire))

    return call


def _input_call(
    function: Callable[..., Any], parameters: list[inspect.Parameter]
) -> Callable[[dict[str, Any]], Any]:
    """Generated, as dataclasses generates: a loop over the parameters costs 0.4 µs a task, this 0.1."""
    names: dict[str, Any] = {"function": function, "InputMismatch": InputMismatch}
    required: list[str] = []
    optional: list[str] = []
    arguments: list[str] = []
    for index, parameter in enumerate(parameters):
        value = f"value_{index}"
        if parameter.kind is _Parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is _Parameter.VAR_KEYWORD:
            names["named"] = frozenset(p.name for p in parameters)
            arguments.append("**{name: value for name, value in inputs.items() if name not in named}")
            continue
        if parameter.default is _Parameter.empty:
            required.append(f"        {value} = inputs[{parameter.name!r}]")
        else:
            names[f"default_{index}"] = parameter.default
            optional.append(f"    {value} = inputs.get({parameter.name!r}, default_{index})")
        by_name = parameter.kind is _Parameter.KEYWORD_ONLY
        arguments.append(f"{parameter.name}={value}" if by_name else value)
    lines = ["def call(inputs):"]
    if required:
        lines += ["    try:", *required, "    except KeyError as missing:"]
        lines += [
            "        raise InputMismatch(f'inputData.{missing.args[0]} is required and missing') from None"
        ]
    lines += [*optional, f"    return function({', '.join(arguments)})"]
    exec(compile("\n".join(lines), SOURCE_NAME, "exec"), names)  # noqa: S102 - names of parameters, nothing else
    return typing.cast("Callable[[dict[str, Any]], Any]", names["call"])
