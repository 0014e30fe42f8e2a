"""The metrics of running workers, as they are scraped."""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conductor_fast import ConfigurationError, MetricsEndpoint, MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.support.waiting import wait_until

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def get(url: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def scrape(url: str) -> Series:
    """Every series by name and labels, as prometheus_client reads them."""
    status, text = get(url)
    assert status == 200, text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        # prometheus_client would add _total to the names of counters, which the Go guide's have not.
        for family in text_string_to_metric_families(re.sub(r"(# TYPE \w+(?<!_total)) counter", r"\1 untyped", text))
        for sample in family.samples
    }


def workers(metrics: MetricsEndpoint) -> dict[str, Any]:
    """What the page shows."""
    status, text = get(metrics.url.replace("/metrics", "/workers.json"))
    assert status == 200, text
    shown: dict[str, Any] = json.loads(text)
    return shown


def of(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, frozenset(labels.items())))


def test_the_guides_names_count_what_happened(server: DevServer, host: WorkerHost) -> None:
    def shrink(text: str) -> dict[str, Any]:
        if not text:
            raise KeyError("a message that is no label")
        return {"text": text[:1]}

    with provide_metrics(MetricsSettings(http_port=0)) as metrics:
        host.start_worker("metrics_guide", shrink, batch_size=2)
        server.push_many("metrics_guide", {"text": "abc"}, 7)
        server.push_many("metrics_guide", {"text": ""}, 3)
        assert server.wait_for(10, "metrics_guide")
        wait_until(lambda: workers(metrics)["outbox"]["results"] == 0, "the server's last yes", 10)
        series = scrape(metrics.url)
    name = {"taskType": "metrics_guide"}
    polls = of(series, "task_poll_counter", **name)
    assert polls is not None
    assert polls >= 5, "10 tasks by 2"
    assert of(series, "task_execute_error", **name) == 3
    assert of(series, "task_update_error", **name) == 0
    assert of(series, "task_result_size", **name) == len('{"text":"a"}')
    assert 0 < (of(series, "task_poll_time", **name) or 0) < 10
    assert 0 < (of(series, "task_execute_time", **name) or 0) < 1
    assert of(series, "conductor_fast_slots", **name, domain="") == 2
    assert of(series, "conductor_fast_slots_in_use", **name, domain="") == 0
    assert "a message" not in str(series)
