"""The table of cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.contract.api import Api

Case = Callable[[Api], dict[str, Any]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Put a function into the table under its own name.

    A case asks one server and returns a record of what it answered, step by step. It asserts
    nothing about the answers: the other server's record is the expectation.
    """
    CASES[function.__name__] = function
    return function
