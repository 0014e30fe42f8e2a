"""Cases of polling."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
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
def batch_poll_gathers(api: Api) -> dict[str, Any]:
    """A batch that is not full is held until the timeout, a full one is not."""
    api.make_ready(count=2)
    started = time.monotonic()
    record: dict[str, Any] = {"full": api.normaliser.answer(api.batch_poll(count=1, timeout=5000))}
    record["full at once"] = time.monotonic() - started < 2.5
    started = time.monotonic()
    record["not full"] = api.normaliser.answer(api.batch_poll(count=2, timeout=500))
    record["not full waited"] = timed(started, 0.5)
    return record


@case
def task_that_comes_during_a_long_poll(api: Api) -> dict[str, Any]:
    """The poll is answered with it, not after its time."""
    api.make_ready(count=0)
    with api.another() as poller, ThreadPoolExecutor() as threads:
        started = time.monotonic()
        polled = threads.submit(poller.batch_poll, count=1, timeout=5000)
        api.make_ready(count=1, wait=False)
        answer = api.normaliser.answer(polled.result())
        return {"answer": answer, "before the timeout": time.monotonic() - started < 4.0}


@case
def pollers_that_race(api: Api) -> dict[str, Any]:
    """No task is given twice."""
    api.make_ready(count=3)
    with ExitStack() as stack:
        pollers = [stack.enter_context(api.another()) for _ in range(8)]
        threads = stack.enter_context(ThreadPoolExecutor(len(pollers)))
        answers = list(threads.map(lambda poller: poller.batch_poll(count=3, timeout=0).json(), pollers))
    # A poller may come away empty-handed while another takes: what is left is taken here.
    answers.append(api.batch_poll(count=3).json())
    task_ids = [task["taskId"] for answer in answers for task in answer]
    return {"tasks": len(task_ids), "ids": len(set(task_ids))}


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
