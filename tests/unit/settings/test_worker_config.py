"""`WorkerConfig` and `duration_millis`: what is refused, and with which words."""

from __future__ import annotations

import dataclasses
import math
import socket
from datetime import timedelta
from typing import Any

import pytest

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.settings.worker_config import WorkerConfig, duration_millis


def test_defaults() -> None:
    config = WorkerConfig("greet")
    assert config == WorkerConfig("greet", None, socket.gethostname(), 1, None, None)


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WorkerConfig("greet").thread_count = 2  # type: ignore[misc] # the point


@pytest.mark.parametrize(
    "settings",
    [
        {"thread_count": 10_000},
        {"poll_interval_millis": 0.5},
        {"poll_interval_millis": 60_000},
        {"poll_timeout_millis": 0},
        {"poll_timeout_millis": 5_000},
        {"prefetch": 0},
        {"prefetch": 64},
        {"domain": "blue", "worker_id": "me"},
        {"lease_extend_enabled": True, "paused": True},
        {"task_type": "with blank and ünicode"},
    ],
)
def test_accepts(settings: dict[str, Any]) -> None:
    WorkerConfig(**{"task_type": "greet", **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task_type": ""}, "task_type ''.*needs the name"),
        ({"task_type": " "}, "needs the name"),
        ({"task_type": None}, "task_type None"),
        ({"task_type": "a/b"}, "task_type 'a/b'.*rename"),
        ({"task_type": ".."}, "rename"),
        ({"domain": ""}, "'greet': domain ''.*None for none"),
        ({"domain": 1}, "domain 1"),
        ({"worker_id": " "}, "worker_id ' '.*host's name"),
        ({"thread_count": 0}, "'greet': thread_count 0.*from 1 to 10,000"),
        ({"thread_count": 10_001}, "thread_count 10001"),
        ({"thread_count": True}, "thread_count True"),
        ({"thread_count": 1.5}, "thread_count 1.5"),
        ({"thread_count": "1"}, "thread_count '1'"),
        ({"poll_timeout_millis": 5_001}, r"5001.*0 to 5,000.*5,000 ms: ExecutionService\.java:113"),
        ({"prefetch": 65}, r"'greet': prefetch 65 is out of range.*from 0 to 64 \(or \"auto\"\)"),
        ({"prefetch": "all"}, "prefetch 'all'"),
        ({"poll_timeout_millis": -1}, "poll_timeout_millis -1"),
        ({"lease_extend_enabled": 1}, "lease_extend_enabled 1 is no switch; give True or False"),
        ({"paused": "no"}, "'greet': paused 'no' is no switch"),
        ({"poll_timeout_millis": False}, "poll_timeout_millis False"),
        ({"poll_interval_millis": 0}, "poll_interval_millis 0.*greater than 0"),
        ({"poll_interval_millis": -0.1}, "poll_interval_millis -0.1"),
        ({"poll_interval_millis": math.nan}, "poll_interval_millis nan"),
        ({"poll_interval_millis": math.inf}, "poll_interval_millis inf"),
        ({"poll_interval_millis": True}, "poll_interval_millis True"),
        ({"poll_interval_millis": "100"}, "poll_interval_millis '100'"),
    ],
)
def test_refuses_and_names_the_worker_and_the_remedy(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        WorkerConfig(**{"task_type": "greet", **settings})


@pytest.mark.parametrize(
    ("value", "millis"),
    [(0, 0), (1, 1_000), (0.25, 250), (timedelta(seconds=2, milliseconds=5), 2_005), (timedelta(0), 0)],
)
def test_duration_millis(value: float | timedelta, millis: float) -> None:
    assert duration_millis(value, "poll_interval") == pytest.approx(millis)


@pytest.mark.parametrize("value", [-1, timedelta(seconds=-1), math.nan, math.inf, True, "1", None, 1j])
def test_duration_millis_refuses(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"poll_interval .* is no time; give seconds"):
        duration_millis(value, "poll_interval")
