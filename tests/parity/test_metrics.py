"""The same work on conductor-python and here: each series that it feeds is here, and tells the same."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from conductor_fast.testing import DevServer
from tests.support.scraping import families, get
from tests.support.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
PROGRAM = """
import sys
from {package} import Configuration, MetricsSettings, TaskHandler, worker_task

@worker_task("greet")
def greet(name: str) -> dict:
    if not name:
        raise ValueError("a message")
    return {{"message": "Hello " + name}}

if __name__ == "__main__":
    url, port, directory = sys.argv[1:]
    metrics = MetricsSettings(directory=directory, http_port=int(port))
    handler = TaskHandler([], Configuration(server_api_url=url), metrics, scan_for_annotated_workers=True)
    handler.start_processes()
    sys.stdin.read()
    handler.stop_processes()
"""
THERE = """
from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.configuration.settings.metrics_settings import MetricsSettings
from conductor.client.worker.worker_task import worker_task
"""
GOOD, BAD = 8, 2


class Difference(NamedTuple):
    """A row of the page's table, and the counts that it is about: there and here."""

    matter: str
    there: str
    here: str
    why: str
    seen: dict[str, tuple[float, float | None]]


SUCCESS = "{status=SUCCESS, taskType=greet}"
# The answer to the last result brings no task.
UPDATES = {
    f"{{method=POST, status={status}, uri=/tasks/update-v2}}": (count, None)
    for status, count in ((200, GOOD + BAD - 1), (204, 1))
}
DIFFERENCES = [
    Difference(
        "a function of a decorated worker that raises",
        '`task_execute_time_seconds{status="SUCCESS"}`, and no `task_execute_error_total` (S2)',
        '`status="FAILURE"`, and counted as an error',
        "failures are what one looks for",
        {f"task_execute_time_seconds_count{SUCCESS}": (GOOD + BAD, GOOD)},
    ),
    Difference(
        "`task_result_size_bytes`, `task_result_size`",
        "56, whatever the output (S13)",
        "bytes of the output as it is sent; none for a function that raised",
        "the size of a Python object is not that of its JSON",
        {"task_result_size_bytes_count{taskType=greet}": (GOOD + BAD, GOOD)},
    ),
    Difference(
        "`http_api_client_request…{uri}` of a result",
        "`/tasks/update-v2`",
        "`/tasks`",
        "the engine reports with `POST /tasks`",
        {
            f"http_api_client_request{unit}_count{labels}": counts
            for unit in ("", "_seconds")
            for labels, counts in UPDATES.items()
        },
    ),
]

Labels = frozenset[tuple[str, str]]


@dataclass
class Told:
    """What one of them told at the end."""

    kinds: dict[str, str]
    """Of each family."""
    label_names: dict[str, set[frozenset[str]]]
    """By the name of the sample."""
    values: dict[tuple[str, Labels], float]

    def counts(self, name: str) -> dict[Labels, float]:
        return {labels: value for (of, labels), value in self.values.items() if of == name}


def run(folder: Path, package: str, canonical: str) -> Told:
    folder.mkdir(parents=True)
    program = folder / "program.py"
    source = PROGRAM.format(package=package)
    if package == "conductor":
        source = source.replace(
            "from conductor import Configuration, MetricsSettings, TaskHandler, worker_task", THERE
        )
    program.write_text(source)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with DevServer() as server, (folder / "log").open("w") as log:
        # One refused poll and one refused result, which both try again.
        refusal = {"status": 500, "body": '{"message": "refused"}'}
        server.add_fault({"path": "/api/tasks/poll", "count": 1, "answer": refusal})
        server.push_many("greet", {"name": "you"}, GOOD)
        server.push_many("greet", {"name": ""}, BAD)
        arguments = [sys.executable, str(program), server.url, str(port), str(folder / "files")]
        environment = {"WORKER_CANONICAL_METRICS": canonical, "HOME": str(folder), "PATH": ""}
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as process:
            try:
                assert server.wait_for(GOOD + BAD, "greet", timeout=40), (folder / "log").read_text()[-2_000:]
                url = f"http://127.0.0.1:{port}/metrics"
                told = wait_until(lambda: told_all(url), "all that ran to be told", 20)
                assert told is not None
                return told
            finally:
                process.communicate(timeout=30)


def told_all(url: str) -> Told | None:
    status, text = get(url)
    if status != 200:
        return None
    told = Told({}, {}, {})
    for family in families(text):
        told.kinds[family.name] = family.type
        for sample in family.samples:
            told.label_names.setdefault(sample.name, set()).add(frozenset(sample.labels))
            told.values[sample.name, frozenset(sample.labels.items())] = sample.value
    executed = sum(told.counts("task_execute_time_seconds_count").values())
    posted = told.counts("http_api_client_request_seconds_count") | told.counts(
        "http_api_client_request_count"
    )
    reported = sum(count for labels, count in posted.items() if ("method", "POST") in labels)
    return told if executed == reported == GOOD + BAD else None


@pytest.fixture(scope="module", params=["true", "false"], ids=["canonical", "legacy"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Told, Told]]:
    folder = tmp_path_factory.mktemp("metrics")
    with ThreadPoolExecutor() as pool:
        there = pool.submit(run, folder / "there", "conductor", request.param)
        here = pool.submit(run, folder / "here", "conductor_fast", request.param)
        yield there.result(), here.result()


def test_each_series_of_the_sdk_is_here_with_its_type_and_labels(both: tuple[Told, Told]) -> None:
    there, here = both
    assert there.kinds
    assert {name: here.kinds.get(name) for name in there.kinds} == there.kinds
    assert {name: here.label_names.get(name) for name in there.label_names} == there.label_names


def test_counts_agree_but_for_those_that_are_listed(both: tuple[Told, Told]) -> None:
    there, here = both
    found = {
        f"{name}{{{', '.join(f'{key}={value}' for key, value in sorted(labels))}}}": (
            count,
            here.counts(name).get(labels),
        )
        for (name, labels), count in there.values.items()
        if name.endswith(("_total", "_count", "active_workers")) and count != here.counts(name).get(labels)
    }
    # How often an engine polls is its own affair.
    polled = (
        "task_poll_total{",
        "task_poll_time_seconds_count{status=SUCCESS",
        "_count{method=GET, status=200",
    )
    found = {key: counts for key, counts in found.items() if not any(each in key for each in polled)}
    listed = {key: counts for difference in DIFFERENCES for key, counts in difference.seen.items()}
    assert found == {key: counts for key, counts in listed.items() if key.partition("{")[0] in names(there)}


def names(told: Told) -> set[str]:
    return {name for name, _ in told.values}


def test_sizes_are_those_of_the_outputs(both: tuple[Told, Told]) -> None:
    there, here = both
    output = len('{"message":"Hello you"}')
    if "task_result_size" in there.kinds:
        assert set(there.counts("task_result_size").values()) == {56}
        assert set(here.counts("task_result_size").values()) == {output}
    else:
        assert set(there.counts("task_result_size_bytes_sum").values()) == {56 * (GOOD + BAD)}
        assert set(here.counts("task_result_size_bytes_sum").values()) == {output * GOOD}


def test_the_page_shows_the_list() -> None:
    page = PAGE.read_text().split("## Metrics", 1)[1].split("\n## ", 1)[0]
    for difference in DIFFERENCES:
        assert f"| {' | '.join(difference[:4])} |" in page
