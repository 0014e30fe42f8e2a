"""Fixtures for several folders of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_fast import WorkerHost
from conductor_fast.testing import DevServer
from tests.server.installation import NotInstalledError
from tests.server.real_server import RealServer

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the start of the real server out of the time limit of the test that happens to be first.

    Fetching its jar and starting it have deadlines of their own, both longer than a test may last.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "real_server" in item.fixturenames:
            item.add_marker(pytest.mark.timeout(60, func_only=True))


@pytest.fixture
def server() -> Iterator[DevServer]:
    """A dev server of the test's own."""
    with DevServer() as server:
        yield server


@pytest.fixture
def host(server: DevServer) -> Iterator[WorkerHost]:
    """A worker host for `server`, stopped at the end."""
    with WorkerHost(server.url) as host:
        yield host


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree for this interpreter. Cold it takes minutes: mark the test `timeout(600)`."""
    folder = tmp_path_factory.mktemp("wheel")
    maturin = Path(sys.executable).with_name("maturin")
    build: list[str | Path] = [maturin, "build", "--release", "--quiet", "--interpreter", sys.executable]
    done = subprocess.run([*build, "--out", folder], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


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
