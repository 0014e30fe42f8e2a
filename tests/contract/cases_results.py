"""Cases of results that the server takes."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.contract.api import Api, result_of, timed
from tests.contract.case import case

V2 = "/tasks/update-v2"
# The server refuses outputs over 10 MiB, but not their requests.
TOO_LARGE = "x" * (12 * 1024 * 1024)
# Of Jackson, which reads the requests.
NESTING_LIMIT = 1000


@case
def each_terminal_status(api: Api) -> dict[str, Any]:
    """The answer is the id, and the task has what was sent."""
    record = {}
    for status in ("COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "CANCELED"):
        # Without a retry, so that the next round cannot meet this round's task.
        task = api.ready(retryCount=0)
        answer = api.update(
            task, status=status, outputData={"b": [1, None, "ü"]}, reasonForIncompletion="why"
        )
        record[status] = {"answer": answer, "task": api.look_up(task)}
    return record


@case
def first_terminal_result_stands(api: Api) -> dict[str, Any]:
    """A result that is sent twice does no harm, so a client may send it again when in doubt."""
    task = api.ready()
    return {
        "first": api.update(task, status="COMPLETED", outputData={"first": True}),
        "second": api.update(task, status="FAILED", outputData={"first": False}),
        "task": api.look_up(task),
        "next": api.normaliser.answer(api.batch_poll()),
    }


@case
def update_v2_on_an_empty_queue(api: Api) -> dict[str, Any]:
    """Nothing to hand out, but the result is taken."""
    task = api.ready()
    return {
        "answer": api.update(task, V2, status="COMPLETED", outputData={"b": 1}),
        "task": api.look_up(task),
    }


@case
def update_v2_hands_out_the_next_task(api: Api) -> dict[str, Any]:
    """Also when the same result is sent again: a retry of it costs another task its wait."""
    api.make_ready(count=3)
    task = api.take()
    return {
        "first": api.update(task, V2, status="COMPLETED"),
        "again": api.update(task, V2, status="COMPLETED"),
        "empty": api.update(task, V2, status="COMPLETED"),
    }


@case
def update_v2_in_progress(api: Api) -> dict[str, Any]:
    """A task that is not finished is not followed by another."""
    api.make_ready(count=2)
    task = api.take()
    return {"answer": api.update(task, V2, status="IN_PROGRESS", callbackAfterSeconds=60)}


@case
def handing_a_task_back(api: Api) -> dict[str, Any]:
    """`IN_PROGRESS` with a callback of 0 offers it again at once; its output is what was sent, or nothing."""
    task = api.ready()
    record: dict[str, Any] = {"with output": api.update(task, status="IN_PROGRESS", outputData={"b": 1})}
    record["offered with it"] = api.normaliser.value(api.take())
    record["other output"] = api.update(
        task, status="IN_PROGRESS", callbackAfterSeconds=0, outputData={"c": 2}
    )
    record["offered with other"] = api.normaliser.value(api.take())
    record["without output"] = api.update(task, status="IN_PROGRESS", callbackAfterSeconds=0)
    record["offered without"] = api.normaliser.value(api.take())
    return record


@case
def callback_after_seconds(api: Api) -> dict[str, Any]:
    """The same task comes back when its time has come, with its output."""
    task = api.ready()
    started = time.monotonic()
    answer = api.update(task, status="IN_PROGRESS", callbackAfterSeconds=2, outputData={"b": 1})
    waiting = api.look_up(task)
    offered = api.normaliser.value(api.take())
    # A tenth for the server, which reckons from its own clock when the update has come in.
    return {"answer": answer, "waiting": waiting, "offered": offered, "when": timed(started, 1.9)}


@case
def callback_that_is_completed_while_it_waits(api: Api) -> dict[str, Any]:
    """A task that waits for its callback can be completed by anybody who knows its id."""
    task = api.ready()
    api.update(task, status="IN_PROGRESS", callbackAfterSeconds=60)
    return {"answer": api.update(task, status="COMPLETED", outputData={"b": 1}), "task": api.look_up(task)}


@case
def lease_extension(api: Api) -> dict[str, Any]:
    """Nothing but the lease is read, and the answer is the same for a task that has ended."""
    task = api.ready()
    lease: dict[str, Any] = {"status": "IN_PROGRESS", "extendLease": True, "outputData": {"ignored": True}}
    record = {
        "running": api.update(task, **lease),
        "v2": api.update(task, V2, **lease),
        "task": api.look_up(task),
    }
    record["not offered"] = api.normaliser.answer(api.batch_poll(timeout=0))
    api.update(task, status="COMPLETED")
    record["ended"] = api.update(task, **lease)
    record["ended, v2"] = api.update(task, V2, **lease)
    return record


@case
def canceled_task(api: Api) -> dict[str, Any]:
    """No answer to an update tells of it: only looking the task up does."""
    task = api.ready()
    api.cancel(task)
    return {
        "task": api.look_up(task),
        "lease": api.update(task, status="IN_PROGRESS", extendLease=True),
        "result": api.update(task, status="COMPLETED", outputData={"late": True}),
        "task afterwards": api.look_up(task),
        "next": api.normaliser.answer(api.batch_poll()),
    }


@case
def result_in_chunks(api: Api) -> dict[str, Any]:
    """A body of unknown length."""
    task = api.ready()
    body = json.dumps(result_of(task, status="COMPLETED", outputData={"b": 1})).encode()
    return {"answer": api.record("POST", "/tasks", raw=[body[:7], body[7:]]), "task": api.look_up(task)}


@case
def unknown_fields_are_ignored(api: Api) -> dict[str, Any]:
    """So a client may send more than an old server knows."""
    task = api.ready()
    return {
        "answer": api.update(task, status="COMPLETED", outputData={"b": 1}, nobodyKnows={"this": [1, 2]}),
        "task": api.look_up(task),
    }


@case
def long_reason_is_cut(api: Api) -> dict[str, Any]:
    """500 characters are kept; a client may cut them itself, and cut better."""
    task = api.ready(retryCount=0)
    return {
        "answer": api.update(task, status="FAILED", reasonForIncompletion="0123456789" * 60),
        "task": api.look_up(task),
    }


@case
def result_without_worker_id(api: Api) -> dict[str, Any]:
    """The task no longer says who ran it."""
    task = api.ready()
    return {"answer": api.update(task, status="COMPLETED", workerId=None), "task": api.look_up(task)}


@case
def logs_of_a_result(api: Api) -> dict[str, Any]:
    """They travel with the result, a later line by a call of its own, and are read back by task id."""
    task = api.ready()
    path = f"/tasks/{task['taskId']}/log"
    log = {"log": "first", "taskId": task["taskId"], "createdTime": 1_700_000_000_000}
    return {
        "result": api.update(task, status="COMPLETED", logs=[log]),
        "line": api.record("POST", path, raw=b"second"),
        "read": api.record("GET", path),
    }


@case
def update_by_reference_name(api: Api) -> dict[str, Any]:
    """The body is laid over the output that is there; with nothing to update the answer is empty."""
    task = api.ready()
    api.update(
        task, status="IN_PROGRESS", callbackAfterSeconds=60, reasonForIncompletion="why", outputData={"b": 1}
    )
    path = f"/tasks/{task['workflowInstanceId']}/{task['referenceTaskName']}"
    record = {
        "in progress": api.record("POST", f"{path}/IN_PROGRESS", {"c": 2}),
        "waits": api.look_up(task),
        "completed while it waits": api.record("POST", f"{path}/COMPLETED?workerid=other", {"b": 3}),
        "once more": api.record("POST", f"{path}/COMPLETED", {"d": 4}),
        "task": api.look_up(task),
    }
    record["unknown status"] = api.record("POST", f"{path}/DONE", {})
    record["unknown task"] = api.record(
        "POST", f"/tasks/{task['workflowInstanceId']}/no-such-task/COMPLETED", {}
    )
    record["unknown workflow"] = api.record("POST", "/tasks/no-such-workflow/no-such-task/COMPLETED", {})
    record["no output"] = api.record("POST", f"{path}/COMPLETED")
    return record


@case
def output_over_the_limit(api: Api) -> dict[str, Any]:
    """The request is taken, and the task fails for good: a client must not retry it."""
    task = api.ready()
    answer = api.update(task, status="COMPLETED", outputData={"b": TOO_LARGE})
    ended = api.wait_for_end(task)
    reason = ended["body"].pop("reasonForIncompletion")
    # The rest names the size to the byte, which counts the server's own white space.
    ended["names the limit"] = "10485760" in reason
    return {"answer": answer, "task": ended}


@case
def values_that_json_can_hold_are_kept(api: Api) -> dict[str, Any]:
    """Integers over 64 bits, characters outside the first plane, NUL, deep nesting."""
    nested: object = "deep"
    for _ in range(200):
        nested = [nested]
    values = {"big": 2**70, "small": -(2**70), "emoji": "😀", "nul": "a\0b", "nested": nested, "float": 0.1}
    task = api.ready()
    body = result_of(task, status="COMPLETED", outputData=values)
    return {"answer": api.record("POST", "/tasks", body), "task": api.look_up(task)}


@case
def nesting_of_the_body(api: Api) -> dict[str, Any]:
    """The limit counts the whole body: two levels of it are the result's own."""
    task = api.ready()
    body = json.dumps(
        result_of(task, status="IN_PROGRESS", callbackAfterSeconds=60, outputData={"b": "here"})
    )
    return {
        str(levels): api.record(
            "POST", "/tasks", raw=body.replace('"here"', "[" * levels + "]" * levels).encode()
        )
        for levels in (NESTING_LIMIT - 2, NESTING_LIMIT - 1)
    }
