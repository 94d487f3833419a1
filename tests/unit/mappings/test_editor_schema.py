"""The schema for editors says what the readers say: no more, no less."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapters.options import FORMATS, ChildSheet, FixedCheck, FixedField, FixedType
from adapters.writers import TARGETS
from mappings import editor_schema, keys, load_agencies
from mappings.consistency import FINDINGS
from mappings.file_fields import FILE
from mappings.kinds import KINDS, codes_of
from mappings.yaml_nodes import parse_yaml, plain_value
from schemas.errors import ConfigError
from schemas.model import load_version, version_names

GUIDE = Path(__file__).parents[3] / "docs" / "mapping-language.md"
SCHEMA = editor_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
NAMES = load_agencies(None).names()


def as_json(value):
    """Return what an editor sees: YAML 1.2 has no dates, only texts."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.date().isoformat() if isinstance(value, datetime) else value


def faults(text):
    data = text.encode() if isinstance(text, str) else text
    return [
        error.json_path for error in VALIDATOR.iter_errors(as_json(plain_value(parse_yaml(data))))
    ]


def test_it_is_a_schema_of_the_draft_it_names():
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_reference_leads_somewhere():
    references = set(re.findall(r"'\$ref': '#/\$defs/([^']+)'", repr(SCHEMA)))

    assert references <= set(SCHEMA["$defs"])


@pytest.mark.parametrize("name", NAMES)
def test_every_packaged_mapping_is_valid(name):
    assert faults(load_agencies(None).path(name).read_bytes()) == []


def test_the_example_of_the_guide_is_valid():
    example = re.search(r"```yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[1]

    assert faults(example) == []


# Where each kind of section stands, with a key that no section has.
SECTIONS = {
    "top": ({"zzz": "1"}, {}),
    "agency": ({"agency": "{zzz: 1}"}, {}),
    "code list": ({"code_lists": "{a: {zzz: 1}}"}, {}),
    "code entry": ({"code_lists": "{a: {entries: [{zzz: 1}]}}"}, {}),
    "progress": ({"progress": "{zzz: 1}"}, {}),
    "test": ({"tests": "[{zzz: 1}]"}, {}),
    "expected problem": ({"tests": "[{name: a, record: {}, problems: [{zzz: 1}]}]"}, {}),
    "rule": ({}, {"GhiChu": "{zzz: 1}"}),
    "alternatives": ({}, {"GhiChu": "{first: [a, b], zzz: 1}"}),
    "alternative": ({}, {"GhiChu": "{first: [a, {from: b, zzz: 1}]}"}),
    "date": ({}, {"GhiChu": "{from: a, date: {zzz: 1}}"}),
    "kind": ({}, {"GhiChu": "{from: a, kind: {name: phone, zzz: 1}}"}),
    "kind of persons": ({}, {"GhiChu": "{from: a, kind: {name: personal_id, zzz: 1}}"}),
    "kind of agencies": ({}, {"GhiChu": "{from: a, kind: {name: agency_code, zzz: 1}}"}),
    "lookup as a source": ({}, {"GhiChu": "{lookup: {zzz: 1}}"}),
    "lookup": ({}, {"GhiChu": "{from: a, lookup: {zzz: 1}}"}),
    "condition": ({}, {"GhiChu": "{from: a, when: {zzz: 1}}"}),
    "each": ({}, {"TaiLieuNop": "{each: a, zzz: 1}"}),
    "split": ({}, {"TaiLieuNop": "{split: {zzz: 1}, fields: {}}"}),
    "split group": ({}, {"TaiLieuNop": "{split: {from: a, separator: b}, zzz: 1}"}),
    "items": ({}, {"TaiLieuNop": "{items: [], zzz: 1}"}),
    "item": ({}, {"TaiLieuNop": "{items: [{zzz: 1}]}"}),
}


def objects(schema):
    """Yield the set of keys of every closed object in the schema."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield frozenset(schema["properties"])
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


@pytest.fixture
def told(mapping_text, mistakes):
    """Return the keys that a reader takes in a section where it found one it does not know."""

    def run(top, rules):
        (message,) = (
            problem.message.en
            for problem in mistakes(mapping_text(rules, **top))
            if problem.code == "mapping.key_unknown"
        )
        return frozenset(ast.literal_eval(f"[{message.split('the keys are ')[1]}]"))

    return run


@pytest.mark.parametrize(("top", "rules"), list(SECTIONS.values()), ids=list(SECTIONS))
def test_the_schema_knows_the_keys_that_a_reader_takes(mapping_text, told, top, rules):
    assert told(top, rules) in set(objects(SCHEMA))
    assert faults(mapping_text(rules, **top)) != []


def test_the_schema_knows_no_keys_that_no_reader_takes(told):
    read = {told(top, rules) for top, rules in SECTIONS.values()}
    fields = {
        frozenset(group.fields)
        for version in version_names()
        for packet in load_version(version).packets.values()
        for group in nested(packet)
    }
    fields.add(frozenset(FILE.fields))
    sources = {frozenset({"format", *options.__dataclass_fields__}) for options in FORMATS.values()}
    sources |= {
        frozenset(part.__dataclass_fields__)
        for part in (ChildSheet, FixedField, FixedType, FixedCheck)
    }
    sources |= {frozenset({"format", *one.__dataclass_fields__}) for one in TARGETS.values()}
    column = {*keys.INBOUND_COLUMN, *keys.INBOUND_RULE, "first"}
    sources |= {frozenset(keys.INBOUND), frozenset(keys.INBOUND_ALTERNATIVE), frozenset(column)}
    sources |= {frozenset(keys.DATE_WRITING)}
    joins = {frozenset({name}) for name in ("all", "any", "not")}
    severities = {frozenset(FINDINGS), *(frozenset(codes_of(kind)) for kind in KINDS)}
    text_rules = {frozenset({"replace", "extract", "truncate", "prefix", "suffix"})}

    assert set(objects(SCHEMA)) == read | fields | sources | joins | severities | text_rules


def nested(group):
    yield group
    for field in group.fields.values():
        if field.group is not None:
            yield from nested(field.group)


WRONG = {
    "no version": {"version": None},
    "version nought": {"version": "0"},
    "name": {"mapping": "Địa chính"},
    "schema": {"schema": "dvcqg-2021"},
    "no name of the agency": {"agency": "{code: a}"},
    "format": {"source": "{format: csvv}"},
    "encoding": {"source": "{format: csv, encoding: tcvn4}"},
    "option of another format in an archive": {
        "source": "{format: zip, source: {format: csv, sheet: a}}"
    },
    "archive in an archive": {"source": "{format: zip, source: {format: zip, source: {}}}"},
    "option of a type of line": {
        "source": "{format: fixed, type_at: 1, types: {A: {fields: {a: 2}, rol: record}}}"
    },
    "option of another format": {"source": "{format: csv, sheet: a}"},
    "option missing": {"source": "{format: xml}"},
    "option's type": {"source": "{format: csv, header: 'co'}"},
    "flag": {"one_row_per_dossier": "no"},
    "progress without fields": {"progress": "{each: a}"},
    "unknown field of progress": {"progress": "{fields: {NguoiXuly: a}}"},
    "entries": {"code_lists": "{a: {entries: {A: '1'}}}"},
    "day": {"code_lists": "{a: {entries: [{from: A, to: '1', valid_to: mai}]}}"},
    "test of an unknown field": {"tests": "[{name: a, record: {}, dossier: {GhiChuu: a}}]"},
    "a field of a later schema": {"GhiChu": None, "NgayNopHoSo": "a"},
    "unknown field": {"GhiChuu": "a"},
    "nothing": {"GhiChu": ""},
    "a list": {"GhiChu": "[a]"},
    "no source": {"GhiChu": "{default: a}"},
    "two sources": {"GhiChu": "{from: a, constant: b}"},
    "option": {"source": "{format: csv, delimeter: a}"},
    "two conversions": {"GhiChu": "{from: a, number: plain, codes: b}"},
    "lookup without key": {"GhiChu": "{lookup: {table: wards, column: name}}"},
    "lookup of a kind with a key": {
        "GhiChu": "{from: a, kind: phone, lookup: {table: wards, column: name, key: b}}"
    },
    "kind and lookup without a source": {
        "GhiChu": "{kind: phone, lookup: {table: wards, column: name, key: b}}"
    },
    "table": {"GhiChu": "{from: a, lookup: {table: ward, column: name}}"},
    "column of another table": {"GhiChu": "{from: a, lookup: {table: wards, column: title}}"},
    "date format": {"GhiChu": "{from: a, date: [dd/mm/yyyy]}"},
    "no date formats": {"GhiChu": "{from: a, date: []}"},
    "kind": {"GhiChu": "{from: a, kind: telephone}"},
    "option of another kind": {"GhiChu": "{from: a, kind: {name: phone, sex: b}}"},
    "severity": {"GhiChu": "{from: a, kind: {name: phone, severity: fatal}}"},
    "severity of another kind's rule": {
        "GhiChu": "{from: a, kind: {name: phone, severity: {value.fee_form: error}}}"
    },
    "severity of one rule": {
        "GhiChu": "{from: a, kind: {name: phone, severity: {value.phone_form: fatal}}}"
    },
    "severity of no finding": {"severity": "{value.fee_form: error}"},
    "severity that is the default": {"severity": "{value.date_order: warning}"},
    "one alternative": {"GhiChu": "{first: [a]}"},
    "alternatives inside one": {"GhiChu": "{first: [a, {first: [b, c]}]}"},
    "alternatives beside a source": {"GhiChu": "{first: [a, b], from: c}"},
    "time of day": {"NgayTra": "{from: a, date: {formats: [iso], working_days: 3, at: 5pm}}"},
    "group of agencies": {"agency": "{code: a, name: b, group: nhom}"},
    "number format": {"GhiChu": "{from: a, number: viet}"},
    "text rule": {"GhiChu": "{from: a, text: [uper]}"},
    "text rule without its value": {"GhiChu": "{from: a, text: [truncate]}"},
    "truncate to nothing": {"GhiChu": "{from: a, text: [{truncate: 0}]}"},
    "half a replacement": {"GhiChu": "{from: a, text: [{replace: [x]}]}"},
    "two rules in one": {"GhiChu": "{from: a, text: [{prefix: a, suffix: b}]}"},
    "condition without a test": {"GhiChu": "{from: a, when: {path: b}}"},
    "condition with two tests": {"GhiChu": "{from: a, when: {path: b, equals: c, present: true}}"},
    "condition with join and test": {"GhiChu": "{from: a, when: {path: b, all: []}}"},
    "join of nothing": {"GhiChu": "{from: a, when: {any: []}}"},
    "group that is a path": {"TaiLieuNop": "tep"},
    "two kinds of group": {"TaiLieuNop": "{each: a, items: []}"},
    "group without fields": {"TaiLieuNop": "{each: a}"},
    "unknown field of a group": {"TaiLieuNop": "{each: a, fields: {TenTep: b}}"},
}
TOP = {"mapping", "version", "schema", "agency", "source", "one_row_per_dossier", "progress",
       "code_lists", "severity", "tests"}  # fmt: skip


@pytest.mark.parametrize("changes", list(WRONG.values()), ids=list(WRONG))
def test_a_wrong_file_is_wrong_for_both(mapping_text, load, changes):
    top = {key: value for key, value in changes.items() if key in TOP}
    rules = {key: value for key, value in changes.items() if key not in TOP and value is not None}
    text = mapping_text(rules, **top)

    assert faults(text) != []
    with pytest.raises(ConfigError):
        load(text)


def test_a_mandatory_field_without_a_rule_is_wrong_for_both(mapping_text, load):
    text = mapping_text(without=("TenTTHC",))

    assert faults(text) == ["$.dossier"]
    with pytest.raises(ConfigError):
        load(text)


RIGHT = {
    "numbers without quotes": ({"LoaiDoiTuong": "{constant: 1}"}, {}),
    "one text rule, one format": ({"NgayTra": "{from: a, text: digits, date: iso}"}, {}),
    "no bound": ({}, {"code_lists": "{a: {entries: [{from: A, to: '1', valid_to: null}]}}"}),
    "deep conditions": (
        {"GhiChu": "{from: a, when: {all: [{any: [{not: {path: b, in: [c, 1]}}]}]}}"},
        {},
    ),
    "a look-up in a code": ({"GhiChu": "{lookup: {table: wards, key: a, column: name}}"}, {}),
    "a code from a list": ({"LoaiDoiTuong": "{constant: CN, codes: {CN: 1}}"}, {}),
    "a kind": ({"GhiChu": "{from: a, kind: {name: phone, severity: warning}}"}, {}),
    "kind and lookup": (
        {"GhiChu": "{from: a, kind: phone, lookup: {table: wards, column: name}}"},
        {},
    ),
    "severities": (
        {"GhiChu": "{from: a, kind: {name: phone, severity: {value.phone_old: error}}}"},
        {"severity": "{value.date_order: error}"},
    ),
    "alternatives": ({"GhiChu": "{first: [a, {from: b, text: upper}], required: true}"}, {}),
    "a kind with options": (
        {"GhiChu": "{from: a, kind: {name: personal_id, sex: b, male: [Nam, 1]}}"},
        {},
    ),
    "working days": (
        {"NgayTra": "{from: ngay, date: {formats: [iso], working_days: so_ngay, at: '17:00'}}"},
        {},
    ),
    "day of validity": ({}, {"valid_at": "{from: ngay, date: [iso]}"}),
    "xml": (
        {"GhiChu": "ThuTuc.@ma"},
        {"source": "{format: xml, records: '/a:b/a:c', namespaces: {a: 'urn:x'}}"},
    ),
    "fixed width": (
        {},
        {
            "source": "{format: fixed, type_at: 1-2, types: {'10': {fields: {a: 3-5, b: 6, c: {at: "
            "7-9, fill: '0', align: right}}}, T: {role: trailer, fields: {n: 3-5}, checks: "
            "[{field: n, count: ['10']}]}}}"
        },
    ),
    "sheets joined by a key": (
        {},
        {"source": "{format: xls, key: a, children: {b: {sheet: B, header_rows: 2}}}"},
    ),
    "files in an archive": (
        {},
        {
            "source": "{format: zip, members: ['*.json'], source: {format: json, embedded: "
            "{data: xml}}}"
        },
    ),
}


@pytest.mark.parametrize(("rules", "top"), list(RIGHT.values()), ids=list(RIGHT))
def test_what_a_reader_takes_an_editor_takes(mapping_text, load, rules, top):
    text = mapping_text(rules, **top)

    assert load(text)
    assert faults(text) == []


def test_editors_show_what_a_field_is():
    fields = SCHEMA["$defs"]["dvcqg-2020.DongBoHoSoMC"]["properties"]

    assert "Mã hồ sơ, khoá của hồ sơ trên toàn quốc" in fields["MaHoSo"]["description"]
    assert "Mandatory" in fields["MaHoSo"]["description"]
    assert "10: Đã trả kết quả" in fields["TrangThaiHoSo"]["description"]
    assert fields["TrangThaiHoSo"]["properties"]["constant"]["anyOf"][0]["enum"][-1] == "10"
    assert "NgayNopHoSo" not in fields
    assert "NgayNopHoSo" in SCHEMA["$defs"]["dvcqg-2022.DongBoHoSoMC"]["properties"]


def test_editors_show_what_an_option_of_a_source_is():
    options = SCHEMA["$defs"]["source.csv"]["properties"]

    assert options["header_row"]["description"].startswith("1-based row of the column names")
    assert "tcvn3" in options["encoding"]["enum"]
    assert options["delimiter"]["default"] == ","


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("xlsx", ("header_rows",)),
        ("ods", ("embedded",)),
        ("fixed", ("types", "additionalProperties", "properties", "role")),
        ("xls", ("children", "additionalProperties", "properties", "key")),
        ("zip", ("members",)),
    ],
)
def test_options_are_described_wherever_their_class_has_them_from(source, path):
    found = SCHEMA["$defs"][f"source.{source}"]["properties"]
    for step in path:
        found = found[step]

    assert found["description"]
