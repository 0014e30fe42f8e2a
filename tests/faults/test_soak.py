"""Load with a little of every fault: the short form, and ten minutes by `make soak`."""

from __future__ import annotations

import os
import signal
import time

from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.support.waiting import wait_until

SECONDS = float(os.environ.get("CONDUCTOR_FAST_SOAK_SECONDS", "6"))
PER_SECOND = int(os.environ.get("CONDUCTOR_FAST_SOAK_TASKS_PER_SECOND", "500"))

FAULTS = (
    "close",
    "reset",
    "close-after",
    "delay-millis=100",
    "delay-after-millis=100",
    "connection-close",
    "cut=300",
    "cut-reset=300",
    "drip-millis=2",
    "garbage",
    "length-off=7",
    "continue",
    "html",
    "503",
    "429",
    "500",
    "again of=polls",
    "twice of=polls",
    "more-tasks=5 of=polls",
)


def test_every_task_has_one_terminal_result_and_nothing_grows(start_worker: StartWorker) -> None:
    with DevServer(transcript_capacity=0) as server:
        for fault in FAULTS:
            server.add_fault(f"{fault} share={0.01 / len(FAULTS)}")
        worker = start_worker(server, threads=20)
        server.push("work")
        assert server.wait_for(1, "work", "COMPLETED", 20)
        server.forget_terminal()
        pushed, completed = 0, 0
        samples: list[tuple[float, float, int, int]] = []
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < SECONDS:
            count = int(elapsed * PER_SECOND) - pushed
            # A poll that is lost strands its tasks until their response timeout, as on a real server.
            server.push_many(
                "work",
                {"value": "x" * 200},
                count,
                response_timeout_seconds=3,
                retry_delay_seconds=0,
                retry_count=1_000,
            )
            pushed += count
            if len(samples) < elapsed:
                samples.append((elapsed, worker.memory(), worker.files(), worker.threads()))
            if pushed > 100_000 and server.count("work", "COMPLETED") == pushed - completed:
                completed = pushed
                server.forget_terminal()
            assert worker.process.poll() is None, worker.output()[-2_000:]
            time.sleep(0.05)
        wait_until(lambda: server.count("work", "COMPLETED") == pushed - completed, "every task to end", 30)
        ended = {task["status"] for task in server.tasks("work")}
        assert ended <= {"COMPLETED", "TIMED_OUT"}
        assert worker.process.poll() is None
        flat = samples[len(samples) // 3 :]
        slope = _slope([(row[0] / 60, row[1]) for row in flat])
        for name, at in (("MiB", 1), ("files", 2), ("threads", 3)):
            print(f"{name}: {min(row[at] for row in flat):.1f} to {max(row[at] for row in flat):.1f}")  # noqa: T201
        print(f"{pushed} tasks, {slope:+.3f} MiB a minute, {sum(worker.runs().values())} runs")  # noqa: T201
        assert max(row[3] for row in flat) - min(row[3] for row in flat) <= 1, "threads"
        assert max(row[2] for row in flat) - min(row[2] for row in flat) <= 70, "files: idle connections"
        if SECONDS >= 300:
            assert slope < 0.5, "MiB a minute"
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(30) == 0
        assert "panicked" not in worker.output()


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the line with the least squares."""
    x, y = (sum(column) / len(points) for column in zip(*points, strict=True))
    spread = sum((point[0] - x) ** 2 for point in points)
    return sum((point[0] - x) * (point[1] - y) for point in points) / spread if spread else 0
