"""Task definitions and schemas that workers make at their start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conductor_fast.client import metadata_calls
from conductor_fast.client.connection import Connection
from conductor_fast.model.exceptions import ApiException, ConfigurationError
from conductor_fast.model.task_def import definition_to_wire
from conductor_fast.worker.schema import generate_json_schema_from_function
from conductor_fast.worker.worker_interface import WorkerInterface


@dataclass(frozen=True)
class Registration:
    """What to tell the server of a task type, with nothing left to read."""

    task_type: str
    template: dict[str, Any] | None
    """The definition that the user gave, as the server takes it."""
    overwrite: bool
    schemas: dict[str, dict[str, Any]]
    """By the name of the definition's field: `inputSchema`, `outputSchema`."""


def registration_of(worker: WorkerInterface, task_type: str, settings: Mapping[str, Any]) -> Registration:
    """What `worker` wants registered; ConfigurationError for a template that is none."""
    template: dict[str, Any] | None = None
    if worker.task_def_template is not None:
        try:
            template = {**definition_to_wire(worker.task_def_template), "name": task_type}
        except TypeError as error:
            raise ConfigurationError(f"worker {task_type!r}: task_def: {error}") from None
    schemas: dict[str, dict[str, Any]] = {}
    function = getattr(worker, "execute_function", None)
    # A class has no parameters to tell of: as in the SDK it is registered without schemas.
    if settings["register_schema"] and function is not None:
        schemas = _schemas(task_type, function, settings["strict_schema"])
    return Registration(task_type, template, settings["overwrite_task_def"], schemas)


def register(connection: Connection, registration: Registration) -> None:
    """Make the task definition, and its schemas where the server keeps any. ApiException if it refuses.

    A definition that exists is replaced only by a template, and only if it may be overwritten. Without
    a template only the references to schemas are set in it. The SDK replaces it by one without settings,
    which resets what was set on the server (S34).
    """
    references = _save_schemas(connection, registration)
    existing = _existing(connection, registration.task_type)
    if existing is None:
        made = registration.template or {"name": registration.task_type, "enforceSchema": False}
        connection.run(metadata_calls.create_task_definition({**made, **references}))
    elif registration.overwrite and (registration.template or references):
        made = registration.template or existing
        connection.run(metadata_calls.update_task_definition({**made, **references}))


def _existing(connection: Connection, task_type: str) -> dict[str, Any] | None:
    try:
        return connection.run(metadata_calls.get_task_definition(task_type)) or None
    except ApiException as error:
        if error.is_not_found():
            return None
        raise


def _save_schemas(connection: Connection, registration: Registration) -> dict[str, Any]:
    """References to the schemas that were saved: none where the server keeps none (Conductor OSS)."""
    references: dict[str, Any] = {}
    for field, schema in registration.schemas.items():
        name = f"{registration.task_type}_{field.removesuffix('Schema')}"
        try:
            connection.run(metadata_calls.save_schema(name, schema))
        except ApiException as error:
            if error.is_not_found():
                return {}
            raise
        references[field] = {"name": name, "version": 1}
    return references


def _schemas(task_type: str, function: Any, strict: bool) -> dict[str, dict[str, Any]]:
    schemas = generate_json_schema_from_function(function, task_type, strict_schema=strict)
    return {f"{side}Schema": schema for side in ("input", "output") if (schema := (schemas or {}).get(side))}
