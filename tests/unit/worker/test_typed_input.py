"""Typed parameters are right or loud: each row of the table, its good input and its bad twin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conductor_fast.worker.binding import bind
from conductor_fast.worker.mismatch import InputMismatch
from tests.unit.worker.typed_row import Row
from tests.unit.worker.typed_table import ROWS, markdown

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- typed-input-table -->", "<!-- /typed-input-table -->"


def bound(annotation: Any, *, strict_inputs: bool = True) -> Any:
    """What runs a function of two parameters, of which the first is so annotated, on an input.

    On its values alone first: the answer is the same.
    """

    def function(value: Any, other: int = 0) -> Any:
        return value

    function.__annotations__["value"] = annotation
    binding = bind("typed", function, strict_inputs=strict_inputs)

    def call(inputs: dict[str, Any]) -> Any:
        members = binding.members or []
        if not all(name in inputs or stand_in for name, stand_in in members):
            return binding.call(inputs)
        values = tuple(inputs.get(name, *(stand_in or ())) for name, stand_in in members)
        try:
            of_values = binding.call(values)
        except InputMismatch as mismatch:
            with pytest.raises(InputMismatch, match=f"^{re.escape(str(mismatch))}$"):
                binding.call(inputs)
            raise
        of_dict = binding.call(inputs)
        assert (type(of_values), repr(of_values)) == (type(of_dict), repr(of_dict))
        return of_dict

    return call


GOOD = [pytest.param(r, *pair, id=f"{r.shown}-{i}") for r in ROWS for i, pair in enumerate(r.takes)]
BAD = [
    pytest.param(r, value, r.at if not i else "", id=f"{r.shown}-{i}")
    for r in ROWS
    for i, value in enumerate(r.refuses)
]


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) >= 60
    assert [row.shown for row in ROWS if not row.refuses] == ["Any"]


@pytest.mark.parametrize(("row", "value", "result"), GOOD)
def test_what_fits_is_converted(row: Row, value: Any, result: Any) -> None:
    got = bound(row.annotation)({"value": value})
    assert got == result
    assert type(got) is type(result)


@pytest.mark.parametrize(("row", "value", "at"), BAD)
def test_what_does_not_fit_ends_the_task(row: Row, value: Any, at: str) -> None:
    with pytest.raises(InputMismatch, match=rf"^inputData\.value{re.escape(at)}.*expected ") as caught:
        bound(row.annotation)({"value": value})
    assert caught.value.__context__ is None, "an error that may hold the value hangs on"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.shown)
def test_what_is_missing_ends_the_task(row: Row) -> None:
    with pytest.raises(InputMismatch, match=r"^inputData\.value is required and missing; expected "):
        bound(row.annotation)({"other": 1})


@pytest.mark.parametrize(("row", "value", "result"), GOOD)
def test_leniently_what_fits_is_taken_too(row: Row, value: Any, result: Any) -> None:
    call = bound(row.annotation, strict_inputs=False)
    call({"value": value})
    assert call({}) is None
    assert call({"value": None}) in (None, result)


def test_readme_holds_this_table() -> None:
    text = README.read_text()
    block = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert block == markdown(), "python -m tests.unit.worker.typed_table prints what belongs there"
