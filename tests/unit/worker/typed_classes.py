"""Rows of the typed-input table: classes."""

# ruff: noqa: UP006, UP035, UP045 - old annotations are rows too
from datetime import date
from typing import Annotated, List, Optional

import msgspec
import pydantic

from tests.unit.worker.typed_models import (
    Account,
    Box,
    Circle,
    Even,
    Frozen,
    Item,
    Line,
    Movie,
    Order,
    Page,
    Plain,
    Point,
    Square,
    StrictAccount,
    Tree,
    User,
    first_word,
)
from tests.unit.worker.typed_row import Row

CLASSES = [
    Row(
        "Order (dataclass, nested)",
        Order,
        [
            (
                {"id": "5", "lines": [{"sku": "a"}], "due": "2026-01-31", "more": 1},
                Order(5, [Line("a")], date(2026, 1, 31)),
            )
        ],
        [
            {"id": 5, "lines": [{"sku": "a", "quantity": "x"}]},
            {"lines": []},
            {"id": None, "lines": []},
            [],
            None,
            5,
        ],
        ".lines[0].quantity",
    ),
    Row("Optional[Line]", Optional[Line], [({"sku": "a"}, Line("a")), (None, None)], [{"sku": 5}, 5], ".sku"),
    Row("Line | None", Line | None, [({"sku": "a"}, Line("a")), (None, None)], [{}, []], ".sku"),
    Row("List[Line]", List[Line], [([{"sku": "a"}], [Line("a")])], [[{"sku": "a"}, {}], {}], "[1].sku"),
    Row(
        "dict[str, Line]",
        dict[str, Line],
        [({"a": {"sku": "b"}}, {"a": Line("b")})],
        [{"a": {}}, []],
        ".a.sku",
    ),
    Row("Frozen (dataclass, frozen)", Frozen, [({"id": 5}, Frozen(5))], [{"id": "x"}, {}], ".id"),
    Row(
        "Tree (contains itself)",
        Tree,
        [({"value": 1, "children": [{"value": "2"}]}, Tree(1, [Tree(2)]))],
        [{"value": 1, "children": [{"value": "x"}]}],
        ".children[0].value",
    ),
    Row(
        "Page[Line] (generic)",
        Page[Line],
        [({"items": [{"sku": "a"}]}, Page([Line("a")]))],
        [{"items": [{"sku": 5}]}, {}],
        ".items[0].sku",
    ),
    Row("Even (refuses in __post_init__)", Even, [({"value": 2}, Even(2))], [{"value": 3}]),
    Row(
        "Movie (TypedDict)",
        Movie,
        [
            ({"title": "a", "year": "1999"}, {"title": "a", "year": 1999}),
            ({"title": "a", "more": 1}, {"title": "a", "more": 1}),
        ],
        [{"year": 1999}, {"title": "a", "year": "x"}, {"title": None}, []],
        ".title",
    ),
    Row(
        "Point (NamedTuple)",
        Point,
        [({"x": "5"}, Point(5)), ([5, 6], Point(5, 6))],
        [{"y": 1}, [], [1, 2, 3], ["x"], "5"],
        ".x",
    ),
    Row(
        "Plain (a class)",
        Plain,
        [({"name": "a", "size": "2"}, Plain("a", 2)), ({"name": "a", "b": 1}, Plain("a", b=1))],
        [{"name": 5}, {}, "a"],
        ".name",
    ),
    Row(
        "Box (attrs)",
        Box,
        [({"width": "5", "key": None}, Box(5)), ({"width": 5, "labels": ["a"]}, Box(5, ["a"]))],
        [{"width": "x"}, {"width": -1}, {"width": 5, "labels": [5]}, {}, []],
        ".width",
    ),
    Row(
        "User (pydantic)",
        User,
        [({"name": "a", "age": "5"}, User(name="a", age=5))],
        [{"name": "a", "age": -1}, {"name": "a", "age": "x"}, {}, [], None],
        ".age",
    ),
    Row(
        "Account (pydantic, nested)",
        Account,
        [
            (
                {"owner": {"name": "a"}, "opened": "2026-01-31"},
                Account(owner=User(name="a"), opened=date(2026, 1, 31)),
            )
        ],
        [{"owner": {"name": 5}, "opened": "2026-01-31"}, {}],
        ".owner.name",
    ),
    Row(
        "StrictAccount (pydantic, strict)",
        StrictAccount,
        [({"opened": "2026-01-31"}, StrictAccount(opened=date(2026, 1, 31)))],
        [{"opened": "today"}],
        ".opened",
    ),
    Row(
        "list[User]", list[User], [([{"name": "a"}], [User(name="a")])], [[{"name": "a"}, {}], {}], "[1].name"
    ),
    Row(
        "dict[str, User]",
        dict[str, User],
        [({"a": {"name": "b"}}, {"a": User(name="b")})],
        [{"a": {"name": 5}}],
        ".a.name",
    ),
    Row("Optional[User]", Optional[User], [(None, None), ({"name": "a"}, User(name="a"))], [{}, 5], ".name"),
    Row("Line | User", Line | User, [({"sku": "a"}, Line("a")), ({"name": "a"}, User(name="a"))], [{}, 5]),
    Row(
        "Annotated[int, Field(ge=0)] (pydantic)",
        Annotated[int, pydantic.Field(ge=0)],
        [("5", 5)],
        [-1, True, "x"],
    ),
    Row(
        "EmailLike (pydantic constraint)",
        Annotated[str, pydantic.StringConstraints(pattern="@")],
        [("a@b", "a@b")],
        ["ab", 5],
    ),
    Row(
        "Annotated[int, BeforeValidator(…)] (pydantic)",
        Annotated[int, pydantic.BeforeValidator(first_word)],
        [("5 apples", 5)],
        ["apples", "five apples", None],
    ),
    Row(
        "Item (msgspec)",
        Item,
        [({"name": "a", "price": "1.5"}, Item("a", 1.5))],
        [{"name": 5}, {"name": "a", "price": "x"}, {}, [], None],
        ".name",
    ),
    Row("list[Item]", list[Item], [([{"name": "a"}], [Item("a")])], [[{}], {}], "[0].name"),
    Row(
        "Circle | Square (msgspec, tagged)",
        Circle | Square,
        [({"type": "square", "side": 5}, Square(5))],
        [{"type": "line"}, {"side": 5}, 5],
    ),
    Row(
        "Annotated[int, Meta(ge=0)] (msgspec)",
        Annotated[int, msgspec.Meta(ge=0)],
        [("5", 5)],
        [-1, True, "x"],
    ),
    Row('Annotated[int, "words"]', Annotated[int, "words"], [("5", 5)], ["x", None]),
]
