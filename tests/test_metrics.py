"""What is counted of running workers, and how it is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from conductor_fast import (
    ConfigurationError,
    MetricsEndpoint,
    MetricsSettings,
    TaskResult,
    TaskResultStatus,
    WorkerHost,
    provide_metrics,
    register_collector,
)
from conductor_fast.testing import DevServer
from tests.support.scraping import scrape, series, shown_workers, value
from tests.support.waiting import wait_until

POLLS = "/api/tasks/poll"


@pytest.fixture
def metrics() -> Any:
    """The endpoint of the Go guide, on a free port."""
    with provide_metrics(MetricsSettings(http_port=0)) as metrics:
        yield metrics


def shrink(text: str) -> dict[str, Any]:
    if not text:
        raise KeyError("a message that is no label")
    return {"text": text[:1]}


def run(server: DevServer, host: WorkerHost, task_type: str, inputs: dict[str, int], **settings: Any) -> None:
    """Run `shrink` on each text so many times; returns when all is delivered."""
    host.start_worker(task_type, shrink, batch_size=2, **settings)
    for text, count in inputs.items():
        server.push_many(task_type, {"text": text}, count)
    assert server.wait_for(sum(inputs.values()), task_type)
    delivered(host)


def delivered(host: WorkerHost) -> None:
    """Wait for what follows the server's yes."""
    wait_until(lambda: not host.runtime.held(), "the end of all tasks", 10)


def test_the_guides_names(server: DevServer, host: WorkerHost, metrics: MetricsEndpoint) -> None:
    run(server, host, "metrics_guide", {"abc": 7, "": 3})
    seen = scrape(metrics.url)
    name = {"taskType": "metrics_guide"}
    assert (value(seen, "task_poll_counter", **name) or 0) >= 5, "10 tasks by 2"
    assert value(seen, "task_execute_error", **name) == 3
    assert value(seen, "task_update_error", **name) == 0
    assert value(seen, "task_result_size", **name) in {len('{"text":"a"}'), len("{}")}
    assert 0 < (value(seen, "task_poll_time", **name) or 0) < 10
    assert 0 < (value(seen, "task_execute_time", **name) or 0) < 10
    assert value(seen, "conductor_fast_slots", **name, domain="") == 2
    assert value(seen, "conductor_fast_slots_in_use", **name, domain="") == 0
    assert "a message" not in str(seen)


def test_each_catalogue_counts_the_same(
    server: DevServer, host: WorkerHost, metrics: MetricsEndpoint
) -> None:
    run(server, host, "metrics_each", {"abc": 7, "": 3})
    name = {"taskType": "metrics_each"}
    canonical = scrape(f"{metrics.url}?catalogue=canonical")
    legacy = scrape(f"{metrics.url}?catalogue=legacy")
    for seen in (canonical, legacy):
        assert value(seen, "task_execute_error_total", **name, exception="KeyError") == 3
        assert value(seen, "task_execute_time_seconds_count", **name, status="SUCCESS") == 7
        assert value(seen, "task_execute_time_seconds_count", **name, status="FAILURE") == 3
    assert value(canonical, "task_execution_started_total", **name) == 10
    assert value(canonical, "active_workers", **name) == 0
    assert value(canonical, "task_update_time_seconds_count", **name, status="SUCCESS") == 10
    assert value(canonical, "task_result_size_bytes_sum", **name) == 7 * len('{"text":"a"}')
    assert value(canonical, "task_result_size_bytes_count", **name) == 7
    posts = {"method": "POST", "uri": "/tasks", "status": "200"}
    assert (value(canonical, "http_api_client_request_seconds_count", **posts) or 0) >= 10
    median = value(legacy, "task_execute_time_seconds", **name, status="SUCCESS", quantile="0.5")
    assert median is not None
    assert 0 < median < 1


def test_domains_are_one_for_the_others_names_and_two_for_ours(
    server: DevServer, host: WorkerHost, metrics: MetricsEndpoint
) -> None:
    run(server, host, "metrics_domains", {"a": 2})
    host.start_worker("metrics_domains", shrink, domain="other", paused=True)
    seen = scrape(f"{metrics.url}?catalogue=canonical")
    assert value(seen, "task_execution_started_total", taskType="metrics_domains") == 2
    assert value(seen, "conductor_fast_paused", taskType="metrics_domains", domain="") == 0
    assert value(seen, "conductor_fast_paused", taskType="metrics_domains", domain="other") == 1


def test_failures_of_any_kind_are_counted_and_told_by_kind_alone(
    server: DevServer, host: WorkerHost, metrics: MetricsEndpoint
) -> None:
    def fail(how: str) -> Any:
        if how == "status":
            return TaskResult(status=TaskResultStatus.FAILED)
        if how == "output":
            return {"unsendable": {1, object()}}
        raise type(f"Error{how}", (Exception,), {})(f"secret {how}")

    host.start_worker("metrics_kinds", fail, batch_size=4)
    inputs = ["status", "output", *map(str, range(30))]
    for how in inputs:
        server.push("metrics_kinds", {"how": how}, retry_count=0)
    server.push_raw_input("metrics_kinds", b'{"how": }')
    assert server.wait_for(len(inputs) + 1, "metrics_kinds")
    delivered(host)
    seen = scrape(f"{metrics.url}?catalogue=canonical")
    kinds = {
        dict(labels)["exception"]: count
        for (name, labels), count in seen.items()
        if name == "task_execute_error_total" and ("taskType", "metrics_kinds") in labels
    }
    assert sum(kinds.values()) == len(inputs) + 1
    assert len(kinds) == 21, kinds
    assert kinds["other"] >= 11
    assert "secret" not in str(seen)
    (shown,) = [
        each for each in shown_workers(metrics.url)["workers"] if each["task_type"] == "metrics_kinds"
    ]
    assert (shown["completed_total"], shown["failed_total"]) == (0, len(inputs) + 1)


def test_polls_and_updates_that_fail(server: DevServer, host: WorkerHost, metrics: MetricsEndpoint) -> None:
    refusal = {"status": 500, "body": '{"message": "secret"}'}
    server.add_fault({"path": POLLS, "taskType": "metrics_trouble", "count": 2, "answer": refusal})
    server.add_fault({"method": "POST", "path": "/api/tasks", "count": 3, "answer": refusal})
    run(server, host, "metrics_trouble", {"a": 1})
    name = {"taskType": "metrics_trouble"}
    seen = scrape(metrics.url)
    assert value(seen, "task_poll_error", **name, includeRetries="false", status="500") == 2
    assert value(seen, "task_update_error", **name) == 3
    seen = scrape(f"{metrics.url}?catalogue=canonical")
    assert value(seen, "task_poll_error_total", **name, exception="ApiException") == 2
    assert value(seen, "task_update_error_total", **name, exception="ApiException") == 3
    assert value(seen, "task_poll_time_seconds_count", **name, status="FAILURE") == 2
    assert value(seen, "task_update_time_seconds_count", **name, status="FAILURE") == 3
    posts = {"method": "POST", "uri": "/tasks", "status": "500"}
    assert (value(seen, "http_api_client_request_seconds_count", **posts) or 0) >= 3


def test_what_waits_for_delivery_is_seen(
    server: DevServer, host: WorkerHost, metrics: MetricsEndpoint
) -> None:
    server.add_fault({"method": "POST", "path": "/api/tasks", "answer": {"status": 503, "body": ""}})
    host.start_worker("metrics_outbox", shrink)
    server.push("metrics_outbox", {"text": "abc"}, response_timeout_seconds=1, retry_count=0)
    shown = wait_until(
        lambda: (found := shown_workers(metrics.url))["outbox"]["oldest_age_seconds"] > 1.2 and found,
        "a result",
        10,
    )
    assert shown["outbox"]["results"] == 1
    assert shown["outbox"]["bytes"] > 50
    assert value(scrape(metrics.url), "conductor_fast_outbox_results") == 1
    server.clear_faults()
    delivered(host)
    seen = scrape(metrics.url)
    assert value(seen, "conductor_fast_outbox_results") == 0
    late = "conductor_fast_delivered_after_deadline_total"
    assert value(seen, late, taskType="metrics_outbox", domain="") == 1


def test_a_worker_that_is_started_again_goes_on_counting(server: DevServer, metrics: MetricsEndpoint) -> None:
    for _ in range(2):
        with WorkerHost(server.url) as host:
            run(server, host, "metrics_again", {"a": 2})
            server.forget_terminal()
    seen = scrape(f"{metrics.url}?catalogue=canonical")
    assert value(seen, "task_execution_started_total", taskType="metrics_again") == 4
    assert value(seen, "conductor_fast_slots", taskType="metrics_again", domain="") is None, "no host has it"


def test_a_registry_of_prometheus_client(server: DevServer, host: WorkerHost) -> None:
    run(server, host, "metrics_registry", {"abc": 2, "": 1})
    for catalogue, started in (
        ("canonical", "task_execution_started_total"),
        ("legacy", "task_execute_time_seconds_count"),
        ("go", "task_poll_counter"),
    ):
        registry = CollectorRegistry()
        collector = register_collector(registry, catalogue=catalogue)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="Duplicated"):
            register_collector(registry, catalogue=catalogue)  # type: ignore[arg-type]
        text = generate_latest(registry).decode()
        assert re.search(rf'^{started}{{.*taskType="metrics_registry".*}} ', text, re.MULTILINE), text
        registry.unregister(collector)
        assert generate_latest(registry) == b""


@pytest.mark.parametrize(("switch", "name"), [("true", "active_workers"), ("", "task_poll_time")])
def test_the_sdks_switch(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, switch: str, name: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKER_CANONICAL_METRICS", switch)
    settings = MetricsSettings(str(tmp_path / "made"), update_interval=0.01)
    file = Path(settings.metrics_directory) / "metrics.log"
    task_type = f"metrics_switch{switch}"
    with WorkerHost(server.url, metrics_settings=settings) as host:
        run(server, host, task_type, {"a": 1})
        wait_until(
            lambda: value(series(file.read_text()), name, taskType=task_type) is not None, "the file", 10
        )
    assert [each.name for each in file.parent.iterdir()] == ["metrics.log"]


def test_nothing_is_written_without_a_directory(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with WorkerHost(server.url, metrics_settings=MetricsSettings()) as host:
        run(server, host, "metrics_unwritten", {"a": 1})
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import os, sys
from conductor_fast import MetricsSettings, WorkerHost
with WorkerHost(sys.argv[1], metrics_settings=MetricsSettings(http_port=0)) as host:
    host.start_worker("metrics_light", lambda: {})
    assert "prometheus_client" not in sys.modules
    from conductor_fast import register_collector
    from prometheus_client import CollectorRegistry, generate_latest
    registry = CollectorRegistry()
    register_collector(registry, catalogue="canonical")
    assert b"task_poll_total{" in generate_latest(registry)
    if os.fork() == 0:
        os._exit(b"task_poll_total{" in generate_latest(registry))
    assert os.wait()[1] == 0, "the child tells its parent's counts"
"""


def test_prometheus_client_is_imported_on_request_and_a_child_counts_anew(server: DevServer) -> None:
    options = ["-W", "ignore::DeprecationWarning"]  # that a process with threads forks
    program = [sys.executable, *options, "-c", PROGRAM, server.url]
    done = subprocess.run(program, capture_output=True, text=True, timeout=50, env={**os.environ})
    assert done.returncode == 0, done.stderr


def test_settings_that_cannot_be_used_are_errors_at_start(server: DevServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="catalogue: 'golang' is none; there are \"canonical\""):
        provide_metrics(catalogue="golang")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="catalogue: 'x'"):
        MetricsSettings(catalogue="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="http_port: 70000 is no port"):
        WorkerHost(server.url, metrics_settings=MetricsSettings(http_port=70_000))
    with pytest.raises(ConfigurationError, match="update_interval: 0 is not between"):
        WorkerHost(server.url, metrics_settings=MetricsSettings(update_interval=0))
    with pytest.raises(ConfigurationError, match="metrics_settings: expected MetricsSettings, not int"):
        WorkerHost(server.url, metrics_settings=8000)
    blocked = tmp_path / "a file"
    blocked.touch()
    unwritable = MetricsSettings(str(blocked / "below"))
    with pytest.raises(ConfigurationError, match=r"directory: cannot write .*a file/below"):
        WorkerHost(server.url, metrics_settings=unwritable).start()
