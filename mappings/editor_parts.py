"""The small parts that the JSON Schema of the language is put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.keys import Keys
    from schemas.problem import Text

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""YAML without quotes may look like a number; the readers take it as it is written."""
FLAG: Schema = {"type": "boolean"}


def section(known: Keys, shapes: Mapping[str, Schema]) -> Schema:
    """Return the schema of one kind of section; a key without a shape is a bug, and no hole."""
    assert set(shapes) == set(known), (set(shapes), set(known))
    schema: Schema = {
        "type": "object",
        "properties": {key: {"description": both(known.about(key))} | shapes[key] for key in known},
        "additionalProperties": False,
    }
    return schema | {"required": list(known.required)} if known.required else schema


def one_or_several(shape: Schema) -> Schema:
    """Return the schema of one such value or a list of them."""
    return {"anyOf": [shape, {"type": "array", "items": shape, "minItems": 1}]}


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def both(text: Text) -> str:
    """Return a text in both languages."""
    return f"{text.vi}\n\n{text.en}"
