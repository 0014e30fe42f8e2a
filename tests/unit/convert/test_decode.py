from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings

from conductor_fast._core import decode_json
from tests.unit.convert.test_encode import documents


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a": [1, -0, 2.0, 1e5, 1E400, -0.0, 123456789012345678901234567890, true, null]}',
        '{"a": 1, "b": 2, "a": 3}',
        '{"s": "\\ud800 \\ud83d\\ude00 \\u0000 é"}',
        '{"x": ' + "[" * 500 + "]" * 500 + "}",
        ' {"space" :\n1} ',
    ],
)
def test_as_json_reads_it(text: str) -> None:
    decoded = decode_json(text.encode())
    assert decoded == json.loads(text)
    assert [type(value) for value in decoded.values()] == [type(value) for value in json.loads(text).values()]


def test_nan_is_read_as_json_reads_it() -> None:
    assert math.isnan(decode_json(b'{"x": NaN}')["x"])


@pytest.mark.parametrize("text", [b"", b"null"])
def test_nothing_is_an_empty_input(text: bytes) -> None:
    assert decode_json(text) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"x": canary}', "not valid JSON: Expecting value: line 1 column 7"),
        (b'{"canary": 01}', "not valid JSON"),
        (b'{"x": "\xffcanary"}', "not UTF-8"),
        (b'["canary"]', "not a JSON object"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told_without_showing_it(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        decode_json(text)
    assert "canary" not in str(caught.value)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_any_document_is_what_json_makes_of_it(document: dict[str, Any]) -> None:
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False)):
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            continue
        assert decode_json(raw) == json.loads(text)
