"""One row of the typed-input table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """An annotation, JSON that it takes with what the function gets, and JSON that it refuses.

    `at`: where in the first refused value the error points to.
    """

    shown: str
    annotation: Any
    takes: list[tuple[Any, Any]]
    refuses: list[Any]
    at: str = ""


def same(*values: Any) -> list[tuple[Any, Any]]:
    """Values that the function gets as they are."""
    return [(value, value) for value in values]
