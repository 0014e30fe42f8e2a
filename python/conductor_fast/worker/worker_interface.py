"""What a worker is: task types, settings, and `execute`."""

from __future__ import annotations

import abc
import socket
from collections.abc import Mapping
from typing import Any

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskResult
from conductor_fast.settings.worker_config import Nan, Prefetch, WorkerConfig

DEFAULT_POLLING_INTERVAL = 100
"""Milliseconds, the SDK's default. Left at it, the engine chooses, up to it: there it was a bound as well."""

SDK_POLL_TIMEOUT_MILLIS = 100
"""The SDK's default. Left at it, the choice is the engine's: there the value was never read (S1)."""


class WorkerInterface(abc.ABC):
    """Base of workers that are classes, with the SDK's attributes (client/worker/worker_interface.py).

    A subclass writes `execute`; settings are attributes, read once when the worker is started.
    `get_identity` is the worker's id, `get_domain` its domain. With a list of names the worker has a queue
    and `thread_count` threads for each of them; in the SDK the names take turns.
    """

    def __init__(self, task_definition_name: str | list[str]) -> None:
        if task_definition_name == []:
            raise ConfigurationError(
                f"worker {type(self).__name__}: its list of task types is empty; name at least one"
            )
        self.task_definition_name = task_definition_name
        self.next_task_index = 0
        self._task_definition_name_cache: str | None = None
        self.domain: str | None = None
        self.poll_interval: float | None = DEFAULT_POLLING_INTERVAL
        self.thread_count = 1
        self.register_task_def = False
        self.poll_timeout = SDK_POLL_TIMEOUT_MILLIS
        self.prefetch: Prefetch = "auto"
        self.lease_extend_enabled = False
        self.paused = False
        self.task_def_template: Any = None
        self.overwrite_task_def = True
        self.strict_schema = False
        self.register_schema: bool | None = None
        self.nan: Nan = "fail"

    @abc.abstractmethod
    def execute(self, task: Task) -> TaskResult:
        """Do `task`. What else than a TaskResult may be returned or raised: as of a worker function."""

    def get_identity(self) -> str:
        """The worker's id: the name of this host."""
        return socket.gethostname()

    def get_polling_interval_in_seconds(self) -> float:
        return (self.poll_interval or DEFAULT_POLLING_INTERVAL) / 1_000

    def get_task_definition_name(self) -> str:
        """The name, or the one of several whose turn it is."""
        return self.task_definition_name_cache

    @property
    def task_definition_names(self) -> list[str]:
        """The name or names as a list."""
        names = self.task_definition_name
        return names if isinstance(names, list) else [names]

    @property
    def task_definition_name_cache(self) -> str:
        if self._task_definition_name_cache is None:
            self._task_definition_name_cache = self.compute_task_definition_name()
        return self._task_definition_name_cache

    def clear_task_definition_name_cache(self) -> None:
        """Let the next name have its turn."""
        self._task_definition_name_cache = None

    def compute_task_definition_name(self) -> str:
        names = self.task_definition_names
        name = names[self.next_task_index]
        self.next_task_index = (self.next_task_index + 1) % len(names)
        return name

    def get_task_result_from_task(self, task: Task) -> TaskResult:
        """A result for `task` without a status, which counts as COMPLETED."""
        return TaskResult(
            task_id=task.task_id,
            workflow_instance_id=task.workflow_instance_id,
            worker_id=self.get_identity(),
        )

    def get_domain(self) -> str | None:
        return self.domain


def in_code(worker: WorkerInterface) -> dict[str, Any]:
    """The worker's settings by the names that they have in the environment, as its attributes stand now."""
    interval = worker.poll_interval
    if type(worker).get_polling_interval_in_seconds is not WorkerInterface.get_polling_interval_in_seconds:
        interval = worker.get_polling_interval_in_seconds() * 1_000
    return {
        "poll_interval": interval,
        "domain": worker.get_domain() or None,
        "worker_id": worker.get_identity(),
        "thread_count": worker.thread_count,
        "register_task_def": worker.register_task_def,
        "poll_timeout": worker.poll_timeout,
        "prefetch": worker.prefetch,
        "lease_extend_enabled": worker.lease_extend_enabled,
        "paused": worker.paused,
        "overwrite_task_def": worker.overwrite_task_def,
        "strict_schema": worker.strict_schema,
        "register_schema": worker.register_schema,
    }


FLAGS = ("register_task_def", "lease_extend_enabled", "paused", "overwrite_task_def", "strict_schema")


def to_config(task_type: str, settings: Mapping[str, Any], nan: Nan) -> WorkerConfig:
    """The settings that the engine needs; ConfigurationError names the worker, the field and the remedy."""
    for name in FLAGS:
        if not isinstance(settings[name], bool):
            raise ConfigurationError(
                f"worker {task_type!r}: {name} {settings[name]!r} is no bool; give True or False"
            )
    timeout = settings["poll_timeout"]
    return WorkerConfig(
        task_type=task_type,
        domain=settings["domain"],
        worker_id=settings["worker_id"],
        thread_count=settings["thread_count"],
        poll_interval_millis=settings["poll_interval"],
        poll_timeout_millis=None if timeout == SDK_POLL_TIMEOUT_MILLIS else timeout,
        prefetch=None if settings["prefetch"] == "auto" else settings["prefetch"],
        nan=nan,
        lease_extend_enabled=settings["lease_extend_enabled"],
        paused=settings["paused"],
    )
