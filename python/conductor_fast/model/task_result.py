"""What a worker sends back for a task."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol


class TaskResultStatus(str, Enum):
    """How a task stands after this result (server: TaskResult.java, enum Status)."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    FAILED_WITH_TERMINAL_ERROR = "FAILED_WITH_TERMINAL_ERROR"
    IN_PROGRESS = "IN_PROGRESS"
    CANCELED = "CANCELED"

    def __str__(self) -> str:
        return self.value


class TaskIdentity(Protocol):
    """What of a task its result repeats; ours and the SDK's `Task` have it."""

    @property
    def task_id(self) -> str | None: ...
    @property
    def workflow_instance_id(self) -> str | None: ...
    @property
    def worker_id(self) -> str | None: ...


@dataclass
class TaskExecLog:
    """A line of a task's log on the server (SDK: http/models/task_exec_log.py).

    `created_time` is in milliseconds since 1970; a line without one is stamped when it is sent.
    """

    log: str | None = None
    task_id: str | None = None
    created_time: int | None = None

    attribute_map: ClassVar[dict[str, str]] = {
        "log": "log",
        "task_id": "taskId",
        "created_time": "createdTime",
    }

    def to_dict(self) -> dict[str, Any]:
        """The attributes by their Python names."""
        return {name: getattr(self, name) for name in self.attribute_map}


class TaskResult:
    """A task's status and output, with the SDK's constructor and attributes.

    Differences from the SDK (http/models/task_result.py): a result without output or logs holds `{}`
    and `[]`, not None; `repr()` shows neither.
    """

    attribute_map: ClassVar[dict[str, str]] = {
        "workflow_instance_id": "workflowInstanceId",
        "task_id": "taskId",
        "reason_for_incompletion": "reasonForIncompletion",
        "callback_after_seconds": "callbackAfterSeconds",
        "worker_id": "workerId",
        "status": "status",
        "output_data": "outputData",
        "logs": "logs",
        "external_output_payload_storage_path": "externalOutputPayloadStoragePath",
        "sub_workflow_id": "subWorkflowId",
        "extend_lease": "extendLease",
    }

    def __init__(
        self,
        workflow_instance_id: str | None = None,
        task_id: str | None = None,
        reason_for_incompletion: str | None = None,
        callback_after_seconds: float | None = None,
        worker_id: str | None = None,
        status: TaskResultStatus | str | None = None,
        output_data: dict[str, Any] | None = None,
        logs: list[TaskExecLog] | None = None,
        external_output_payload_storage_path: str | None = None,
        sub_workflow_id: str | None = None,
        extend_lease: bool = False,
    ) -> None:
        self.workflow_instance_id = workflow_instance_id
        self.task_id = task_id
        self.reason_for_incompletion = reason_for_incompletion
        self.callback_after_seconds = callback_after_seconds
        self.worker_id = worker_id
        self._status = None if status is None else _status(status)
        self.output_data: dict[str, Any] = {} if output_data is None else output_data
        self.logs: list[TaskExecLog] = [] if logs is None else logs
        self.external_output_payload_storage_path = external_output_payload_storage_path
        self.sub_workflow_id = sub_workflow_id
        self.extend_lease = extend_lease

    @classmethod
    def from_task(
        cls, task: TaskIdentity, status: TaskResultStatus | str = TaskResultStatus.COMPLETED
    ) -> TaskResult:
        """A result for `task`: its ids and worker id, nothing of its output.

        It is COMPLETED until the function says otherwise, as `Task.to_task_result` of the SDK has it;
        Go's NewTaskResultFromTask leaves the status empty, which the server answers with 500.
        """
        return cls(
            workflow_instance_id=task.workflow_instance_id,
            task_id=task.task_id,
            worker_id=task.worker_id,
            status=status,
        )

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> TaskResult:
        """Read a result as it is posted."""
        values = {name: wire[json] for name, json in cls.attribute_map.items() if json in wire}
        lines = [
            {name: line.get(json) for name, json in TaskExecLog.attribute_map.items()}
            for line in values.pop("logs", [])
        ]
        return cls(**values, logs=[TaskExecLog(**line) for line in lines])

    @classmethod
    def complete(cls) -> TaskResult:
        """A COMPLETED result without output."""
        return cls(status=TaskResultStatus.COMPLETED)

    @classmethod
    def failed(cls, failure_reason: str | None = None) -> TaskResult:
        """A FAILED result; the server retries the task as its definition says."""
        return cls(status=TaskResultStatus.FAILED, reason_for_incompletion=failure_reason)

    @classmethod
    def in_progress(cls) -> TaskResult:
        """An IN_PROGRESS result: the task comes back after `callback_after_seconds`."""
        return cls(status=TaskResultStatus.IN_PROGRESS)

    @staticmethod
    def new_task_result(status: TaskResultStatus | str) -> TaskResult:
        """A result with that status."""
        return TaskResult(status=status)

    @property
    def status(self) -> TaskResultStatus | None:
        """The status, given as a member or by name; ValueError for any other."""
        return self._status

    @status.setter
    def status(self, status: TaskResultStatus | str) -> None:
        self._status = _status(status)

    def add_output_data(self, key: str, value: Any) -> TaskResult:
        """Set one key of the output; gives back this result."""
        self.output_data[key] = value
        return self

    def log(self, log: str) -> TaskResult:
        """Append a line, stamped now, to the task's log; gives back this result."""
        self.logs.append(TaskExecLog(log, created_time=time.time_ns() // 1_000_000))
        return self

    def to_dict(self) -> dict[str, Any]:
        """The attributes by their Python names; logs as dicts."""
        values = {name: getattr(self, name) for name in self.attribute_map}
        values["logs"] = [log.to_dict() for log in self.logs]
        return values

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, TaskResult) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # mutable, as the SDK's

    def __repr__(self) -> str:
        return (
            f"TaskResult(task_id={self.task_id!r}, status={self._status}, "
            f"output_data: {len(self.output_data)} keys, logs: {len(self.logs)} lines)"
        )


def _status(status: TaskResultStatus | str) -> TaskResultStatus:
    try:
        return TaskResultStatus(status)
    except ValueError:
        names = ", ".join(TaskResultStatus.__members__)
        raise ValueError(
            f"status {status!r} is not one that a worker may report; give one of {names}"
        ) from None


class TaskInProgress:
    """Returned by a worker function that needs to be called again later.

    The task is reported as IN_PROGRESS with `output`, and the server offers it again after
    `callback_after_seconds`, rounded up (SDK: context/task_context.py). `repr()` does not show the output.
    """

    def __init__(self, callback_after_seconds: float = 60, output: dict[str, Any] | None = None) -> None:
        self.callback_after_seconds = callback_after_seconds
        self.output: dict[str, Any] = output or {}

    def __repr__(self) -> str:
        return f"TaskInProgress(callback_after_seconds={self.callback_after_seconds})"
