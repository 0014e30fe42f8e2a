"""What an input holds is in no error: its path is, and what was expected there."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from conductor_fast.worker.mismatch import InputMismatch
from conductor_fast.worker.output import raised
from tests.unit.worker.test_typed_input import bound
from tests.unit.worker.typed_models import Even, User
from tests.unit.worker.typed_row import Row
from tests.unit.worker.typed_table import ROWS

CANARY = "xcanaryx"
NUMBER = 918273645546372819

# In every place of a value where a row's first refused input has something.
VALUES = [CANARY, NUMBER + 0.0, -NUMBER, [CANARY], [[NUMBER]], {"a": CANARY}, {"a": {"b": CANARY}}]


def poisoned(value: Any, poison: Any) -> Any:
    """`value` with `poison` in place of each plain value."""
    if isinstance(value, dict):
        return {key: poisoned(each, poison) for key, each in value.items()}
    if isinstance(value, list):
        return [poisoned(each, poison) for each in value]
    return poison


def texts_of(error: BaseException) -> str:
    outcome = raised(error)
    logged = "".join(str(line.log) for line in outcome.logs)
    shown = "".join(traceback.format_exception(error))
    return f"{error!s} {error!r} {error.args} {outcome.reason} {outcome.output} {logged} {shown}"


def refusal(call: Callable[[dict[str, Any]], Any], value: Any) -> InputMismatch | None:
    try:
        call({"value": value})
    except InputMismatch as error:
        return error
    return None


@pytest.mark.parametrize("strict_inputs", [True, False])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.shown)
def test_no_error_says_what_came(row: Row, strict_inputs: bool) -> None:
    call = bound(row.annotation, strict_inputs=strict_inputs)
    given = [example for example, _result in row.takes] + row.refuses
    for value in [*VALUES, *(poisoned(each, poison) for each in given for poison in VALUES)]:
        error = refusal(call, value)
        if error is not None:
            assert CANARY not in texts_of(error)
            assert "91827364" not in texts_of(error)
            assert error.__context__ is None
            assert error.__cause__ is None


def test_what_a_constructor_says_of_the_value_is_left_out() -> None:
    with pytest.raises(InputMismatch) as caught:
        bound(Even)({"value": {"value": NUMBER}})
    assert str(caught.value) == (
        "inputData.value: expected Even (an object), whose constructor refused it with a ValueError"
    )


def test_long_keys_are_cut() -> None:
    with pytest.raises(InputMismatch) as caught:
        bound(dict[str, int])({"value": {"k" * 5_000: "x"}})
    assert len(str(caught.value)) < 150


def test_the_words_of_a_library_are_kept_where_they_hold_no_value() -> None:
    with pytest.raises(InputMismatch) as caught:
        bound(User)({"value": {"name": "a", "age": CANARY}})
    assert str(caught.value) == "inputData.value.age: expected User (Input should be a valid integer)"
