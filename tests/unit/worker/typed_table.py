"""What typed parameters take and refuse: the table behind `test_typed_input`, and README's.

`python -m tests.unit.worker.typed_table` prints the Markdown between README's markers.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from enum import Enum
from typing import Any

from tests.unit.worker.typed_classes import CLASSES
from tests.unit.worker.typed_values import VALUES

ROWS = [*VALUES, *CLASSES]


def markdown() -> str:
    """The rows as a Markdown table: inputs as JSON, and in Python what becomes of them."""
    lines = ["| parameter | takes | refuses |", "|---|---|---|"]
    for row in ROWS:
        takes = ", ".join(_taken(*pair) for pair in row.takes)
        refuses = ", ".join(_json(value) for value in row.refuses)
        lines.append(f"| {_code(row.shown)} | {takes} | {refuses} |")
    return "\n".join(lines)


def _taken(value: Any, result: Any) -> str:
    unchanged = type(value) is type(result) and value == result
    return _json(value) if unchanged else f"{_json(value)} → {_code(_shown(result))}"


def _shown(result: Any) -> str:
    """As `repr`, which differs between Python versions, and without the name of the module."""
    if isinstance(result, Enum):
        return f"{type(result).__name__}({result.value!r})"
    if isinstance(result, OrderedDict):
        return f"OrderedDict({dict(result)!r})"
    return repr(result).replace("datetime.", "").replace("PosixPath", "Path")


def _json(value: Any) -> str:
    text = json.dumps(value)
    return _code(text if len(text) < 100 else f"{text[:20]}…")


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
