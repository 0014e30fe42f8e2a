"""Random outputs of worker functions: each with the JSON that is expected, and how the SDK's may differ."""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import random
import types
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import msgspec
import numpy
import pydantic

Made = tuple[Any, Any, set[str]]
"""The value, its JSON, and the keys of DIFFERENCES that apply."""

Shape = Callable[[random.Random, int, bool], Made]

UTC = datetime.timezone.utc


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Name(str, enum.Enum):
    ADA = "ada"


class Level(enum.IntEnum):
    HIGH = 3


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = None


class Plain:
    def __init__(self, a: Any, _b: Any) -> None:
        self.a = a
        self._b = _b


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    a: Any
    b: Any = None


class Struct(msgspec.Struct, rename="camel", tag="struct"):
    some_field: Any
    other: Any = msgspec.UNSET


@attrs.define
class Attrs:
    a: Any
    b: Any = None


def _equal(make: Callable[[random.Random], tuple[Any, Any]]) -> Callable[[random.Random], Made]:
    return lambda r: (*make(r), set())


def _same(make: Callable[[random.Random], Any]) -> Callable[[random.Random], Made]:
    def made(r: random.Random) -> Made:
        value = make(r)
        return value, value, set()

    return made


def _differs(tag: str, make: Callable[[random.Random], tuple[Any, Any]]) -> Callable[[random.Random], Made]:
    return lambda r: (*make(r), {tag})


def text(r: random.Random) -> str:
    alphabet = 'ab "\\\n\t\x00\x1f\x7féß€😀\ud800'
    return "".join(r.choice(alphabet) for _ in range(r.choice([0, 1, 3, 8, 15, 16, 17, 40])))


def number(r: random.Random) -> float:
    return r.choice(
        [0.0, -0.0, 1.5, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, r.random(), r.gauss(0, 1e10)]
    )


def integer(r: random.Random) -> int:
    return r.choice([0, -1, r.randrange(-1000, 1000), 2**63 - 1, -(2**63), 2**63, 2**70, -(10**40)])


def _raw(r: random.Random) -> tuple[bytes, str]:
    raw = r.choice([b"", b"text", "é".encode(), r.randbytes(5), b"\xff\x00"])
    try:
        return raw, raw.decode()
    except UnicodeDecodeError:
        return raw, base64.b64encode(raw).decode()


def _moment(r: random.Random) -> tuple[Any, str]:
    moment: Any = datetime.datetime(
        2026, 1, 2, 3, 4, r.randrange(60), r.choice([0, 7]), r.choice([None, UTC])
    )
    moment = r.choice([moment, moment.date(), moment.time()])
    return moment, moment.isoformat()


def _by_text(r: random.Random) -> tuple[Any, str]:
    value = r.choice(
        [
            decimal.Decimal("1.10"),
            decimal.Decimal("NaN"),
            uuid.UUID(int=r.getrandbits(128)),
            datetime.timedelta(seconds=r.randrange(10**6)),
            pathlib.PurePosixPath("/a/b"),
            complex(1, 2),
        ]
    )
    return value, str(value)


def _numpy(r: random.Random) -> tuple[Any, Any]:
    return r.choice(
        [
            (numpy.int64(7), 7),
            (numpy.uint64(2**64 - 1), 2**64 - 1),
            (numpy.float32(0.5), 0.5),
            (numpy.float64(0.1), 0.1),
            (numpy.bool_(True), True),
            (numpy.str_("a"), "a"),
            (numpy.longdouble(0.25), 0.25),
            (numpy.datetime64("2026-01-02"), "2026-01-02"),
            (numpy.arange(3), [0, 1, 2]),
            (numpy.array([["2026-01-02"]], "datetime64[D]"), [["2026-01-02"]]),
        ]
    )


def _collection(r: random.Random) -> tuple[Any, Any]:
    number = r.randrange(100)
    return r.choice(
        [
            ({number}, [number]),
            (frozenset({"a"}), ["a"]),
            (collections.deque([number, None]), [number, None]),
            (range(3), [0, 1, 2]),
            ({"k": 1}.keys(), ["k"]),
            (collections.UserList([number]), [number]),
        ]
    )


def _mapping(r: random.Random) -> tuple[Any, Any]:
    number = r.randrange(100)
    return r.choice(
        [
            (types.MappingProxyType({"a": number}), {"a": number}),
            (collections.UserDict({"a": number}), {"a": number}),
        ]
    )


LEAVES: list[Callable[[random.Random], Made]] = [
    *[_same(lambda r: r.choice([None, True, False]))] * 2,
    *[_same(integer), _same(number), _same(text)] * 3,
    _equal(_raw),
    _equal(_moment),
    _equal(_by_text),
    _equal(lambda r: (Name.ADA, "ada")),
    _equal(lambda r: (Level.HIGH, 3)),
    _equal(lambda r: (collections.OrderedDict(a=1), {"a": 1})),
]
DIFFERENT_LEAVES: list[Callable[[random.Random], Made]] = [
    _differs("enum", lambda r: r.choice([(Color.RED, "red"), (Color.PAIR, [1, 2])])),
    _differs("collection", _collection),
    _differs("mapping", _mapping),
    _differs("bytearray", lambda r: r.choice([(bytearray(b"a"), "a"), (memoryview(b"\xff"), "/w==")])),
    _differs("numpy", _numpy),
]


def key(r: random.Random, differing: bool) -> tuple[Any, str, set[str]]:
    if differing and r.random() < 0.2:
        moment, iso = _moment(r)
        odd = [((1, ("a", None)), '[1,["a",null]]'), (Color.RED, "red"), (moment, iso), (b"a", "a")]
        value, written = r.choice(odd)
        return value, written, {"odd key"}
    if r.random() < 0.8:
        word = text(r)
        return word, word, set()
    value = r.choice([None, True, False, integer(r), number(r), Name.ADA, Level.HIGH])
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return value, words[value], set()
    if isinstance(value, enum.Enum):
        return value, str(value.value), set()
    return value, repr(value), set()


def made(r: random.Random, depth: int, differing: bool) -> Made:
    """A random value of at most `depth` levels; with `differing` also of kinds that the SDK loses."""
    if depth == 0 or r.random() < 0.3:
        return r.choice(DIFFERENT_LEAVES if differing and r.random() < 0.2 else LEAVES)(r)
    shapes = [_dict, _dict, _list, _tuple, _plain, _model, _dataclass]
    shape: Shape = r.choice([*shapes, _slotted, _struct, _attrs] if differing else shapes)
    return shape(r, depth - 1, differing)


def _dict(r: random.Random, depth: int, differing: bool) -> Made:
    value, expected, tags = {}, {}, set[str]()
    for _ in range(r.randrange(5)):
        name, written, key_tags = key(r, differing)
        if name in value:
            continue
        value[name], item, item_tags = made(r, depth, differing)
        expected[written] = item
        tags |= key_tags | item_tags
    return value, expected, tags


def _list(r: random.Random, depth: int, differing: bool) -> Made:
    items = [made(r, depth, differing) for _ in range(r.randrange(4))]
    return [i[0] for i in items], [i[1] for i in items], set[str]().union(*(i[2] for i in items))


def _tuple(r: random.Random, depth: int, differing: bool) -> Made:
    (left, a, tags), (right, b, more) = made(r, depth, differing), made(r, depth, differing)
    return r.choice([(left, right), Pair(left, right)]), [a, b], tags | more


def _object(cls: Any, names: tuple[str, ...], tag: str | None, drops_none: bool) -> Shape:
    def make(r: random.Random, depth: int, differing: bool) -> Made:
        parts = [made(r, depth, differing) for _ in names]
        expected = {
            name: part[1]
            for name, part in zip(names, parts, strict=True)
            if part[0] is not None or not drops_none
        }
        tags = set[str]().union(*(part[2] for part in parts))
        if tag and (tag != "dataclass" or any(part[0] is None for part in parts)):
            tags.add(tag)
        return cls(*(part[0] for part in parts)), expected, tags

    return make


_plain = _object(Plain, ("a", "_b"), None, True)
_model = _object(lambda a, b: Model(a=a, b=b), ("a", "b"), None, True)
_dataclass = _object(Point, ("x", "y"), "dataclass", False)
_slotted = _object(Slotted, ("a",), "slots", True)
_attrs = _object(Attrs, ("a", "b"), "attrs", False)


def _struct(r: random.Random, depth: int, differing: bool) -> Made:
    value, expected, tags = made(r, depth, differing)
    return Struct(value), {"type": "struct", "someField": expected}, tags | {"msgspec"}
