"""Cases of what follows a failure or a silence."""

from __future__ import annotations

import time
from typing import Any

from tests.contract.api import Api, timed
from tests.contract.case import case


@case
def failed_task_is_retried(api: Api) -> dict[str, Any]:
    """As a new task of the same workflow, as often as its definition says, without the old output."""
    first = api.ready(retryCount=1)
    record: dict[str, Any] = {"first": api.update(first, status="FAILED", outputData={"b": 1})}
    second = api.take()
    record["retry"] = api.normaliser.value(second)
    record["first afterwards"] = api.look_up(first)
    record["second"] = api.update(second, status="FAILED")
    record["no third"] = api.normaliser.answer(api.batch_poll())
    record["second afterwards"] = api.look_up(second)
    return record


@case
def failed_with_terminal_error_is_not_retried(api: Api) -> dict[str, Any]:
    """Whatever the definition says."""
    task = api.ready(retryCount=3)
    return {
        "answer": api.update(task, status="FAILED_WITH_TERMINAL_ERROR", reasonForIncompletion="never"),
        "next": api.normaliser.answer(api.batch_poll()),
        "task": api.look_up(task),
    }


@case
def retry_waits_its_delay(api: Api) -> dict[str, Any]:
    """The delay is kept by the queue: nobody is offered the retry before."""
    task = api.ready(retryDelaySeconds=2)
    started = time.monotonic()
    record: dict[str, Any] = {"answer": api.update(task, status="FAILED")}
    record["at once"] = api.normaliser.answer(api.batch_poll(timeout=0))
    record["retry"] = api.normaliser.value(api.take())
    record["when"] = timed(started, 1.9)
    return record


@case
def response_timeout(api: Api) -> dict[str, Any]:
    """A silent worker's task is offered anew under another id, and the late result changes nothing."""
    task = api.ready(responseTimeoutSeconds=2)
    started = time.monotonic()
    retry = api.take()
    return {
        "retry": api.normaliser.value(retry),
        "when": timed(started, 1.9),
        "first": api.look_up(task),
        "late": api.update(task, status="COMPLETED", outputData={"late": True}),
        "first afterwards": api.look_up(task),
        "in time": api.update(retry, status="COMPLETED", outputData={"late": False}),
        "retry afterwards": api.look_up(retry),
    }


@case
def response_timeout_without_retries(api: Api) -> dict[str, Any]:
    """The task is over, and stays so."""
    task = api.ready(responseTimeoutSeconds=2, retryCount=0)
    return {"task": api.wait_for_end(task), "next": api.normaliser.answer(api.batch_poll())}


@case
def lease_extension_moves_the_response_timeout(api: Api) -> dict[str, Any]:
    """The long polls pass the time: two seconds to the lease, two more beyond the first deadline."""
    task = api.ready(responseTimeoutSeconds=3)
    return {
        "before": api.normaliser.answer(api.batch_poll(timeout=2000)),
        "lease": api.update(task, status="IN_PROGRESS", extendLease=True),
        "beyond": api.normaliser.answer(api.batch_poll(timeout=2000)),
        "task": api.look_up(task),
    }
