"""What is posted for an output, against what conductor-python 2.0.0 posts for it."""

from __future__ import annotations

import json
import logging
import math
import random
from pathlib import Path
from typing import Any

import pytest
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.api_client import ApiClient
from conductor.client.http.models.task import Task
from conductor.client.worker.worker import Worker

from conductor_fast._core import encode_json
from conductor_fast.model.plain import to_plain
from conductor_fast.worker.output import returned
from tests.unit.worker.generated_outputs import made
from tests.unit.worker.sdk_differences import DIFFERENCES, table

PAGE = Path(__file__).parents[3] / "docs" / "differences.md"
CLIENT = ApiClient(Configuration(base_url="http://127.0.0.1:9"))


def of_sdk(value: Any) -> Any:
    """The `outputData` that the SDK's worker would post, or the name of what is raised instead."""
    worker = Worker("any", lambda task: value)
    worker.api_client = CLIENT
    task = Task(task_id="t", workflow_instance_id="w", input_data={})
    try:
        # It raises, too: it copies what a dataclass holds, and not everything can be copied.
        result = worker.execute(task)
        body = json.loads(json.dumps(CLIENT.sanitize_for_serialization(result)))
    except (RecursionError, TypeError, ValueError, AttributeError) as error:
        return type(error).__name__
    assert body["status"] == "COMPLETED"
    return body["outputData"]


def of_ours(value: Any) -> Any:
    outcome = returned(value)
    assert outcome.status == "COMPLETED"
    return json.loads(encode_json(outcome.output, to_plain))


def same(left: Any, right: Any) -> bool:
    """Equal, with the types: 1, 1.0 and True are three values."""
    return json.dumps(left) == json.dumps(right)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("conductor").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("differing", [False, True])
def test_5000_outputs_are_equal_or_a_listed_difference(differing: bool) -> None:
    r = random.Random(20_26)
    seen: set[str] = set()
    for index in range(2_500):
        value, expected, tags = made(r, r.choice([0, 1, 2, 3]), differing)
        output = expected if isinstance(expected, dict) else {"result": expected}
        ours = of_ours(value)
        assert same(ours, output), f"output {index}"
        if not tags:
            assert same(of_sdk(value), ours), f"output {index}"
        elif not same(of_sdk(value), ours):
            assert tags <= DIFFERENCES.keys()
            seen |= tags
    assert seen > {"dataclass"} if differing else seen == {"dataclass"}


def cycle() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["up"] = inner
    return inner


@pytest.mark.parametrize(
    ("value", "sdk", "difference"),
    [
        ({"x": math.nan}, {"x": math.nan}, "nan"),
        ({"x": len}, {"x": "<built-in function len>"}, "no data"),
        ({"x": to_plain}, {"x": {}}, "no data"),
        (cycle(), "RecursionError", "deep"),
    ],
)
def test_what_fails_here_instead(value: Any, sdk: Any, difference: str) -> None:
    assert difference in DIFFERENCES
    assert same(of_sdk(value), sdk)
    with pytest.raises(ValueError, match="outputData"):
        of_ours(value)


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text().endswith("\n" + table())
