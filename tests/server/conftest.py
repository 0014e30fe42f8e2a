"""Fixtures of the tests against the real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conductor_fast import WorkerHost
from tests.server.real_server import RealServer


@pytest.fixture
def host(real_server: RealServer) -> Iterator[WorkerHost]:
    """A host without workers, stopped at the end of the test."""
    with WorkerHost(real_server.url) as host:
        yield host
