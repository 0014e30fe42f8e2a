"""Events on their way to the application's listeners: one thread, in the order in which they happened."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from conductor_fast.host.log_thread import log_safely
from conductor_fast.interop.events import SdkListener, to_sdk, wants_sdk_events
from conductor_fast.model import events
from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.model.task_result import TaskResult

if TYPE_CHECKING:
    from conductor_fast._core import Runtime

_METHODS: dict[type[events.TaskRunnerEvent], str] = {
    events.PollStarted: "on_poll_started",
    events.PollCompleted: "on_poll_completed",
    events.PollFailure: "on_poll_failure",
    events.TaskExecutionStarted: "on_task_execution_started",
    events.TaskExecutionCompleted: "on_task_execution_completed",
    events.TaskExecutionFailure: "on_task_execution_failure",
    events.TaskUpdateCompleted: "on_task_update_completed",
    events.TaskUpdateFailure: "on_task_update_failure",
    events.TaskPaused: "on_task_paused",
    events.TaskExecutionQueueFull: "on_task_execution_queue_full",
}
_CLASSES = {event.__name__: event for event in _METHODS}

_TELL_OF_DROPS_EVERY = 10.0

_logger = logging.getLogger("conductor_fast.host")

Method = Callable[[Any], object]
_Convert = Callable[[Any], Any]


class Listeners:
    """Who hears of which event; methods that a listener does not have are not called."""

    def __init__(self, listeners: Iterable[object] | None) -> None:
        self._methods: dict[str, list[tuple[Method, _Convert]]] = {name: [] for name in _CLASSES}
        for listener in _checked(listeners):
            found = [(event, name) for event, name in _METHODS.items() if hasattr(listener, name)]
            for event, name in found:
                method = _checked_method(listener, name)
                convert = to_sdk if wants_sdk_events(listener, method) else _as_it_is
                self._methods[event.__name__].append((method, convert))
            if not found:
                _logger.warning("%s hears of nothing: it has none of the methods on_…", _name(listener))

    def __bool__(self) -> bool:
        """Does anybody listen to anything?"""
        return any(self._methods.values())

    def tell(self, name: str, fields: dict[str, Any]) -> None:
        """Call those who listen to that event. What one raises is logged, and the others are called."""
        methods = self._methods[name]
        if not methods:
            return
        event = _event(name, fields)
        for method, convert in methods:
            _call(method, convert(event))


def deliver(runtime: Runtime, listeners: Listeners) -> None:
    """The loop of the thread: until the runtime is closed."""
    dropped, told_at = 0, -_TELL_OF_DROPS_EVERY
    while (happened := runtime.events()) is not None:
        for name, fields in happened[0]:
            listeners.tell(name, fields)
        dropped += happened[1]
        if dropped and time.monotonic() - told_at >= _TELL_OF_DROPS_EVERY:
            _tell_of_drops(dropped)
            dropped, told_at = 0, time.monotonic()
    if dropped:
        _tell_of_drops(dropped)


def _tell_of_drops(dropped: int) -> None:
    log_safely(_logger.warning, "%d events were dropped: the event listeners are too slow", dropped)


def _as_it_is(event: events.TaskRunnerEvent) -> events.TaskRunnerEvent:
    return event


def _call(method: Method, event: events.TaskRunnerEvent) -> None:
    try:
        method(event)
    except BaseException as error:  # also SystemExit: the other listeners hear of the rest
        ids = {
            "task_type": event.task_type,
            "task_id": getattr(event, "task_id", None),
            "workflow_id": getattr(event, "workflow_instance_id", None),
        }
        message = "a listener raised at %s: %r"
        log_safely(_logger.error, message, type(event).__name__, method, exc_info=error, extra=ids)


def _event(name: str, fields: dict[str, Any]) -> events.TaskRunnerEvent:
    fields["timestamp"] = datetime.fromtimestamp(fields["timestamp"], timezone.utc)
    if "task_result" in fields:
        fields["task_result"] = TaskResult.from_wire(fields["task_result"])
        fields["worker_id"] = fields["task_result"].worker_id or ""
    return _CLASSES[name](**fields)


def _checked(listeners: Iterable[object] | None) -> list[object]:
    try:
        return [] if listeners is None else list(listeners)
    except TypeError:
        raise ConfigurationError(f"event_listeners: give a list, [{_name(listeners)}]") from None


def _checked_method(listener: object, name: str) -> Method:
    method: object = getattr(listener, name)
    if not callable(method) or inspect.iscoroutinefunction(method):
        raise ConfigurationError(
            f"event_listeners: {_name(listener)}.{name} must be a plain method; a thread of its own calls it"
        )
    return method


def _name(listener: object) -> str:
    if isinstance(listener, SdkListener):
        listener = listener.listener
    return listener.__qualname__ if isinstance(listener, type) else type(listener).__qualname__
