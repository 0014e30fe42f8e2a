"""`python -m benches.idle_and_blocked`: what workers cost that do nothing, and whom those that block hold up.

Three scenarios against a dev server, each with workers in a process of its own; full size takes four minutes.

idle: no-op types without work: memory, CPU, time until each has polled.
blocked: types that poll once a second, one with all slots blocked: the gaps between the polls of the others.
leases: tasks that take three times their response timeout, some holding the GIL for a second: none times out.

`--short` is a smaller size of each, to see that it works. It ends with 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import itertools
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benches.compare.machine import ROOT, facts
from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer

_POLL = "/api/tasks/poll/batch/"
_RESPONSE_TIMEOUTS = 3
"""How many of its response timeouts a long task takes."""


@dataclass(frozen=True)
class Size:
    """How much of each scenario; times in seconds."""

    idle_types: int = 50
    idle_time: float = 30
    polling_types: int = 200
    blocked_time: float = 60
    holders: int = 20
    hold_time: float = 1
    coroutines: int = 500
    response_timeout: int = 10


FULL = Size()
SHORT = Size(10, 3, 20, 5, 4, 1, 50, 2)


@dataclass(frozen=True)
class Figure:
    """One row of the report."""

    what: str
    found: str
    aim: str
    reached: bool


def noop() -> None: ...


def run_idle(host: WorkerHost, size: Size) -> None:
    for number in range(size.idle_types):
        host.start_worker(f"idle_{number}", noop)


def run_blocked(host: WorkerHost, size: Size) -> None:
    def block(seconds: float) -> None:
        time.sleep(seconds)

    host.start_worker("blocked", block, batch_size=4)
    for number in range(size.polling_types - 1):
        host.start_worker(f"polling_{number}", noop, poll_interval=1.0, poll_timeout=0)


def run_leases(host: WorkerHost, size: Size) -> None:
    with_gil = ctypes.PyDLL(None)  # does not release it, as C code that forgets to
    length = _RESPONSE_TIMEOUTS * size.response_timeout

    def hold() -> None:
        end = time.monotonic() + length
        time.sleep(size.response_timeout / 5)
        # All at once: together they hold it for twice the response timeout.
        with_gil.usleep(int(size.hold_time * 1e6))
        time.sleep(max(0.0, end - time.monotonic()))

    async def sleep() -> None:
        await asyncio.sleep(length)

    host.start_worker("hold", hold, batch_size=size.holders, lease_extend_enabled=True)
    host.start_worker("sleep", sleep, batch_size=size.coroutines, lease_extend_enabled=True)


PROGRAMS: dict[str, Callable[[WorkerHost, Size], None]] = {
    "idle": run_idle,
    "blocked": run_blocked,
    "leases": run_leases,
}


@contextmanager
def program(name: str, server: DevServer, size: Size) -> Iterator[tuple[psutil.Process, float]]:
    """The workers of a scenario, in a process of their own; and when it began to start them, `monotonic`."""
    command = [sys.executable, "-m", "benches.idle_and_blocked", "--workers", name, server.url]
    if size is SHORT:
        command.append("--short")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield psutil.Process(process.pid), float(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(60)


def polls(server: DevServer) -> dict[str, list[float]]:
    """When each type was polled: seconds after the server's start."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in server.transcript():
        if line["path"].startswith(_POLL):
            found[line["path"].removeprefix(_POLL)].append(line["elapsedMillis"] / 1_000)
    return found


def measure_idle(size: Size) -> Iterator[Figure]:
    with DevServer() as server:
        begun = time.monotonic()
        with program("idle", server, size) as (process, started):
            while len(polls(server)) < size.idle_types and time.monotonic() < begun + 30:
                time.sleep(0.02)
            # Long polls have grown to their full length by then.
            time.sleep(10 if size is FULL else 1)
            before, since = process.cpu_times(), time.monotonic()
            time.sleep(size.idle_time)
            after, seconds = process.cpu_times(), time.monotonic() - since
            used = (after.user + after.system - before.user - before.system) / seconds
            memory = process.memory_full_info().pss / 2**20
            children = len(process.children(recursive=True))
        first = [begun + times[0] for times in polls(server).values()]
    what = f"{size.idle_types} no-op types idle"
    yield Figure(f"{what}: processes", str(1 + children), "1", not children)
    yield Figure(f"{what}: memory (PSS)", f"{memory:.1f} MiB", "< 40 MB", memory * 2**20 < 40e6)
    yield Figure(f"{what}: CPU", f"{used:.2%} of a core", "< 1 %", used < 0.01)
    last = max(first) - started
    found = f"{last:.2f} s after they are started, {max(first) - begun:.2f} s after the interpreter is"
    complete = len(first) == size.idle_types
    yield Figure(f"{what}: first poll of the last type", found, "< 1 s", complete and last < 1)


def measure_blocked(size: Size) -> Iterator[Figure]:
    with DevServer() as server, program("blocked", server, size):
        while len(polls(server)) < size.polling_types:
            time.sleep(0.1)
        server.clear_transcript()
        server.push_many("blocked", {"seconds": size.blocked_time}, 4)
        started = time.monotonic()
        while server.count("blocked", "IN_PROGRESS") < 4:
            time.sleep(0.01)
        done = server.wait_for(4, "blocked", timeout=size.blocked_time + 30)
        took = time.monotonic() - started
        by_type = {name: times for name, times in polls(server).items() if name != "blocked"}
    gaps = sorted(later - sooner for times in by_type.values() for sooner, later in itertools.pairwise(times))
    counts = [len(times) for times in by_type.values()]
    what = f"{size.polling_types} types, one blocked for {took:.0f} s"
    complete = done and len(by_type) == size.polling_types - 1 and min(counts) >= 0.8 * took - 1
    middle = gaps[len(gaps) // 2]
    found = f"{gaps[0]:.3f} to {gaps[-1]:.3f} s, median {middle:.3f} s, of {len(gaps)}"
    within = complete and gaps[0] >= 0.8 and gaps[-1] <= 1.2
    yield Figure(f"{what}: gaps between polls of each other", found, "1 s ± 20 %", within)


def measure_leases(size: Size) -> Iterator[Figure]:
    length = _RESPONSE_TIMEOUTS * size.response_timeout
    total = size.holders + size.coroutines
    with DevServer() as server:
        server.push_many("hold", count=size.holders, response_timeout_seconds=size.response_timeout)
        server.push_many("sleep", count=size.coroutines, response_timeout_seconds=size.response_timeout)
        with program("leases", server, size):
            server.wait_for(total, timeout=length + 60)
        timed_out, completed = server.count(status="TIMED_OUT"), server.count(status="COMPLETED")
        beats = sum('"extendLease":true' in (line["body"] or "") for line in server.transcript())
    what = (
        f"{size.holders} tasks of {length} s that hold the GIL for {size.hold_time} s each, and "
        f"{size.coroutines} coroutines; response timeout {size.response_timeout} s"
    )
    found = f"{timed_out} timed out, {completed} of {total} completed, {beats} leases extended"
    yield Figure(what, found, "none times out", not timed_out and completed == total)


MEASURES = {"idle": measure_idle, "blocked": measure_blocked, "leases": measure_leases}


def main() -> int:
    """Measure and print a table; 1 if an aim is missed."""
    parser = argparse.ArgumentParser(prog=f"benches.{Path(__file__).stem}", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a smaller size of each")
    parser.add_argument("--only", choices=MEASURES, help="one of them")
    parser.add_argument("--workers", choices=PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("url", nargs="?", help=argparse.SUPPRESS)
    given = parser.parse_args()
    size = SHORT if given.short else FULL
    if given.workers:
        with WorkerHost(given.url) as host:
            print(time.monotonic(), flush=True)  # of the whole machine
            PROGRAMS[given.workers](host, size)
            host.wait()
        return 0
    chosen = [given.only] if given.only else list(MEASURES)
    print("\n".join(f"{name + ':':18}{value}" for name, value in facts().items()))
    print("\n| scenario | found | aim | |\n|---|---|---|---|")
    missed = 0
    for figure in itertools.chain.from_iterable(MEASURES[name](size) for name in chosen):
        missed += not figure.reached
        verdict = "reached" if figure.reached else "missed"
        print(f"| {figure.what} | {figure.found} | {figure.aim} | {verdict} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
