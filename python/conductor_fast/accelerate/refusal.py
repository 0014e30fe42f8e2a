"""What runs on conductor-python as it is, and the line that says so."""

from __future__ import annotations

import inspect
import logging
import os
from typing import Any

from conductor_fast.accelerate.sdk_module import SdkModule

VARIABLE = "CONDUCTOR_FAST_ACCELERATE"

_ISOLATION = "CONDUCTOR_WORKER_ISOLATION"
_OFF = {"0", "false", "no", "off"}
_logger = logging.getLogger("conductor_fast.accelerate")


def switched_off() -> bool:
    """Does the environment say that nothing is to be accelerated?"""
    return os.environ.get(VARIABLE, "").strip().lower() in _OFF


def refusal(sdk: SdkModule, target: Any, kind: type) -> str | None:
    """Why `target`, a handler or runner that derives from `kind`, is not accelerated; None if it is."""
    if switched_off():
        return f"{VARIABLE}={os.environ[VARIABLE]}"
    if os.environ.get(_ISOLATION, "").strip().lower() == "process":
        return f"{_ISOLATION}=process asks for a process for each worker"
    return sdk.patched() or _overridden(target.__class__, kind) or _replaced(target, kind)


def _overridden(given: type, kind: type) -> str | None:
    for each in given.__mro__[: given.__mro__.index(kind)]:
        for name in vars(each):
            if name != "__init__" and inspect.isfunction(vars(kind).get(name)):
                return f"{each.__module__}.{each.__qualname__} has a {name} of its own"
    return None


def _replaced(target: Any, kind: type) -> str | None:
    """An attribute of the instance in the place of a method: a test's, or an instrumentation's."""
    attributes: dict[str, Any] = target.__dict__
    for name in attributes:
        if inspect.isfunction(getattr(kind, name, None)):
            return f"{kind.__name__}.{name} is patched on the instance"
    return None


def tell(what: str, reason: str) -> None:
    """Say in one line that `what` runs on conductor-python, and why."""
    _logger.warning("%s is not accelerated and runs on conductor-python: %s", what, reason)
