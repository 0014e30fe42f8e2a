"""What a process tells of its workers, as a collector or a person asks for it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def families(text: str) -> list[Metric]:
    """As prometheus_client reads them; it would add _total to the names of counters, so those without are
    untyped here.
    """
    return list(
        text_string_to_metric_families(re.sub(r"(# TYPE \w+(?<!_total)) counter", r"\1 untyped", text))
    )


def series(text: str) -> Series:
    """Every value by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(text)
        for sample in family.samples
    }


def scrape(url: str) -> Series:
    """`series` of `/metrics` there."""
    status, text = get(url)
    assert status == 200, text
    return series(text)


def value(series: Series, name: str, **labels: str) -> float | None:
    """None if there is no such series."""
    return series.get((name, frozenset(labels.items())))


def shown_workers(metrics_url: str) -> dict[str, Any]:
    """What the page shows."""
    status, text = get(metrics_url.replace("/metrics", "/workers.json"))
    assert status == 200, text
    shown: dict[str, Any] = json.loads(text)
    return shown
