"""Cases of task definitions."""

from __future__ import annotations

from typing import Any

from tests.contract.api import Api
from tests.contract.case import case

DEFINITIONS = "/metadata/taskdefs"
# What a worker can set and a server acts on.
FIELDS = (
    "name",
    "retryCount",
    "retryDelaySeconds",
    "retryLogic",
    "responseTimeoutSeconds",
    "timeoutSeconds",
    "timeoutPolicy",
)


@case
def definition_is_created_read_and_replaced(api: Api) -> dict[str, Any]:
    """What an update leaves out goes back to the server's default, it does not stay."""
    first = {"name": api.task_type, "retryCount": 7, "retryDelaySeconds": 5, "responseTimeoutSeconds": 120}
    second = {"name": api.task_type, "retryCount": 2}
    return {
        "create": api.record("POST", DEFINITIONS, [first]),
        "created": _read(api),
        "update": api.record("PUT", DEFINITIONS, second),
        "updated": _read(api),
    }


@case
def definition_with_defaults_only(api: Api) -> dict[str, Any]:
    """The server's defaults."""
    return {"create": api.record("POST", DEFINITIONS, [{"name": api.task_type}]), "created": _read(api)}


@case
def definition_is_created_twice(api: Api) -> dict[str, Any]:
    """Creating what is there replaces it."""
    record: dict[str, Any] = {}
    for retries in (4, 5):
        record[f"create {retries}"] = api.record(
            "POST", DEFINITIONS, [{"name": api.task_type, "retryCount": retries}]
        )
    record["created"] = _read(api)
    return record


@case
def definition_that_is_not_there(api: Api) -> dict[str, Any]:
    """Neither read nor updated; creating is another call."""
    return {
        "read": api.record("GET", f"{DEFINITIONS}/{api.task_type}"),
        "update": api.record("PUT", DEFINITIONS, {"name": api.task_type}),
    }


@case
def definition_that_is_no_list(api: Api) -> dict[str, Any]:
    """Creating takes a list, also for one."""
    return {"create": api.record("POST", DEFINITIONS, {"name": api.task_type})}


@case
def definition_that_is_refused(api: Api) -> dict[str, Any]:
    """What the validator objects to is explained, what cannot be read is an error of the server's."""
    name = {"name": api.task_type}
    definitions: dict[str, list[dict[str, Any]]] = {
        "none": [],
        "no name": [{}],
        "empty name": [{"name": ""}],
        "no response timeout": [{**name, "responseTimeoutSeconds": 0}],
        "response timeout over timeout": [{**name, "responseTimeoutSeconds": 10, "timeoutSeconds": 5}],
        "negative retries": [{**name, "retryCount": -1}],
        "unknown policy": [{**name, "timeoutPolicy": "NONE"}],
        "one of two": [name, {**name, "responseTimeoutSeconds": 0}],
    }
    record = {why: api.record("POST", DEFINITIONS, body) for why, body in definitions.items()}
    record["update without name"] = api.record("PUT", DEFINITIONS, {})
    record["update with a list"] = api.record("PUT", DEFINITIONS, [name])
    record["no body"] = api.record("POST", DEFINITIONS)
    record["nothing created"] = _read(api)
    return record


def _read(api: Api) -> dict[str, Any]:
    record = api.record("GET", f"{DEFINITIONS}/{api.task_type}")
    if isinstance(record["body"], dict):
        record["body"] = {name: record["body"].get(name) for name in FIELDS}
    return record
