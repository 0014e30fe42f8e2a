"""How the server treats the tasks of one type."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass
class TaskDef:
    """A task definition, with the SDK's constructor keywords and attributes (http/models/task_def.py).

    What is None is not sent, and the server takes its own default: 3 retries, 60 s between them, 3,600 s
    response timeout, TIME_OUT_WF. `timeout_policy` is RETRY, TIME_OUT_WF or ALERT_ONLY; `retry_logic` is
    FIXED, EXPONENTIAL_BACKOFF or LINEAR_BACKOFF. `input_schema` and `output_schema` are references,
    `{"name": …, "version": 1}`.
    """

    # The order is that of the SDK's positional parameters.
    owner_app: str | None = None
    create_time: int | None = None
    update_time: int | None = None
    created_by: str | None = None
    updated_by: str | None = None
    name: str | None = None
    description: str | None = None
    retry_count: int | None = None
    timeout_seconds: int | None = None
    input_keys: list[str] | None = None
    output_keys: list[str] | None = None
    timeout_policy: str | None = None
    retry_logic: str | None = None
    retry_delay_seconds: int | None = None
    response_timeout_seconds: int | None = None
    concurrent_exec_limit: int | None = None
    input_template: dict[str, Any] | None = None
    rate_limit_per_frequency: int | None = None
    rate_limit_frequency_in_seconds: int | None = None
    isolation_group_id: str | None = None
    execution_name_space: str | None = None
    owner_email: str | None = None
    poll_timeout_seconds: int | None = None
    backoff_scale_factor: int | None = None
    input_schema: Any = None
    output_schema: Any = None
    enforce_schema: bool = False
    base_type: str | None = None
    total_timeout_seconds: int | None = None
    runtime_metadata: list[str] | None = None

    attribute_map: ClassVar[dict[str, str]]
    """Wire name by attribute name."""

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> TaskDef:
        """The definition that a JSON object of the server describes; unknown fields are left out."""
        return cls(**{name: wire[key] for name, key in cls.attribute_map.items() if key in wire})

    def to_wire(self) -> dict[str, Any]:
        """The JSON object that the server takes."""
        return definition_to_wire(self)

    def to_dict(self) -> dict[str, Any]:
        """All attributes by their Python names."""
        return {name: getattr(self, name) for name in self.attribute_map}


def definition_to_wire(definition: Any) -> dict[str, Any]:
    """The JSON object of a task definition: ours, the SDK's (both have an `attribute_map`), or a mapping
    that is one already. TypeError for anything else.
    """
    if isinstance(definition, Mapping):
        return dict(definition)  # pyright: ignore[reportUnknownArgumentType] - keys are checked when written
    attribute_map: dict[str, str] | None = getattr(definition, "attribute_map", None)
    if attribute_map is None:
        raise TypeError(f"a task definition is a TaskDef or a dict, not a {type(definition).__name__}")
    with warnings.catch_warnings():
        # Reading some of the SDK's attributes warns that they are deprecated: not the user's doing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        values = {key: getattr(definition, name, None) for name, key in attribute_map.items()}
    # The SDK's definitions refer to schemas by objects of the same make.
    return {
        key: definition_to_wire(value) if hasattr(value, "attribute_map") else value
        for key, value in values.items()
        if value is not None
    }


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


TaskDef.attribute_map = {field.name: _wire_name(field.name) for field in fields(TaskDef)}
