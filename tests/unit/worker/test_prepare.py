"""What is read from a worker and the environment when it is started."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from conductor_fast import Configuration, ConfigurationError, Task, TaskResult, Worker, WorkerInterface
from conductor_fast.settings.worker_config import WorkerConfig
from conductor_fast.worker import registration
from conductor_fast.worker.prepare import prepare


class Echo(WorkerInterface):
    def execute(self, task: Task) -> TaskResult:
        return TaskResult.from_task(task)


def config(worker: WorkerInterface) -> WorkerConfig:
    (prepared,) = prepare(worker, Configuration(server_api_url="http://a/api"))
    return prepared.config


def greet(name: str) -> str:
    return name


def test_a_function_without_settings() -> None:
    read = config(Worker("greet", greet))
    assert read == WorkerConfig("greet"), "the engine chooses interval and timeout"


@pytest.mark.parametrize("interval", [100, 250.5])
def test_an_interval_that_was_given_is_kept(interval: float) -> None:
    assert config(Worker("greet", greet, interval)).poll_interval_millis == interval


def test_a_class_has_the_base_classs_interval_only_if_it_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Echo):
        def get_polling_interval_in_seconds(self) -> float:
            return 2.0

    assert config(Echo("greet")).poll_interval_millis is None
    assert config(Slow("greet")).poll_interval_millis == 2_000
    monkeypatch.setenv("conductor.worker.greet.poll_interval", "100")
    assert config(Echo("greet")).poll_interval_millis == 100


def test_what_a_class_overrides_counts() -> None:
    class Own(Echo):
        def get_identity(self) -> str:
            return "me"

        def get_domain(self) -> str:
            return "blue"

        def get_task_definition_name(self) -> str:
            return "mine"

    worker = Own("given")
    worker.thread_count = 3
    worker.poll_timeout = 500
    assert config(worker) == WorkerConfig("mine", "blue", "me", 3, poll_timeout_millis=500)


def test_a_worker_that_overrides_execute_is_a_class() -> None:
    class Own(Worker):
        def execute(self, task: Task) -> TaskResult:
            return TaskResult.from_task(task)

    (prepared,) = prepare(Own("greet", greet), Configuration())
    assert prepared.binding.whole_task
    assert prepared.binding.call({"taskId": "1"}) == TaskResult(task_id="1", status="COMPLETED")


def test_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CONDUCTOR_WORKER_GREET_THREAD_COUNT", "7")
    monkeypatch.setenv("conductor.worker.all.poll_timeout", "500")
    monkeypatch.setenv("conductor.worker.greet.domain", "")
    with caplog.at_level(logging.INFO):
        read = config(Worker("greet", greet, domain="blue", worker_id="me", thread_count=2, poll_timeout=300))
    assert read == WorkerConfig("greet", None, "me", 7, poll_timeout_millis=500)
    (line,) = caplog.messages
    assert line.startswith("worker 'greet': ")
    assert "thread_count=7 (CONDUCTOR_WORKER_GREET_THREAD_COUNT)" in line
    assert "poll_timeout=500 (conductor.worker.all.poll_timeout)" in line
    assert "worker_id=me," in line


def test_a_bad_value_of_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("conductor.worker.greet.thread_count", "0")
    with pytest.raises(
        ConfigurationError,
        match=r"worker 'greet': thread_count 0 is out of range.*conductor\.worker\.greet\.thread_count=0",
    ):
        config(Worker("greet", greet))


def test_each_name_has_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("conductor.worker.two.thread_count", "2")
    prepared = prepare(Echo(["one", "two"]), Configuration())
    assert [(each.config.task_type, each.config.thread_count) for each in prepared] == [
        ("one", 1),
        ("two", 2),
    ]


def test_the_environment_names_classes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the SDK it does not (S38)."""
    monkeypatch.setenv("conductor.worker.greet.worker_id", "me")
    (prepared,) = prepare(Echo("greet"), Configuration())
    assert prepared.config.worker_id == "me"


def test_no_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="worker Echo: its list of task types is empty"):
        Echo([])


def test_names_take_turns_as_in_the_sdk() -> None:
    worker = Echo(["one", "two"])
    seen = []
    for _ in range(3):
        seen += [worker.get_task_definition_name(), worker.get_task_definition_name()]
        worker.clear_task_definition_name_cache()
    assert seen == ["one", "one", "two", "two", "one", "one"]


def test_execute_of_a_function_can_be_tested() -> None:
    def fails(name: str) -> None:
        raise ValueError(name)

    task = Task(task_id="1", workflow_instance_id="2", input_data={"name": "Ada"})
    result = Worker("greet", greet, worker_id="me").execute(task)
    assert result == TaskResult("2", "1", worker_id="me", status="COMPLETED", output_data={"result": "Ada"})
    failed = Worker("fails", fails).execute(task)
    assert (str(failed.status), failed.reason_for_incompletion) == ("FAILED", "Ada")
    assert Worker("whole", lambda task: {"id": task.task_id}).execute(task).output_data == {"id": "1"}


@pytest.mark.parametrize(
    ("worker_setting", "environment", "configuration", "expected"),
    [
        (None, None, None, False),
        (None, None, True, True),
        (False, None, True, False),
        (True, None, False, True),
        (True, "false", None, False),
        (False, "true", False, True),
    ],
)
def test_whether_schemas_are_registered(
    worker_setting: bool | None,
    environment: str | None,
    configuration: bool | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def schemas(task_type: str, function: Any, strict: bool) -> dict[str, Any]:
        asked.append((task_type, function, strict))
        return {}

    monkeypatch.setattr(registration, "_schemas", schemas)
    if environment is not None:
        monkeypatch.setenv("conductor.worker.greet.register_schema", environment)
    worker = Worker(
        "greet", greet, register_task_def=True, strict_schema=True, register_schema=worker_setting
    )
    prepare(worker, Configuration(register_schema=configuration))
    assert asked == ([("greet", greet, True)] if expected else [])


def test_the_environments_default_for_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Configuration().register_schema is None
    monkeypatch.setenv("CONDUCTOR_REGISTER_SCHEMAS", "on")
    assert Configuration().register_schema is True
    assert Configuration(register_schema=False).register_schema is False
