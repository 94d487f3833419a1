"""What goes to an agency as a JSON Schema: services, columns, and how files are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.options import FORMATS
from adapters.writers.cells import KINDS
from adapters.writers.targets import TARGETS
from mappings import keys
from mappings.dates import DATE_FORMATS
from mappings.editor_parts import FLAG, TEXT, Schema, both, ref, section
from mappings.editor_sources import by, source_reference, target_reference, target_schema
from mappings.writings import WRITTEN_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

_LENGTH: Schema = {"type": "integer", "minimum": 1}


def inbound_definitions(rule_shapes: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """Return the definitions; `rule_shapes` are those of an agency's own records."""
    made = {f"target.{name}": target_schema(name) for name in TARGETS}
    return made | {"inbound": _service(), "inbound.column": _column(rule_shapes)}


def expected_rows() -> Schema:
    """Return the schema of the rows that a test of a message expects."""
    return {"type": "array", "items": {"type": "object"}}


def _service() -> Schema:
    identity: Schema = {"anyOf": [TEXT, ref("rule")]}
    return section(
        keys.INBOUND,
        {
            "service": TEXT,
            "source": by("format", {name: source_reference(name) for name in FORMATS}),
            "target": by("format", {name: target_reference(name) for name in TARGETS}),
            **dict.fromkeys(("dossier_code", "procedure", "status", "deadline"), identity),
            "event_key": TEXT,
            "file_name": TEXT,
            "each": TEXT,
            "when": ref("condition"),
            "columns": _columns(),
        },
    )


def _columns() -> Schema:
    return {"type": "array", "items": ref("inbound.column"), "minItems": 1}


def _column(rule_shapes: Mapping[str, Schema]) -> Schema:
    known = keys.Keys(
        required=keys.INBOUND_COLUMN.required,
        optional={
            **keys.INBOUND_COLUMN.optional,
            **keys.INBOUND_RULE.optional,
            "first": keys.FIRST.required["first"],
        },
    )
    own = {**rule_shapes, "date": _date(), "prefer": _words()}
    way = section(keys.INBOUND_ALTERNATIVE, own)
    return section(
        known,
        {
            **own,
            "required": FLAG,
            "to": TEXT,
            "type": {"enum": list(KINDS)},
            "max_length": _LENGTH,
            "each": TEXT,
            "join": TEXT,
            "columns": _columns(),
            "first": {"type": "array", "items": {"anyOf": [TEXT, way]}, "minItems": 2},
        },
    )


def _date() -> Schema:
    written: Schema = {"enum": list(WRITTEN_FORMATS)}
    read: Schema = {"enum": list(DATE_FORMATS)}
    whole = section(
        keys.DATE_WRITING,
        {
            "write": written,
            "read": {"anyOf": [read, {"type": "array", "items": read}]},
            "zone": {"type": "string", "pattern": r"^([Zz]|[+-]\d\d:\d\d)$"},
            "empty": ref("texts"),
        },
    )
    return {"anyOf": [written, whole]}


def _words() -> Schema:
    return {
        "description": both(keys.PREFER),
        "type": "object",
        "additionalProperties": TEXT,
    }
