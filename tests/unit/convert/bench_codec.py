"""The two codecs against orjson, by document: `make bench`. Numbers are compared by people, not asserted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from conductor_fast._core import decode_json, encode_json
from conductor_fast.model.plain import to_plain
from tests.unit.convert.documents import DOCUMENTS


@pytest.mark.parametrize("by", ["conductor_fast", "orjson"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_encode(benchmark: BenchmarkFixture, name: str, by: str) -> None:
    document = DOCUMENTS[name]
    encode: Callable[[], bytes] = {
        "conductor_fast": lambda: encode_json(document, to_plain),
        "orjson": lambda: orjson.dumps(document),
    }[by]
    benchmark.group = f"encode {name}"
    run: Callable[..., bytes] = benchmark
    assert orjson.loads(run(encode)) == document


@pytest.mark.parametrize("by", ["conductor_fast", "orjson"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_decode(benchmark: BenchmarkFixture, name: str, by: str) -> None:
    text = orjson.dumps(DOCUMENTS[name])
    decode: Callable[[bytes], Any] = {"conductor_fast": decode_json, "orjson": orjson.loads}[by]
    benchmark.group = f"decode {name}"
    run: Callable[..., Any] = benchmark
    assert run(decode, text) == DOCUMENTS[name]
