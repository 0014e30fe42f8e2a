from __future__ import annotations

import collections
import dataclasses
import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_fast._core import encode_json
from conductor_fast.model.plain import to_plain


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int
    inner: Any = None


def encode(value: Any) -> Any:
    return json.loads(encode_json(value, to_plain))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [1, -1, 0, 2**63, -(2**63), 2**70, 1.5, 1e300, 5e-324, -0.0, True, False, None]},
        {"": "", 'quote"': 'back\\slash "\n\r\t\b\f\x00\x1f\x7f'},
        {"text": "äöü€😀\u2028"},
        {2: 1, -2.5: 2, None: 3, True: 4, 2**70: 5},
        {Color.RED: 1, Level.HIGH: 2},
        [[], {}, [{}], ()],
        collections.OrderedDict(a=1),
        {"enum": [Color.RED, Level.HIGH]},
    ],
)
def test_as_json_writes_it(value: Any) -> None:
    assert encode(value) == json.loads(json.dumps(value))


def test_as_deep_as_the_server_reads() -> None:
    assert encode_json(nested(998), to_plain) == b"[" * 998 + b"]" * 998


def test_a_lone_surrogate_travels_as_its_escape() -> None:
    text = 'a"\ud800é\udfff\n'
    assert encode({"s": text, text: 1}) == {"s": text, text: 1}


def test_a_dataclass_is_its_fields() -> None:
    assert encode({"p": Point(1, [Point(2)])}) == {"p": {"x": 1, "inner": [{"x": 2, "inner": None}]}}


def cycle() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["up"] = [inner]
    return {"k": inner}


class Loud:
    def __repr__(self) -> str:
        return "canary"


def raises(_value: Any) -> Any:
    raise RuntimeError("canary")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [1, {"b c": math.nan}]}, r'outputData.a\[1\]\["b c"\] is NaN'),
        ({"a": math.inf}, "outputData.a is infinite"),
        (cycle(), r"outputData\.k(\.up)? contains itself"),
        ({"o": [object()]}, r"outputData.o\[0\] is of type object, .* return a dict"),
        ({"p": Point(1, {Loud})}, r"outputData.p.inner\[0\] is a type, which is code"),
        ({"d": {(1, (object(),)): 3}}, "outputData.d has a key that is of type object"),
        ({"x" * 100: math.nan}, r'outputData\["x{40}"…\] is NaN'),
        ({"deep": nested(998)}, "nested in more than the 998 levels"),
        ({"big": [10**5000]}, r"outputData.big\[0\] is an integer of more digits"),
        ({"m": {math.nan: 1}}, "outputData.m has a key that is NaN"),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        encode(value)
    assert "canary" not in str(caught.value)


def test_what_a_conversion_raises_does_not_show() -> None:
    with pytest.raises(ValueError, match="whose conversion raised RuntimeError") as caught:
        encode_json({"o": Loud()}, raises)
    assert "canary" not in str(caught.value)


def test_containers_that_change_while_they_are_written() -> None:
    for container in ([Loud(), *range(100)], {"a": Loud(), **{str(n): n for n in range(100)}}):

        def clear(_value: Any, container: Any = container) -> Any:
            container.clear()
            return None

        assert encode_json({"c": container}, clear).startswith(b'{"c":')


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
documents = st.dictionaries(
    st.text(),
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20),
)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_any_document_is_what_json_makes_of_it(document: dict[str, Any]) -> None:
    assert encode(document) == json.loads(json.dumps(document))
