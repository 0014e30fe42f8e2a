"""Each application does the same on conductor-python's engine and on ours, on the dev and on the real server.

All applications of an engine run at once: those of conductor-python take seconds to start.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.application import APPS, ENGINES, Application, running
from tests.accelerate.cases import CASES, Attempt, Case
from tests.server.calls import ServerCalls
from tests.support.definitions import task_definition
from tests.support.waiting import wait_until

# Of the SDK: some thirty processes that each import it, besides the waiting that the cases are about.
TIMEOUT_SECONDS = 120.0
ENDED = ("COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")

# All deadlines are in the fixture, the real server's own ones too.
pytestmark = pytest.mark.timeout(60, func_only=True)


@dataclass
class Run:
    """What is seen of an engine on a server."""

    engine: str
    workflows: dict[str, list[dict[str, Any]]]
    logs_of_tasks: dict[str, list[str]]
    definitions: dict[str, dict[str, Any]]
    processes: dict[str, int]
    exit_codes: dict[str, int]
    logs: dict[str, str]
    events: list[list[str]]
    health: dict[str, Any]


@pytest.fixture(scope="module", params=ENGINES)
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """By server; on both at once, for most of the time is waiting."""
    with DevServer() as dev, ThreadPoolExecutor() as pool:
        servers = {"dev": ServerCalls(dev.url)}
        with contextlib.suppress(pytest.skip.Exception):
            servers["real"] = request.getfixturevalue("real_server")
        asked = {
            name: pool.submit(_run, request.param, calls, tmp_path_factory.mktemp("applications"))
            for name, calls in servers.items()
        }
        return {name: each.result() for name, each in asked.items()}


@pytest.fixture(params=["dev", "real"])
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    if request.param not in runs:
        pytest.skip("there is no real server")
    return runs[request.param]


@pytest.mark.parametrize("name", list(CASES))
def test_workflows_come_to_what_they_must(run: Run, name: str) -> None:
    seen = [
        _attempts(run, case, workflow)
        for case, workflow in zip(CASES[name], run.workflows[name], strict=True)
    ]
    assert seen == [case.attempts for case in CASES[name]]
    assert [each["status"] for each in run.workflows[name]] == [case.status for case in CASES[name]]


def test_workers_register_their_definitions(run: Run) -> None:
    cases = {next(iter(case.steps)): case.registered for cases in CASES.values() for case in cases}
    expected = {task_type: registered for task_type, registered in cases.items() if registered}
    assert {
        task_type: {key: run.definitions[task_type][key] for key in registered}
        for task_type, registered in expected.items()
    } == expected


def test_listeners_hear_of_it(run: Run) -> None:
    tasks = {
        task["taskDefName"]: task["taskId"]
        for workflow in run.workflows["event_listeners"]
        for task in workflow["tasks"]
    }
    for task_type, task_id in tasks.items():
        heard = [event for event in run.events if event[1] == task_type]
        assert sorted(heard) == [
            ["PollCompleted", task_type, "1"],
            ["TaskExecutionCompleted", task_type, task_id],
            ["TaskExecutionStarted", task_type, task_id],
        ]


def test_the_service_is_healthy(run: Run) -> None:
    workers = {worker["worker"]: worker["alive"] for worker in run.health["workers"]}
    assert run.health["ok"] is True
    assert workers == {"fastapi_normalize_name": True, "fastapi_add_numbers": True}


def test_ours_is_one_process_that_ends_in_order(run: Run) -> None:
    if run.engine == "sdk":
        workers = {name: len({step for case in CASES[name] for step in case.steps}) for name in CASES}
        assert all(run.processes[name] > count for name, count in workers.items())
        return
    assert run.processes == dict.fromkeys(CASES, 1)
    # 143 as a shell tells of SIGTERM; the service's own server ends by the signal itself.
    assert run.exit_codes == {**dict.fromkeys(CASES, 143), "fastapi_service": -signal.SIGTERM}
    assert [name for name, log in run.logs.items() if "accelerated: " not in log] == []


def _run(engine: str, calls: ServerCalls, folder: Path) -> Run:
    events, port = folder / "events", _free_port()
    arguments = {"event_listeners": [str(events)], "fastapi_service": [str(port)]}
    definitions: dict[str, dict[str, Any]] = {}
    workflows: dict[str, list[dict[str, Any]]] = {name: [{}] * len(cases) for name, cases in CASES.items()}
    with contextlib.ExitStack() as stack:
        for case in (case for cases in CASES.values() for case in cases):
            _define(calls, case)
        applications = {
            name: stack.enter_context(
                running(
                    engine,
                    APPS / f"{name}.py",
                    calls.url,
                    folder / f"{name}.log",
                    *arguments.get(name, []),
                )
            )
            for name in CASES
        }
        for is_timed in (False, True):
            started = [
                (name, index, _start(calls, case, applications[name], definitions))
                for name, cases in CASES.items()
                for index, case in enumerate(cases)
                if case.is_timed is is_timed
            ]
            for name, index, workflow_id in started:
                workflows[name][index] = _wait(calls, workflow_id, applications[name])
        wait_until(lambda: events.exists() and len(events.read_text().splitlines()) >= 6, "the events", 10)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=10) as answer:
            health = json.load(answer)
        processes = {name: len(each.processes()) for name, each in applications.items()}
        tasks = [task for each in workflows.values() for workflow in each for task in workflow["tasks"]]
        for each in applications.values():
            each.terminate()
        return Run(
            engine=engine,
            workflows=workflows,
            logs_of_tasks={task["taskId"]: calls.task_log(task["taskId"]) for task in tasks},
            definitions=definitions,
            processes=processes,
            exit_codes={name: each.wait() for name, each in applications.items()},
            logs={name: each.log for name, each in applications.items()},
            events=[line.split() for line in events.read_text().splitlines()],
            health=health,
        )


def _define(calls: ServerCalls, case: Case) -> None:
    for task_type in case.steps:
        if case.registered:
            calls.forget_task(task_type)
        else:
            calls.define_task(task_definition(task_type, **case.definition))


def _start(
    calls: ServerCalls, case: Case, application: Application, definitions: dict[str, dict[str, Any]]
) -> str:
    """Start the case's workflow, once its worker has registered the definition if it is to do so."""

    def look() -> dict[str, Any] | None:
        application.check_alive()
        return calls.task_definition(next(iter(case.steps)))

    if case.registered:
        definition = wait_until(look, f"the definition of {list(case.steps)}", TIMEOUT_SECONDS)
        assert definition is not None
        definitions[definition["name"]] = definition
    workflow = f"accelerate_{'_'.join(case.steps)}"
    calls.register_workflow(workflow, list(case.steps), case.steps)
    domains = dict.fromkeys(case.steps, case.domain) if case.domain else {}
    return calls.start_workflow(workflow, {}, domains)


def _wait(calls: ServerCalls, workflow_id: str, application: Application) -> dict[str, Any]:
    """The workflow as it is when it has ended, or when time is up: the tests say what is wrong with it."""

    def look() -> bool:
        application.check_alive()
        return calls.workflow(workflow_id)["status"] in ENDED

    with contextlib.suppress(AssertionError):
        wait_until(look, f"workflow {workflow_id} to end", TIMEOUT_SECONDS)
    return calls.workflow(workflow_id)


def _attempts(run: Run, case: Case, workflow: dict[str, Any]) -> list[Attempt]:
    """What the server has, as far as the case looks at it."""
    expected = [*case.attempts, *[Attempt("", {})] * len(workflow["tasks"])]
    return [
        Attempt(
            task_type=task["taskDefName"],
            output=None if wanted.output is None else task["outputData"],
            status=task["status"],
            reason=None if wanted.reason is None else task.get("reasonForIncompletion"),
            polls=task["pollCount"],
            log=None if wanted.log is None else run.logs_of_tasks[task["taskId"]],
        )
        for wanted, task in zip(expected, workflow["tasks"], strict=False)
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
