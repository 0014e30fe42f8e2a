"""What the commands log, and how: `--log-format`, `--log-level`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

import click

from conductor_fast.model.context import running_ids

_LEVELS = ("debug", "info", "warning", "error", "critical")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_IDS = ("task_type", "task_id", "workflow_id")

Function = TypeVar("Function", bound=Callable[..., object])


def log_options(level: str | None, shown_level: str) -> Callable[[Function], Function]:
    """The options of a command that logs to stderr; `level` is the default of `log_level`."""
    format_option = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Lines for people, or a JSON object a line.",
    )
    level_option = click.option(
        "--log-level",
        type=click.Choice(_LEVELS, case_sensitive=False),
        default=level,
        show_default=shown_level,
        help="The lowest level that is logged.",
    )
    return lambda function: format_option(level_option(function))


def set_up(log_format: str, level: int) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler()
    handler.addFilter(_add_ids)
    handler.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(handlers=[handler], level=level)


def _add_ids(record: logging.LogRecord) -> bool:
    """What a worker's function logs is about its task."""
    if not hasattr(record, "task_id"):
        ids = running_ids()
        if ids is not None:
            record.__dict__.update(zip(_IDS, ids, strict=True))
    return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message and, where there are such, task_type,
    task_id, workflow_id and exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc)
        fields: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in _IDS:
            value = getattr(record, name, None)
            if value is not None:
                fields[name] = str(value)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        elif record.exc_text:
            fields["exception"] = record.exc_text
        return json.dumps(fields)
