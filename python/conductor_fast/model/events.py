"""What happens to polls, tasks and workflows, as the SDK names it (event/*_events.py).

The fields and their order are the SDK's, so that a listener written for it reads these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conductor_fast.model.task_result import TaskResult


def _now() -> datetime:
    return datetime.now(timezone.utc)


class ConductorEvent:
    """Base of all events. Each has a `timestamp`, aware and in UTC."""


@dataclass(frozen=True)
class TaskRunnerEvent(ConductorEvent):
    """Base of what happens around the tasks of a worker; `task_type` is the name that it polls for."""

    task_type: str


@dataclass(frozen=True)
class PollStarted(TaskRunnerEvent):
    """A poll for up to `poll_count` tasks is sent."""

    worker_id: str
    poll_count: int
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class PollCompleted(TaskRunnerEvent):
    """A poll was answered, with tasks or without."""

    duration_ms: float
    tasks_received: int
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class PollFailure(TaskRunnerEvent):
    """A poll was refused, or not answered."""

    duration_ms: float
    cause: Exception
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskExecutionStarted(TaskRunnerEvent):
    """A function is about to be called. (A task whose input cannot be read has no such event.)"""

    task_id: str
    worker_id: str
    workflow_instance_id: str | None = None
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskExecutionCompleted(TaskRunnerEvent):
    """A function returned, whatever it returned: also a `TaskResult` that is FAILED.

    `output_size_bytes`: of the output as it is sent; None if it cannot be sent.
    """

    task_id: str
    worker_id: str
    workflow_instance_id: str | None
    duration_ms: float
    output_size_bytes: int | None = None
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskExecutionFailure(TaskRunnerEvent):
    """A function raised `cause`, or its input did not fit its parameters."""

    task_id: str
    worker_id: str
    workflow_instance_id: str | None
    cause: Exception
    duration_ms: float
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskUpdateFailure(TaskRunnerEvent):
    """The server has refused a result, after `retry_count` tries, and it is lost."""

    task_id: str
    worker_id: str
    workflow_instance_id: str | None
    cause: Exception
    retry_count: int
    task_result: TaskResult
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskUpdateCompleted(TaskRunnerEvent):
    """The server has taken a result; `duration_ms` is that of the call that it answered. Not in the SDK."""

    task_id: str
    workflow_instance_id: str | None
    duration_ms: float
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskPaused(TaskRunnerEvent):
    """A poll was due, but the worker is paused. Once for each pause. Not in the SDK."""

    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskExecutionQueueFull(TaskRunnerEvent):
    """A poll was due, but all `thread_count` slots are taken. Once for each wait. Not in the SDK."""

    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskEvent(ConductorEvent):
    """Base of what the task client tells."""

    task_type: str


@dataclass(frozen=True)
class TaskResultPayloadSize(TaskEvent):
    """How large a result is."""

    size_bytes: int
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class TaskPayloadUsed(TaskEvent):
    """A payload was read from or written to external storage."""

    operation: str
    payload_type: str
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class WorkflowEvent(ConductorEvent):
    """Base of what the workflow client tells."""

    name: str
    version: int | None = None


@dataclass(frozen=True)
class WorkflowStarted(WorkflowEvent):
    """A workflow was started, or could not be."""

    success: bool = True
    workflow_id: str | None = None
    cause: Exception | None = None
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class WorkflowInputPayloadSize(WorkflowEvent):
    """How large a workflow's input is."""

    size_bytes: int = 0
    timestamp: datetime = field(default_factory=_now)


@dataclass(frozen=True)
class WorkflowPayloadUsed(WorkflowEvent):
    """A payload was read from or written to external storage."""

    operation: str = ""
    payload_type: str = ""
    timestamp: datetime = field(default_factory=_now)
