"""Tasks that take longer than one call: IN_PROGRESS gives the task back for a while."""

from typing import Any

from conductor_fast import Task, TaskInProgress, TaskResult, TaskResultStatus, WorkerHost


def long_running_task_worker(task: Task) -> TaskResult:
    """For work that goes on elsewhere: return, and look again when the task comes back."""
    task_result = TaskResult.from_task(task)
    task_result.output_data = {}

    # Keep the status as IN_PROGRESS.
    task_result.status = TaskResultStatus.IN_PROGRESS
    # Seconds after which the task should be sent back to a worker.
    task_result.callback_after_seconds = 60
    return task_result


def report_worker(task: Task) -> TaskInProgress | dict[str, Any]:
    """The same in short, for work in steps: a page of a report at each call.

    What is done so far travels in the task's output, not in this process: the next call may be in
    another one.
    """
    pages = (task.output_data or {}).get("pages", 0) + 1
    if pages < 3:
        return TaskInProgress(callback_after_seconds=1, output={"pages": pages})
    return {"pages": pages}


def main() -> None:
    host = WorkerHost()
    host.start_worker("long_running_task", long_running_task_worker, batch_size=1, poll_interval=1.0)
    host.start_worker("report_task", report_worker, batch_size=1, poll_interval=1.0)

    print("Working on long_running_task and report_task; Ctrl-C ends it.")
    host.wait()


if __name__ == "__main__":
    main()
