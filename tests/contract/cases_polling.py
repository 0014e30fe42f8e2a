"""Cases of polling."""

from __future__ import annotations

import time
from typing import Any

from tests.contract.api import WORKER_ID, Api, timed
from tests.contract.case import case

# After this many requests the server ends a connection; a few more show that it did not do so earlier.
REQUESTS_TRIED = 110


@case
def batch_poll_of_an_empty_queue(api: Api) -> dict[str, Any]:
    """An empty list, after the long poll's time."""
    api.make_ready(count=0)
    started = time.monotonic()
    return {
        "timeout 0": api.normaliser.answer(api.batch_poll(timeout=0)),
        "timeout 100": api.normaliser.answer(api.batch_poll(timeout=100)),
        "waited": timed(started, 0.1),
    }


@case
def batch_poll_of_an_unknown_task_type(api: Api) -> dict[str, Any]:
    """A poll does not tell a type without tasks from a type that nobody defined."""
    return {"poll": api.normaliser.answer(api.batch_poll(timeout=0))}


@case
def batch_poll_with_too_long_a_timeout(api: Api) -> dict[str, Any]:
    """Five seconds are the limit, and above it is an error, not a shorter wait."""
    return {"poll": api.normaliser.answer(api.batch_poll(timeout=6000))}


@case
def batch_poll_with_settings_that_are_no_numbers(api: Api) -> dict[str, Any]:
    """A client's mistake is answered as trouble of the server's, so a client may not retry it."""
    path = f"/tasks/poll/batch/{api.task_type}"
    return {name: api.record("GET", f"{path}?{name}=many") for name in ("count", "timeout")}


@case
def batch_poll_for_nothing(api: Api) -> dict[str, Any]:
    """A count of 0 takes nothing, whatever is there."""
    api.make_ready()
    return {count: api.normaliser.answer(api.batch_poll(count=int(count))) for count in ("0", "1")}


@case
def batch_poll_with_defaults_only(api: Api) -> dict[str, Any]:
    """Without `count` one task is given, without `workerid` its worker is not named."""
    api.make_ready(count=2)
    return {"poll": api.record("GET", f"/tasks/poll/batch/{api.task_type}")}


@case
def batch_poll_for_more_than_is_there(api: Api) -> dict[str, Any]:
    """A batch is what is there, each task once."""
    api.make_ready(count=3)
    return {
        "first": api.normaliser.answer(api.batch_poll(count=10, timeout=0)),
        "second": api.normaliser.answer(api.batch_poll(count=10, timeout=0)),
    }


@case
def batch_poll_for_less_than_is_there(api: Api) -> dict[str, Any]:
    """The rest stays queued."""
    api.make_ready(count=3)
    return {
        "first": api.normaliser.answer(api.batch_poll(count=2, timeout=0)),
        "second": api.normaliser.answer(api.batch_poll(count=2, timeout=0)),
    }


@case
def poll_of_another_domain(api: Api) -> dict[str, Any]:
    """A domain is a queue of its own."""
    api.make_ready()
    path = f"/tasks/poll/batch/{api.task_type}?workerid={WORKER_ID}&timeout=0"
    return {
        "other domain": api.record("GET", f"{path}&domain=elsewhere"),
        "no domain": api.record("GET", path),
    }


@case
def single_poll(api: Api) -> dict[str, Any]:
    """One task, and an empty answer when there is none."""
    api.make_ready()
    path = f"/tasks/poll/{api.task_type}?workerid={WORKER_ID}"
    return {"task": api.record("GET", path), "empty": api.record("GET", path)}


@case
def polled_task_has_the_same_fields(api: Api) -> dict[str, Any]:
    """The names of all fields, as a client that keeps unknown ones would see them."""
    task = api.ready()
    parts = ("workflowTask", "taskDefinition", "executionMetadata")
    return {"task": sorted(task), **{part: sorted(task[part]) for part in parts}}


@case
def connection_ends_after_a_number_of_requests(api: Api) -> dict[str, Any]:
    """A client must not take the end of a kept connection for a failure."""
    answers = [api.batch_poll(timeout=0) for _ in range(REQUESTS_TRIED)]
    return {
        "statuses": sorted({answer.status for answer in answers}),
        "ended at": [number for number, answer in enumerate(answers, start=1) if answer.closes],
    }
