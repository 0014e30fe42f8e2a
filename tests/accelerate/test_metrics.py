"""A program that tells Prometheus of itself, as the metrics example of conductor-python does."""

from __future__ import annotations

import signal
import socket

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.conftest import Run
from tests.support.scraping import get, scrape, shown_workers, value

PROGRAM = """
    from conductor.client.configuration.settings.metrics_settings import MetricsSettings

    @worker_task(task_definition_name="fetch", thread_count=10, poll_timeout=10)
    async def fetch(delay: float = 0.01) -> dict:
        await asyncio.sleep(delay)
        return {"pid": os.getpid()}

    @worker_task(task_definition_name="compute", thread_count=5, poll_timeout=10)
    def compute(number: int) -> dict:
        if number < 0:
            raise ValueError(number)
        return {"sum": sum(range(number))}

    def main():
        port = int(os.environ["PORT"])
        settings = MetricsSettings(
            directory="metrics", file_name="metrics.log", update_interval=0.1, http_port=port
        )
        with TaskHandler(
            configuration=Configuration(), metrics_settings=settings, scan_for_annotated_workers=True
        ) as handler:
            handler.start_processes()
            handler.join_processes()

    if __name__ == "__main__":
        main()
"""
FETCHED, COMPUTED, FAILED = 4, 3, 2


@pytest.mark.parametrize("switch", [{}, {"WORKER_CANONICAL_METRICS": "true"}], ids=["legacy", "canonical"])
def test_its_endpoint_tells_the_names_of_its_switch(
    switch: dict[str, str], run: Run, server: DevServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = run(PROGRAM, environment={"PORT": str(port), **switch})
    fetches = server.push_many("fetch", {}, FETCHED)
    server.push_many("compute", {"number": 1_000}, COMPUTED)
    server.push_many("compute", {"number": -1}, FAILED)
    assert server.wait_for(FETCHED + COMPUTED + FAILED, timeout=40), program.log
    assert server.task(fetches[0])["outputData"] == {"pid": program.process.pid}
    url = f"http://127.0.0.1:{port}/metrics"
    told = scrape(url)

    def count(task_type: str, status: str) -> float | None:
        return value(told, "task_execute_time_seconds_count", taskType=task_type, status=status)

    assert (count("fetch", "SUCCESS"), count("compute", "SUCCESS")) == (FETCHED, COMPUTED)
    assert count("compute", "FAILURE") == FAILED
    assert (value(told, "task_poll_total", taskType="fetch") or 0) > 0
    names = {name for name, _ in told}
    assert ("task_execute_time_seconds_bucket" in names) == bool(switch)
    assert ("task_execute_time" in names) != bool(switch)
    assert {worker["task_type"] for worker in shown_workers(url)["workers"]} == {"fetch", "compute"}
    assert get(url.replace("metrics", "health")) == (200, "OK")
    assert len(program.processes()) == 1
    assert program.end(signal.SIGTERM) == 143
