"""The options of a source's format as a JSON Schema, read from their class and its own words."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import pairwise
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from adapters.options import ENCODINGS, FORMATS, FileOptions, FixedField
from adapters.writers.targets import TARGETS

Schema: TypeAlias = dict[str, Any]

_POSITIONS: Schema = {"type": ["string", "integer"]}
_SHAPES: Mapping[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
    Mapping[str, str]: {"type": "object", "additionalProperties": {"type": "string"}},
    tuple[int, int]: _POSITIONS,
    tuple[int, int] | None: _POSITIONS,
}
"""An option of a type that is not known here is not told apart: the reader judges it."""


def source_schema(name: str) -> Schema:
    """Return the schema of one format's options, read from their class."""
    return _of_format(name, FORMATS[name])


def target_schema(name: str) -> Schema:
    """Return the schema of the options that a format is written by."""
    return _of_format(name, TARGETS[name])


def _of_format(name: str, options: type) -> Schema:
    schema = _class_schema(options)
    return schema | {
        "properties": {"format": {"const": name}} | schema["properties"],
        "required": ["format", *schema["required"]],
    }


def by(key: str, choices: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object whose shape depends on the value of `key`."""
    return {
        "type": "object",
        "properties": {key: {"enum": list(choices)}},
        "required": [key],
        "allOf": [
            {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": choice}
            for value, choice in choices.items()
        ],
    }


def source_reference(name: str) -> Schema:
    """Return where the schema of one format's options stands in the whole."""
    return {"$ref": f"#/$defs/source.{name}"}


def target_reference(name: str) -> Schema:
    """Return where the schema of what a format is written by stands in the whole."""
    return {"$ref": f"#/$defs/target.{name}"}


def _class_schema(options: type) -> Schema:
    hints, about = get_type_hints(options), _attribute_docs(options)
    properties: Schema = {}
    known: tuple[Field[Any], ...] = fields(options)
    for option in known:
        shape = _shape(hints[option.name])
        if option.name == "encoding":
            shape = {"enum": list(ENCODINGS)}
        if option.name in about:
            shape = {"description": about[option.name]} | shape
        if option.default not in (MISSING, (), "") and isinstance(option.default, str | int):
            shape = shape | {"default": option.default}
        properties[option.name] = shape
    return {
        "description": inspect.getdoc(options) or "",
        "type": "object",
        "properties": properties,
        "required": [
            option.name
            for option in known
            if option.default is MISSING and option.default_factory is MISSING
        ],
        "additionalProperties": False,
    }


def _shape(hint: Any) -> Schema:
    """Return the schema of one type of option, classes of parts and the files of a ZIP included."""
    if hint in _SHAPES:
        return _SHAPES[hint]
    if hint == FileOptions:
        names = [name for name, options in FORMATS.items() if options in get_args(FileOptions)]
        return by("format", {name: source_reference(name) for name in names})
    if hint is FixedField:
        return {"anyOf": [_POSITIONS, _class_schema(hint)]}
    if is_dataclass(hint) and isinstance(hint, type):
        return _class_schema(hint)
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Mapping:
        return {"type": "object", "additionalProperties": _shape(inner[1])}
    if kind is tuple and inner[1:] == (Ellipsis,):
        return {"type": "array", "items": _shape(inner[0])}
    return {}


def _attribute_docs(options: type) -> dict[str, str]:
    """Return the text under each attribute of a class, which Python itself does not keep."""
    found: dict[str, str] = {}
    for one in reversed(options.__mro__):
        if is_dataclass(one):
            found |= _own_docs(one)
    return found


def _own_docs(options: type) -> dict[str, str]:
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
