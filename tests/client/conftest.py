"""Servers and clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conductor_fast.testing import DevServer
from tests.client.faces import TASK_CLIENTS, WORKFLOW_CLIENTS, Face


@pytest.fixture
def server() -> Iterator[DevServer]:
    """A fresh one."""
    with DevServer() as server:
        yield server


@pytest.fixture(params=TASK_CLIENTS, ids=lambda kind: kind.__name__)
def tasks(server: DevServer, request: pytest.FixtureRequest) -> Iterator[Face]:
    """A task client of either kind."""
    face = Face(request.param(server.url))
    yield face
    face.close()


@pytest.fixture(params=WORKFLOW_CLIENTS, ids=lambda kind: kind.__name__)
def workflows(server: DevServer, request: pytest.FixtureRequest) -> Iterator[Face]:
    """A workflow client of either kind."""
    face = Face(request.param(server.url))
    yield face
    face.close()
