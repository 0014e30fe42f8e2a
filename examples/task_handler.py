"""Decorated functions and a class: a program written for conductor-python, with another import."""

from typing import Any

from conductor_fast import Configuration, Task, TaskHandler, TaskResult, WorkerInterface, worker_task


@worker_task(task_definition_name="greet_task", thread_count=10)
def greet(name: str, greeting: str = "Hello") -> dict[str, Any]:
    """The parameters are the keys of the task's input; the dict is its output."""
    return {"message": f"{greeting} {name}"}


class Shipping(WorkerInterface):
    """One class for two task types: each has a queue of its own."""

    def execute(self, task: Task) -> TaskResult:
        result = task.to_task_result()
        return result.add_output_data("by", task.task_def_name)


def main() -> None:
    # All workers run in this process: the decorated functions and those that are given.
    with TaskHandler(
        workers=[Shipping(["road_task", "rail_task"])], configuration=Configuration()
    ) as task_handler:
        print("Working on greet_task, road_task and rail_task; Ctrl-C ends it.")
        task_handler.join_processes()


# Needed by conductor-python, which starts this file anew in each of its processes; not needed here.
if __name__ == "__main__":
    main()
