"""A worker that is a function."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskResult
from conductor_fast.settings.worker_config import Nan, Prefetch
from conductor_fast.worker.binding import Binding, bind
from conductor_fast.worker.output import raised, returned, whole_seconds
from conductor_fast.worker.worker_interface import (
    SDK_POLL_TIMEOUT_MILLIS,
    WorkerInterface,
    in_code,
    to_config,
)

_SETTINGS = (
    "poll_interval",
    "domain",
    "worker_id",
    "thread_count",
    "register_task_def",
    "poll_timeout",
    "lease_extend_enabled",
    "paused",
    "task_def_template",
    "overwrite_task_def",
    "strict_schema",
    "register_schema",
    "nan",
    "strict_inputs",
    "prefetch",
)


class Worker(WorkerInterface):
    """A function that does the tasks of one type, with the SDK's names (client/worker/worker.py).

    `execute_function`: what it gets is told in `bind`. `poll_interval`: milliseconds between the starts
    of two polls while there is nothing to do; None leaves it to the engine, up to 100. `poll_timeout`:
    milliseconds that the server may hold a poll, at most 5,000. `thread_count`: tasks at once. `paused`:
    poll only after `WorkerHost.resume`. `register_task_def` makes a task definition at start, of
    `task_def_template` if given (`registration.register`); `register_schema` adds schemas to it, None: if
    the `Configuration` says so. `lease_extend_enabled`: tasks may run longer than their response timeout,
    and `TaskContext.cancelled` tells when the server has ended one. `nan`: what becomes of NaN and the
    infinities in an output: the task fails, or they are sent as null or as text. `strict_inputs`: inputs
    that do not fit the annotations end the task; False leaves plain values as they came and gives None for
    what is missing, as the SDK does. `prefetch`: tasks that are taken beyond those that run, 0 to 64, so that
    threads need not wait for the next poll; "auto": as many as are done while it is on its way, of functions
    of less than 10 ms. One that has not started within a second is given back.

    Settings are attributes that may be changed until the worker is started; the environment's go before
    them (`environment.resolve`). Raises ConfigurationError that names the worker, the setting and the remedy.
    """

    def __init__(
        self,
        task_definition_name: str,
        execute_function: Callable[..., Any],
        poll_interval: float | None = None,
        domain: str | None = None,
        worker_id: str | None = None,
        thread_count: int = 1,
        register_task_def: bool = False,
        poll_timeout: int = SDK_POLL_TIMEOUT_MILLIS,
        lease_extend_enabled: bool = False,
        paused: bool = False,
        task_def_template: Any = None,
        overwrite_task_def: bool = True,
        strict_schema: bool = False,
        register_schema: bool | None = None,
        nan: Nan = "fail",
        strict_inputs: bool = True,
        prefetch: Prefetch = "auto",
        **unknown: NoReturn,
    ) -> None:
        refuse_unknown(task_definition_name, unknown, _SETTINGS)
        super().__init__(task_definition_name)
        self.poll_interval = poll_interval
        self.domain = domain or None
        self.worker_id = super().get_identity() if worker_id is None else worker_id
        self.thread_count = thread_count
        self.register_task_def = register_task_def
        self.poll_timeout = poll_timeout
        self.prefetch = prefetch
        self.lease_extend_enabled = lease_extend_enabled
        self.paused = paused
        self.task_def_template = task_def_template
        self.overwrite_task_def = overwrite_task_def
        self.strict_schema = strict_schema
        self.register_schema = register_schema
        self.nan: Nan = nan
        self.strict_inputs = strict_inputs
        # Here too, where the mistake was made, and not only at start.
        to_config(self.get_task_definition_name(), in_code(self), nan)
        self.execute_function = execute_function

    @property
    def execute_function(self) -> Callable[..., Any]:
        """The function; setting it binds its parameters anew."""
        return self._execute_function

    @execute_function.setter
    def execute_function(self, function: Callable[..., Any]) -> None:
        self.binding: Binding = bind(
            self.get_task_definition_name(), function, strict_inputs=self.strict_inputs
        )
        self._execute_function = function

    def get_identity(self) -> str:
        return self.worker_id

    def execute(self, task: Task) -> TaskResult:
        """What the function makes of `task`, for tests of workers: nothing is reported.

        What the function raises becomes a FAILED result, as it does when the worker runs.
        """
        try:
            if self.binding.whole_task:
                outcome = returned(self.execute_function(task))
            else:
                outcome = returned(self.binding.call(task.input_data or {}))
        except Exception as error:
            outcome = raised(error)
        return TaskResult(
            workflow_instance_id=task.workflow_instance_id,
            task_id=task.task_id,
            worker_id=self.get_identity(),
            status=outcome.status,
            output_data=outcome.output,
            reason_for_incompletion=outcome.reason,
            callback_after_seconds=whole_seconds(outcome.callback_after_seconds),
            logs=outcome.logs,
            external_output_payload_storage_path=outcome.external_output_payload_storage_path,
        )

    def __repr__(self) -> str:
        return f"Worker({self.task_definition_name!r}, domain={self.domain!r})"


def refuse_unknown(task_type: object, unknown: Collection[str], known: Collection[str]) -> None:
    """ConfigurationError for settings that nobody knows, with the likeliest one that was meant."""
    for name in unknown:
        meant = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}"
        raise ConfigurationError(f"worker {task_type!r}: there is no setting {name!r}; {remedy}")
