"""A request and how its answer is read, before anybody has sent it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
J = TypeVar("J", dict[str, Any], list[Any], int)


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call of the server's API, for the clients that block and those that are awaited."""

    method: str
    path: list[str]
    """Segments below the API's URL, not encoded."""
    read: Callable[[bytes], T]
    """ValueError for a body that is none of this call's."""
    query: Mapping[str, str | None] | None = None
    """What is None is left out."""
    body: bytes | None = None
    hold: float = 0.0
    """Seconds that the server may hold the call."""
    repeatable: bool = True
    """May it be sent again when its answer was lost?"""


def as_text(body: bytes) -> str:
    return body.decode()


def as_object(body: bytes) -> dict[str, Any]:
    return _read(body, dict)


def as_list(body: bytes) -> list[Any]:
    """Empty for an empty body: some calls answer 204 where they have nothing."""
    return _read(body, list) if body else []


def as_int(body: bytes) -> int:
    return _read(body, int)


def as_nothing(_body: bytes) -> None:
    return None


def _read(body: bytes, kind: type[J]) -> J:
    value: object = json.loads(body)
    if not isinstance(value, kind):
        raise ValueError(f"{kind.__name__} expected, {type(value).__name__} found")
    return value
