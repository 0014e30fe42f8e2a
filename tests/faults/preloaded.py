"""A WSGI application for `gunicorn --preload`: it is loaded in the master, whose children serve it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from conductor_fast import ConductorFastError, WorkerHost


def by() -> dict[str, int]:
    return {"by": os.getpid()}


started, unstarted = WorkerHost(), WorkerHost()
started.start_worker("loaded", by)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """What a started host says here, and this process, whose own host it starts."""
    try:
        started.start_worker("refused", by)
        refusal = ""
    except ConductorFastError as error:
        refusal = str(error)
    unstarted.start_worker("forked", by)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{refusal} {os.getpid()}".encode()]
