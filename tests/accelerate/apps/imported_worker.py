"""What `class_workers.py` imports by name: it stands beside that script."""

from conductor.client.worker.worker_task import worker_task


@worker_task(task_definition_name="imported_worker", domain="cool")
def imported_worker(name: str) -> dict:
    return {"name": name, "module": __name__}
