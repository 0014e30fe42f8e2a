"""An application on an engine: started, idle, given a task now and then, at full work, stopped."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benches.zero_change.servers import STEPS, OnDevServer, Server, pin
from benches.zero_change.tree import cost
from tests.accelerate.application import APPS, running
from tests.support.waiting import wait_until

_APPLICATION = Path(__file__).with_name("application.py")
_DROP_IN = Path(__file__).with_name("drop_in.py")
_HELD = 50
_START_TIMEOUT = 60.0
# Tasks that come one by one. 0.07 s: no multiple of either engine's intervals.
_SINGLE_TASKS = 100
_PAUSE = 0.07


@dataclass(frozen=True)
class Sample:
    """One round. Times are seconds, but for latencies: milliseconds on the server's clock."""

    engine: str
    server: str
    round: int
    first_task_seconds: float
    all_types_seconds: float
    processes: int
    idle_pss_mebibytes: float
    idle_cpu_share: float
    latency_p50_millis: float
    latency_p90_millis: float
    tasks: int
    tasks_per_second: float
    cpu_micros_per_task: float
    busy_pss_mebibytes: float
    held_tasks_reported: int | None
    cpu_bound_tasks_per_second: float | None


def sample(server: Server, engine: str, round_number: int, seconds: float) -> Sample:
    """All of it, in fresh processes; `seconds` idle and again as long at full work.

    `engine`: sdk, accelerated, or ours, which is a program written for this package.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = [server.start(step) for step in STEPS]
        begun, begun_millis = time.monotonic(), time.time() * 1e3
        started = ("sdk", _DROP_IN) if engine == "ours" else (engine, _APPLICATION)
        with running(*started, server.url, Path(folder) / "log") as application:
            if isinstance(server, OnDevServer):
                pin(application.processes()[0].pid, 1)
            first = server.ended(wanted)
            all_types_seconds = time.monotonic() - begun
            first_task_seconds = (min(task["endTime"] for task in first) - begun_millis) / 1e3

            time.sleep(2)  # to calm down
            before, at = cost(application), time.monotonic()
            time.sleep(seconds)
            idle, idle_seconds = cost(application), time.monotonic() - at
            idle_cpu_share = (idle.run_seconds - before.run_seconds) / idle_seconds

            wanted = []
            for number in range(_SINGLE_TASKS):
                wanted.append(server.start(STEPS[number % len(STEPS)]))
                time.sleep(_PAUSE)
            single = [task["endTime"] - task["scheduledTime"] for task in server.ended(wanted)]

            work = server.work(seconds)
            next(work)
            before, at = cost(application), time.monotonic()
            next(work)
            busy, busy_seconds = cost(application), time.monotonic() - at
            try:
                next(work)
            except StopIteration as end:
                tasks = int(end.value)
            # In order: a poll in flight would take the next round's tasks along, on the SDK for 100 ms.
            application.terminate()
            application.wait()
            time.sleep(1)
        reported = burnt = None
        if isinstance(server, OnDevServer):
            reported = held_tasks(server, engine, Path(folder))
            burnt = cpu_bound(server, engine, seconds, Path(folder))
    cpu = busy.cpu_seconds - before.cpu_seconds
    deciles = statistics.quantiles(single, n=10)
    return Sample(
        engine=engine,
        server=server.name,
        round=round_number,
        first_task_seconds=first_task_seconds,
        all_types_seconds=all_types_seconds,
        processes=idle.processes,
        idle_pss_mebibytes=idle.pss_mebibytes,
        idle_cpu_share=idle_cpu_share,
        latency_p50_millis=deciles[4],
        latency_p90_millis=deciles[8],
        tasks=tasks,
        tasks_per_second=tasks / busy_seconds,
        cpu_micros_per_task=cpu / tasks * 1e6,
        busy_pss_mebibytes=busy.pss_mebibytes,
        held_tasks_reported=reported,
        cpu_bound_tasks_per_second=burnt,
    )


def held_tasks(server: OnDevServer, engine: str, folder: Path) -> int:
    """How many of fifty running tasks the server hears of after SIGTERM."""
    gate = folder / "gate"
    for number in range(_HELD):
        server.push("held", {"number": number, "path": str(gate)})
    with running(engine, APPS / "held_tasks.py", server.url, folder / "held.log") as application:
        wait_until(lambda: application.log.count("holding ") == _HELD, "fifty tasks to run", _START_TIMEOUT)
        application.terminate()
        if engine == "sdk":
            application.wait()
        gate.touch()
        application.wait()
    return server.completed("held")


def cpu_bound(server: OnDevServer, engine: str, seconds: float, folder: Path) -> float:
    """Tasks a second of two workers that are pure Python, on all cores."""
    types = ["burn_0", "burn_1"]
    server.fill(100, types)
    with running(engine, _APPLICATION.with_name("cpu_bound.py"), server.url, folder / "burnt.log"):
        done = [0, 0]

        def both_work() -> bool:
            done[:] = map(server.completed, types)
            return all(done)

        wait_until(both_work, "both workers to work", _START_TIMEOUT)
        begun, before = time.monotonic(), sum(done)
        time.sleep(seconds)
        return (sum(map(server.completed, types)) - before) / (time.monotonic() - begun)
