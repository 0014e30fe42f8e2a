"""The plan for one shape, and the code that is generated from plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from conductor_fast.worker.mismatch import Mismatch, refuse
from conductor_fast.worker.shapes import REQUIRED

SOURCE_NAME = "<conductor_fast binding>"
"""The file name of generated code, by which tracebacks leave it out."""

Arguments = dict[str, Any] | tuple[Any, ...]
"""What a function is called with: `inputData`, or the values of its `Member`s."""

Member = tuple[str, tuple[Any] | None]
"""Of `inputData`, by its name; what stands for it where it is missing, or None if it has to be there."""

EVERYTHING: Final = frozenset[type]({object})
"""As `passes`, and compared by identity: nothing is ever looked at."""


@dataclass(eq=False)
class Converter:
    """How a value becomes what its annotation asks for."""

    expected: str
    convert: Callable[[Any], Any]
    """Raises Mismatch."""
    passes: frozenset[type] = frozenset()
    """A value of exactly one of these types stays what it is, without a call."""
    is_exact: Callable[[Any], bool] = lambda value: False
    """Whether nothing of the value has to be converted; a union asks it."""
    keys: frozenset[str] | None = None
    """Of a record: the keys that it knows."""


@dataclass(frozen=True)
class Argument:
    """The value at `key`, converted, is passed on; by that name if `by_name`."""

    key: str
    converter: Converter
    default: Any = REQUIRED
    by_name: bool = False
    factory: Callable[[], Any] | None = None
    """Makes the default, in place of `default`."""


_ABSENT = object()
# What the engine may hold for as long as it lives: the collector does not see what hangs on it there.
_ATOMS = frozenset((type(None), bool, int, float, str, bytes))


class _Code:
    """Lines of a function and the names that it uses."""

    def __init__(self, arguments: list[Argument], rest: Converter | None) -> None:
        self.names: dict[str, Any] = {"absent": _ABSENT, "Mismatch": Mismatch, "refuse": refuse}
        self.required: list[str] = []
        self.optional: list[str] = []
        self.conversions: list[str] = []
        self.values: list[str] = []
        self.passed: list[str] = []
        for index, argument in enumerate(arguments):
            self._add(index, argument)
        self.names["expected"] = {a.key: a.converter.expected for a in arguments}
        if rest is not None:
            self.names["named"] = frozenset(a.key for a in arguments)
            self.optional.append(
                "rest = {name: value for name, value in source.items() if name not in named}"
            )
            if rest.passes is not EVERYTHING:
                self.names["convert_rest"] = rest.convert
                self.conversions += ["at = None", "rest = convert_rest(rest)"]
            self.passed.append("**rest")

    def _add(self, index: int, argument: Argument) -> None:
        value, default, convert = f"value_{index}", f"default_{index}", f"convert_{index}"
        converter = argument.converter
        self.names[default], self.names[convert] = argument.default, converter.convert
        fallback = ""
        if argument.factory is not None:
            self.names[default], default = argument.factory, f"{default}()"
        if argument.default is REQUIRED:
            self.required.append(f"{value} = source[{argument.key!r}]")
        elif converter.passes is EVERYTHING and argument.factory is None:
            self.optional.append(f"{value} = source.get({argument.key!r}, {default})")
        else:
            self.optional.append(f"{value} = source.get({argument.key!r}, absent)")
            fallback = f"{default} if {value} is absent else "
        if converter.passes is EVERYTHING:
            if argument.factory is not None:
                self.optional += [f"if {value} is absent:", f"    {value} = {default}"]
        else:
            indent = ""
            if converter.passes:
                self.conversions.append(f"if {self._differs(value, index, converter.passes)}:")
                indent = "    "
            self.conversions.append(f"{indent}at = {argument.key!r}")
            self.conversions.append(f"{indent}{value} = {fallback}{convert}({value})")
        self.values.append(value)
        # By name only if it must be: a call by position is the faster one.
        self.passed.append(f"{argument.key}={value}" if argument.by_name else value)

    def _differs(self, value: str, index: int, passes: frozenset[type]) -> str:
        null = "" if type(None) not in passes else f"{value} is not None and "
        kinds = [kind for kind in passes if kind is not type(None)]
        if len(kinds) == 1:
            self.names[f"type_{index}"] = kinds[0]
            return f"{null}type({value}) is not type_{index}"
        self.names[f"types_{index}"] = frozenset(kinds)
        return f"{null}type({value}) not in types_{index}"

    def read(self, when_missing: str) -> list[str]:
        """Lines that take the values out of `source`."""
        if not self.required:
            return self.optional
        return [
            "try:",
            *(f"    {line}" for line in self.required),
            "except KeyError as absent_key:",
            "    key = absent_key.args[0]",
            "    missing = Mismatch(expected[key], key, missing=True)",
            "else:",
            "    missing = None",
            "if missing is not None:",
            f"    {when_missing}",
            *self.optional,
        ]

    def compiled(self, lines: list[str]) -> Callable[[Any], Any]:
        text = "\n".join(["def generated(source):", *(f"    {line}" for line in lines)])
        exec(compile(text, SOURCE_NAME, "exec"), self.names)  # noqa: S102 - identifiers and reprs of keys only
        return cast("Callable[[Any], Any]", self.names["generated"])


def members(arguments: list[Argument], rest: Converter | None) -> list[Member] | None:
    """What `caller` takes besides a dict, if it does."""
    if rest is not None or not arguments:
        return None
    return [(argument.key, _stand_in(argument)) for argument in arguments]


def _stand_in(argument: Argument) -> tuple[Any] | None:
    if argument.default is REQUIRED:
        return None
    is_used = argument.converter.passes is EVERYTHING and type(argument.default) in _ATOMS
    return (argument.default if is_used else _ABSENT,)


def _unpacked(arguments: list[Argument], values: list[str]) -> list[str]:
    """Lines that take the values out of `source`, a tuple."""
    lines = [f"{', '.join(values)}, = source"]
    for index, (argument, value) in enumerate(zip(arguments, values, strict=True)):
        # What is to be converted has its default there.
        if argument.converter.passes is EVERYTHING and _stand_in(argument) == (_ABSENT,):
            lines += [f"if {value} is absent:", f"    {value} = default_{index}"]
    return lines


def caller(
    function: Callable[..., Any], arguments: list[Argument], rest: Converter | None
) -> Callable[[Arguments], Any]:
    """From `Arguments` to what `function` returns; InputMismatch.

    Generated, as dataclasses generates: a loop over the parameters costs 0.4 µs a task, this 0.1.
    """
    code = _Code(arguments, rest)
    code.names["function"] = function
    call = f"return function({', '.join(code.passed)})"
    lines = code.read("refuse(missing)")
    if members(arguments, rest) is not None:
        lines = [
            "if type(source) is tuple:",
            *(f"    {line}" for line in _unpacked(arguments, code.values)),
            "else:",
            *(f"    {line}" for line in lines),
        ]
    if not code.conversions:
        return code.compiled([*lines, call])
    lines += ["try:", *(f"    {line}" for line in code.conversions)]
    lines += ["except Mismatch as mismatch:", "    problem = mismatch"]
    lines += ["    if at is not None:", "        problem.path.append(at)"]
    # In `else`, so that nothing of ours is in the way of what the function raises.
    lines += ["else:", f"    {call}", "refuse(problem)"]
    return code.compiled(lines)


def maker(
    expected: str,
    make: Callable[..., Any],
    arguments: list[Argument],
    rest: Converter | None = None,
    *,
    inline: bool = False,
) -> Callable[[Any], Any]:
    """From a JSON object to what `make` makes of its fields; Mismatch.

    `inline` sets them itself, as the `__init__` that dataclasses generates: without that call a record of 10
    fields costs 0.50 µs instead of 0.55. `make(**source)` costs 0.42 with keys that are the constructor's
    very objects, and 0.9 with keys as a decoder makes them.
    """
    code = _Code(arguments, rest)
    code.names |= {"make": make, "its_name": expected, "refusals": (ValueError, TypeError, AssertionError)}
    lines = ["if type(source) is not dict:", "    raise Mismatch(its_name)", *code.read("raise missing")]
    if code.conversions:
        lines += ["try:", *(f"    {line}" for line in code.conversions)]
        lines += ["except Mismatch as mismatch:"]
        lines += ["    if at is not None:", "        mismatch.path.append(at)", "    raise"]
    if inline:
        code.names["new"] = object.__new__
        fields = [f"    made.{a.key} = {value}" for a, value in zip(arguments, code.values, strict=True)]
        lines += ["try:", "    made = new(make)", *fields, "    return made"]
    else:
        lines += ["try:", f"    return make({', '.join(code.passed)})"]
    # What the class itself refuses; its words may hold the value.
    lines += ["except refusals as error:", "    kind = type(error).__name__"]
    lines += ["raise Mismatch(f'{its_name}, whose constructor refused it with a {kind}')"]
    return code.compiled(lines)
