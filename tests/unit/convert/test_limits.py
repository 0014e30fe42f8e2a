"""Where Python itself draws a line, and that nothing is kept after a conversion."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import sys
import tracemalloc
from typing import Any

import pytest

from conductor_fast._core import decode_json, encode_json
from conductor_fast.model.plain import to_plain


def test_integers_as_far_as_python_converts_them() -> None:
    """4,300 digits, CVE-2020-10735: what json.loads reads is read, what it refuses fails the task."""
    most = b'{"n": ' + b"7" * 4300 + b"}"
    assert decode_json(most) == json.loads(most)
    assert encode_json(json.loads(most), to_plain) == most.replace(b" ", b"")
    for digits in (4301, 10_000):
        over = b'{"a": 1, "n": ' + b"7" * digits + b"}"
        with pytest.raises(ValueError, match=r"an integer has more digits .*: line 1 column \d+$") as caught:
            decode_json(over)
        assert "777" not in str(caught.value)
    with pytest.raises(ValueError, match=r"outputData.n is an integer of more digits"):
        encode_json({"n": 10**10_000}, to_plain)


def test_a_limit_that_the_user_lifted_is_lifted() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert decode_json(b'{"n": ' + b"7" * 10_000 + b"}")["n"] % 10 == 7
        assert len(encode_json({"n": 10**10_000}, to_plain)) == len('{"n":}') + 10_001
    finally:
        sys.set_int_max_str_digits(limit)


def test_conversions_keep_nothing() -> None:
    part, held = object(), ("a tuple", {"with": 1})
    good: dict[str, Any] = {
        "rows": [{"id": i, "t": f"é{i}", "x": i / 7} for i in range(5)],
        "h": held,
        "€": "€",
    }
    bad: dict[str, Any] = {"rows": [{"deep": [part]}]}
    raw = json.dumps(good).encode()
    counted: list[Any] = [part, held, good, bad, to_plain, raw, None]

    def turn(times: int) -> None:
        for _ in range(times):
            encode_json(good, to_plain)
            decode_json(raw)
            with contextlib.suppress(ValueError):
                encode_json(bad, to_plain)
            with contextlib.suppress(ValueError):
                decode_json(b'{"x": nope}')

    turn(2_000)
    gc.collect()
    before = [sys.getrefcount(each) for each in counted]
    tracemalloc.start()
    try:
        turn(1_000)
        gc.collect()
        start = tracemalloc.get_traced_memory()[0]
        turn(20_000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - start
    finally:
        tracemalloc.stop()
    # What Rust allocates is not traced: for that the process as a whole must not grow.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    turn(100_000)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most
    after = [sys.getrefcount(each) for each in counted]
    # None and the like are shared with whatever else runs; one leaked reference a turn would be 20,000.
    assert all(abs(now - then) < 100 for then, now in zip(before, after, strict=True)), (before, after)
    assert grown < 20_000, "less than a byte a turn"
    assert grown_kib < 1_536, "the smallest block there is, once a turn, would show"
