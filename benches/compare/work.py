"""The functions that the clients run. Each gives back what it got, and the server compares."""

# No `from __future__ import annotations`: with it every task of conductor-python 2.0.0 fails, because it
# reads the annotations as they stand. Nor a bare `list` or `List[Any]`, on which its conversion fails.
import asyncio
import time
from collections.abc import Callable
from typing import Any, Dict, List  # noqa: UP035

NAP = 0.001
"""Seconds: a call to something fast on the network."""
CRUNCH = 1_900


def noop(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    """As little as a function can do: what is left is the client's own time."""
    return {"a": a, "b": b, "c": c, "d": d}


async def async_noop(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    return {"a": a, "b": b, "c": c, "d": d}


async def async_yield(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    await asyncio.sleep(0)
    return {"a": a, "b": b, "c": c, "d": d}


def nap(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    time.sleep(NAP)
    return {"a": a, "b": b, "c": c, "d": d}


async def async_nap(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    await asyncio.sleep(NAP)
    return {"a": a, "b": b, "c": c, "d": d}


def crunch(a: int, b: str, c: bool, d: float) -> Dict[str, Any]:  # noqa: UP006
    """Nothing but Python: some 100 µs on the machine that the report is of."""
    sum(number * number for number in range(CRUNCH))
    return {"a": a, "b": b, "c": c, "d": d}


def document(
    a: int,
    b: str,
    c: bool,
    d: float,
    document: List[dict],  # type: ignore[type-arg] # noqa: UP006 # the SDK takes no list of dict[…]
) -> Dict[str, Any]:  # noqa: UP006
    return {"a": a, "b": b, "c": c, "d": d, "document": document}


FUNCTIONS: Dict[str, Callable[..., Any]] = {  # noqa: UP006
    function.__name__: function
    for function in (noop, async_noop, async_yield, nap, async_nap, crunch, document)
}
