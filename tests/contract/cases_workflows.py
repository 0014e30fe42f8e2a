"""Cases of workflows that are a sequence of SIMPLE tasks."""

from __future__ import annotations

from typing import Any

from tests.contract.api import Api
from tests.contract.case import case
from tests.support.definitions import task_definition

DEFINITIONS = "/metadata/workflow"
TASK_DEFINITIONS = "/metadata/taskdefs"
EXPRESSIONS = {
    "number": "${workflow.input.n}",
    "object": "${workflow.input.obj}",
    "field": "${workflow.input.obj.x}",
    "item": "${workflow.input.list[1].k}",
    "missing": "${workflow.input.missing}",
    "null": "${workflow.input.nul}",
    "big": "${workflow.input.big}",
    "all": "${workflow.input}",
    "text": "a ${workflow.input.n} b ${workflow.input.obj} c ${workflow.input.list} d ${workflow.input.nul}",
    "two": "${workflow.input.n}${workflow.input.float}",
    "nested": {"list": ["${workflow.input.n}", {"deep": "${workflow.input.b}"}, 1, None]},
    "escaped": "$${workflow.input.n}",
    "unclosed": "${workflow.input.n",
    "constant": 5,
    "correlation": "${workflow.correlationId}",
    "version": "${workflow.version}",
    "type": "${workflow.workflowType}",
    "status": "${workflow.status}",
    "later": "${two.output.x}",
}
INPUT = {
    "n": 7,
    "obj": {"y": "z", "x": 1},
    "list": [1, {"k": 'é"'}],
    "nul": None,
    "big": 2**70,
    "float": 1.5,
    "b": True,
}


class Steps:
    """A workflow of the case's own task types, `…_one` and `…_two`, and one run of it."""

    def __init__(self, api: Api, *references: str, **definition: object) -> None:
        self.api = api
        self.types = {reference: f"{api.task_type}_{reference}" for reference in references}
        self.name = api.task_type
        retries = definition.pop("retryCount", 0)
        inputs: Any = definition.pop("inputs", {})
        for task_type in self.types.values():
            api.call("POST", TASK_DEFINITIONS, [task_definition(task_type, retryCount=retries)])
        tasks = [
            simple(task_type, reference, inputParameters=inputs.get(reference, {}))
            for reference, task_type in self.types.items()
        ]
        self.put = api.record(
            "PUT", DEFINITIONS, [{"name": self.name, "version": 1, "tasks": tasks, **definition}]
        )

    def start(self, **request: object) -> dict[str, Any]:
        """Start a run."""
        answer = self.api.call("POST", "/workflow", {"name": self.name, **request})
        self.workflow_id = answer.text
        self.api.normaliser.value({"workflowInstanceId": self.workflow_id})
        return self.api.normaliser.answer(answer)

    def take(self, reference: str, domain: str | None = None) -> dict[str, Any]:
        """Take the task of that name, which is queued by the call that led to it."""
        with self.api.another() as other:
            other.task_type = self.types[reference]
            return other.take(domain)

    def read(self, query: str = "") -> dict[str, Any]:
        """The run as it stands."""
        return self.api.record("GET", f"/workflow/{self.workflow_id}{query}")


def simple(task_type: str, reference: str, **fields: object) -> dict[str, Any]:
    """A task of a definition."""
    return {"name": task_type, "taskReferenceName": reference, "type": "SIMPLE", **fields}


@case
def workflow_from_start_to_end(api: Api) -> dict[str, Any]:
    """Each task is queued when the one before it completes; the output is that of the last one."""
    steps = Steps(api, "one", "two")
    record = {"put": steps.put, "start": steps.start(input={"a": 1}, correlationId="c")}
    record["started"] = steps.read()
    first = steps.take("one")
    record["first"] = api.normaliser.value(first)
    api.update(first, status="COMPLETED", outputData={"x": 1})
    record["first completed"] = steps.read()
    second = steps.take("two")
    record["second"] = api.normaliser.value(second)
    api.update(second, status="COMPLETED", outputData={"y": 2})
    record["completed"] = steps.read()
    record["without tasks"] = steps.read("?includeTasks=false")
    record["terminate"] = api.record("DELETE", f"/workflow/{steps.workflow_id}")
    record["signal"] = api.record("POST", f"/tasks/{steps.workflow_id}/COMPLETED/signal", {})
    return record


@case
def expressions(api: Api) -> dict[str, Any]:
    """A whole expression keeps its value's type; within a text values are written as Java writes them."""
    inputs = {
        "one": EXPRESSIONS,
        "two": {
            "whole": "${one.output}",
            "field": "${one.output.y}",
            "text": "got ${one.output.y} of ${one.output.big}",
            "input": "${one.input.number}",
            "status": "${one.status}",
        },
    }
    output = {
        "x": "${two.output.x}",
        "text": "x${one.output.y}",
        "n": "${workflow.input.n}",
        "no": "${two.output.no}",
    }
    steps = Steps(api, "one", "two", inputs=inputs, outputParameters=output)
    record = {"start": steps.start(input=INPUT, correlationId="c")}
    first = steps.take("one")
    record["first"] = first["inputData"]
    api.update(first, status="COMPLETED", outputData={"y": [1, {"q": 'é"'}], "big": 2**70})
    second = steps.take("two")
    record["second"] = second["inputData"]
    api.update(second, status="COMPLETED", outputData={"x": {"k": 1}})
    record["output"] = steps.read("?includeTasks=false")
    return record


@case
def workflow_fails(api: Api) -> dict[str, Any]:
    """When its task has no retries left, or at once."""
    record: dict[str, Any] = {}
    steps = Steps(api, "one", "two", retryCount=1, outputParameters={"k": "${one.output.k}"})
    steps.start()
    for attempt in (1, 2):
        task = steps.take("one")
        api.update(task, status="FAILED", reasonForIncompletion=f"why {attempt}", outputData={"k": attempt})
        record[f"attempt {attempt}"] = steps.read()
    for status in ("FAILED_WITH_TERMINAL_ERROR", "CANCELED"):
        steps.start()
        api.update(steps.take("one"), status=status)
        record[status] = steps.read()
    record["terminate a failed one"] = api.record("DELETE", f"/workflow/{steps.workflow_id}?reason=over")
    record["terminated"] = steps.read()
    return record


@case
def workflow_is_terminated(api: Api) -> dict[str, Any]:
    """Its open task is canceled, and what comes for it later is ignored."""
    steps = Steps(api, "one")
    path = "/workflow"
    record = {"start": steps.start()}
    task = steps.take("one")
    record["terminate"] = api.record("DELETE", f"{path}/{steps.workflow_id}?reason=be%20cause")
    record["terminated"] = steps.read()
    record["late result"] = api.update(task, status="COMPLETED", outputData={"late": True})
    record["again"] = api.record("DELETE", f"{path}/{steps.workflow_id}")
    record["terminated again"] = steps.read()
    record["unknown"] = api.record("DELETE", f"{path}/no-such-workflow")
    return record


@case
def workflow_times_out(api: Api) -> dict[str, Any]:
    """With the task whose worker is silent."""
    steps = Steps(api, "one")
    definition = task_definition(steps.types["one"], retryCount=0, responseTimeoutSeconds=2)
    api.call("POST", TASK_DEFINITIONS, [definition])
    steps.start()
    api.wait_for_end(steps.take("one"))
    return {"timed out": steps.read()}


@case
def workflow_with_domains(api: Api) -> dict[str, Any]:
    """Of a task type, or of all others."""
    record: dict[str, Any] = {}
    steps = Steps(api, "one")
    for why, domains in {"type": {steps.types["one"]: "d1"}, "all": {"*": "d2"}}.items():
        steps.start(taskToDomain=domains)
        domain = next(iter(domains.values()))
        size = api.record("GET", f"/tasks/queue/size?taskType={steps.types['one']}&domain={domain}")
        task = steps.take("one", domain)
        record[why] = {"size": size, "task": api.normaliser.value(task)}
        api.update(task, status="COMPLETED")
        record[why]["workflow"] = steps.read("?includeTasks=false")
    return record


@case
def update_by_reference_name_sync(api: Api) -> dict[str, Any]:
    """The answer is the workflow after the update; where nothing is open it is an error."""
    steps = Steps(api, "one", "two")
    steps.start()
    steps.take("one")
    path = f"/tasks/{steps.workflow_id}"
    record = {
        "in progress": api.record("POST", f"{path}/one/IN_PROGRESS/sync", {"a": 1}),
        "completed": api.record("POST", f"{path}/one/COMPLETED/sync?workerid=w", {"b": 2}),
        "once more": api.record("POST", f"{path}/one/COMPLETED/sync", {}),
    }
    steps.take("two")
    record["last"] = api.record("POST", f"{path}/two/COMPLETED/sync", {"c": 3})
    record["unknown workflow"] = api.record("POST", "/tasks/no-such-workflow/one/COMPLETED/sync", {})
    record["unknown status"] = api.record("POST", f"{path}/one/DONE/sync", {})
    record["no output"] = api.record("POST", f"{path}/one/COMPLETED/sync")
    return record


@case
def signal(api: Api) -> dict[str, Any]:
    """A SIMPLE task is none that a signal ends."""
    steps = Steps(api, "one")
    steps.start()
    task = steps.take("one")
    path = f"/tasks/{steps.workflow_id}"
    record = {"signal": api.record("POST", f"{path}/COMPLETED/signal", {"a": 1}), "task": api.look_up(task)}
    record["unknown workflow"] = api.record("POST", "/tasks/no-such-workflow/COMPLETED/signal", {})
    record["unknown status"] = api.record("POST", f"{path}/DONE/signal", {})
    record["no output"] = api.record("POST", f"{path}/COMPLETED/signal")
    record["sync"] = api.record("POST", f"{path}/COMPLETED/signal/sync", {})
    return record


@case
def workflow_of_one_task(api: Api) -> dict[str, Any]:
    """On the dev server: that of a pushed task."""
    record: dict[str, Any] = {}
    for status in ("COMPLETED", "FAILED_WITH_TERMINAL_ERROR", "CANCELED"):
        task = api.ready()
        path = f"/workflow/{task['workflowInstanceId']}"
        record[f"{status} running"] = _run(api, path)
        api.update(task, status=status, outputData={"b": 1}, reasonForIncompletion="why")
        record[status] = _run(api, path)
    task = api.ready()
    path = f"/workflow/{task['workflowInstanceId']}"
    record["terminate"] = api.record("DELETE", f"{path}?reason=over")
    record["terminated"] = _run(api, path)
    return record


@case
def workflow_that_is_not_there(api: Api) -> dict[str, Any]:
    """Neither its definition nor its run."""
    name = {"name": api.task_type}
    Steps(api, "one")
    return {
        "run": api.record("GET", "/workflow/no-such-workflow"),
        "run, odd query": api.record("GET", "/workflow/no-such-workflow?includeTasks=x"),
        "start": api.record("POST", "/workflow", {"name": "no-such-workflow"}),
        "start version": api.record("POST", "/workflow", {**name, "version": 9}),
        "start without name": api.record("POST", "/workflow", {}),
        "start with empty name": api.record("POST", "/workflow", {"name": ""}),
        "start with a list": api.record("POST", "/workflow", []),
        "start with a list for input": api.record("POST", "/workflow", {**name, "input": [1]}),
        "start without body": api.record("POST", "/workflow"),
        "definition": api.record("GET", f"{DEFINITIONS}/no-such-workflow"),
        "definition's version": api.record("GET", f"{DEFINITIONS}/{api.task_type}?version=9"),
        "odd version": api.record("GET", f"{DEFINITIONS}/{api.task_type}?version=x"),
        "other method": api.record("PUT", "/workflow", {}),
    }


@case
def workflow_definition_is_created_and_replaced(api: Api) -> dict[str, Any]:
    """POST creates one and refuses what is there; PUT takes a list and replaces."""
    name, task = api.task_type, simple(api.task_type, "one")
    path = f"{DEFINITIONS}/{name}"
    first = {"name": name, "tasks": [task], "description": "first"}
    record: dict[str, Any] = {
        "create": api.record("POST", DEFINITIONS, first),
        "created": api.record("GET", path),
        "again": api.record("POST", DEFINITIONS, first),
        "replace": api.record("PUT", DEFINITIONS, [{**first, "description": "replaced"}]),
        "replaced": api.record("GET", path),
        "version 2": api.record("POST", DEFINITIONS, {**first, "version": 2}),
        "newest": api.record("GET", path),
        "oldest": api.record("GET", f"{path}?version=1"),
    }
    every = api.call("GET", DEFINITIONS).json()
    record["all"] = sorted(found["version"] for found in every if found["name"] == name)
    return record


@case
def workflow_definition_that_is_refused(api: Api) -> dict[str, Any]:
    """With an explanation, and nothing of it is stored."""
    name, task = {"name": api.task_type}, simple(api.task_type, "one")
    parameters = {"a": "${nobody.output.x}"}
    definitions: dict[str, Any] = {
        "none": [],
        "no list": {**name, "tasks": [task]},
        "no tasks": [name],
        "empty tasks": [{**name, "tasks": []}],
        "no name": [{"tasks": [task]}],
        "same reference twice": [{**name, "tasks": [task, task]}],
        "no reference": [{**name, "tasks": [{"name": "t", "type": "SIMPLE"}]}],
        "task without name": [{**name, "tasks": [{"taskReferenceName": "t", "type": "SIMPLE"}]}],
        "unknown reference": [{**name, "tasks": [{**task, "inputParameters": parameters}]}],
        "blank in expression": [
            {**name, "tasks": [{**task, "inputParameters": {"a": "${ workflow.input }"}}]}
        ],
        "one of two": [{**name, "tasks": [task]}, {**name, "tasks": []}],
    }
    record = {why: api.record("PUT", DEFINITIONS, body) for why, body in definitions.items()}
    record["no body"] = api.record("PUT", DEFINITIONS)
    record["create a list"] = api.record("POST", DEFINITIONS, [name])
    record["create without tasks"] = api.record("POST", DEFINITIONS, name)
    record["create without body"] = api.record("POST", DEFINITIONS)
    record["nothing stored"] = api.record("GET", f"{DEFINITIONS}/{api.task_type}")
    return record


def _run(api: Api, path: str) -> dict[str, Any]:
    """Without what a pushed task's workflow does not have: a definition, a name, an input."""
    answer = api.record("GET", path)
    for name in ("input", "workflowName", "failedReferenceTaskNames", "failedTaskNames"):
        answer["body"].pop(name, None)
    return answer
