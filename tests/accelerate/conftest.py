"""Fixtures of the tests that run programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.testing import DevServer
from tests.accelerate.program import Program

Run = Callable[..., Program]


@pytest.fixture
def run(tmp_path: Path, server: DevServer) -> Iterator[Run]:
    """Starts a program against `server`; none outlives the test."""
    programs: list[Program] = []

    def start(body: str, **options: Any) -> Program:
        programs.append(Program(tmp_path, body, options.pop("url", server.url), **options))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
