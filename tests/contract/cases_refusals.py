"""Cases of requests that the server refuses, and how."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.contract.api import Api, result_of
from tests.contract.case import case

UPDATES = ("/tasks", "/tasks/update-v2")
UNKNOWN = {"workflowInstanceId": "no-such-workflow", "taskId": "no-such-task"}


@case
def result_without_status(api: Api) -> dict[str, Any]:
    """An error of the server's, although the client made it."""
    task = api.ready()
    return {**{path: api.update(task, path) for path in UPDATES}, "task": api.look_up(task)}


@case
def result_that_cannot_be_read(api: Api) -> dict[str, Any]:
    """Answered as trouble of the server's, so a client that retries every 500 would retry for ever."""
    task = api.ready()
    bodies = {
        "not JSON": b"not JSON",
        "cut off": json.dumps(result_of(task, status="COMPLETED")).encode()[:-1],
        "NaN": json.dumps(result_of(task, status="COMPLETED", outputData={"b": float("nan")})).encode(),
        "unknown status": json.dumps(result_of(task, status="DONE")).encode(),
        "output is a list": json.dumps(result_of(task, status="COMPLETED", outputData=[1])).encode(),
        "output is a text": json.dumps(result_of(task, status="COMPLETED", outputData="text")).encode(),
    }
    record: dict[str, Any] = {}
    for path in UPDATES:
        record[path] = {name: api.record("POST", path, raw=body) for name, body in bodies.items()}
    record["task"] = api.look_up(task)
    return record


@case
def compressed_result(api: Api) -> dict[str, Any]:
    """Not supported: the bytes are read as JSON."""
    task = api.ready()
    body = gzip.compress(json.dumps(result_of(task, status="COMPLETED")).encode())
    return {
        "answer": api.record("POST", "/tasks", raw=body, headers={"Content-Encoding": "gzip"}),
        "task": api.look_up(task),
    }


@case
def result_without_workflow(api: Api) -> dict[str, Any]:
    """The two ways of updating differ: 400 with an explanation, and 500."""
    body = {"taskId": "no-such-task", "status": "COMPLETED"}
    return {path: api.record("POST", path, body) for path in UPDATES}


@case
def result_without_task(api: Api) -> dict[str, Any]:
    """As without workflow."""
    body = {"workflowInstanceId": "no-such-workflow", "status": "COMPLETED"}
    return {path: api.record("POST", path, body) for path in UPDATES}


@case
def result_for_an_unknown_workflow(api: Api) -> dict[str, Any]:
    """404 with a text that is not that of a missing route."""
    return {path: api.record("POST", path, {**UNKNOWN, "status": "COMPLETED"}) for path in UPDATES}


@case
def result_for_an_unknown_task(api: Api) -> dict[str, Any]:
    """The workflow is there, the task is not."""
    task = {**api.ready(), "taskId": "no-such-task"}
    return {path: api.update(task, path, status="COMPLETED") for path in UPDATES}


@case
def lease_extension_for_an_unknown_task(api: Api) -> dict[str, Any]:
    """A lease is looked up as any other update."""
    task = {**api.ready(), "taskId": "no-such-task"}
    lease: dict[str, Any] = {"status": "IN_PROGRESS", "extendLease": True}
    return {path: api.update(task, path, **lease) for path in UPDATES}


@case
def look_up_of_an_unknown_task(api: Api) -> dict[str, Any]:
    """404, in words of its own."""
    return {"answer": api.look_up(UNKNOWN)}


@case
def routes_that_are_not_there(api: Api) -> dict[str, Any]:
    """The open server has no tokens and no schemas; a client learns it from these."""
    return {
        "unknown": api.record("GET", "/no-such-route"),
        "trailing slash": api.record("GET", f"/tasks/poll/{api.task_type}/"),
        "token": api.record("POST", "/token", {"keyId": "key", "keySecret": "secret"}),
        "schema": api.record("POST", "/schema", {"name": "schema", "version": 1, "type": "JSON"}),
    }


@case
def method_that_is_not_there(api: Api) -> dict[str, Any]:
    """The path is known, the method is not."""
    return {"answer": api.record("PUT", "/tasks", {})}
