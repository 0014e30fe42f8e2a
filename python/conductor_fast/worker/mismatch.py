"""Input that does not fit: where, and what was expected there; never what came instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from conductor_fast.model.exceptions import NonRetryableException

kind_of: Final[Callable[[Any], type[object]]] = type
"""`type` under a name by which checkers do not narrow a JSON value to a list of who knows what."""

_MOST_KEY_CHARACTERS = 60


class InputMismatch(NonRetryableException):
    """A task's input does not fit the function: another attempt would get the same input."""


class Mismatch(Exception):  # noqa: N818 - not an error to anybody yet: whoever knows the parameter makes it one
    """A value does not fit. On its way out every holder of the value appends its key to `path`."""

    def __init__(self, expected: str, *path: str | int, missing: bool = False) -> None:
        super().__init__()
        self.expected = expected
        self.missing = missing
        self.path = list(path)
        """Innermost key first."""

    def __str__(self) -> str:
        where = "inputData" + "".join(_step(key) for key in reversed(self.path))
        problem = "is required and missing; " if self.missing else ""
        return f"{where}{':' if not problem else ''} {problem}expected {self.expected}"


def refuse(mismatch: Mismatch) -> NoReturn:
    """End the task. Outside of any `except`, so that no error that holds a value hangs on as context."""
    raise InputMismatch(str(mismatch))


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if key.isidentifier() and len(key) <= _MOST_KEY_CHARACTERS:
        return f".{key}"
    # A key of a dict is the caller's text: quoted, and not all of it if it is long.
    shown = key if len(key) <= _MOST_KEY_CHARACTERS else f"{key[:_MOST_KEY_CHARACTERS]}…"
    return f"[{shown!r}]"
