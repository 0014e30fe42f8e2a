"""What typed input costs a task, against what the function would pay without: plain calls and the
libraries' own constructors on the decoded dict. Decoded it has to be: with keys that are the very objects
of the source text, `OrderData(**fields)` takes two thirds of what it takes in life.

Measured through public Python: `Worker(...).binding.call` is what a lane calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from conductor_fast import Task, Worker

FIELDS: dict[str, Any] = json.loads(
    """{"id": 7, "name": "Ada", "email": "ada@example.org", "age": 36, "score": 1.5,
    "active": true, "city": "London", "country": "UK", "visits": 12, "balance": 20.25}"""
)


@dataclass
class OrderData:
    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool
    city: str
    country: str
    visits: int
    balance: float


class OrderModel(pydantic.BaseModel):
    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool
    city: str
    country: str
    visits: int
    balance: float


class OrderStruct(msgspec.Struct):
    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool
    city: str
    country: str
    visits: int
    balance: float


@attrs.define
class OrderAttrs:
    id: int
    name: str
    email: str
    age: int
    score: float
    active: bool
    city: str
    country: str
    visits: int
    balance: float


def takes_task(task: Task) -> None: ...


def takes_untyped(id, name, score, active, visits):  # type: ignore[no-untyped-def]
    ...


def takes_scalars(id: int, name: str, score: float, active: bool, visits: int) -> None: ...


def takes_converted(id: int, at: datetime, key: UUID) -> None: ...


def takes_dataclass(order: OrderData) -> None: ...


def takes_pydantic(order: OrderModel) -> None: ...


def takes_msgspec(order: OrderStruct) -> None: ...


def takes_attrs(order: OrderAttrs) -> None: ...


WIRE = {
    "taskId": "t1", "workflowInstanceId": "w1", "taskDefName": "order", "status": "IN_PROGRESS",
    "retryCount": 0, "inputData": FIELDS,
}  # fmt: skip
ORDER = {"order": FIELDS}
CONVERTED = {"id": "7", "at": "2026-01-31T12:00:00Z", "key": "12345678-1234-5678-1234-567812345678"}

CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "task": (Worker("order", takes_task).binding.call, WIRE),
    "5_untyped": (Worker("order", takes_untyped).binding.call, FIELDS),
    "5_scalars": (Worker("order", takes_scalars).binding.call, FIELDS),
    "3_converted": (Worker("order", takes_converted).binding.call, CONVERTED),
    "dataclass": (Worker("order", takes_dataclass).binding.call, ORDER),
    "dataclass_itself": (lambda inputs: takes_dataclass(OrderData(**inputs["order"])), ORDER),
    "pydantic": (Worker("order", takes_pydantic).binding.call, ORDER),
    "pydantic_itself": (lambda inputs: takes_pydantic(OrderModel.model_validate(inputs["order"])), ORDER),
    "msgspec": (Worker("order", takes_msgspec).binding.call, ORDER),
    "msgspec_itself": (lambda inputs: takes_msgspec(msgspec.convert(inputs["order"], OrderStruct)), ORDER),
    "attrs": (Worker("order", takes_attrs).binding.call, ORDER),
    "attrs_itself": (lambda inputs: takes_attrs(OrderAttrs(**inputs["order"])), ORDER),
}


@pytest.mark.parametrize("case", CASES)
def test_one_call(benchmark: BenchmarkFixture, case: str) -> None:
    call, inputs = CASES[case]
    benchmark(call, inputs)
