"""How a task fails: with a retry, or for good."""

from typing import Any

from conductor_fast import NonRetryableException, Task, TaskResult, WorkerHost


def failing_worker(task: Task) -> dict[str, Any]:
    """Any exception makes the task FAILED, with its text as the reason and its traceback in the task's log.

    Whether and when the task is tried again, the server decides by the task's definition. Not this
    function: it only shows what the second attempt looks like.
    """
    if task.retry_count == 0:
        raise ConnectionError("the bank does not answer")
    return {"retries": task.retry_count}


def terminal_worker(amount: int) -> dict[str, Any]:
    """NonRetryableException makes it FAILED_WITH_TERMINAL_ERROR: another attempt cannot help."""
    if amount < 0:
        raise NonRetryableException(f"amount {amount} is negative")
    return {"amount": amount}


def rejecting_worker(task: Task) -> TaskResult:
    """FAILED without an exception: a result that says so. It may have an output and log lines, too."""
    task_result = TaskResult.failed("out of stock")
    task_result.output_data = {"expected": "tomorrow"}
    return task_result.log("asked the warehouse")


def main() -> None:
    host = WorkerHost()
    host.start_worker("failing_task", failing_worker, batch_size=1, poll_interval=1.0)
    host.start_worker("terminal_task", terminal_worker, batch_size=1, poll_interval=1.0)
    host.start_worker("rejecting_task", rejecting_worker, batch_size=1, poll_interval=1.0)

    print("Working on failing_task, terminal_task and rejecting_task; Ctrl-C ends it.")
    host.wait()


if __name__ == "__main__":
    main()
