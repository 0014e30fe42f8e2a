"""Workers as classes, as `Worker(…)` and from another module: after the SDK's integration test."""

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models.task import Task
from conductor.client.http.models.task_result import TaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus
from conductor.client.worker.worker import Worker
from conductor.client.worker.worker_interface import WorkerInterface


class ClassWorker(WorkerInterface):
    def __init__(self, task_definition_name):
        super().__init__(task_definition_name)
        self.poll_interval = 375.0

    def execute(self, task: Task) -> TaskResult:
        task_result = self.get_task_result_from_task(task)
        task_result.add_output_data("worker_style", "class")
        task_result.add_output_data("secret_number", 1234)
        task_result.add_output_data("is_it_true", False)
        task_result.status = TaskResultStatus.COMPLETED
        return task_result


class ClassWorkerWithDomain(ClassWorker):
    def __init__(self, task_definition_name):
        super().__init__(task_definition_name)
        self.domain = "simple_python_worker"

    def get_identity(self) -> str:
        return "worker of the domain"


class FaultyExecutionWorker(WorkerInterface):
    def execute(self, task: Task) -> TaskResult:
        raise Exception("faulty execution")


def worker_with_task_input_and_generic_output(task: Task) -> object:
    return {"worker_style": "function", "worker_input": "Task", "task_input": task.input_data}


def worker_with_generic_input_and_task_result_output(obj: object) -> TaskResult:
    task_result = TaskResult(task_id="", workflow_instance_id="", worker_id="")
    task_result.add_output_data("worker_style", "function")
    task_result.add_output_data("worker_input", "object")
    task_result.status = TaskResultStatus.COMPLETED
    return task_result


def main() -> None:
    workers = [
        ClassWorker("class_worker"),
        ClassWorkerWithDomain("class_worker"),
        FaultyExecutionWorker("faulty_worker"),
        Worker("task_in_worker", worker_with_task_input_and_generic_output, poll_interval=50),
        Worker("task_result_out_worker", worker_with_generic_input_and_task_result_output, thread_count=2),
    ]
    task_handler = TaskHandler(
        workers=workers,
        configuration=Configuration(),
        scan_for_annotated_workers=True,
        import_modules=["imported_worker"],
    )
    task_handler.start_processes()
    try:
        task_handler.join_processes()
    finally:
        task_handler.stop_processes()


if __name__ == "__main__":
    main()
