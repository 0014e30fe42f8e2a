"""The members of an input that a function takes, without a dict in between."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_fast._core import decode_members
from tests.unit.convert.test_encode import scalars

flat = st.dictionaries(st.text(), scalars, min_size=1, max_size=12)


@given(flat, st.randoms())
@settings(max_examples=300, deadline=None)
def test_they_come_in_the_order_that_is_asked_for(document: dict[str, Any], dice: Any) -> None:
    names = list(document)
    dice.shuffle(names)
    small = all(type(value) is not int or abs(value) < 2**63 for value in document.values())
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False)):
        values = decode_members(text.encode(), [(name, None) for name in names])
        assert (values is not None) == small
        for name, value in zip(names, values or (), strict=False):
            assert (type(value), value) == (type(document[name]), document[name])


def test_what_is_missing_has_its_stand_in_and_what_is_not_asked_for_is_left_out() -> None:
    text = b'{"surplus": "x", "b": 2, "a": 1, "b": 3}'
    assert decode_members(text, [("a", None), ("b", None), ("c", (None,)), ("d", ("d",))]) == (
        1,
        3,
        None,
        "d",
    )


def test_nan_is_read() -> None:
    values = decode_members(b'{"a": NaN, "b": -Infinity}', [("a", None), ("b", None)])
    assert values is not None
    assert math.isnan(values[0])
    assert values[1] == -math.inf


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[1]",
        b"{}",
        b'{"b": 1}',
        b'{"a": 1} x',
        b'{"a": 1, "b": }',
        b'{"a": 1, "b": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": 99999999999999999999}',
        b'{"a": 1, "b": [1]}',
        b'{"a": {}}',
    ],
)
def test_all_else_takes_the_whole_input(text: bytes) -> None:
    assert decode_members(text, [("a", None)]) is None


def test_so_do_very_many() -> None:
    names = [f"n{number}" for number in range(17)]
    text = json.dumps(dict.fromkeys(names, 1)).encode()
    assert decode_members(text, [(name, None) for name in names]) is None
    assert decode_members(text, [(name, None) for name in names[:16]]) == (1,) * 16
