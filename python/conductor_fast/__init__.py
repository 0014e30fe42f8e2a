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
    from conductor_fast.host.async_task_runner import AsyncTaskRunner as AsyncTaskRunner
    from conductor_fast.host.task_handler import TaskHandler as TaskHandler
    from conductor_fast.host.task_runner import TaskRunner as TaskRunner
    from conductor_fast.host.worker_host import WorkerHost as WorkerHost
    from conductor_fast.model.context import TaskContext as TaskContext
    from conductor_fast.model.context import get_task_context as get_task_context
    from conductor_fast.model.events import ConductorEvent as ConductorEvent
    from conductor_fast.model.events import PollCompleted as PollCompleted
    from conductor_fast.model.events import PollFailure as PollFailure
    from conductor_fast.model.events import PollStarted as PollStarted
    from conductor_fast.model.events import TaskExecutionCompleted as TaskExecutionCompleted
    from conductor_fast.model.events import TaskExecutionFailure as TaskExecutionFailure
    from conductor_fast.model.events import TaskExecutionQueueFull as TaskExecutionQueueFull
    from conductor_fast.model.events import TaskExecutionStarted as TaskExecutionStarted
    from conductor_fast.model.events import TaskPaused as TaskPaused
    from conductor_fast.model.events import TaskPayloadUsed as TaskPayloadUsed
    from conductor_fast.model.events import TaskResultPayloadSize as TaskResultPayloadSize
    from conductor_fast.model.events import TaskRunnerEvent as TaskRunnerEvent
    from conductor_fast.model.events import TaskUpdateCompleted as TaskUpdateCompleted
    from conductor_fast.model.events import TaskUpdateFailure as TaskUpdateFailure
    from conductor_fast.model.events import WorkflowInputPayloadSize as WorkflowInputPayloadSize
    from conductor_fast.model.events import WorkflowPayloadUsed as WorkflowPayloadUsed
    from conductor_fast.model.events import WorkflowStarted as WorkflowStarted
    from conductor_fast.model.exceptions import ApiException as ApiException
    from conductor_fast.model.exceptions import AuthorizationException as AuthorizationException
    from conductor_fast.model.exceptions import ConductorFastError as ConductorFastError
    from conductor_fast.model.exceptions import ConfigurationError as ConfigurationError
    from conductor_fast.model.exceptions import NonRetryableException as NonRetryableException
    from conductor_fast.model.listeners import MetricsCollector as MetricsCollector
    from conductor_fast.model.listeners import TaskEventsListener as TaskEventsListener
    from conductor_fast.model.listeners import TaskRunnerEventsListener as TaskRunnerEventsListener
    from conductor_fast.model.listeners import WorkflowEventsListener as WorkflowEventsListener
    from conductor_fast.model.task import Task as Task
    from conductor_fast.model.task_def import TaskDef as TaskDef
    from conductor_fast.model.task_result import TaskExecLog as TaskExecLog
    from conductor_fast.model.task_result import TaskInProgress as TaskInProgress
    from conductor_fast.model.task_result import TaskResult as TaskResult
    from conductor_fast.model.task_result import TaskResultStatus as TaskResultStatus
    from conductor_fast.observe.collector import register_collector as register_collector
    from conductor_fast.observe.endpoint import MetricsEndpoint as MetricsEndpoint
    from conductor_fast.observe.endpoint import provide_metrics as provide_metrics
    from conductor_fast.settings.authentication_settings import (
        AuthenticationSettings as AuthenticationSettings,
    )
    from conductor_fast.settings.configuration import Configuration as Configuration
    from conductor_fast.settings.environment import resolve_worker_config as resolve_worker_config
    from conductor_fast.settings.metrics_settings import MetricsSettings as MetricsSettings
    from conductor_fast.worker.loader import WorkerLoader as WorkerLoader
    from conductor_fast.worker.loader import auto_discover_workers as auto_discover_workers
    from conductor_fast.worker.loader import scan_for_workers as scan_for_workers
    from conductor_fast.worker.registry import get_registered_worker_names as get_registered_worker_names
    from conductor_fast.worker.registry import get_registered_workers as get_registered_workers
    from conductor_fast.worker.registry import register_decorated_fn as register_decorated_fn
    from conductor_fast.worker.schema import (
        generate_json_schema_from_function as generate_json_schema_from_function,
    )
    from conductor_fast.worker.worker import Worker as Worker
    from conductor_fast.worker.worker_interface import WorkerInterface as WorkerInterface
    from conductor_fast.worker.worker_task import WorkerTask as WorkerTask
    from conductor_fast.worker.worker_task import worker_task as worker_task

_HOME = {
    "ApiException": "model.exceptions",
    "AsyncTaskClient": "client.task_client",
    "AsyncTaskRunner": "host.async_task_runner",
    "AsyncWorkflowClient": "client.workflow_client",
    "AuthenticationSettings": "settings.authentication_settings",
    "AuthorizationException": "model.exceptions",
    "ConductorEvent": "model.events",
    "ConductorFastError": "model.exceptions",
    "Configuration": "settings.configuration",
    "ConfigurationError": "model.exceptions",
    "MetricsCollector": "model.listeners",
    "MetricsEndpoint": "observe.endpoint",
    "MetricsSettings": "settings.metrics_settings",
    "NonRetryableException": "model.exceptions",
    "PollCompleted": "model.events",
    "PollFailure": "model.events",
    "PollStarted": "model.events",
    "Task": "model.task",
    "TaskClient": "client.task_client",
    "TaskContext": "model.context",
    "TaskDef": "model.task_def",
    "TaskEventsListener": "model.listeners",
    "TaskExecLog": "model.task_result",
    "TaskExecutionCompleted": "model.events",
    "TaskExecutionFailure": "model.events",
    "TaskExecutionQueueFull": "model.events",
    "TaskExecutionStarted": "model.events",
    "TaskHandler": "host.task_handler",
    "TaskInProgress": "model.task_result",
    "TaskPaused": "model.events",
    "TaskPayloadUsed": "model.events",
    "TaskResult": "model.task_result",
    "TaskResultPayloadSize": "model.events",
    "TaskResultStatus": "model.task_result",
    "TaskRunner": "host.task_runner",
    "TaskRunnerEvent": "model.events",
    "TaskRunnerEventsListener": "model.listeners",
    "TaskUpdateCompleted": "model.events",
    "TaskUpdateFailure": "model.events",
    "Worker": "worker.worker",
    "WorkerHost": "host.worker_host",
    "WorkerInterface": "worker.worker_interface",
    "WorkerLoader": "worker.loader",
    "WorkerTask": "worker.worker_task",
    "WorkflowClient": "client.workflow_client",
    "generate_json_schema_from_function": "worker.schema",
    "WorkflowEventsListener": "model.listeners",
    "WorkflowInputPayloadSize": "model.events",
    "WorkflowPayloadUsed": "model.events",
    "WorkflowStarted": "model.events",
    "auto_discover_workers": "worker.loader",
    "get_registered_worker_names": "worker.registry",
    "get_registered_workers": "worker.registry",
    "get_task_context": "model.context",
    "provide_metrics": "observe.endpoint",
    "register_collector": "observe.collector",
    "register_decorated_fn": "worker.registry",
    "resolve_worker_config": "settings.environment",
    "scan_for_workers": "worker.loader",
    "worker_task": "worker.worker_task",
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
