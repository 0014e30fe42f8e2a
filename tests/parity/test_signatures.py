"""Every public name has the SDK's signature, or stands in docs/differences.md with the reason.

Compared are the parameters' names, order, kinds and defaults, of functions, constructors and the public
methods and properties of classes. Annotations are not: ours are those that type checkers need.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import conductor_fast

TABLE = Path(__file__).parents[2] / "docs" / "differences.md"

HOMES = {
    "automator.async_task_runner": ["AsyncTaskRunner"],
    "automator.json_schema_generator": ["generate_json_schema_from_function"],
    "automator.task_runner": ["TaskRunner"],
    "automator.task_handler": [
        "TaskHandler",
        "get_registered_worker_names",
        "get_registered_workers",
        "register_decorated_fn",
    ],
    "configuration.configuration": ["Configuration"],
    "configuration.settings.authentication_settings": ["AuthenticationSettings"],
    "configuration.settings.metrics_settings": ["MetricsSettings"],
    "context.task_context": ["TaskContext", "TaskInProgress", "get_task_context"],
    "event.conductor_event": ["ConductorEvent"],
    "event.listeners": [
        "MetricsCollector",
        "TaskEventsListener",
        "TaskRunnerEventsListener",
        "WorkflowEventsListener",
    ],
    "event.task_events": ["TaskPayloadUsed", "TaskResultPayloadSize"],
    "event.task_runner_events": [
        "PollCompleted",
        "PollFailure",
        "PollStarted",
        "TaskExecutionCompleted",
        "TaskExecutionFailure",
        "TaskExecutionStarted",
        "TaskRunnerEvent",
        "TaskUpdateFailure",
    ],
    "event.workflow_events": ["WorkflowInputPayloadSize", "WorkflowPayloadUsed", "WorkflowStarted"],
    "http.models.task": ["Task"],
    "http.models.task_def": ["TaskDef"],
    "http.models.task_exec_log": ["TaskExecLog"],
    "http.models.task_result": ["TaskResult"],
    "http.models.task_result_status": ["TaskResultStatus"],
    "http.rest": ["ApiException", "AuthorizationException"],
    "worker.exception": ["NonRetryableException"],
    "worker.worker": ["Worker"],
    "worker.worker_config": ["resolve_worker_config"],
    "worker.worker_interface": ["WorkerInterface"],
    "worker.worker_loader": ["WorkerLoader", "auto_discover_workers", "scan_for_workers"],
    "worker.worker_task": ["WorkerTask", "worker_task"],
}
"""Where the SDK has the names that are ours too, below `conductor.client`."""

NAMES = [(home, name) for home, names in HOMES.items() for name in names]


def parameters(signed: Any) -> str:
    """The parameters without annotations, as in a `def`."""
    if isinstance(signed, type) and issubclass(signed, Exception) and "__init__" not in vars(signed):
        return "(*args)"  # the built-in constructor, of which `inspect` knows nothing
    shown = [
        parameter.replace(annotation=inspect.Parameter.empty, default=_shown_default(parameter))
        for parameter in inspect.signature(signed).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(shown))


class _Text:
    """A default that is shown as given: dataclasses' factories and enum members have reprs of their own."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _shown_default(parameter: inspect.Parameter) -> Any:
    if parameter.default is inspect.Parameter.empty:
        return parameter.default
    is_factory = type(parameter.default).__name__ == "_HAS_DEFAULT_FACTORY_CLASS"
    return _Text("…" if is_factory else str(parameter.default))


def members(subject: type) -> dict[str, str]:
    """The public members of a class with their parameters; of a property, `property`."""
    found: dict[str, str] = {}
    for each in reversed([each for each in subject.__mro__ if each.__module__.startswith("conductor")]):
        for name, member in vars(each).items():
            if name.startswith("_"):
                continue
            if isinstance(member, property):
                found[name] = "property"
            elif inspect.isfunction(member) or isinstance(member, (staticmethod, classmethod)):
                found[name] = parameters(getattr(subject, name))
    return found


def differences(name: str, theirs: Any, ours: Any) -> Iterator[tuple[str, str, str]]:
    """What differs: its name, there and here."""
    if isinstance(theirs, type):
        here_all = members(ours)
        for member, there in members(theirs).items():
            here = here_all.get(member, "missing")
            if here != there and not (there == "property" and is_attribute(ours, member)):
                yield f"{name}.{member}", there, here
        if issubclass(theirs, Enum):
            return
    there, here = parameters(theirs), parameters(ours)
    if here != there:
        yield name, there, here


def is_attribute(subject: type, name: str) -> bool:
    """Has an instance this attribute? It is then read and set as the SDK's property is."""
    sources = (inspect.getsource(each) for each in subject.__mro__ if each.__module__.startswith("conductor"))
    fields = getattr(subject, "__dataclass_fields__", {})
    return name in fields or any(f"self.{name} = " in text or f"self.{name}: " in text for text in sources)


def table() -> dict[str, str]:
    """Reason by name, from the table of signatures."""
    section = TABLE.read_text().split("## Signatures", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return {name: reason for name, _what, reason in rows}


@pytest.mark.parametrize(("home", "name"), NAMES, ids=[name for _, name in NAMES])
def test_the_signature_is_the_sdks_or_the_difference_is_told(home: str, name: str) -> None:
    theirs = getattr(importlib.import_module(f"conductor.client.{home}"), name)
    found = list(differences(name, theirs, getattr(conductor_fast, name)))
    told = table()
    untold = [f"{what}\n  there {there}\n  here  {here}" for what, there, here in found if what not in told]
    assert not untold, "\n".join(untold)
    gone = {row for row in told if row.split(".")[0] == name} - {what for what, _, _ in found}
    assert not gone, f"no longer different, take them out of {TABLE.name}: {gone}"


def test_the_table_names_only_what_is_compared_and_gives_a_reason() -> None:
    names = {name for _, name in NAMES}
    assert {row.split(".")[0] for row in table()} <= names
    assert all(len(reason) > 10 for reason in table().values())


def test_a_difference_is_found() -> None:
    def theirs(a: int, b: int = 1) -> None: ...
    def ours(a: int, b: int = 2) -> None: ...

    assert list(differences("f", theirs, ours)) == [("f", "(a, b=1)", "(a, b=2)")]


def test_every_listed_name_is_public() -> None:
    assert {name for _, name in NAMES} <= set(conductor_fast.__all__)
