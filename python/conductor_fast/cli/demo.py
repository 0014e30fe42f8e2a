"""`conductor-fast demo`: a server, sample workers, and a check of every answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from conductor_fast.cli.logs import log_options, set_up
from conductor_fast.cli.metrics_port import metrics_port_option, told_metrics

if TYPE_CHECKING:
    from rich.console import Console

    from conductor_fast import WorkerHost
    from conductor_fast.testing import DevServer

_SMALL_TIMEOUT = 10.0
_LARGE_TIMEOUT = 15.0
_DISTINCT_INPUTS = 100
_SLOTS = 10


class _Failed(click.ClickException):
    """Ends the demo with exit code 1."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the demo went wrong: {problem}")


@dataclass(frozen=True)
class _Row:
    """A line of the closing table; times where enough tasks ran to measure them."""

    task_type: str
    tasks: int
    failures: int
    tasks_per_second: float | None = None
    cpu_micros: float | None = None


@click.command()
@click.option(
    "--tasks",
    type=click.IntRange(1, 1_000_000),
    default=30_000,
    show_default=True,
    help="How many tiny tasks to run after the samples.",
)
@metrics_port_option
# The samples fail as they must, and each failure is a warning.
@log_options("error", "error")
def command(tasks: int, metrics_port: int | None, log_format: str, log_level: str) -> None:
    """Run sample workers and check their answers.

    The server is one in memory. Needs no network and no account; ends by itself in a few seconds. With
    --metrics-port it stays until Ctrl-C, and the server refuses one poll and one result, so that there are
    errors to be seen.
    """
    from rich.console import Console

    from conductor_fast import WorkerHost, _core
    from conductor_fast.cli.live_view import live_view
    from conductor_fast.testing import DevServer

    set_up(log_format, getattr(logging, log_level.upper()))
    console = Console(highlight=False)
    with (
        told_metrics(metrics_port) as url,
        DevServer(transcript_capacity=0) as server,
        WorkerHost(server.url) as host,
    ):
        console.print(f"A Conductor server in memory at {server.url}, polled by:\n", soft_wrap=True)
        if url:
            refusal = {"status": 500, "body": "{}"}
            server.add_fault({"path": "/api/tasks/poll", "count": 1, "answer": refusal})
            server.add_fault({"method": "POST", "path": "/api/tasks", "count": 1, "answer": refusal})
        with live_view(console, lambda: json.loads(_core.render_workers())):
            rows = [*_run_samples(console, server, host), _run_many(console, server, host, tasks)]
        _print_table(console, rows)
        total = sum(row.tasks for row in rows)
        console.print(
            f"Each of the {total:,} tasks ended as it must; the failures are part of it.", soft_wrap=True
        )
        if url:
            with suppress(KeyboardInterrupt):  # before `wait` listens for it
                console.print(f"Metrics are at {url} until Ctrl-C.", soft_wrap=True)
                host.wait()


def _run_samples(console: Console, server: DevServer, host: WorkerHost) -> Iterator[_Row]:
    from conductor_fast.cli.checks import difference_of_attempts
    from conductor_fast.cli.samples import SAMPLES

    for sample in SAMPLES:
        name = sample.task_type
        server.define({"name": name, "retryCount": sample.retry_count, "retryDelaySeconds": 0})
        first_attempts = [server.push(name, input_data) for input_data, _ in sample.cases]
        host.start_worker(name, sample.function)
        count = sum(len(attempts) for _, attempts in sample.cases)
        if not server.wait_for(count, name, timeout=_SMALL_TIMEOUT):
            raise _Failed(
                f"{name}: only {server.count(name)} of {count} attempts were made in {_SMALL_TIMEOUT} s"
            )
        tasks = server.tasks(name)
        for (input_data, attempts), task_id in zip(sample.cases, first_attempts, strict=True):
            workflow = server.task(task_id)["workflowInstanceId"]
            made = [task for task in tasks if task["workflowInstanceId"] == workflow]
            difference = difference_of_attempts(name, input_data, attempts, made)
            if difference:
                raise _Failed(difference)
        console.print(f"  ok  {name:10}{sample.shows}")
        yield _Row(name, count, sum(task["status"] != "COMPLETED" for task in tasks))


def _run_many(console: Console, server: DevServer, host: WorkerHost, count: int) -> _Row:
    from conductor_fast.cli.checks import difference_of_sums
    from conductor_fast.cli.samples import add

    for index in range(_DISTINCT_INPUTS):
        # Spread evenly, the remainder over the first ones.
        share = count // _DISTINCT_INPUTS + (index < count % _DISTINCT_INPUTS)
        if share:
            server.push_many("add", {"a": index, "b": index * index}, share)
    console.print()
    started, cpu = time.perf_counter(), time.process_time()
    host.start_worker("add", add, batch_size=_SLOTS)
    show = _lines(console, "add", count)
    while not server.wait_for(count, "add", timeout=0.1):
        show(server.count("add", "COMPLETED"))
        if time.perf_counter() - started > _LARGE_TIMEOUT:
            done = server.count("add", "COMPLETED")
            raise _Failed(f"add: only {done:,} of {count:,} tasks were completed in {_LARGE_TIMEOUT} s")
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    show(count)
    difference = difference_of_sums(count, server.tasks("add"))
    if difference:
        raise _Failed(difference)
    return _Row("add", count, 0, count / elapsed, cpu / count * 1e6)


def _lines(console: Console, name: str, total: int) -> Callable[[int], None]:
    due = 0.0

    def show(done: int) -> None:
        nonlocal due
        if time.monotonic() >= due or done == total:
            console.print(f"  {name}: {done:,} of {total:,} tasks")
            due = time.monotonic() + 1

    return show


def _print_table(console: Console, rows: list[_Row]) -> None:
    from rich.table import Table

    table = Table("task type", title="\nWhat ran", title_justify="left")
    for heading in ("tasks", "failures", "tasks/s", "CPU per task"):
        table.add_column(heading, justify="right")
    for row in rows:
        rate = "" if row.tasks_per_second is None else f"{row.tasks_per_second:,.0f}"
        cpu = "" if row.cpu_micros is None else f"{row.cpu_micros:.1f} µs"
        table.add_row(row.task_type, f"{row.tasks:,}", str(row.failures), rate, cpu)
    console.print(table)
    console.print("CPU is that of this whole process: workers, engine and the server itself.\n")
