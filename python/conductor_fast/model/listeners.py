"""Who may listen to events, as the SDK has it (event/listeners.py).

A listener need not have every method: whoever publishes calls those that are there. What the SDK does not
tell is told to `on_task_update_completed`, `on_task_paused` and `on_task_execution_queue_full`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from conductor_fast.model.events import (
    PollCompleted,
    PollFailure,
    PollStarted,
    TaskExecutionCompleted,
    TaskExecutionFailure,
    TaskExecutionStarted,
    TaskPayloadUsed,
    TaskResultPayloadSize,
    TaskUpdateFailure,
    WorkflowInputPayloadSize,
    WorkflowPayloadUsed,
    WorkflowStarted,
)


@runtime_checkable
class TaskRunnerEventsListener(Protocol):
    """Hears of polls, executions and lost results."""

    def on_poll_started(self, event: PollStarted) -> None: ...
    def on_poll_completed(self, event: PollCompleted) -> None: ...
    def on_poll_failure(self, event: PollFailure) -> None: ...
    def on_task_execution_started(self, event: TaskExecutionStarted) -> None: ...
    def on_task_execution_completed(self, event: TaskExecutionCompleted) -> None: ...
    def on_task_execution_failure(self, event: TaskExecutionFailure) -> None: ...
    def on_task_update_failure(self, event: TaskUpdateFailure) -> None: ...


@runtime_checkable
class WorkflowEventsListener(Protocol):
    """Hears of what the workflow client does."""

    def on_workflow_started(self, event: WorkflowStarted) -> None: ...
    def on_workflow_input_payload_size(self, event: WorkflowInputPayloadSize) -> None: ...
    def on_workflow_payload_used(self, event: WorkflowPayloadUsed) -> None: ...


@runtime_checkable
class TaskEventsListener(Protocol):
    """Hears of what the task client does."""

    def on_task_result_payload_size(self, event: TaskResultPayloadSize) -> None: ...
    def on_task_payload_used(self, event: TaskPayloadUsed) -> None: ...


@runtime_checkable
class MetricsCollector(TaskRunnerEventsListener, WorkflowEventsListener, TaskEventsListener, Protocol):
    """Hears of everything."""
