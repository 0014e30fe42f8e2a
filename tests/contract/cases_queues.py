"""Cases of what can be asked of queues."""

from __future__ import annotations

from typing import Any

from tests.contract.api import WORKER_ID, Api
from tests.contract.case import case

SIZE = "/tasks/queue/size"


@case
def size_of_a_queue(api: Api) -> dict[str, Any]:
    """What waits, be it for a worker or for its callback; a polled task does not."""
    size = f"{SIZE}?taskType={api.task_type}"
    record = {"unknown": api.record("GET", size)}
    api.make_ready(count=3)
    record["three"] = api.record("GET", size)
    task = api.take()
    record["one polled"] = api.record("GET", size)
    api.update(task, status="IN_PROGRESS", callbackAfterSeconds=60)
    record["one waits"] = api.record("GET", size)
    api.update(task, status="COMPLETED")
    record["one completed"] = api.record("GET", size)
    record["other domain"] = api.record("GET", f"{size}&domain=other")
    record["empty domain"] = api.record("GET", f"{size}&domain=")
    record["no type"] = api.record("GET", SIZE)
    return record


@case
def size_after_a_cancel(api: Api) -> dict[str, Any]:
    """A canceled task does not wait any more."""
    task = api.ready()
    api.update(task, status="IN_PROGRESS", callbackAfterSeconds=60)
    api.cancel(task)
    return {"size": api.record("GET", f"{SIZE}?taskType={api.task_type}")}


@case
def sizes_of_queues(api: Api) -> dict[str, Any]:
    """Of several types at once, and of all; the second also has the server's own queues."""
    api.make_ready(count=2)
    every = api.call("GET", "/tasks/queue/all").json()
    return {
        "two types": api.record("GET", f"/tasks/queue/sizes?taskType={api.task_type}&taskType=unknown"),
        "no type": api.record("GET", "/tasks/queue/sizes"),
        "every": every[api.task_type],
    }


@case
def poll_data(api: Api) -> dict[str, Any]:
    """Who polled last, also in vain, one row a domain."""
    path = f"/tasks/queue/polldata?taskType={api.task_type}"
    record: dict[str, Any] = {"before": api.record("GET", path)}
    api.batch_poll(timeout=0)
    record["polled"] = api.record("GET", path)
    api.call("GET", f"/tasks/poll/{api.task_type}?workerid={WORKER_ID}-2")
    record["by another"] = api.record("GET", path)
    api.call("GET", f"/tasks/poll/{api.task_type}?domain=d")
    after = api.record("GET", path)
    after["body"] = sorted(after["body"], key=lambda row: row.get("domain", ""))
    record["with a domain"] = after
    record["no type"] = api.record("GET", "/tasks/queue/polldata")
    every = api.call("GET", "/tasks/queue/polldata/all").json()
    record["every"] = len([row for row in every if row["queueName"] == api.task_type])
    return record


@case
def requeueing(api: Api) -> dict[str, Any]:
    """A polled task is offered once more, although its worker may still be at it."""
    path = f"/tasks/queue/requeue/{api.task_type}"
    record = {"nothing": api.record("POST", path)}
    task = api.ready()
    record["one polled"] = api.record("POST", path)
    record["size"] = api.record("GET", f"{SIZE}?taskType={api.task_type}")
    record["offered again"] = api.normaliser.value(api.take())
    api.update(task, status="COMPLETED")
    record["completed"] = api.record("POST", path)
    record["other method"] = api.record("GET", path)
    return record
