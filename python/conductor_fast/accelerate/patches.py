"""Installing: now if conductor-python is imported, else when it is."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import logging
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

from conductor_fast.accelerate.refusal import VARIABLE, switched_off
from conductor_fast.accelerate.sdk_module import TASK_HANDLER, TESTED_VERSION, SdkModule
from conductor_fast.accelerate.task_handler import patch_task_handler
from conductor_fast.accelerate.task_runner import patch_task_runners

_logger = logging.getLogger("conductor_fast.accelerate")
_lock = threading.Lock()
_installed: list[object] = []


def install() -> bool:
    """Put this engine under conductor-python's `TaskHandler`, `TaskRunner` and `AsyncTaskRunner`.

    Their methods are patched, so that names imported earlier follow. May be called before conductor-python
    is imported, and again: then it changes nothing. Handlers and runners that were made before stay on
    conductor-python. False if CONDUCTOR_FAST_ACCELERATE=0 switches it off. What cannot be accelerated runs on
    conductor-python, whole, and says so in one line.
    """
    if switched_off():
        _logger.info("nothing is accelerated: %s switches it off", VARIABLE)
        return False
    with _lock:
        if not _installed:
            module = sys.modules.get(TASK_HANDLER)
            _installed.append(module)
            if module is None or not hasattr(module, "TaskHandler"):
                sys.meta_path.insert(0, _WhenImported())
            else:
                _patch(module)
    return True


def _patch(module: ModuleType) -> None:
    _warn_of_version()
    problem: str | None = None
    try:
        sdk = SdkModule(module)
        problem = sdk.problem()
        if problem is None:
            patch_task_handler(sdk)
            patch_task_runners(sdk)
            sdk.remember()
    except AttributeError as error:
        problem = str(error)
    if problem is not None:
        _logger.warning("conductor-python is not accelerated and runs as it is: %s", problem)


def _warn_of_version() -> None:
    try:
        version = importlib.metadata.version("conductor-python")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    if version != TESTED_VERSION:
        _logger.warning(
            "conductor-python is %s, but accelerating is tested with %s; should something be amiss, %s=0 "
            "switches it off",
            version,
            TESTED_VERSION,
            VARIABLE,
        )


class _WhenImported(MetaPathFinder):
    """Finds conductor-python's module as everybody does, and patches it once it is loaded.

    It is not imported ahead of the program: that would fix the start method of multiprocessing, which the
    program may want to choose first.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != TASK_HANDLER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _patch(module)

            loader.exec_module = exec_module
        return spec
