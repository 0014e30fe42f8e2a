"""Events and listeners against the SDK's."""

from __future__ import annotations

import dataclasses
import importlib
from datetime import timezone
from typing import Any

import pytest

from conductor_fast.model import events, listeners

OURS_ALONE = {events.TaskUpdateCompleted, events.TaskPaused, events.TaskExecutionQueueFull}
"""The SDK has no such events."""

CLASSES = [
    each for each in vars(events).values() if dataclasses.is_dataclass(each) and each not in OURS_ALONE
]


def sdk(name: str) -> Any:
    for module in ("task_runner_events", "task_events", "workflow_events"):
        found = getattr(importlib.import_module(f"conductor.client.event.{module}"), name, None)
        if found is not None:
            return found
    raise AssertionError(f"the SDK has no event {name}")


@pytest.mark.parametrize("event", CLASSES)
def test_fields_are_the_sdks_in_its_order(event: Any) -> None:
    assert [field.name for field in dataclasses.fields(event)] == [
        field.name for field in dataclasses.fields(sdk(event.__name__))
    ]


def test_an_event_is_frozen_and_tells_when_it_was() -> None:
    event = events.PollStarted("greet", "me", 3)
    assert event.timestamp.tzinfo is timezone.utc
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.poll_count = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "name", ["TaskRunnerEventsListener", "WorkflowEventsListener", "TaskEventsListener", "MetricsCollector"]
)
def test_a_listener_of_the_sdk_is_one_here(name: str) -> None:
    theirs = getattr(importlib.import_module("conductor.client.event.listeners"), name)
    ours = getattr(listeners, name)

    assert isinstance(type("Listener", (theirs,), {})(), ours)
    assert not isinstance(object(), ours)
