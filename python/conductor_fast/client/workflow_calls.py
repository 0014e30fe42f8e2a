"""The calls of the workflow client (server: WorkflowResource.java, MetadataResource.java)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conductor_fast.client.call import Call, as_nothing, as_object, as_text
from conductor_fast.client.json_body import definition, json_body
from conductor_fast.model.exceptions import ApiException

Definition = dict[str, Any] | str | Path

TERMINAL_STATUSES = frozenset({"COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED"})
"""Of a workflow (Workflow.java); PAUSED and RUNNING are not."""


def register_workflow(source: Definition) -> Call[None]:
    # PUT takes a list and replaces; POST refuses a workflow that exists with 409.
    return Call("PUT", ["metadata", "workflow"], _all_taken, body=json_body([definition(source)]))


def register_task_definition(source: Definition) -> Call[None]:
    return Call("POST", ["metadata", "taskdefs"], as_nothing, body=json_body([definition(source)]))


def start_workflow(
    name: str,
    input: Mapping[str, Any] | None,
    version: int | None,
    correlation_id: str | None,
    task_to_domain: Mapping[str, str] | None,
) -> Call[str]:
    request: dict[str, Any] = {"name": name, "input": dict(input or {})}
    if version is not None:
        request["version"] = version
    if correlation_id is not None:
        request["correlationId"] = correlation_id
    if task_to_domain:
        request["taskToDomain"] = dict(task_to_domain)
    # Sent again, a second workflow would run.
    return Call("POST", ["workflow"], as_text, body=json_body(request), repeatable=False)


def get_workflow(workflow_id: str, include_tasks: bool) -> Call[dict[str, Any]]:
    query = {"includeTasks": "true" if include_tasks else "false"}
    return Call("GET", ["workflow", workflow_id], as_object, query)


def terminate_workflow(workflow_id: str, reason: str | None) -> Call[None]:
    return Call("DELETE", ["workflow", workflow_id], as_nothing, {"reason": reason})


def _all_taken(body: bytes) -> None:
    """The server's success may hold refusals (BulkResponse.java)."""
    refused: dict[str, str] = (as_object(body).get("bulkErrorResults") or {}) if body else {}
    if refused:
        raise ApiException(200, "; ".join(f"{name}: {problem}" for name, problem in refused.items()))
