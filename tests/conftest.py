"""Fixtures for several folders of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.server.installation import NotInstalledError
from tests.server.real_server import RealServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the start of the real server out of the time limit of the test that happens to be first.

    Fetching its jar and starting it have deadlines of their own, both longer than a test may last.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "real_server" in item.fixturenames:
            item.add_marker(pytest.mark.timeout(60, func_only=True))


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The real Conductor server: started when the first test asks, once a session (some 15 s).

    A machine without Java or the jar skips, unless CONDUCTOR_FAST_REQUIRE_REAL_SERVER=1 says that
    this run is the one that must not.
    """
    try:
        server = RealServer(tmp_path_factory.mktemp("real_server"))
    except NotInstalledError as error:
        if os.environ.get("CONDUCTOR_FAST_REQUIRE_REAL_SERVER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()
