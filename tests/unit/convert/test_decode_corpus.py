"""Any bytes as a task's input, against `json`: a corpus, and mutations of it; for longer by `make fuzz`."""

from __future__ import annotations

import json
import math
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_fast._core import decode_json, decode_members

CORPUS = Path(__file__).parents[3] / "rust" / "core" / "tests" / "corpus" / "decode"
FILES = sorted(CORPUS.iterdir())
SECONDS = os.environ.get("FUZZ_SECONDS")
TOKENS = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-",
    b"1e999",
    b"\xff",
    b"\0",
]


def read(text: bytes, reader: Any) -> dict[str, Any] | None:
    """None: it is refused."""
    try:
        value = reader(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def is_read_as_json(text: bytes) -> bool:
    expected = {} if text in (b"", b"null") else read(text, json.loads)
    return same(read(text, decode_json), expected) and are_its_members(text, expected)


def are_its_members(text: bytes, expected: dict[str, Any] | None) -> bool:
    """The values alone are the same ones, or it takes the whole."""
    names = [name for name in reversed(expected or {}) if name.isprintable()]
    values = decode_members(text, [(name, None) for name in names] + [("absent", (0,))])
    if values is None:
        return True
    return expected is not None and same(list(values), [expected[name] for name in names] + [0])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_corpus(file: Path) -> None:
    assert is_read_as_json(file.read_bytes())


def test_mutations_of_the_corpus() -> None:
    # Without a time the same ones at each run.
    seed = random.randrange(2**63) if SECONDS else 1
    dice = random.Random(seed)
    texts = [file.read_bytes() for file in FILES]
    end = time.monotonic() + float(SECONDS or 3_600)
    count = 0
    while time.monotonic() < end if SECONDS else count < 20_000:
        count += 1
        text = _mutated(texts, dice)
        if not is_read_as_json(text):
            path = CORPUS / f"found-{seed:x}-{count}"
            path.write_bytes(text)
            pytest.fail(f"{path} is read in another way; it is kept in the corpus")


def _mutated(texts: list[bytes], dice: random.Random) -> bytes:
    text = bytearray(dice.choice(texts))
    for _ in range(dice.randrange(1, 6)):
        at = dice.randint(0, len(text))
        kind = dice.randrange(4)
        if kind == 0:
            del text[at : at + dice.randrange(16)]
        elif kind == 1:
            text.insert(at, dice.randrange(256))
        elif kind == 2:
            text[at:at] = dice.choice(TOKENS)
        else:
            other = dice.choice(texts)
            text[at:] = other[dice.randint(0, len(other)) :]
    return bytes(text)
