"""A FastAPI application whose lifespan opens a pool of connections and hosts workers that use it.

CONDUCTOR_SERVER_URL is the server's API. `uvicorn tests.hosts.web_application:app` runs it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request

from conductor_fast import TaskHandler, Worker


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=os.environ["CONDUCTOR_SERVER_URL"]) as pool:
        app.state.pool, app.state.seen = pool, []

        async def look_up(task_type: str) -> dict[str, Any]:
            answer = await pool.get("/tasks/queue/size", params={"taskType": task_type})
            app.state.seen.append(id(asyncio.get_running_loop()))
            return {"size": answer.json()}

        async def slow(seconds: float) -> str:
            await asyncio.sleep(seconds)
            await pool.get("/tasks/queue/all")  # still open during the drain
            return "finished"

        workers = [Worker("look_up", look_up, thread_count=5), Worker("slow", slow)]
        async with TaskHandler(workers) as app.state.handler:
            yield


app = FastAPI(lifespan=lifespan)


@app.get("/size/{task_type}")
async def size(task_type: str, request: Request) -> dict[str, Any]:
    """The route uses the pool that the workers use, and tells of them."""
    state = request.app.state
    answer = await state.pool.get("/tasks/queue/size", params={"taskType": task_type})
    loop = id(asyncio.get_running_loop())
    return {
        "size": answer.json(),
        "healthy": state.handler.is_healthy(),
        "runs": len(state.seen),
        "on this loop": all(seen == loop for seen in state.seen),
    }
