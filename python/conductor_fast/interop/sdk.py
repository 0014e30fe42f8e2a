"""conductor-python's classes, as far as the program has imported them.

Nothing is imported here: an object can only be of a class whose module is in `sys.modules`.
"""

from __future__ import annotations

import sys
from typing import Any

PACKAGE = "conductor.client."


def find(module: str, name: str) -> Any:
    """What `conductor.client.{module}` has under `name`; None if it was never imported."""
    return getattr(sys.modules.get(PACKAGE + module), name, None)


def is_one(value: object, module: str, name: str) -> bool:
    """Is `value` an instance of that class of conductor-python?"""
    found = find(module, name)
    return isinstance(found, type) and isinstance(value, found)


def derives(kind: type[Any]) -> bool:
    """Is `kind` conductor-python's class, or derived from one?"""
    return any(base.__module__.startswith(PACKAGE) for base in kind.__mro__)
