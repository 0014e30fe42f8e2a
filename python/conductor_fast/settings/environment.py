"""Worker settings from the environment, as the SDK reads them (worker/worker_config.py)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_logger = logging.getLogger(__name__)


def _flag(text: str) -> bool:
    value = text.strip().lower()
    if value in {"true", "1", "yes", "on"}:
        return True
    if value in {"false", "0", "no", "off"}:
        return False
    raise ValueError("give true or false")


def _prefetch(text: str) -> int | str:
    return "auto" if text.strip().lower() == "auto" else int(text)


READERS: dict[str, Callable[[str], Any]] = {
    "poll_interval": float,
    "domain": str,
    "worker_id": str,
    "thread_count": int,
    "register_task_def": _flag,
    "poll_timeout": int,
    "prefetch": _prefetch,
    "lease_extend_enabled": _flag,
    "paused": _flag,
    "overwrite_task_def": _flag,
    "strict_schema": _flag,
    "register_schema": _flag,
}
"""The settings that can stand in the environment, and how each is read. Times are milliseconds."""

_ALIASES = {"poll_interval": ("poll_interval", "poll_interval_millis", "polling_interval")}
"""`poll_interval_millis` is documented by the SDK and not read there (S39); it is read here."""

_DEFAULTS = {"overwrite_task_def": True, "strict_schema": False, "register_schema": False}


@dataclass(frozen=True)
class Resolved:
    """A setting's value and where it came from: the variable's name, or `code`."""

    value: Any
    source: str


def names(task_type: str, setting: str) -> Iterator[str]:
    """The variables that may hold a worker's setting; the first one that is set counts."""
    for alias in _ALIASES.get(setting, (setting,)):
        upper = alias.upper()
        yield f"conductor.worker.{task_type}.{alias}"
        yield f"conductor_worker_{task_type}_{alias}"
        yield f"CONDUCTOR_WORKER_{task_type.upper()}_{upper}"
        yield f"CONDUCTOR_WORKER_{task_type}_{upper}"
        if alias == "poll_interval":
            yield f"CONDUCTOR_WORKER_{task_type.upper()}_POLLING_INTERVAL"
            yield f"CONDUCTOR_WORKER_{task_type}_POLLING_INTERVAL"
        yield f"conductor.worker.all.{alias}"
        yield f"CONDUCTOR_WORKER_ALL_{upper}"
        yield f"conductor_worker_{alias}"
        yield f"CONDUCTOR_WORKER_{upper}"


def resolve(task_type: str, setting: str, in_code: Any) -> Resolved:
    """The environment's value, else the code's.

    A value that cannot be read is passed over with a warning that names the variable and the remedy,
    as in the SDK: a worker that runs on its code's value beats one that does not start.
    """
    for name in names(task_type, setting):
        text = os.environ.get(name)
        if text is None:
            continue
        try:
            return Resolved(READERS[setting](text), name)
        except ValueError as error:
            _logger.warning(
                "worker %r: %s=%r is no %s (%s); the code's value %r counts",
                task_type,
                name,
                text,
                setting,
                error,
                in_code,
            )
            break
    return Resolved(in_code, "code")


def resolve_all(task_type: str, in_code: dict[str, Any]) -> dict[str, Resolved]:
    """`resolve` for every setting in `in_code`."""
    return {setting: resolve(task_type, setting, value) for setting, value in in_code.items()}


def resolve_worker_config(
    worker_name: str,
    poll_interval: float | None = None,
    domain: str | None = None,
    worker_id: str | None = None,
    thread_count: int | None = None,
    register_task_def: bool | None = None,
    poll_timeout: int | None = None,
    lease_extend_enabled: bool | None = None,
    paused: bool | None = None,
    overwrite_task_def: bool | None = None,
    strict_schema: bool | None = None,
    register_schema: bool | None = None,
) -> dict[str, Any]:
    """The settings of a worker with the environment's values in place of the code's (the SDK's function)."""
    in_code = {
        "poll_interval": poll_interval,
        "domain": domain,
        "worker_id": worker_id,
        "thread_count": thread_count,
        "register_task_def": register_task_def,
        "poll_timeout": poll_timeout,
        "lease_extend_enabled": lease_extend_enabled,
        "paused": paused,
        "overwrite_task_def": overwrite_task_def,
        "strict_schema": strict_schema,
        "register_schema": register_schema,
    }
    for setting, default in _DEFAULTS.items():
        if in_code[setting] is None:
            in_code[setting] = default
    return {setting: resolved.value for setting, resolved in resolve_all(worker_name, in_code).items()}


def describe(task_type: str, settings: dict[str, Resolved]) -> str:
    """One line: each setting, its value and, unless it is the code's, its source."""
    shown = (
        f"{setting}={resolved.value}" + ("" if resolved.source == "code" else f" ({resolved.source})")
        for setting, resolved in settings.items()
        if resolved.value is not None
    )
    return f"worker {task_type!r}: {', '.join(shown)}"
