"""Programs that Debian packages bring, for tests that need the real thing."""

from __future__ import annotations

import os
import shutil
from functools import partial

import pytest

REQUIRED = "CONDUCTOR_FAST_REQUIRE_PROGRAMS"
"""In the environment, 1: a program that is missing fails the tests that need it, as CI has it."""


def needed(program: str, package: str) -> str:
    """The path of `program`. Without it the test is skipped, with the command that brings it."""
    path = shutil.which(program)
    if path is None:
        end = partial(pytest.fail, pytrace=False) if os.environ.get(REQUIRED) == "1" else pytest.skip
        end(f"{program} is not installed (Debian, Ubuntu: apt-get install {package})")
    return path
