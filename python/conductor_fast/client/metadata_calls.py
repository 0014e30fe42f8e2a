"""The calls for task definitions and schemas (server: MetadataResource.java; schemas: Orkes only)."""

from __future__ import annotations

from typing import Any

from conductor_fast.client.call import Call, as_nothing, as_object
from conductor_fast.client.json_body import json_body


def get_task_definition(name: str) -> Call[dict[str, Any]]:
    return Call("GET", ["metadata", "taskdefs", name], as_object)


def create_task_definition(definition: dict[str, Any]) -> Call[None]:
    return Call("POST", ["metadata", "taskdefs"], as_nothing, body=json_body([definition]))


def update_task_definition(definition: dict[str, Any]) -> Call[None]:
    """Replaces the definition: what is not given gets the server's default. 404 if there is none."""
    return Call("PUT", ["metadata", "taskdefs"], as_nothing, body=json_body(definition))


def save_schema(name: str, schema: dict[str, Any]) -> Call[None]:
    # The version is always the first: it is replaced with the code that it describes, as in the SDK.
    body = {"name": name, "version": 1, "type": "JSON", "data": schema}
    return Call("POST", ["schema"], as_nothing, body=json_body(body))
