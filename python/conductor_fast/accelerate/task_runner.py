"""Methods in the place of those of conductor-python's `TaskRunner` and `AsyncTaskRunner`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_fast.accelerate.engine import wait_as_python
from conductor_fast.accelerate.refusal import refusal, tell
from conductor_fast.accelerate.sdk_module import SdkModule
from conductor_fast.accelerate.task_handler import replace_methods
from conductor_fast.host.async_task_runner import AsyncTaskRunner
from conductor_fast.host.task_runner import TaskRunner
from conductor_fast.interop.events import SdkListener
from conductor_fast.model.exceptions import ConductorFastError
from conductor_fast.worker.adopted import AdoptedWorker

_OURS = "_conductor_fast_runner"
_EVENTS = (
    "poll_started",
    "poll_completed",
    "poll_failure",
    "task_execution_started",
    "task_execution_completed",
    "task_execution_failure",
    "task_update_failure",
)


def patch_task_runners(sdk: SdkModule) -> None:
    """Put the engine under every runner that starts from now on, if nothing is against it."""
    _patch_sync(sdk, sdk.runner)
    _patch_async(sdk, sdk.async_runner)


def _patch_sync(sdk: SdkModule, kind: Any) -> None:
    sdk_run, sdk_run_once, sdk_stop, sdk_cleanup = kind.run, kind.run_once, kind.stop, kind._cleanup

    def run(self: Any) -> None:
        ours = _ours(self, sdk, kind, TaskRunner)
        if ours is None:
            sdk_run(self)
            return
        self.configuration.apply_logging_config()
        try:
            if not self._shutdown:
                wait_as_python(ours.run, ours.host.request_stop)
        finally:
            self._cleanup()

    def run_once(self: Any) -> None:
        ours = _ours(self, sdk, kind, TaskRunner)
        if ours is None:
            sdk_run_once(self)
        else:
            ours.run_once()

    def stop(self: Any) -> None:
        sdk_stop(self)
        ours = _existing(self)
        if ours is not None:
            ours.host.request_stop()

    def _cleanup(self: Any) -> None:
        ours = _existing(self)
        if ours is not None:
            ours.stop()
        sdk_cleanup(self)

    replace_methods(kind, {"run": run, "run_once": run_once, "stop": stop, "_cleanup": _cleanup})


def _patch_async(sdk: SdkModule, kind: Any) -> None:
    sdk_run, sdk_run_once, sdk_stop, sdk_cleanup = kind.run, kind.run_once, kind.stop, kind._cleanup

    async def run(self: Any) -> None:
        ours = _ours(self, sdk, kind, AsyncTaskRunner)
        if ours is None:
            await sdk_run(self)
            return
        self.configuration.apply_logging_config()
        try:
            if not self._shutdown:
                await ours.run()
        finally:
            await self._cleanup()

    async def run_once(self: Any) -> None:
        ours = _ours(self, sdk, kind, AsyncTaskRunner)
        await (sdk_run_once(self) if ours is None else ours.run_once())

    async def stop(self: Any) -> None:
        await sdk_stop(self)
        ours = _existing(self)
        if ours is not None:
            await ours.stop()

    async def _cleanup(self: Any) -> None:
        ours = _existing(self)
        if ours is not None:
            await ours.stop()
        await sdk_cleanup(self)

    replace_methods(kind, {"run": run, "run_once": run_once, "stop": stop, "_cleanup": _cleanup})


def _ours(runner: Any, sdk: SdkModule, kind: type, make: Callable[..., Any]) -> Any:
    """This package's runner for `runner`, made once; None if it runs on conductor-python."""
    if _OURS not in vars(runner):
        setattr(runner, _OURS, None if sdk.is_worker_process() else _made(runner, sdk, kind, make))
    return _existing(runner)


def _existing(runner: Any) -> Any:
    attributes: dict[str, Any] = runner.__dict__
    return attributes.get(_OURS)


def _made(runner: Any, sdk: SdkModule, kind: type, make: Callable[..., Any]) -> Any:
    reason = refusal(sdk, runner, kind)
    if reason is None:
        dispatcher = runner.event_dispatcher
        listeners = [SdkListener(_Publisher(dispatcher))] if dispatcher._listeners else []
        try:
            ours = make(runner.worker, runner.configuration, event_listeners=listeners)
            AdoptedWorker(runner.worker)
            ours.host.start()
            return ours
        except ConductorFastError as error:
            reason = str(error)
    tell(f"{type(runner).__module__}.{type(runner).__qualname__}", reason)
    return None


class _Publisher:
    """Hands events to the runner's own dispatcher, and so to its listeners and its metrics."""

    def __init__(self, dispatcher: Any) -> None:
        for event in _EVENTS:
            setattr(self, f"on_{event}", dispatcher.publish)
