"""Conductor workers in Python on a Rust core.

Public names only, imported when they are first asked for: `import conductor_fast` starts nothing and
takes a few milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conductor_fast.client.task_client import AsyncTaskClient as AsyncTaskClient
    from conductor_fast.client.task_client import TaskClient as TaskClient
    from conductor_fast.client.workflow_client import AsyncWorkflowClient as AsyncWorkflowClient
    from conductor_fast.client.workflow_client import WorkflowClient as WorkflowClient
    from conductor_fast.host.task_runner import TaskRunner as TaskRunner
    from conductor_fast.host.worker_host import WorkerHost as WorkerHost
    from conductor_fast.model.context import TaskContext as TaskContext
    from conductor_fast.model.context import get_task_context as get_task_context
    from conductor_fast.model.exceptions import ApiException as ApiException
    from conductor_fast.model.exceptions import ConductorFastError as ConductorFastError
    from conductor_fast.model.exceptions import ConfigurationError as ConfigurationError
    from conductor_fast.model.exceptions import NonRetryableException as NonRetryableException
    from conductor_fast.model.task import Task as Task
    from conductor_fast.model.task_result import TaskExecLog as TaskExecLog
    from conductor_fast.model.task_result import TaskInProgress as TaskInProgress
    from conductor_fast.model.task_result import TaskResult as TaskResult
    from conductor_fast.model.task_result import TaskResultStatus as TaskResultStatus
    from conductor_fast.settings.authentication_settings import (
        AuthenticationSettings as AuthenticationSettings,
    )
    from conductor_fast.settings.configuration import Configuration as Configuration
    from conductor_fast.worker.schema import (
        generate_json_schema_from_function as generate_json_schema_from_function,
    )
    from conductor_fast.worker.worker import Worker as Worker

_HOME = {
    "ApiException": "model.exceptions",
    "AsyncTaskClient": "client.task_client",
    "AsyncWorkflowClient": "client.workflow_client",
    "AuthenticationSettings": "settings.authentication_settings",
    "ConductorFastError": "model.exceptions",
    "Configuration": "settings.configuration",
    "ConfigurationError": "model.exceptions",
    "NonRetryableException": "model.exceptions",
    "Task": "model.task",
    "TaskClient": "client.task_client",
    "TaskContext": "model.context",
    "TaskExecLog": "model.task_result",
    "TaskInProgress": "model.task_result",
    "TaskResult": "model.task_result",
    "TaskResultStatus": "model.task_result",
    "TaskRunner": "host.task_runner",
    "Worker": "worker.worker",
    "WorkerHost": "host.worker_host",
    "WorkflowClient": "client.workflow_client",
    "generate_json_schema_from_function": "worker.schema",
    "get_task_context": "model.context",
}

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *_HOME,
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
