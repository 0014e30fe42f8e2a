"""Workers of conductor-python, run as they ran there."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conductor_fast.interop.tasks import task_maker
from conductor_fast.interop.workers import is_async, read_worker
from conductor_fast.model.task import Task
from conductor_fast.worker.binding import Binding, bind
from conductor_fast.worker.converter import Arguments
from conductor_fast.worker.worker_interface import WorkerInterface


class AdoptedWorker(WorkerInterface):
    """What a worker of conductor-python is here: its settings, and how its function is run.

    Its function gets that package's `Task`, and its inputs as leniently as there (`strict_inputs=False`).
    """

    def __init__(self, worker: Any) -> None:
        read = read_worker(worker)
        super().__init__(read.task_types)
        self.origin = worker
        self.worker_id: Any = None
        for name, value in read.settings.items():
            setattr(self, name, value)
        if not read.is_class:
            self.execute_function = read.function
        self.binding = _bound(read.task_types[0], read.function, is_class=read.is_class)

    def get_identity(self) -> str:
        return str(self.worker_id)

    def execute(self, task: Task) -> Any:
        """As the worker's own."""
        return self.origin.execute(task)


def _bound(task_type: str, function: Callable[..., Any], *, is_class: bool) -> Binding:
    make_task = task_maker()
    assert make_task is not None  # noqa: S101 - conductor-python's worker module imports that of the task
    if is_class:
        binding = Binding(True, lambda wire: function(make_task(wire)), inspect.iscoroutinefunction(function))
    else:
        binding = bind(
            task_type, function, strict_inputs=False, make_task=make_task, bare_is_input=is_async(function)
        )
    if binding.is_async:
        return binding
    return replace(binding, call=functools.partial(_finished, binding.call))


def _finished(call: Callable[[Any], Any], arguments: Arguments) -> Any:
    """The output of a plain function, which may be a coroutine there: a wrapper around a coroutine function
    is none itself.
    """
    output = call(arguments)
    return asyncio.run(output) if inspect.iscoroutine(output) else output
