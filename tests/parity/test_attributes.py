"""Every attribute of the SDK's objects, and every name of its modules, is here or in docs/differences.md.

`test_signatures.py` compares what classes have; this, what their instances have and which names there are.
"""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

import conductor_fast
from tests.parity.test_signatures import HOMES, TABLE

MORE_MODULES = [
    "automator.lease_tracker",
    "automator.utils",
    "automator.worker_isolation",
    "event.event_dispatcher",
    "event.listener_register",
    "event.sync_event_dispatcher",
    "event.sync_listener_register",
    "telemetry.canonical_metrics_collector",
    "telemetry.legacy_metrics_collector",
    "telemetry.metrics_factory",
]
"""Of the worker's side too, without a name that is ours."""

URL = "http://127.0.0.1:9/api"
PLAIN = (str, int, float, bool, type(None), list, dict)


def identity(x: int) -> int:
    return x


def table(title: str) -> dict[str, str]:
    """Reason by name, from the table of that title."""
    section = TABLE.read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.+?`) \|(?: .+? \|)? (.+?) \|$", section, re.MULTILINE)
    return {name: reason for names, reason in rows for name in re.findall(r"`([\w.]+)`", names)}


def sdk(home: str) -> ModuleType:
    return importlib.import_module(f"conductor.client.{home}")


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pairs() -> Iterator[tuple[str, Any, Any]]:
    """An object of each class that users read attributes of, as the SDK makes it and as we do."""
    classes = {name: getattr(sdk(home), name) for home, names in HOMES.items() for name in names}

    def make(what: str, ours: bool, *arguments: Any, **settings: Any) -> Any:
        return (getattr(conductor_fast, what) if ours else classes[what])(*arguments, **settings)

    def configuration(ours: bool) -> Any:
        return make("Configuration", ours, server_api_url=URL)

    def worker(ours: bool) -> Any:
        return make("Worker", ours, "greet", identity)

    def class_worker(ours: bool) -> Any:
        base = conductor_fast.WorkerInterface if ours else classes["WorkerInterface"]
        return type("ClassWorker", (base,), {"execute": lambda self, task: None})("greet")

    def handler(ours: bool) -> Any:
        return make("TaskHandler", ours, [], configuration(ours), scan_for_annotated_workers=False)

    makers: dict[str, Callable[[bool], Any]] = {
        "AsyncTaskRunner": lambda ours: make("AsyncTaskRunner", ours, worker(ours), configuration(ours)),
        "AuthenticationSettings": lambda ours: make("AuthenticationSettings", ours, "key", "secret"),
        "Configuration": configuration,
        "MetricsSettings": lambda ours: make("MetricsSettings", ours, directory="/nowhere"),
        "Task": lambda ours: make("Task", ours),
        "TaskContext": lambda ours: make("TaskContext", ours, make("Task", ours), make("TaskResult", ours)),
        "TaskDef": lambda ours: make("TaskDef", ours, name="greet"),
        "TaskExecLog": lambda ours: make("TaskExecLog", ours),
        "TaskHandler": handler,
        "TaskInProgress": lambda ours: make("TaskInProgress", ours),
        "TaskResult": lambda ours: make("TaskResult", ours),
        "TaskRunner": lambda ours: make("TaskRunner", ours, worker(ours), configuration(ours)),
        "Worker": worker,
        "WorkerInterface": class_worker,
        "WorkerLoader": lambda ours: make("WorkerLoader", ours),
    }
    for name, maker in makers.items():
        yield name, maker(False), maker(True)


def public(instance: object) -> set[str]:
    return {name for name in dir(instance) if not name.startswith("_")}


def test_instances_have_the_sdks_attributes_or_the_difference_is_told() -> None:
    found = set()
    with quiet():
        for name, theirs, ours in pairs():
            if name == "TaskHandler":
                theirs.logger_process.terminate()
                theirs.logger_process.join(10)
            for attribute in public(theirs):
                there = getattr(theirs, attribute)
                here = getattr(ours, attribute, "missing")
                if here == "missing" or (isinstance(there, PLAIN) and here != there):
                    found.add(f"{name}.{attribute}")
    told = table("Signatures").keys() | table("Attributes").keys()
    generated = {"discriminator", "swagger_types"}  # of its generator of models, for its own use
    found = {each for each in found if each.split(".")[1] not in generated}
    assert found - told == set()
    assert table("Attributes").keys() - found == set(), "no longer different: take it out"


@pytest.mark.parametrize("home", [*HOMES, *MORE_MODULES])
def test_names_of_the_sdks_modules_are_here_or_told(home: str) -> None:
    module = sdk(home)
    names = {name for name, value in vars(module).items() if is_own(module, name, value)}
    missing = names - set(conductor_fast.__all__)
    assert missing <= table("Names that are not here").keys(), missing


def test_names_that_are_told_to_be_missing_are() -> None:
    told = table("Names that are not here").keys()
    theirs = {name for home in [*HOMES, *MORE_MODULES] for name in vars(sdk(home))}
    assert told <= theirs
    assert not told & set(conductor_fast.__all__)


def is_own(module: ModuleType, name: str, value: object) -> bool:
    """Is it made in the module, and for others?"""
    if name.startswith("_") or name in {"T", "TYPE_CHECKING"}:
        return False
    made_here = getattr(value, "__module__", None) == module.__name__
    return made_here or (name.isupper() and not inspect.ismodule(value))
