"""`conductor-fast bench`: this package against conductor-python on the user's own machine."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conductor_fast.cli import bench_tree

if TYPE_CHECKING:
    from rich.console import Console

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_WARM_UP = 1.0
_BAR = 40
_SDK = "conductor-python"
_GROUND = (
    "The ground is the dev server, which is in memory and answers in microseconds: these are the costs of the "
    "clients themselves. A real Conductor server does some hundreds of tasks a second and is the limit there; the "
    "difference then shows as CPU and memory, not as tasks/s."
)
_BARE = (
    "Bare sockets are a Python program without any library: it reads no JSON, calls no function, tries nothing "
    "again. What is below it is Rust's doing."
)


@dataclass(frozen=True)
class _Sample:
    """A client's stretch of one round."""

    client: str
    round: int
    seconds: float
    tasks: int
    tasks_per_second: float
    cpu_micros_per_task: float
    pss_mebibytes: float


class _Failed(Exception):
    """Why a client has no figures."""


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
    """Compare this package with the installed conductor-python and with bare sockets.

    A function that gives back its input, tasks always there, in alternating rounds: the client on one core, the
    server on the others. Needs no network; ends by itself in about a minute.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if not Path("/proc/self/smaps_rollup").exists():
        raise click.ClickException("the costs of processes are read from /proc, which this system does not have")
    clients = {
        "bare sockets": ["conductor_fast.cli.bench_clients", "bare"],
        "conductor_fast": ["conductor_fast.cli.bench_clients", "ours"],
    }
    facts = _facts()
    if facts[_SDK]:
        clients[_SDK] = ["conductor_fast.cli.bench_sdk"]
    samples: list[_Sample] = []
    failures: dict[str, str] = {}
    for number in range(1, rounds + 1):
        # Every other round in reverse, so that none always comes after the same one.
        names = [name for name in clients if name not in failures]
        for name in names if number % 2 else names[::-1]:
            console.print(f"round {number} of {rounds}: {name}", style="dim")
            try:
                samples.append(_sample(name, clients[name], number, seconds, threads))
            except _Failed as failure:
                failures[name] = str(failure)
                samples = [sample for sample in samples if sample.client != name]
    _show(console, facts, samples, failures, threads)
    if output:
        content = {"facts": facts, "failures": failures, "samples": [asdict(sample) for sample in samples]}
        output.write_text(json.dumps(content, indent=1) + "\n")
        console.print(f"Every sample: {output}", soft_wrap=True)
    if "conductor_fast" in failures:
        raise click.ClickException(f"conductor_fast: {failures['conductor_fast']}")


def _facts() -> dict[str, Any]:
    try:
        sdk = importlib.metadata.version(_SDK)
    except importlib.metadata.PackageNotFoundError:
        sdk = None
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "conductor-fast": importlib.metadata.version("conductor-fast"),
        _SDK: sdk,
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _sample(name: str, words: list[str], number: int, seconds: float, threads: int) -> _Sample:
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryFile("w+") as errors, _program(cores[:-1] or cores) as server:
        url = _line(server)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONDUCTOR_")}
        with subprocess.Popen(
            [sys.executable, "-m", *words, url, str(threads)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores[-1:]),
        ) as client:
            try:
                deadline = time.monotonic() + _START_SECONDS
                while not _ask(server, "count"):
                    if client.poll() is not None or time.monotonic() > deadline:
                        errors.seek(0)
                        raise _Failed(f"did no work: {errors.read().strip()[-500:]}")
                    time.sleep(0.02)
                time.sleep(_WARM_UP)
                begun, before, cpu = time.monotonic(), _ask(server, "count"), bench_tree.cpu_seconds(client.pid)
                time.sleep(seconds)
                wall, tasks = time.monotonic() - begun, _ask(server, "count") - before
                cpu = bench_tree.cpu_seconds(client.pid) - cpu
                memory = bench_tree.pss_mebibytes(client.pid)
                wrong = _ask(server, "check")
                if client.poll() is not None:
                    errors.seek(0)
                    raise _Failed(f"ended in the middle: {errors.read().strip()[-500:]}")
            finally:
                os.killpg(client.pid, signal.SIGTERM)
                try:
                    client.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    client.kill()
                bench_tree.kill(client.pid)
    if wrong or not tasks:
        raise _Failed(f"{wrong} wrong results" if wrong else "it did nothing in the measured stretch")
    return _Sample(name, number, wall, tasks, tasks / wall, cpu / tasks * 1e6, memory)


@contextmanager
def _program(cores: list[int]) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "conductor_fast.cli.bench_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ) as server:
        yield server


def _ask(server: subprocess.Popen[str], word: str) -> int:
    assert server.stdin is not None
    server.stdin.write(f"{word}\n")
    server.stdin.flush()
    return int(_line(server))


def _line(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    line = server.stdout.readline().strip()
    if not line:
        raise click.ClickException("the dev server ended; its error is above")
    return line


def _show(
    console: Console, facts: dict[str, Any], samples: list[_Sample], failures: dict[str, str], threads: int
) -> None:
    from rich.table import Table

    medians = {
        name: {
            figure: statistics.median(getattr(sample, figure) for sample in samples if sample.client == name)
            for figure in ("cpu_micros_per_task", "tasks_per_second", "pss_mebibytes")
        }
        for name in dict.fromkeys(sample.client for sample in samples)
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
    if "conductor_fast" in medians and _SDK in medians:
        ratio = medians[_SDK]["cpu_micros_per_task"] / medians["conductor_fast"]["cpu_micros_per_task"]
        console.print(f"conductor-python takes {ratio:.1f} × the CPU per task.\n")
    if not facts[_SDK]:
        console.print("conductor-python is not installed here, and so not compared.\n")
    for name, why in failures.items():
        console.print(f"{name} failed, and is not compared: {why}\n", markup=False, soft_wrap=True)
    console.print(f"{_GROUND}\n{_BARE}\n", soft_wrap=True)
    told = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
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
