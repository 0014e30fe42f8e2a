"""Objects of libraries, and what becomes of user code that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy
import pydantic
import pytest

from conductor_fast._core import encode_json
from conductor_fast.model.plain import to_plain
from conductor_fast.worker.output import returned


def encode(value: Any, nan: Any = "fail") -> Any:
    return json.loads(encode_json(value, to_plain, nan))


class Account(pydantic.BaseModel):
    name: str
    password: pydantic.SecretStr
    home: pydantic.AnyUrl
    hidden: int = pydantic.Field(default=1, exclude=True)

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def initial(self) -> str:
        return self.name[0]


def test_a_pydantic_model_says_what_is_public() -> None:
    account = Account(name="ada", password=pydantic.SecretStr("canary"), home=pydantic.AnyUrl("http://x.y/"))
    assert encode({"a": [account]}) == {
        "a": [{"name": "ada", "password": "**********", "home": "http://x.y/", "initial": "a"}]
    }


def test_a_root_model_is_its_root() -> None:
    numbers = pydantic.RootModel[list[int]]([1, 2])
    assert returned(numbers).output == {"result": [1, 2]}


@pytest.mark.parametrize(
    ("nan", "expected"),
    [
        ("null", {"a": [None, None, None], "null": 1}),
        ("string", {"a": ["NaN", "Infinity", "-Infinity"], "NaN": 1}),
    ],
)
def test_nan_as_asked_for(nan: str, expected: dict[str, Any]) -> None:
    value = {"a": [float("nan"), numpy.float32("inf"), float("-inf")], float("nan"): 1}
    assert encode(value, nan) == expected
    with pytest.raises(ValueError, match=r"outputData.a\[0\] is NaN"):
        encode(value)


def test_an_unknown_way_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="nan: give"):
        encode({}, "zero")


class Sulking:
    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


@pytest.mark.parametrize(
    "error", [TypeError("canary"), ValueError("canary"), RecursionError(), SystemExit(3)]
)
def test_user_code_that_raises_shows_its_kind_alone(error: BaseException) -> None:
    with pytest.raises(
        ValueError, match=f"outputData.x is of type Sulking, .* raised {type(error).__name__}$"
    ):
        encode({"x": Sulking(error)})


def test_libraries_are_not_imported() -> None:
    code = """
import sys
from conductor_fast.model.plain import to_plain
class Own:
    def __init__(self): self.a = 1
assert to_plain(Own()) == {"a": 1}
print(sorted({"pydantic", "numpy", "msgspec", "attr"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
