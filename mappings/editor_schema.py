"""
The mapping language as a JSON Schema (2020-12), for editors: completion, hints, first mistakes.

Made from what the readers themselves go by: the keys, the formats, the options of sources, the
portal's fields with their descriptions. It is no judge: what only `mapping check` can see (that a
list is not used, that a text is too long) it lets pass. Only words that earlier versions of JSON
Schema know as well are used, because editors differ in which of them they follow.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from adapters.options import FORMATS
from mappings import keys
from mappings.catalogue import load_groups
from mappings.consistency import FINDINGS
from mappings.dates import DATE_FORMATS
from mappings.editor_inbound import expected_rows, inbound_definitions
from mappings.editor_parts import FLAG, TEXT, Schema, both, one_or_several, ref, section
from mappings.editor_sources import by, source_reference, source_schema
from mappings.file_fields import FILE
from mappings.kinds import KINDS, OPTIONS, codes_of
from mappings.kinds.codes import WRITINGS
from mappings.language import DOSSIER, PROGRESS
from mappings.parts import MAX_TRUNCATE
from mappings.tables import TABLES, column_names
from mappings.texts import AFFIX_RULES, LENGTH_RULES, NUMBER_FORMATS, PLAIN_RULES, REGEX_RULES
from schemas.model import load_version, version_names
from schemas.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.keys import Keys
    from schemas.model import Field, Group
    from schemas.problem import Text

_DAY: Schema = {"anyOf": [{"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}, {"type": "null"}]}
_OPEN: Schema = {"type": "object"}


def editor_schema() -> Schema:
    """Return the schema of a mapping file, as values for JSON."""
    versions = version_names()
    definitions = dict(_parts())
    definitions |= inbound_definitions(_rule_shapes())
    for name in FORMATS:
        definitions[f"source.{name}"] = source_schema(name)
    for version in versions:
        for packet, group in load_version(version).packets.items():
            definitions |= _groups(group, f"{version}.{packet}")
    definitions |= _groups(FILE, FILE.name)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lienthong mapping",
        **section(
            keys.TOP,
            {
                "mapping": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"},
                "version": {"type": "integer", "minimum": 1},
                "schema": {"enum": list(versions)},
                "agency": section(
                    keys.AGENCY,
                    {
                        "code": TEXT,
                        "name": TEXT,
                        "group": {"enum": [group.code for group in load_groups()]},
                    },
                ),
                "source": by("format", {name: source_reference(name) for name in FORMATS}),
                "dossier": _OPEN,
                "leave_out": ref("condition"),
                "event_key": TEXT,
                "order_by": TEXT,
                "one_row_per_dossier": FLAG,
                "valid_at": {"anyOf": [TEXT, ref("rule")]},
                "severity": _severities(FINDINGS, Severity.ERROR),
                "inbound": {"type": "array", "items": ref("inbound")},
                "attachments": one_or_several({"anyOf": _group_shapes(FILE.name)}),
                "code_lists": {"type": "object", "additionalProperties": ref("code_list")},
                "progress": section(
                    keys.PROGRESS_ROWS,
                    {"fields": _OPEN, "each": TEXT, "when": ref("condition"), "event_key": TEXT},
                ),
                "tests": {"type": "array", "items": ref("test")},
            },
        ),
        "allOf": [_of_version(version) for version in versions],
        "$defs": definitions,
    }


def _of_version(version: str) -> Schema:
    """Return what the fields are when the file names `version`."""
    rows = {"properties": {"fields": ref(f"{version}.{PROGRESS}")}}
    expected = {
        "dossier": ref(f"{version}.{DOSSIER}.expected"),
        "progress": {"items": ref(f"{version}.{PROGRESS}.expected")},
    }
    return {
        "if": {"properties": {"schema": {"const": version}}, "required": ["schema"]},
        "then": {
            "properties": {
                "dossier": ref(f"{version}.{DOSSIER}"),
                "progress": rows,
                "tests": {"items": {"properties": expected}},
            }
        },
    }


def _parts() -> Mapping[str, Schema]:
    """Return the definitions of what does not depend on the portal's fields."""
    return {
        "texts": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
        "code_list": section(
            keys.CODE_LIST,
            {
                "entries": {"type": "array", "items": ref("code_entry")},
                "ignore_case": FLAG,
                "source": TEXT,
                "version": TEXT,
            },
        ),
        "code_entry": section(
            keys.CODE_ENTRY,
            {"from": ref("texts"), "to": TEXT, "valid_from": _DAY, "valid_to": _DAY},
        ),
        "condition": _condition(),
        "text_rule": _text_rule(),
        "date_formats": one_or_several({"enum": list(DATE_FORMATS)}),
        "way": _way(),
        "rule": _rule(),
        "lookup": _lookup(),
        "test": section(
            keys.TEST,
            {
                "name": TEXT,
                "record": _OPEN,
                "dossier": _OPEN,
                "progress": {"type": "array", "items": _OPEN},
                "problems": {
                    "type": "array",
                    "items": section(keys.EXPECTED_PROBLEM, {"code": TEXT, "field": TEXT}),
                },
                "left_out": FLAG,
                "inbound": TEXT,
                "rows": expected_rows(),
                "file_name": TEXT,
            },
        ),
    }


def _rule() -> Schema:
    shape = _with_one_source(keys.RULE, {**_rule_shapes(), "required": FLAG})
    first = section(
        keys.FIRST,
        {
            "first": {"type": "array", "items": ref("way"), "minItems": 2},
            "default": TEXT,
            "required": FLAG,
            "when": ref("condition"),
        },
    )
    return {"anyOf": [TEXT, shape, first]}


def _way() -> Schema:
    """Return the schema of one alternative of `first`."""
    return {"anyOf": [TEXT, _with_one_source(keys.ALTERNATIVE, _rule_shapes())]}


def _rule_shapes() -> dict[str, Schema]:
    return {
        "from": ref("texts"),
        "constant": TEXT,
        "template": TEXT,
        "text": one_or_several(ref("text_rule")),
        "date": {
            "anyOf": [
                ref("date_formats"),
                section(
                    keys.DATE,
                    {
                        "formats": ref("date_formats"),
                        "empty": ref("texts"),
                        "working_days": TEXT,
                        "at": {"type": "string", "pattern": r"^\d\d:\d\d$"},
                    },
                ),
            ]
        },
        "number": {"enum": list(NUMBER_FORMATS)},
        "kind": {"anyOf": [{"enum": list(KINDS)}, *map(_kind, KINDS)]},
        "codes": {"anyOf": [TEXT, {"type": "object", "additionalProperties": TEXT}]},
        "lookup": ref("lookup"),
        "default": TEXT,
        "when": ref("condition"),
    }


def _with_one_source(known: Keys, shapes: Mapping[str, Schema]) -> Schema:
    shape = section(known, shapes)
    sources = [{"required": [source]} for source in keys.SOURCES]
    by_lookup = {
        "required": ["lookup"],
        "properties": {"lookup": {"required": ["key"]}},
        "not": {"anyOf": sources},
    }
    shape["oneOf"] = [*sources, by_lookup]
    pairs = [pair for pair in combinations(keys.CONVERSIONS, 2) if pair != ("kind", "lookup")]
    shape["not"] = {"anyOf": [{"required": list(pair)} for pair in pairs]}
    # What a kind gives is the key.
    shape["if"] = {"required": ["kind", "lookup"]}
    shape["then"] = {"properties": {"lookup": {"not": {"required": ["key"]}}}}
    return shape


def _kind(name: str) -> Schema:
    shapes: dict[str, Schema] = {
        "name": {"const": name},
        "severity": {
            "anyOf": [
                {"enum": [severity.value for severity in Severity]},
                _severities(codes_of(name), *Severity),
            ]
        },
        "writing": {"enum": list(WRITINGS)},
        "born": TEXT,
        "sex": TEXT,
        "male": ref("texts"),
        "female": ref("texts"),
    }
    known = keys.kind(OPTIONS.get(name, ()))
    return section(known, {key: shapes[key] for key in known})


def _severities(codes: Sequence[str], *severities: Severity) -> Schema:
    words = {"enum": [severity.value for severity in severities]}
    return {
        "type": "object",
        "properties": dict.fromkeys(codes, words),
        "additionalProperties": False,
    }


def _lookup() -> Schema:
    shape = section(keys.LOOKUP, {"table": {"enum": list(TABLES)}, "column": {}, "key": TEXT})
    shape["allOf"] = [
        {
            "if": {"properties": {"table": {"const": table}}, "required": ["table"]},
            "then": {"properties": {"column": {"enum": list(column_names(table))}}},
        }
        for table in TABLES
    ]
    return shape


def _condition() -> Schema:
    inner = ref("condition")
    several = {"type": "array", "items": inner, "minItems": 1}
    joins = {
        name: _alone(name, about, inner if name == "not" else several)
        for name, about in keys.JOINS.items()
    }
    test = section(
        keys.CONDITION,
        {"path": TEXT, "present": FLAG, "equals": TEXT, "in": ref("texts"), "matches": TEXT},
    )
    test["oneOf"] = [{"required": [name]} for name in keys.TESTS]
    return {"anyOf": [test, *joins.values()]}


def _text_rule() -> Schema:
    pair = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}
    shapes: dict[str, Schema] = {
        **{name: pair if name == "replace" else TEXT for name in REGEX_RULES},
        **{
            name: {"type": "integer", "minimum": 1, "maximum": MAX_TRUNCATE}
            for name in LENGTH_RULES
        },
        **dict.fromkeys(AFFIX_RULES, TEXT),
    }
    argued = {
        "type": "object",
        "properties": shapes,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": list(PLAIN_RULES)}, argued]}


def _groups(group: Group, name: str) -> dict[str, Schema]:
    """Return the definitions of a packet or nested group: its rules, and what tests expect."""
    made: dict[str, Schema] = {
        name: {
            "type": "object",
            "properties": {
                key: _field(field, f"{name}.{key}") for key, field in group.fields.items()
            },
            "required": [key for key, field in group.fields.items() if field.required],
            "additionalProperties": False,
        },
        f"{name}.expected": {
            "type": "object",
            "properties": {
                key: _expected(field, f"{name}.{key}") for key, field in group.fields.items()
            },
            "additionalProperties": False,
        },
    }
    for key, field in group.fields.items():
        if field.group is not None:
            made |= _groups(field.group, f"{name}.{key}")
    return made


def _field(field: Field, name: str) -> Schema:
    about = _field_about(field)
    if field.group is None:
        schema: Schema = {"description": about, "allOf": [ref("rule")]}
        if field.codes:
            # Offers the portal's codes; another value may become one by a text rule or a list.
            codes = {"anyOf": [{"enum": list(field.codes)}, TEXT]}
            schema["properties"] = {"constant": codes, "default": codes}
        return schema
    return {"description": about, "anyOf": _group_shapes(name)}


def _group_shapes(name: str) -> list[Schema]:
    """Return the three ways in which the items of a repeated group are written."""
    inner, when = ref(name), ref("condition")
    item = section(keys.ITEM, {"fields": inner, "when": when})
    split = section(keys.SPLIT, {"from": TEXT, "separator": TEXT})
    return [
        section(keys.EACH_GROUP, {"each": TEXT, "fields": inner, "when": when}),
        section(keys.ITEMS_GROUP, {"items": {"type": "array", "items": item}}),
        section(keys.SPLIT_GROUP, {"split": split, "fields": inner, "when": when}),
    ]


def _expected(field: Field, name: str) -> Schema:
    about = {"description": _field_about(field)}
    if field.group is None:
        return about | {"type": [*TEXT["type"], "null"]}
    items = {"type": "array", "items": ref(f"{name}.expected")}
    return about | {"anyOf": [items, {"type": "null"}]}


def _field_about(field: Field) -> str:
    lines = [field.about.vi, field.about.en]
    if field.required:
        lines.append("Bắt buộc. Mandatory.")
    if field.form is not None:
        lines += field.form
    if field.max_length is not None:
        lines.append(f"≤ {field.max_length}")
    lines += [f"{code}: {text.vi} ({text.en})" for code, text in field.codes.items()]
    return "\n\n".join(line for line in lines if line)


def _alone(key: str, about: Text, shape: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {key: {"description": both(about)} | shape},
        "required": [key],
        "additionalProperties": False,
    }
