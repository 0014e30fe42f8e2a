"""conductor-python's listeners, and its event classes for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from conductor_fast.interop.sdk import PACKAGE, derives, find


class SdkListener:
    """`listener`, which gets conductor-python's events whatever its class and annotations say."""

    def __init__(self, listener: object) -> None:
        self.listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)


def wants_sdk_events(listener: object, method: Callable[..., Any]) -> bool:
    """Was `method` written for conductor-python's events?

    It was if its class derives from a protocol of conductor-python, or if it annotates such an event.
    """
    if isinstance(listener, SdkListener) or derives(type(listener)):
        return True
    function = inspect.unwrap(getattr(method, "__func__", method))
    annotations: dict[str, Any] = {}
    with suppress(Exception):  # annotations may name anything; then it is ours
        annotations = inspect.get_annotations(function, eval_str=True)
    return any(getattr(kind, "__module__", "").startswith(PACKAGE) for kind in annotations.values())


def to_sdk(event: Any) -> Any:
    """`event` as conductor-python's; `event` itself if it has none of that name."""
    kind = find("event.task_runner_events", type(event).__name__)
    if kind is None:
        return event
    fields = dict(event.__dict__)
    if "task_result" in fields:
        fields["task_result"] = _result(fields["task_result"])
    return kind(**fields)


def _result(result: Any) -> Any:
    line: Any = find("http.models.task_exec_log", "TaskExecLog")
    values = {name: getattr(result, name) for name in result.attribute_map}
    values["logs"] = [line(each.log, each.task_id, each.created_time) for each in result.logs]
    status: Any = find("http.models.task_result_status", "TaskResultStatus")
    values["status"] = None if result.status is None else status(str(result.status))
    made: Any = find("http.models.task_result", "TaskResult")
    return made(**values)
