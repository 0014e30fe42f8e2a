"""A web service with workers in it, after conductor-python's example `fastapi_worker_service.py`.

Not as it stands there: with its `from __future__ import annotations` every task fails on conductor-python.
"""

import sys
from contextlib import asynccontextmanager

import uvicorn
from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.context.task_context import get_task_context
from conductor.client.worker.worker_task import worker_task
from fastapi import FastAPI
from fastapi.responses import JSONResponse

task_handler = None


@worker_task(task_definition_name="fastapi_normalize_name", poll_interval_millis=100)
def normalize_name(name: str) -> str:
    get_task_context()
    return name.strip().title()


@worker_task(task_definition_name="fastapi_add_numbers", poll_interval_millis=100)
def add_numbers(a: int, b: int) -> int:
    return a + b


@asynccontextmanager
async def lifespan(app: FastAPI):
    global task_handler
    task_handler = TaskHandler(
        workers=[],
        configuration=Configuration(),
        scan_for_annotated_workers=True,
        monitor_processes=True,
        restart_on_failure=True,
    )
    task_handler.start_processes()
    try:
        yield
    finally:
        task_handler.stop_processes()
        task_handler = None


app = FastAPI(lifespan=lifespan)


@app.get("/healthcheck")
def healthcheck() -> JSONResponse:
    if task_handler is None:
        return JSONResponse({"ok": False, "detail": "workers_not_started"}, status_code=503)
    ok = task_handler.is_healthy()
    payload = {"ok": ok, "workers": task_handler.get_worker_process_status()}
    return JSONResponse(payload, status_code=200 if ok else 503)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
