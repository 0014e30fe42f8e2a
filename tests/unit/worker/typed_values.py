"""Rows of the typed-input table: plain values and what holds them."""

# ruff: noqa: UP006, UP007, UP035, UP045, DTZ001 - old annotations, and text without a zone, are rows too
# Annotations are values here, so no `from __future__ import annotations`.
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional, Set, Tuple, Union
from uuid import UUID

from tests.unit.worker.typed_models import (
    Access,
    Caseless,
    Cat,
    Color,
    Dog,
    Level,
    UserId,
)
from tests.unit.worker.typed_row import Row, same

UTC_NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
SOME_UUID = "12345678-1234-5678-1234-567812345678"


VALUES = [
    Row(
        "int",
        int,
        [(5, 5), ("5", 5), (5.0, 5), ("-7", -7), (10**30, 10**30)],
        ["5.5", 5.5, "5.0", "05", " 5", "1_000", "٣", True, None, [], "", "9" * 5_000],
    ),
    Row(
        "float",
        float,
        [(5.5, 5.5), (5, 5.0), ("5.5", 5.5), ("1e3", 1000.0)],
        ["nan", "inf", 2**53 + 1, 10**400, "1e999", True, None, "five", "0x10"],
    ),
    Row("bool", bool, [(True, True), ("true", True), ("false", False)], [1, "True", "yes", 0, "1", None]),
    Row("str", str, same("text", ""), [5, True, 5.5, None, ["text"], {}]),
    Row("None", None, same(None), ["null", 0, False, {}]),
    Row("bytes", bytes, [("text", b"text"), ("ä", b"\xc3\xa4")], [5, ["a"], None, "\ud800"]),
    Row(
        "Decimal",
        Decimal,
        [("5.50", Decimal("5.50")), (5, Decimal(5)), (5.1, Decimal("5.1"))],
        ["nan", "5,5", True, None, "Infinity", "1_0", float("inf")],
    ),
    Row(
        "UUID",
        UUID,
        [(SOME_UUID, UUID(SOME_UUID)), (SOME_UUID.replace("-", ""), UUID(SOME_UUID))],
        ["1234", 5, None, f"{{{SOME_UUID}}}", SOME_UUID[:-1] + "g"],
    ),
    Row(
        "datetime",
        datetime,
        [
            ("2026-01-31T12:00:00Z", UTC_NOON),
            ("2026-01-31T12:00:00+00:00", UTC_NOON),
            ("2026-01-31 12:00", datetime(2026, 1, 31, 12)),
            ("2026-01-31", datetime(2026, 1, 31)),
            ("2026-01-31T12:00:00.123456000Z", UTC_NOON.replace(microsecond=123456)),
            (
                "2026-01-31T12:00:00.5+0100",
                datetime(2026, 1, 31, 12, 0, 0, 500000, timezone(timedelta(hours=1))),
            ),
        ],
        [
            1769860800000,
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00.123456789Z",
            "31.01.2026",
            "20260131",
            None,
        ],
    ),
    Row(
        "date",
        date,
        [("2026-01-31", date(2026, 1, 31))],
        ["2026-01-31T12:00:00Z", "2026-02-30", 20260131, "20260131", None],
    ),
    Row(
        "time",
        time,
        [("12:30", time(12, 30)), ("12:30:00.5", time(12, 30, 0, 500000))],
        ["25:00", 12, "noon", None],
    ),
    Row("Path", Path, [("/etc/hosts", Path("/etc/hosts"))], [5, None, []]),
    Row("Any", Any, same(5, "5", None, {"a": [1]}), []),
    Row("Optional[str]", Optional[str], same("text", None), [5, [], True]),
    Row("Optional[int]", Optional[int], [(None, None), ("5", 5)], ["five", True]),
    Row("int | None", int | None, [(None, None), (5, 5), ("5", 5)], ["5.5", False, "null"]),
    Row("int | str", int | str, same(5, "5"), [5.5, None, True, []]),
    Row("Union[int, str]", Union[int, str], same(5, "5"), [None, {}]),
    Row("int | float", int | float, [(5, 5), (5.0, 5.0), ("5", 5), ("5.5", 5.5)], ["five", True]),
    Row(
        "date | datetime",
        date | datetime,
        [("2026-01-31", date(2026, 1, 31)), ("2026-01-31T12:00:00Z", UTC_NOON)],
        ["today", 5],
    ),
    Row("list[int] | list[str]", list[int] | list[str], [([5], [5]), (["5"], ["5"])], [[5.5], "5", [None]]),
    Row(
        "Cat | Dog",
        Cat | Dog,
        [({"kind": "dog"}, Dog("dog")), ({"kind": "cat"}, Cat("cat"))],
        [{"kind": "cow"}, {}, None],
    ),
    Row('Literal["a", 1]', Literal["a", 1], [("a", "a"), (1, 1), ("1", 1)], ["b", True, None, [], {}]),
    Row("Color (Enum of text)", Color, [("red", Color.RED)], ["RED", "green", None, ["red"]]),
    Row("Level (IntEnum)", Level, [(1, Level.LOW), ("2", Level.HIGH), (1.0, Level.LOW)], [3, True, "LOW"]),
    Row("Access (Flag)", Access, [(1, Access.READ), (3, Access.READ | Access.WRITE)], [8, True, "READ"]),
    Row("Caseless (Enum with _missing_)", Caseless, [("YES", Caseless.YES)], ["no", True]),
    Row("UserId (NewType of int)", UserId, [(5, 5), ("5", 5)], ["five", True]),
    Row("list", list, same([1, "a", None]), ["a", {}, None]),
    Row("List", List, same([1, "a", None]), ["a", {"0": 1}]),
    Row("list[int]", list[int], [([5, "5", 5.0], [5, 5, 5])], [[5, "x"], "5", {}, None, [True]], "[1]"),
    Row("List[str]", List[str], same(["a", "b"], []), [["a", 5], "ab", None], "[1]"),
    Row("List[dict]", List[dict], same([{"a": 1}]), [[5], [None]], "[0]"),  # type: ignore[type-arg]
    Row("List[Any]", List[Any], same([1, "a"]), [{}, "a"]),
    Row(
        "List[Dict[str, int]]",
        List[Dict[str, int]],
        [([{"a": "5"}], [{"a": 5}])],
        [[{"a": "x"}], [5]],
        "[0].a",
    ),
    Row("Sequence[int]", Sequence[int], [([5, "5"], [5, 5])], [["x"], "55"], "[0]"),
    Row("Iterable[str]", Iterable[str], same(["a"]), ["a", [1]]),
    Row("Optional[List]", Optional[List], same([1], None), ["a", {}]),
    Row("tuple", tuple, [([1, "a"], (1, "a"))], ["ab", {}, None]),
    Row(
        "tuple[int, str]",
        tuple[int, str],
        [(["5", "a"], (5, "a"))],
        [[5, 5], [5], [5, "a", "b"], None],
        "[1]",
    ),
    Row("Tuple[int, ...]", Tuple[int, ...], [([5, "5"], (5, 5)), ([], ())], [[5, "x"], "5"], "[1]"),
    Row("set", set, [([1, 1, 2], {1, 2})], ["ab", [[]], {}]),
    Row("set[int]", set[int], [(["5", 6], {5, 6})], [["x"], 5], "[0]"),
    Row("Set[str]", Set[str], [(["a", "a"], {"a"})], [[1], "a"], "[0]"),
    Row("frozenset[str]", frozenset[str], [(["a"], frozenset({"a"}))], [[None], {"a": 1}], "[0]"),
    Row("deque[int]", deque[int], [(["5"], deque([5]))], [["x"], {}], "[0]"),
    Row("dict", dict, same({"a": [1]}), ["a", [], None]),
    Row("Dict", Dict, same({"a": [1]}), [5, [["a", 1]]]),
    Row("Optional[Dict]", Optional[Dict], same({"a": 1}, None), [5, []]),
    Row("Dict[str, Any]", Dict[str, Any], same({"a": [1]}), [[], None]),
    Row(
        "dict[str, int]", dict[str, int], [({"a": "5"}, {"a": 5})], [{"a b": "x"}, {"a": None}, []], "['a b']"
    ),
    Row("dict[int, str]", dict[int, str], [({"5": "a"}, {5: "a"})], [{"x": "a"}, {"5": 5}], ".x"),
    Row("dict[Color, int]", dict[Color, int], [({"red": 1}, {Color.RED: 1})], [{"green": 1}], ".green"),
    Row(
        "Mapping[str, date]",
        Mapping[str, date],
        [({"a": "2026-01-31"}, {"a": date(2026, 1, 31)})],
        [{"a": "today"}, []],
        ".a",
    ),
    Row(
        "OrderedDict[str, int]", OrderedDict[str, int], [({"a": 1}, OrderedDict(a=1))], [{"a": "x"}, []], ".a"
    ),
]
