"""Each row's tests exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rows import ROWS

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_tests(row: int) -> None:
    for name in ROWS[row]:
        file, _, function = name.partition("::")
        assert f"\ndef {function}(" in (TESTS / file).read_text(), name
