from __future__ import annotations

import logging
from typing import Any

import pytest
from conductor.client.worker import worker_config as sdk

from conductor_fast.settings.environment import (
    READERS,
    describe,
    names,
    resolve,
    resolve_all,
    resolve_worker_config,
)

TEXTS = {float: "250", str: "blue", int: "7"}


def text_of(setting: str) -> str:
    return {"poll_interval": "250", "thread_count": "7", "poll_timeout": "9"}.get(setting, "true")


@pytest.mark.parametrize("setting", sorted(READERS.keys() - {"prefetch"}))  # ours alone
def test_each_name_is_read_as_the_sdk_reads_it(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names("my_task", setting):
        with monkeypatch.context() as patch:
            patch.setenv(name, text_of(setting))
            ours = resolve_worker_config("my_task")
            assert ours[setting] is not None
            if "millis" not in name.lower():
                assert ours == sdk.resolve_worker_config("my_task"), name


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), (" AUTO", "auto"), ("0", 0), ("12", 12)])
def test_prefetch_is_a_number_or_auto(
    text: str, value: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_ALL_PREFETCH", text)
    assert resolve("t", "prefetch", "auto").value == value
    monkeypatch.setenv("conductor.worker.t.prefetch", "some")
    assert resolve("t", "prefetch", 3).value == 3
    assert "conductor.worker.t.prefetch" in caplog.text


@pytest.mark.parametrize("setting", ["domain", "poll_interval"])
def test_of_two_names_the_one_that_counts_is_the_sdks(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [name for name in names("my_task", setting) if "millis" not in name.lower()]
    for first in range(len(known)):
        for second in range(first + 1, len(known)):
            with monkeypatch.context() as patch:
                patch.setenv(known[first], "1")
                patch.setenv(known[second], "2")
                assert resolve_worker_config("my_task") == sdk.resolve_worker_config("my_task")


def test_defaults_are_the_sdks() -> None:
    code: dict[str, Any] = {"poll_interval": 5.0, "domain": "d", "thread_count": 3, "paused": True}
    assert resolve_worker_config("t", **code) == sdk.resolve_worker_config("t", **code)
    assert resolve_worker_config("t") == sdk.resolve_worker_config("t")


@pytest.mark.parametrize(
    ("setting", "text"), [("thread_count", "many"), ("paused", "perhaps"), ("poll_interval", "")]
)
def test_what_cannot_be_read_is_named_and_passed_over(
    setting: str, text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(f"conductor.worker.t.{setting}", text)
    assert resolve("t", setting, 3).value == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"conductor.worker.t.{setting}" in caplog.text


def test_the_line_tells_each_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_ALL_THREAD_COUNT", "8")
    line = describe("t", resolve_all("t", {"thread_count": 1, "domain": None, "poll_timeout": 100}))
    assert line == "worker 't': thread_count=8 (CONDUCTOR_WORKER_ALL_THREAD_COUNT), poll_timeout=100"
