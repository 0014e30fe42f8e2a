"""Two workers in one process: the WorkerHost guide."""

from conductor_fast import Task, TaskResult, TaskResultStatus, WorkerHost


def sample_worker(task: Task) -> TaskResult:
    """A worker is a function: a task goes in, what it returns goes back to the server."""
    task_result = TaskResult.from_task(task)
    task_result.status = TaskResultStatus.COMPLETED
    task_result.output_data = {
        "outputKey1": "value",
        "oddEven": 1,
        "mod": 4,
    }
    return task_result


def main() -> None:
    # The server's address is that of CONDUCTOR_SERVER_URL, else http://localhost:8080/api;
    # WorkerHost("http://localhost:8080/api") gives it here.
    host = WorkerHost()

    # Polling starts at once: one task at a time of each type, and a second between two polls that
    # find nothing.
    host.start_worker("task_1", sample_worker, batch_size=1, poll_interval=1.0)
    host.start_worker("task_2", sample_worker, batch_size=1, poll_interval=1.0)

    print("Working on task_1 and task_2; Ctrl-C ends it.")
    # Blocks until Ctrl-C or SIGTERM. Tasks that are running then are finished and reported first.
    host.wait()


if __name__ == "__main__":
    main()
