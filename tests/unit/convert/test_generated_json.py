"""100,000 generated documents, decoded and encoded, against `json`."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from conductor_fast._core import decode_json, encode_json
from conductor_fast.model.plain import to_plain

SPACE = ["", "", "", " ", "\n\t ", "\r\n"]
NUMBERS = [
    *["0", "-0", "1", "-1", "255", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
    *["9223372036854775808", "18446744073709551616", "1" + "0" * 30, "-" + "9" * 80, "1" * 4300],
    *["0.0", "-0.0", "1.5", "0.1", "1e5", "1E+5", "1e-5", "5e-324", "2.5e-324", "1e400", "-1e400"],
    *["1.7976931348623157e308", "0.1000000000000000055511151231257827", "123456789012345678901234567890.5"],
    *["NaN", "Infinity", "-Infinity"],
]
PIECES = [
    *["", "a", "name", "é", "ß", "€", "😀", "\u2028", "\x7f", "x" * 7, "y" * 8, "z" * 31, "w" * 40],
    *[r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", r"\u0000", r"\u00e9", r"\ud83d\ude00"],
    *[r"\ud800", r"\udc00x", r"\uD800\uD800"],
]
BROKEN = ['"', "{", "}", "[", "]", ",", ":", "\\", "tru", "01", "1.", "+1", "\x01", "-", "'", "\\u12", "\\x"]


class Texts:
    """Random JSON texts: a fixed seed, so that a failure comes again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def string(self) -> str:
        choice = self.random.choice
        return '"' + "".join([choice(PIECES) for _ in range(choice((0, 1, 1, 2, 4)))]) + '"'

    def value(self, depth: int) -> str:
        r = self.random.random()
        if depth == 0 or r < 0.45:
            if r < 0.15:
                return self.string()
            if r < 0.30:
                return self.random.choice(NUMBERS)
            return self.random.choice(("null", "true", "false", str(self.random.randrange(10**6))))
        if r < 0.7:
            items = [self.value(depth - 1) for _ in range(self.random.randrange(4))]
            return "[" + self.space(",").join(items) + "]"
        return self.object(depth)

    def object(self, depth: int) -> str:
        members = [
            self.string() + self.space(":") + self.value(depth - 1) for _ in range(self.random.randrange(4))
        ]
        return "{" + self.space(",").join(members) + self.space("") + "}"

    def space(self, around: str) -> str:
        return self.random.choice(SPACE) + around + self.random.choice(SPACE)

    def document(self) -> bytes:
        text = self.object(self.random.choice((1, 2, 3)))
        if self.random.random() < 0.1:
            place = self.random.randrange(len(text))
            text = text[:place] + self.random.choice(BROKEN) + text[place + self.random.randrange(3) :]
        raw = text.encode()
        if self.random.random() < 0.02:
            place = self.random.randrange(len(raw))
            raw = raw[:place] + self.random.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0")) + raw[place:]
        return raw


def outcome(read: Any, raw: bytes) -> Any:
    try:
        return read(raw)
    except (ValueError, RecursionError):
        return None


# A part each, so that a failure is found again without the ones before it.
@pytest.mark.parametrize("seed", range(10))
def test_10_000_documents(seed: int) -> None:
    texts = Texts(seed)
    refused = 0
    slowest = 0.0
    for _ in range(10_000):
        raw = texts.document()
        started = time.perf_counter()
        ours = outcome(decode_json, raw)
        slowest = max(slowest, time.perf_counter() - started)
        theirs = outcome(json.loads, raw)
        if not isinstance(theirs, dict):
            refused += 1
            assert ours is None, raw
            continue
        # The texts are compared, not the values: they tell 1 from 1.0 and True, 0.0 from -0.0.
        text = json.dumps(theirs)
        assert ours is not None, raw
        assert json.dumps(ours) == text, raw
        odd = "NaN" in text or "Infinity" in text
        written = encode_json(theirs, to_plain, "string" if odd else "fail")
        if not odd:
            assert json.dumps(json.loads(written)) == text, raw
            assert json.dumps(decode_json(written)) == text, raw
    assert 100 < refused < 2_000, "some are broken, most are not"
    assert slowest < 5, "no hang"
