"""Workflows that are written with conductor-python."""

from __future__ import annotations

import importlib
from typing import Any

from conductor_fast.model.exceptions import ConductorFastError


def simple_task(task_type: str, reference_name: str, inputs: dict[str, Any]) -> Any:
    """A task of a workflow that is written with conductor-python, which must be installed for it."""
    try:
        module = importlib.import_module("conductor.client.workflow.task.simple_task")
    except ImportError as error:
        raise ConductorFastError(
            f"worker {task_type!r}: called with task_ref_name, it makes a task for a workflow of "
            f"conductor-python, which cannot be imported ({error}); install conductor-python"
        ) from None
    task = module.SimpleTask(task_def_name=task_type, task_reference_name=reference_name)
    task.input_parameters.update(inputs)
    return task
