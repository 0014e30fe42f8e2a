"""The decorators and their registry."""

from __future__ import annotations

import functools
import logging
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from conductor_fast import (
    ConductorFastError,
    ConfigurationError,
    TaskDef,
    Worker,
    WorkerTask,
    get_registered_worker_names,
    get_registered_workers,
    register_decorated_fn,
    worker_task,
)


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conductor_fast.worker.registry._decorated_functions", {})


def module_with(source: str, name: str = "made_up") -> types.ModuleType:
    """A module as if it were in a file; loading it again is a reload."""
    module = types.ModuleType(name)
    exec(compile(source, f"/{name}.py", "exec"), module.__dict__)
    return module


GREET = "from conductor_fast import worker_task\n@worker_task('greet')\ndef greet(name): return name\n"


def test_settings_arrive_at_the_worker() -> None:
    definition = TaskDef(retry_count=1)

    @worker_task(
        "greet",
        poll_interval_millis=250,
        domain="blue",
        worker_id="me",
        thread_count=7,
        register_task_def=True,
        poll_timeout=500,
        lease_extend_enabled=True,
        task_def=definition,
        overwrite_task_def=False,
        strict_schema=True,
        register_schema=True,
    )
    def greet(name: str) -> str:
        return name

    (worker,) = get_registered_workers()
    assert worker.get_task_definition_name() == "greet"
    assert worker.poll_interval == 250
    assert worker.get_polling_interval_in_seconds() == 0.25
    assert (worker.domain, worker.get_identity(), worker.thread_count) == ("blue", "me", 7)
    assert worker.register_task_def
    assert (worker.poll_timeout, worker.lease_extend_enabled, worker.paused) == (500, True, False)
    assert worker.task_def_template is definition
    assert (worker.overwrite_task_def, worker.strict_schema, worker.register_schema) == (False, True, True)


def test_the_former_decorator() -> None:
    @WorkerTask("greet", 200, "blue", "me", 0, 3)
    def greet(name: str) -> str:
        return name

    @WorkerTask("slow", poll_interval_seconds=2)
    def slow(name: str) -> str:
        return name

    first, second = get_registered_workers()
    assert (first.poll_interval, first.domain, first.worker_id, first.thread_count) == (200, "blue", "me", 3)
    assert second.poll_interval == 2_000


def test_a_default_interval_is_the_engines_choice() -> None:
    worker_task("greet")(lambda name: name)
    (worker,) = get_registered_workers()
    assert worker.poll_interval is None


def test_a_decorated_function_can_still_be_called() -> None:
    @worker_task("greet")
    def greet(name: str, greeting: str = "Hello") -> str:
        """Says hello."""
        return f"{greeting} {name}"

    assert greet("Ada", greeting="Hi") == "Hi Ada"
    assert (greet.__name__, greet.__doc__) == ("greet", "Says hello.")


def test_called_with_a_reference_name_it_makes_a_task_of_a_workflow() -> None:
    @worker_task("greet")
    def greet(name: str) -> str:
        return name

    task: Any = greet(task_ref_name="first", name="${workflow.input.name}")  # type: ignore[call-arg]
    assert type(task).__module__ == "conductor.client.workflow.task.simple_task"
    assert task.task_reference_name == "first"
    assert task.input_parameters == {"name": "${workflow.input.name}"}


def test_without_the_sdk_a_reference_name_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    greet: Callable[..., Any] = worker_task("greet")(lambda name: name)
    monkeypatch.setitem(sys.modules, "conductor.client.workflow.task.simple_task", None)
    with pytest.raises(ConductorFastError, match="install conductor-python"):
        greet(task_ref_name="first")


def test_a_parameter_of_that_name_stays_the_functions_own() -> None:
    @worker_task("greet")
    def greet(task_ref_name: str) -> str:
        return task_ref_name

    assert greet(task_ref_name="mine") == "mine"


def test_an_empty_domain_is_none() -> None:
    """As in the SDK, which sends a domain that is not empty; it may come from a variable that is not set."""
    worker_task("greet", domain="")(lambda name: name)
    (worker,) = get_registered_workers()
    assert (worker.domain, Worker("other", lambda name: name, domain="").domain) == (None, None)


def test_names_are_kept_per_domain() -> None:
    worker_task("greet")(lambda name: name)
    worker_task("greet", domain="blue")(lambda name: name)
    assert get_registered_worker_names() == ["greet", "greet"]
    assert [worker.domain for worker in get_registered_workers()] == [None, "blue"]


def test_a_reload_replaces(caplog: pytest.LogCaptureFixture) -> None:
    module_with(GREET)
    again = module_with("\n\n" + GREET)
    (worker,) = get_registered_workers()
    assert inspect_unwrap(again.greet) is worker.execute_function
    assert not caplog.records


def inspect_unwrap(function: Any) -> Any:
    return function.__wrapped__


def test_a_module_that_runs_and_is_imported_is_one() -> None:
    """`python -m shop.workers`, which names itself in `import_modules`."""
    for name in ("__main__", "shop.workers"):
        source = compile(GREET, "/shop/workers.py", "exec")
        exec(source, {"__name__": name})
    assert get_registered_worker_names() == ["greet"]


def test_another_function_is_refused() -> None:
    module_with(GREET)
    with pytest.raises(
        ConfigurationError,
        match=r"worker 'greet': two functions are decorated for it, .*\.greet and .*\.hello; give one",
    ):
        module_with(GREET.replace("def greet", "def hello"), "other")


def test_a_function_that_was_local_to_a_call_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """As in the tests of a worker."""

    def first() -> None:
        worker_task("greet")(lambda name: name)

    def second() -> None:
        worker_task("greet")(lambda name: name)

    first()
    first()
    assert not caplog.records
    second()
    assert get_registered_worker_names() == ["greet"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_every_kind_of_callable() -> None:
    class Shop:
        def greet(self, name: str) -> str:
            return name

        def __call__(self, name: str) -> str:
            return name

    kinds: list[Callable[..., Any]] = [
        lambda name: name,
        Shop().greet,
        Shop(),
        functools.partial(Shop().greet, name="Ada"),
        len,
    ]
    for index, kind in enumerate(kinds):
        register_decorated_fn(f"kind_{index}", 100, None, None, kind)
        worker_task(f"decorated_{index}")(kind)
    assert len(get_registered_workers()) == 2 * len(kinds)


def test_a_decorator_without_a_name_says_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"@worker_task\('task_type'\)"):
        worker_task(len)(len)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="once for each task type"):
        worker_task(["a", "b"])(len)  # type: ignore[arg-type]


def test_an_unknown_setting_names_the_one_that_was_meant() -> None:
    with pytest.raises(
        ConfigurationError,
        match="worker 'greet': there is no setting 'thread_cont'; did you mean thread_count",
    ):
        worker_task("greet", thread_cont=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="did you mean domain"):
        WorkerTask("greet", domian="blue")  # type: ignore[arg-type]
