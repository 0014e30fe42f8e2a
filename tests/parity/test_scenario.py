"""One program, run by conductor-python's TaskHandler and by ours: the same results, by the same requests.

What is not the same stands in scenario_differences.py and in docs/differences.md, and does occur.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from conductor_fast.testing import DevServer
from tests.parity.program import BODY, HERE, INPUT, TASK_TYPES, THERE
from tests.parity.scenario_differences import DIFFERENCES

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
POLL = "/api/tasks/poll/batch/"
ACCELERATE = (str(Path(sys.executable).with_name("conductor-fast")), "accelerate")
STATED = ("status", "outputData", "reasonForIncompletion")

Seen = dict[tuple[str, str], Any]

pytestmark = pytest.mark.timeout(120)  # a process for each task type there: a busy machine needs its time


def observed(path: Path, imports: str, *, command: Sequence[str] = (sys.executable,)) -> Seen:
    """What the program did, by task type or kind of request, and field."""
    path.write_text(imports + BODY)
    with DevServer() as server, path.with_suffix(".log").open("w") as log:
        for task_type in TASK_TYPES:
            server.push(task_type, INPUT, retry_count=0)
        program = subprocess.Popen(
            [*command, str(path), server.url],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            done = server.wait_for(len(TASK_TYPES), timeout=80)
            program.communicate(timeout=20)  # its standard input ends
        finally:
            program.kill()
            program.wait()
        assert done, path.with_suffix(".log").read_text()[-2_000:]
        tasks = {task_type: server.tasks(task_type) for task_type in TASK_TYPES}
        return {**states(tasks), **requests(tasks, server.transcript())}


def states(tasks: dict[str, list[dict[str, Any]]]) -> Seen:
    """What the server holds of the tasks in the end."""
    seen: Seen = {}
    own = tasks["a_dict"][0]["workerId"]
    for task_type, (task,) in tasks.items():
        seen |= {(task_type, field): task.get(field) for field in STATED}
        worker_id = task.get("workerId")
        seen[task_type, "workerId"] = "the worker's" if worker_id == own else worker_id
        seen[task_type, "pollCount"] = task["pollCount"]
    return seen


def requests(tasks: dict[str, list[dict[str, Any]]], transcript: list[dict[str, Any]]) -> Seen:
    polls = [line for line in transcript if line["method"] == "GET" and line["path"].startswith(POLL)]
    queries = [parse_qs(line["query"]) for line in polls]
    updates = [line for line in transcript if line["method"] == "POST"]
    types = {task["taskId"]: task_type for task_type, (task,) in tasks.items()}
    seen: Seen = {
        ("poll", "task types"): {line["path"].removeprefix(POLL) for line in polls},
        ("poll", "parameters"): {tuple(sorted(query)) for query in queries},
        ("poll", "count"): only(query["count"][0] for query in queries),
        ("poll", "timeout"): "100" if {query["timeout"][0] for query in queries} == {"100"} else "others",
        ("update", "path"): only(line["path"] for line in updates),
        ("other", "requests"): len(transcript) - len(polls) - len(updates),
    }
    bodies = [json.loads(line["body"]) for line in updates]
    seen["update", "extendLease"] = only(body.get("extendLease") for body in bodies)
    units: set[str] = set()
    for body in bodies:
        task_type, logs = types[body["taskId"]], body.get("logs") or []
        assert body["workflowInstanceId"] == tasks[task_type][0]["workflowInstanceId"]
        tracebacks = [line["createdTime"] for line in logs if "Traceback" in line["log"]]
        units |= {"milliseconds" if time > 10**11 else "seconds" for time in tracebacks}
        fields = [body.get(field) for field in ("status", "callbackAfterSeconds")]
        seen.setdefault((task_type, "updates"), []).append(fields)
        seen[task_type, "log"] = logs[-1]["log"].strip().splitlines()[-1] if logs else None
        if len(logs) > 1:
            seen[task_type, "first log"] = logs[0]["log"]
        if body["status"] == "IN_PROGRESS":
            seen[task_type, "output in progress"] = body["outputData"]
    seen["log", "time"] = only(units)
    return seen


def only(values: Iterable[Any]) -> Any:
    """The value that all have."""
    (value,) = set(values)
    return value


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seen, Seen, Seen]:
    """What is seen of conductor-python, of ours, and of conductor-python's program on our engine.

    All at once, for what imports conductor-python takes seconds to start.
    """
    folder = tmp_path_factory.mktemp("programs")
    with ThreadPoolExecutor() as pool:
        there = pool.submit(observed, folder / "there.py", THERE)
        here = pool.submit(observed, folder / "here.py", HERE)
        accelerated = pool.submit(observed, folder / "accelerated.py", THERE, command=ACCELERATE)
        return there.result(), here.result(), accelerated.result()


@pytest.fixture(scope="module")
def runs(three_runs: tuple[Seen, Seen, Seen]) -> tuple[Seen, Seen]:
    """conductor-python's and ours."""
    return three_runs[:2]


def test_results_and_requests_are_the_sdks_but_for_what_is_listed(runs: tuple[Seen, Seen]) -> None:
    there, here = runs
    found = {
        key: (there.get(key), here.get(key))
        for key in there.keys() | here.keys()
        if there.get(key) != here.get(key) and key[1] != "updates"
    }
    listed = {key: values for difference in DIFFERENCES for key, values in difference.seen.items()}
    assert found == listed


def test_each_report_has_the_sdks_status_and_callback(runs: tuple[Seen, Seen]) -> None:
    there, here = runs
    listed = {"a_missing_input", "a_wrong_input", "a_callback", "an_async_class"}
    for task_type in set(TASK_TYPES) - listed:
        assert there[task_type, "updates"] == here[task_type, "updates"], task_type
    assert here["in_progress", "updates"] == [["IN_PROGRESS", 1], ["COMPLETED", None]]


def test_accelerated_it_does_what_ours_does_but_takes_every_input(
    three_runs: tuple[Seen, Seen, Seen],
) -> None:
    """An unmodified program gets the inputs that it got on conductor-python."""
    there, here, accelerated = three_runs
    lenient = {"a_missing_input", "a_wrong_input"}
    expected = {key: (there if key[0] in lenient else here)[key] for key in here.keys() & there.keys()}
    expected["never_again", "log"] = "conductor.client.worker.exception.NonRetryableException: no use"
    assert {key: accelerated.get(key) for key in expected} == expected
    assert accelerated["update", "path"] == "/api/tasks"


def test_the_page_shows_the_list() -> None:
    page = PAGE.read_text().split("## Behaviour", 1)[1].split("\n## ", 1)[0]
    for difference in DIFFERENCES:
        assert f"| {' | '.join(difference[:4])} |" in page
