"""JSON Schema of 2020-12, which the libraries write, as draft-07, which the server keeps."""

from __future__ import annotations

from typing import Any

_OF_SCHEMAS = ("allOf", "anyOf", "oneOf")
_BY_NAME = ("properties", "patternProperties")
_ONE = ("additionalProperties", "items", "not", "contains", "propertyNames", "if", "then", "else")
# `discriminator` is OpenAPI's and refers to definitions that are gone.
_DROPPED = ("$defs", "definitions", "discriminator", "$schema")


def inlined(schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    """`schema` without references, so that it can stand anywhere in another one.

    A definition that refers to itself is `{"type": "object"}` where it does. `strict`: objects that say
    nothing of additional properties have none.
    """
    made: dict[str, Any] = _Inliner(schema.get("$defs", {}), strict=strict).of(schema, ())
    return made


class _Inliner:
    def __init__(self, definitions: dict[str, Any], *, strict: bool) -> None:
        self._definitions = definitions
        self._strict = strict

    def of(self, schema: Any, within: tuple[str, ...]) -> Any:
        if not isinstance(schema, dict):
            return schema  # true and false are schemas
        given: dict[str, Any] = schema  # pyright: ignore[reportUnknownVariableType]
        reference = given.get("$ref")
        if reference is not None:
            name = str(reference).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            beside = {key: value for key, value in given.items() if key not in ("$ref", *_DROPPED)}
            if name in within:
                return {"type": "object", **beside}
            return {**self.of(self._definitions[name], (*within, name)), **beside}
        made = {key: self._part(key, value, within) for key, value in given.items() if key not in _DROPPED}
        if "prefixItems" in made:
            more = made.pop("items", True)
            made["items"] = made.pop("prefixItems")
            if more is not True:
                made["additionalItems"] = more
        if self._strict and "properties" in made:
            made.setdefault("additionalProperties", False)
        return made

    def _part(self, key: str, value: Any, within: tuple[str, ...]) -> Any:
        if key in _BY_NAME:
            return {name: self.of(schema, within) for name, schema in value.items()}
        if key in _OF_SCHEMAS or key == "prefixItems":
            return [self.of(schema, within) for schema in value]
        return self.of(value, within) if key in _ONE else value
