"""`conductor-fast bench`: this package against conductor-python on the user's own machine."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conductor_fast.cli.bench_run import SDK, FailedError, Sample, facts, sample

if TYPE_CHECKING:
    from rich.console import Console

OURS, FLOOR = "conductor_fast", "the floor"
_BAR = 40
_GROUND = (
    "The ground is the dev server, which is in memory and answers in microseconds: these are the costs of "
    "the clients themselves; tasks/s of the fastest end where its core does. A real Conductor server does "
    "some hundreds of tasks a second and is the limit there; the difference then shows as CPU and memory."
)
_FLOOR = (
    "The floor is a client in Rust that does what the protocol asks for and no more: a poll for 64 tasks, a "
    "post for each, from bytes that were built before; no JSON, no function, no second try. Its memory is "
    "that of the Python that starts it."
)


@click.command()
@click.option(
    "--seconds", type=click.FloatRange(0.5, 60), default=3.0, show_default=True, help="Length of a stretch."
)
@click.option(
    "--rounds", type=click.IntRange(1, 50), default=3, show_default=True, help="Stretches of each client."
)
@click.option(
    "--threads", type=click.IntRange(1, 500), default=10, show_default=True, help="Threads of each worker."
)
@click.option(
    "--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Write every sample here."
)
def command(seconds: float, rounds: int, threads: int, output: Path | None) -> None:
    """Compare this package with the installed conductor-python and with the floor.

    A function that gives back its input, tasks always there, in alternating rounds: the client on one core,
    the server on the others. Needs no network; ends by itself in about a minute.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if not Path("/proc/self/smaps_rollup").exists():
        raise click.ClickException(
            "the costs of processes are read from /proc, which this system does not have"
        )
    clients = {
        FLOOR: ["conductor_fast.cli.bench_clients", "floor"],
        OURS: ["conductor_fast.cli.bench_clients", "ours"],
    }
    found = facts()
    if found[SDK]:
        clients[SDK] = ["conductor_fast.cli.bench_sdk"]
    samples: list[Sample] = []
    failures: dict[str, str] = {}
    for number in range(1, rounds + 1):
        # Every other round in reverse, so that none always comes after the same one.
        names = [name for name in clients if name not in failures]
        for name in names if number % 2 else names[::-1]:
            console.print(f"round {number} of {rounds}: {name}", style="dim")
            try:
                samples.append(sample(name, clients[name], number, seconds, threads))
            except FailedError as failure:
                failures[name] = str(failure)
                samples = [each for each in samples if each.client != name]
    _show(console, found, samples, failures, threads)
    if output:
        content = {"facts": found, "failures": failures, "samples": [asdict(each) for each in samples]}
        output.write_text(json.dumps(content, indent=1) + "\n")
        console.print(f"Every sample: {output}", soft_wrap=True)
    if OURS in failures:
        raise click.ClickException(f"{OURS}: {failures[OURS]}")


def _show(
    console: Console, found: dict[str, Any], samples: list[Sample], failures: dict[str, str], threads: int
) -> None:
    from rich.table import Table

    medians = {
        name: {
            figure: statistics.median(getattr(each, figure) for each in samples if each.client == name)
            for figure in ("cpu_micros_per_task", "tasks_per_second", "pss_mebibytes")
        }
        for name in dict.fromkeys(each.client for each in samples)
    }
    table = Table("client", title=f"\nNo-op tasks, {threads} threads, one core", title_justify="left")
    for heading in ("tasks/s", "CPU µs per task", "memory MiB"):
        table.add_column(heading, justify="right")
    for name, figures in medians.items():
        table.add_row(
            name,
            f"{figures['tasks_per_second']:,.0f}",
            f"{figures['cpu_micros_per_task']:,.1f}",
            f"{figures['pss_mebibytes']:,.1f}",
        )
    console.print(table)
    for figure, title in (
        ("cpu_micros_per_task", "CPU µs per task (less is better)"),
        ("tasks_per_second", "Tasks per second (more is better)"),
    ):
        console.print(f"\n{title}, logarithmic")
        for line in _bars({name: figures[figure] for name, figures in medians.items()}):
            console.print(f"  {line}", soft_wrap=True)
    console.print()
    for more, less in ((OURS, FLOOR), (SDK, OURS)):
        if more in medians and less in medians:
            ratio = medians[more]["cpu_micros_per_task"] / medians[less]["cpu_micros_per_task"]
            console.print(f"{more} takes {ratio:.1f} × the CPU per task of {less}.\n")
    if not found[SDK]:
        console.print("conductor-python is not installed here, and so not compared.\n")
    for name, why in failures.items():
        console.print(f"{name} failed, and is not compared: {why}\n", markup=False, soft_wrap=True)
    console.print(f"{_GROUND}\n{_FLOOR}\n", soft_wrap=True)
    told = ", ".join(f"{key} {value}" for key, value in found.items() if value)
    console.print(f"{told} before it began. Close other programs: they lengthen everything.", soft_wrap=True)


def _bars(values: dict[str, float]) -> list[str]:
    if not values:
        return []
    least = math.floor(math.log10(min(values.values())))
    most = max(math.ceil(math.log10(max(values.values()))), least + 1)
    width = max(map(len, values))
    return [
        f"{name:{width}}  "
        f"{'█' * max(round((math.log10(value) - least) / (most - least) * _BAR), 1):{_BAR}}  {value:,.1f}"
        for name, value in values.items()
    ]
