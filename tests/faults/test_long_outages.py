"""Updates that fail for minutes: the short form, and five minutes by `make faults SECONDS=300`."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from typing import Any

import pytest

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder
from tests.support.waiting import wait_until

SECONDS = float(os.environ.get("CONDUCTOR_FAST_FAULT_SECONDS", "6"))
IS_LONG = SECONDS >= 60

pytestmark = pytest.mark.timeout(0 if IS_LONG else 60)


def accepted(transcript: list[dict[str, Any]]) -> Counter[str]:
    """How often the server took a result of each task; heartbeats are none."""
    lines = [line for line in transcript if line["method"] == "POST" and line["status"] == 200]
    bodies = [json.loads(line["body"]) for line in lines if line["path"] == "/api/tasks"]
    return Counter(body["taskId"] for body in bodies if "extendLease" not in body)


class Pushing:
    """Pushes tasks of some types all the time."""

    def __init__(self, server: DevServer, *task_types: str) -> None:
        self.task_ids: list[str] = []
        self._server, self._task_types, self._ended = server, task_types, threading.Event()
        self._thread = threading.Thread(target=self._push)

    def _push(self) -> None:
        while not self._ended.wait(0.1):
            for task_type in self._task_types:
                self.task_ids += self._server.push_many(task_type, {}, 5, response_timeout_seconds=600)

    def __enter__(self) -> Pushing:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()


def test_while_the_results_of_one_type_fail_the_others_go_on_and_none_is_lost(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    server.add_fault("503 of=updates type=sick")
    sick = server.push_many("sick", {}, 50, response_timeout_seconds=600)
    host.start_worker("sick", recorder.work, 5)
    host.start_worker("well", recorder.work, 5)
    wait_until(lambda: server.count("sick", "IN_PROGRESS"), "the first of them to be taken", 20)
    with Pushing(server, "well") as well:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            pushed = len(well.task_ids)
            assert server.wait_for(pushed, "well", "COMPLETED", 5), "what was pushed until now is done"
    assert server.count("sick", "COMPLETED") == 0
    server.clear_faults()
    assert server.wait_for(50, "sick", "COMPLETED", 20)
    assert server.wait_for(len(well.task_ids), "well", "COMPLETED", 20)
    assert host.stop() == []
    assert accepted(server.transcript()) == Counter(sick + well.task_ids)
    assert recorder.ran_once(sick + well.task_ids)


def test_while_all_results_fail_nothing_is_polled_and_none_is_lost(
    server: DevServer, host: WorkerHost, recorder: Recorder
) -> None:
    task_types = ("one", "two", "three")

    def polled() -> list[float]:
        return [line["elapsedMillis"] / 1_000 for line in server.transcript() if line["method"] == "GET"]

    with Pushing(server, *task_types) as pushing:
        for task_type in task_types:
            host.start_worker(task_type, recorder.work, 5)
        assert server.wait_for(30, None, "COMPLETED", 20)
        server.add_fault("503 of=updates")
        time.sleep(SECONDS)
        before = polled()
        server.clear_faults()
        resumed = "polls again, 2 s after the recovery"
        wait_until(lambda: len(polled()) > len(before), resumed, 2 if IS_LONG else 20)
    assert server.wait_for(len(pushing.task_ids), None, "COMPLETED", 60)
    assert host.stop() == []
    transcript = server.transcript()
    refused = [line["elapsedMillis"] / 1_000 for line in transcript if line["status"] == 503]
    late = [at for at in before if at > refused[0] + (3 if IS_LONG else 4.5)]
    assert late == [], "polling pauses within 3 s"
    assert accepted(transcript) == Counter(pushing.task_ids)
    assert recorder.ran_once(pushing.task_ids)
