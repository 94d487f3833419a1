"""The options of a source's format as a JSON Schema, read from their class and its own words."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from itertools import pairwise
from typing import Any, TypeAlias, get_type_hints

from adapters.options import ENCODINGS, FORMATS

Schema: TypeAlias = dict[str, Any]

_OPTION_TYPES: Mapping[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
    Mapping[str, str]: {"type": "object", "additionalProperties": {"type": "string"}},
}
"""An option of another type is not told apart: the reader judges it."""


def source_schema(name: str) -> Schema:
    """Return the schema of one format's options, read from their class."""
    options = FORMATS[name]
    hints, about = get_type_hints(options), _attribute_docs(options)
    properties: Schema = {"format": {"const": name}}
    for option in fields(options):
        shape = _OPTION_TYPES.get(hints[option.name], {})
        if option.name == "encoding":
            shape = {"enum": list(ENCODINGS)}
        if option.name in about:
            shape = {"description": about[option.name]} | shape
        if option.default not in (MISSING, (), "") and isinstance(option.default, str | int):
            shape = shape | {"default": option.default}
        properties[option.name] = shape
    required = [
        option.name
        for option in fields(options)
        if option.default is MISSING and option.default_factory is MISSING
    ]
    return {
        "description": inspect.getdoc(options) or "",
        "type": "object",
        "properties": properties,
        "required": ["format", *required],
        "additionalProperties": False,
    }


def _attribute_docs(options: type) -> dict[str, str]:
    """Return the text under each attribute of a class, which Python itself does not keep."""
    (tree,) = ast.parse(inspect.getsource(options)).body
    assert isinstance(tree, ast.ClassDef)
    return {
        node.target.id: " ".join(str(text.value.value).split())
        for node, text in pairwise(tree.body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
