"""Where an output differs from what conductor-python 2.0.0 posts for the same value: the only list of it.

docs/differences.md shows this table; test_sdk_outputs.py compares both, and thousands of outputs with it.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    returned: str
    sdk: str
    ours: str
    why: str


DIFFERENCES: dict[str, Difference] = {
    "enum": Difference(
        "an `Enum` member that is neither `str` nor `int`",
        "in a dict: RecursionError when posting, the result is lost; alone: its text and an error",
        "its value",
        "a result is never lost",
    ),
    "odd key": Difference(
        "a dict with keys that are tuples, enum members, dates, UUIDs, …",
        "TypeError when posting, the result is lost",
        'as the value would be written; a tuple as the text of its JSON: `{(1, 2): 3}` is `{"[1,2]": 3}`',
        "a result is never lost; the text of the JSON cannot be mistaken and can be read back",
    ),
    "nan": Difference(
        "NaN or an infinity",
        "`NaN`, which is no JSON: the server refuses it, the result is lost",
        'the task fails and names the place; with `nan="null"` or `nan="string"` null or the text is sent',
        "a result is never lost, and a number is changed only by who asked for it",
    ),
    "collection": Difference(
        "a set, frozenset, deque, range, view or other sequence that is no list",
        'the text of its `repr`: `"{1, 2}"`',
        "a list, in the order of iteration",
        "the items can be used",
    ),
    "mapping": Difference(
        "a mapping that is no dict (`MappingProxyType`, `UserDict`)",
        "the text of its `repr`, or its inner attributes",
        "an object with its items",
        "the items can be used",
    ),
    "bytearray": Difference(
        "`bytearray`, `memoryview`", "the text of its `repr`", "as bytes: UTF-8 text, else base64", "as bytes"
    ),
    "dataclass": Difference(
        "a dataclass below the output, with fields that are None",
        "these fields are left out (and kept in a dataclass that is the whole output)",
        "all fields, wherever it stands",
        "one shape for one class",
    ),
    "slots": Difference(
        "an object with `__slots__`",
        "the text of its `repr`, an address in memory",
        "its attributes, as of any object",
        "the attributes can be used",
    ),
    "msgspec": Difference(
        "a `msgspec.Struct`",
        "the text of its `repr`",
        "its fields under their JSON names, with the tag",
        "as msgspec writes it",
    ),
    "attrs": Difference(
        "an attrs class",
        "with slots (the default) the text of its `repr`; without, fields that are None are left out",
        "all fields",
        "as a dataclass",
    ),
    "numpy": Difference(
        "a numpy scalar that is no Python number, or an array",
        "its text",
        "the number, or a list of numbers; times as ISO text",
        "a number stays a number",
    ),
    "pydantic": Difference(
        "a pydantic model with excluded, computed or extra fields, with serialisers or secrets",
        "its attributes as they are stored: secrets in plain text, no computed or extra fields",
        "what `model_dump()` gives, without None; secrets are masked",
        "the model says what of it is public",
    ),
    "no data": Difference(
        "a function, class, module, generator or coroutine; an object without attributes and text of its own",
        "`{}`, its text or RecursionError",
        "the task fails and names the place",
        "it is a mistake, and nothing of use would arrive",
    ),
    "deep": Difference(
        "more than 998 levels, or a cycle",
        "RecursionError when posting, or refused by the server: the result is lost",
        "the task fails and names the place",
        "a result is never lost",
    ),
    "large": Difference(
        "more than 10 MiB",
        "posted, and then failed by the server",
        "fails before it is posted",
        "less traffic",
    ),
}


def table() -> str:
    """The table of docs/differences.md."""
    rows = ["| returned | conductor-python posts | here | why |", "|---|---|---|---|"]
    rows += [f"| {' | '.join(difference)} |" for difference in DIFFERENCES.values()]
    return "\n".join(rows) + "\n"
