"""Answers of a server, normalised: what differs between two runs of the same server is replaced."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

# What a worker or a person at a terminal can see of a task. Left out: definitions and workflow
# context, which the dev server has no workflow engine for, and the durations.
TASK_FIELDS = (
    "taskId",
    "workflowInstanceId",
    "taskType",
    "taskDefName",
    "domain",
    "status",
    "inputData",
    "outputData",
    "reasonForIncompletion",
    "seq",
    "retryCount",
    "pollCount",
    "retried",
    "retriedTaskId",
    "executed",
    "callbackFromWorker",
    "callbackAfterSeconds",
    "responseTimeoutSeconds",
    "startDelayInSeconds",
    "workerId",
    "scheduledTime",
    "startTime",
    "endTime",
)
# Of a workflow. Left out: its definition, in which the real server embeds the task definitions.
WORKFLOW_FIELDS = (
    "workflowId",
    "workflowName",
    "workflowVersion",
    "correlationId",
    "status",
    "input",
    "output",
    "tasks",
    "taskToDomain",
    "reasonForIncompletion",
    "failedReferenceTaskNames",
    "failedTaskNames",
    "createTime",
    "startTime",
    "endTime",
    "priority",
)
_TIMES = frozenset(
    {
        "scheduledTime",
        "startTime",
        "endTime",
        "createTime",
        "updateTime",
        "createdTime",
        "lastPollTime",
    }
)
_ID_KINDS = {
    "taskId": "task",
    "retriedTaskId": "task",
    "workflowInstanceId": "workflow",
    "workflowId": "workflow",
}
# The rest of these texts is Java: signatures, class names, Jackson's position in its own words.
_JAVA_TEXTS = (
    "JSON parse error: ",
    "Validation failed for argument ",
    "Required request body is missing",
    "Cannot invoke ",
    "Method parameter ",
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as it came."""

    status: int
    content_type: str
    closes: bool
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


class Normaliser:
    """Replaces the ids of one case by names in the order in which they were seen.

    So the record still says whether a second id is the first one again.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def answer(self, answer: Answer) -> dict[str, Any]:
        """Status, main part of the content type, whether the connection ends, and the body."""
        content_type = answer.content_type.partition(";")[0]
        body: object = answer.text
        if content_type == "application/json":
            body = self.value(answer.json())
        elif isinstance(body, str):
            body = self._text(body)
        return {"status": answer.status, "content_type": content_type, "closes": answer.closes, "body": body}

    def value(self, value: Any) -> Any:
        """A JSON value of an answer; a task is cut down to `TASK_FIELDS`, a workflow likewise."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "taskDefName" in value:
            value = {name: value[name] for name in TASK_FIELDS if name in value}
        if "workflowDefinition" in value:
            value = {name: value[name] for name in WORKFLOW_FIELDS if name in value}
        return {name: self._field(name, field) for name, field in value.items() if name != "instance"}

    def _field(self, name: str, field: Any) -> Any:
        if name in _ID_KINDS:
            return self._name(_ID_KINDS[name], field)
        if name in _TIMES:
            return "<time>" if field else field
        if name in ("message", "reasonForIncompletion") and isinstance(field, str):
            return self._text(field)
        return self.value(field)

    def _name(self, kind: str, identifier: str) -> str:
        count = sum(name.startswith(f"<{kind} ") for name in self._names.values())
        return self._names.setdefault(identifier, f"<{kind} {count + 1}>")

    def _text(self, text: str) -> str:
        for prefix in _JAVA_TEXTS:
            if text.startswith(prefix):
                return prefix
        return re.sub(
            "|".join(map(re.escape, self._names)) or "(?!)", lambda found: self._names[found.group()], text
        )


def differences(expected: object, answered: object, place: str = "") -> dict[str, tuple[object, object]]:
    """Where two records differ: place to what was expected and what came.

    A record holds whole tasks; the one field that differs would be lost in a comparison of the whole.
    """
    if isinstance(expected, dict) and isinstance(answered, dict):
        found = {}
        for name in expected | answered:
            sides = expected.get(name, "<missing>"), answered.get(name, "<missing>")
            found.update(differences(*sides, f"{place}/{name}"))
        return found
    if isinstance(expected, list) and isinstance(answered, list) and len(expected) == len(answered):
        return differences(dict(enumerate(expected)), dict(enumerate(answered)), place)
    # Python takes 1, 1.0 and True for equal; on the wire they are three things.
    same = type(expected) is type(answered) and expected == answered
    return {} if same else {place: (expected, answered)}
