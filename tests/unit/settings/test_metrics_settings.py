"""`MetricsSettings` keeps what the SDK's keeps, and says what is to be told where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conductor.client.configuration.settings.metrics_settings import MetricsSettings as SdkMetricsSettings

from conductor_fast import MetricsSettings
from conductor_fast.settings.metrics_settings import metrics_export

ATTRIBUTES = (
    "directory",
    "file_name",
    "update_interval",
    "http_port",
    "clean_directory",
    "clean_dead_pids",
    "is_canonical",
    "metrics_directory",
)


@pytest.mark.parametrize("canonical", [None, "true", "no"])
@pytest.mark.parametrize("arguments", [{}, {"http_port": 8000, "file_name": "other"}])
def test_attributes_are_the_sdks(
    arguments: dict[str, Any], canonical: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if canonical is not None:
        monkeypatch.setenv("WORKER_CANONICAL_METRICS", canonical)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    ours, theirs = MetricsSettings(**arguments), SdkMetricsSettings(**arguments)
    assert [getattr(ours, name) for name in ATTRIBUTES] == [getattr(theirs, name) for name in ATTRIBUTES]


def test_nothing_is_written(tmp_path: Path) -> None:
    MetricsSettings(str(tmp_path / "metrics"), clean_directory=True).clean_metrics_directory()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [MetricsSettings, SdkMetricsSettings])
@pytest.mark.parametrize(
    ("arguments", "port", "file"),
    [
        ({}, None, None),
        ({"http_port": 8000}, 8000, None),
        ({"http_port": 8000, "directory": "given"}, 8000, None),
        ({"directory": "given", "file_name": "other"}, None, "given/other"),
    ],
)
def test_a_file_is_for_those_who_name_a_directory(
    kind: Any,
    arguments: dict[str, Any],
    port: int | None,
    file: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WORKER_CANONICAL_METRICS", raising=False)
    monkeypatch.chdir(tmp_path)
    export = metrics_export(kind(**arguments))
    assert (export.http_port, export.file) == (port, file)
    assert (export.catalogue, export.default_catalogue) == (None, "legacy")
