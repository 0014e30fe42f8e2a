"""The dev server answers as the real server does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conductor_fast.testing import DevServer
from tests.contract import (  # noqa: F401  imported for the cases that they put into the table
    cases_definitions,
    cases_polling,
    cases_queues,
    cases_refusals,
    cases_results,
    cases_retries,
    cases_workflows,
)
from tests.contract.answers import differences
from tests.contract.api import Api
from tests.contract.backends import Backend, DevBackend, RealBackend
from tests.contract.case import CASES
from tests.server.real_server import RealServer


@pytest.fixture(scope="module")
def real(real_server: RealServer) -> Backend:
    """The real server."""
    return RealBackend(real_server)


@pytest.fixture(scope="module")
def dev() -> Iterator[Backend]:
    """A dev server that gathers, as the real one with its SQLite store does."""
    with DevServer(gathering=True) as server:
        yield DevBackend(server)


@pytest.mark.parametrize("name", CASES)
def test_both_servers_answer_alike(name: str, dev: Backend, real: Backend) -> None:
    """One case, asked of both; the real server's record is what is expected."""
    records = []
    for backend in (real, dev):
        with Api(backend, task_type=f"contract_{name}") as api:
            records.append(CASES[name](api))
    expected, answered = records
    assert differences(expected, answered) == {}
