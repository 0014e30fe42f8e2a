"""What the fault tests look at: which tasks ran, and what the server was sent."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

from conductor_fast import Task
from conductor_fast.testing import DevServer


class Recorder:
    """A worker's function that counts its runs by task id."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self._lock = threading.Lock()

    def work(self, task: Task) -> dict[str, Any]:
        with self._lock:
            self.runs[task.task_id or ""] += 1
        return {"value": (task.input_data or {}).get("value")}

    def ran_once(self, task_ids: list[str]) -> bool:
        return self.runs == Counter(task_ids)


def posts(server: DevServer, task_id: str | None = None) -> list[tuple[str, int | None]]:
    """The reports of a task (of all) in order: status reported, status answered; None: not answered."""
    lines = [line for line in server.transcript() if (line["method"], line["path"]) == ("POST", "/api/tasks")]
    results = [(json.loads(line["body"]), line["status"]) for line in lines]
    return [(body["status"], status) for body, status in results if task_id in (None, body["taskId"])]


def polls(server: DevServer, task_type: str) -> list[dict[str, Any]]:
    """The polls of a type, in order."""
    lines = server.transcript()
    return [line for line in lines if line["method"] == "GET" and line["taskType"] == task_type]
