"""`TaskDef` against the SDK's."""

from __future__ import annotations

import pytest
from conductor.client.http.models.schema_def import SchemaDef
from conductor.client.http.models.task_def import TaskDef as SdkTaskDef

from conductor_fast import TaskDef
from conductor_fast.model.task_def import definition_to_wire


def test_names_on_the_wire_are_the_sdks() -> None:
    assert TaskDef.attribute_map == SdkTaskDef.attribute_map


def test_what_is_not_given_is_not_sent() -> None:
    assert TaskDef(name="greet").to_wire() == {"name": "greet", "enforceSchema": False}


def test_there_and_back() -> None:
    definition = TaskDef(name="greet", retry_count=0, input_keys=["a"], input_template={"b": 1})
    assert TaskDef.from_wire({**definition.to_wire(), "unknown": 1}) == definition
    assert definition.to_dict()["retry_count"] == 0


def test_the_sdks_definition_with_a_schema() -> None:
    definition = SdkTaskDef(
        name="greet", retry_count=0, input_schema=SchemaDef(name="greet_input", version=2)
    )
    wire = definition_to_wire(definition)
    assert wire["retryCount"] == 0
    assert (wire["inputSchema"]["name"], wire["inputSchema"]["version"]) == ("greet_input", 2)


def test_what_is_no_definition() -> None:
    with pytest.raises(TypeError, match="is a TaskDef or a dict, not a list"):
        definition_to_wire([])
