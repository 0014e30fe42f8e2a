"""Request bodies."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from conductor_fast import _core
from conductor_fast.model.plain import to_plain


def json_body(value: Any) -> bytes:
    """`value` as a worker's output is written. ValueError names the place of what cannot be."""
    return _core.encode_json(value, to_plain)


def output_body(output: Any, envelope: dict[str, Any] | None = None) -> bytes:
    """A task's output as a body, or as `outputData` of `envelope`.

    A dict or a dataclass is the output, None is an empty one, any other value is `{"result": value}`:
    as with what a worker returns.
    """
    if output is None:
        output = {}
    elif not isinstance(output, dict) and not (
        dataclasses.is_dataclass(output) and not isinstance(output, type)
    ):
        output = {"result": output}
    return json_body(output if envelope is None else {**envelope, "outputData": output})


def definition(source: dict[str, Any] | str | Path) -> dict[str, Any]:
    """A definition given as a dict or as the path of a JSON file; ValueError names the file."""
    if isinstance(source, dict):
        return source
    try:
        value: Any = json.loads(Path(source).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{source} is not a JSON file: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{source} holds no JSON object but a {type(value).__name__}")
    return value  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are strings
