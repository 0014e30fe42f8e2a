"""From Python's values to JSON's."""

from __future__ import annotations

import dataclasses
from typing import Any


def to_plain(value: Any) -> Any:
    """One of JSON's types in place of `value`; TypeError if there is none."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(
        f"is of type {type(value).__qualname__}, which JSON has no word for; "
        "return a dict of str, int, float, bool, None, list or dataclass values"
    )
