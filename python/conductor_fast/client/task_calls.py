"""The calls of the task client (server: TaskResource.java)."""

from __future__ import annotations

import socket
from typing import Any

from conductor_fast.client.call import Call, as_int, as_list, as_nothing, as_object, as_text
from conductor_fast.client.json_body import output_body
from conductor_fast.model.task import Task
from conductor_fast.model.task_result import TaskExecLog, TaskResultStatus


def get_task(task_id: str) -> Call[Task]:
    return Call("GET", ["tasks", task_id], lambda body: Task.from_wire(as_object(body)))


def update_task(
    task_id: str, workflow_instance_id: str, status: TaskResultStatus | str, output: Any, reason: str | None
) -> Call[str]:
    result: dict[str, Any] = {
        "taskId": task_id,
        "workflowInstanceId": workflow_instance_id,
        "workerId": socket.gethostname(),
        "status": TaskResultStatus(status).value,
    }
    if reason is not None:
        result["reasonForIncompletion"] = reason
    return Call("POST", ["tasks"], as_text, body=output_body(output, result))


def update_task_by_ref_name(
    workflow_instance_id: str, task_reference_name: str, status: TaskResultStatus | str, output: Any
) -> Call[str]:
    path = ["tasks", workflow_instance_id, task_reference_name, TaskResultStatus(status).value]
    return Call("POST", path, as_text, {"workerid": socket.gethostname()}, output_body(output))


def update_task_sync(
    workflow_instance_id: str, task_reference_name: str, status: TaskResultStatus | str, output: Any
) -> Call[dict[str, Any]]:
    path = ["tasks", workflow_instance_id, task_reference_name, TaskResultStatus(status).value, "sync"]
    return Call("POST", path, as_object, {"workerid": socket.gethostname()}, output_body(output))


def signal(workflow_instance_id: str, status: TaskResultStatus | str, output: Any) -> Call[None]:
    path = ["tasks", workflow_instance_id, TaskResultStatus(status).value, "signal"]
    # Sent again it would complete the next blocked task as well.
    return Call("POST", path, as_nothing, body=output_body(output), repeatable=False)


def add_log(task_id: str, log: str) -> Call[None]:
    # The server takes the raw body as the text; sent again, the line would stand there twice.
    return Call("POST", ["tasks", task_id, "log"], as_nothing, body=log.encode(), repeatable=False)


def get_logs(task_id: str) -> Call[list[TaskExecLog]]:
    def read(body: bytes) -> list[TaskExecLog]:
        return [
            TaskExecLog(line["log"], line.get("taskId"), line.get("createdTime")) for line in as_list(body)
        ]

    return Call("GET", ["tasks", task_id, "log"], read)


def get_queue_size(task_type: str, domain: str | None) -> Call[int]:
    query = {"taskType": task_type, "domain": domain}
    return Call("GET", ["tasks", "queue", "size"], as_int, query)


def get_queue_sizes() -> Call[dict[str, int]]:
    return Call("GET", ["tasks", "queue", "all"], as_object)


def get_poll_data(task_type: str) -> Call[list[dict[str, Any]]]:
    return Call("GET", ["tasks", "queue", "polldata"], as_list, {"taskType": task_type})
