"""What is said of a value is what happened to it, and saying it changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import SourceRecord, read_records
from lienthong.samples import write_profiles, write_samples
from mappings import compile_mapping, explain_mapping, load_mapping
from mappings.lineage import FieldLineage, StepKind, fields_in, problems_in
from mappings.tables import packaged, read_index
from schemas.problem import Place

AGENCIES = [str(entry["name"]) for entry in read_index("agencies")]
RECORD = {"so": "H29.15-210305-0001", "ngay": "05/03/2021"}
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.sampled_from(["1.001612", "05/03/2021", "CN", "2021-03-05T08:15:00Z", "\x00"]),
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "ten", "@ma", "#text", "url"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    sets = [
        make(tmp_path_factory.mktemp("samples"), dossiers=40, bad=24)
        for make in (write_samples, write_profiles)
    ]
    return {file.agency: file for each in sets for file in each.files}


def path_of(agency):
    return packaged("agencies", f"{agency}.yaml")


def values_in(fields):
    """Return what a dossier holds according to its lineage."""
    values = {}
    for each in fields:
        if isinstance(each, FieldLineage):
            if each.value is not None:
                values[each.name] = each.value
        elif kept := [values_in(item.fields) for item in each.items if not item.is_left_out]:
            values[each.name] = kept
    return values


def assert_told_as_it_was(explanation, conversion):
    """Compare an explanation with the conversion that nobody watched."""
    assert explanation.conversion == conversion
    told = [p for packet in explanation.packets for p in problems_in(packet.fields)]
    assert Counter(map(id, [*told, *explanation.problems])) == Counter(
        map(id, explanation.conversion.problems)
    )
    if conversion.events:
        kept = [packet for packet in explanation.packets if not packet.is_left_out]
        assert [(packet.name, values_in(packet.fields)) for packet in kept] == [
            (event.packet, event.values) for event in conversion.events
        ]
    for packet in explanation.packets:
        for field in fields_in(packet.fields):
            assert field.steps
            if field.value is not None:
                assert field.steps[-1].after == field.value
            assert all(step.line > 0 and step.words.vi and step.words.en for step in field.steps)


@pytest.mark.parametrize("agency", AGENCIES)
def test_the_samples_of_an_agency_are_told_as_they_are_converted(agency, samples):
    file = load_mapping(path_of(agency))
    converter, explainer = compile_mapping(file), explain_mapping(file)
    sample = samples[agency]
    with sample.path.open("rb") as source:
        records = [
            record
            for record in read_records(source, file_name=sample.path.name, options=file.source)
            if isinstance(record, SourceRecord)
        ]

    assert len(records) > 40
    for record in records:
        assert_told_as_it_was(explainer.explain(record), converter.convert(record))


@pytest.mark.parametrize("agency", AGENCIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_record_is_told_as_it_is_converted(agency, data):
    file = load_mapping(path_of(agency))
    # Most of a record is as it should be, so that not everything is refused at once.
    good = data.draw(st.sampled_from(file.tests)).record
    values = good | data.draw(st.dictionaries(st.sampled_from(sorted(good)), NESTED, max_size=4))
    record = SourceRecord(number=1, values=values, place=Place(file="x", row=2))

    assert_told_as_it_was(
        explain_mapping(file).explain(record), compile_mapping(file).convert(record)
    )


@pytest.fixture
def explain(load, mapping_text):
    """Explain one record by the base mapping with changes."""

    def run(record=None, dossier=None, *, columns=None, **top):
        return explain_mapping(load(mapping_text(dossier, **top))).explain(
            SourceRecord(
                number=1,
                values=RECORD | (record or {}),
                place=Place(file="thu.csv", row=2),
                columns=columns or {},
            )
        )

    return run


@pytest.fixture
def field_of(explain):
    """Return the lineage of one field under one rule."""

    def run(rule, record, *, field="GhiChu", **more):
        explanation = explain(record, {field: rule}, **more)
        return next(f for f in explanation.packets[0].fields if f.name == field)

    return run


def told(field):
    return [(step.kind.value, step.before, step.after, step.words.en) for step in field.steps]


def test_every_text_rule_is_told_with_what_it_did(field_of):
    rule = "{from: a, text: [collapse_spaces, {replace: ['\\d+', '#']}, {suffix: '!'}]}"

    field = field_of(rule, {"a": "số  12"}, columns={"a": "C (a)"})

    assert (field.value, field.field) == ("số #!", "GhiChu")
    assert told(field) == [
        ("source", None, "số  12", "read 'a'"),
        ("text", "số  12", "số 12", "collapse_spaces"),
        ("text", "số 12", "số #", "replace '\\d+' → '#'"),
        ("text", "số #", "số #!", "suffix '!'"),
    ]
    assert field.steps[0].place == Place(file="thu.csv", row=2, column="C (a)")


def test_text_rules_and_numbers_are_told_in_vietnamese(field_of):
    field = field_of("{from: a, text: [collapse_spaces], number: vietnamese}", {"a": " 1.234,50"})

    assert [step.words.vi for step in field.steps[1:]] == [
        "gộp khoảng trắng: collapse_spaces",
        "đọc số, kiểu Việt Nam 1.234,5 (vietnamese)",
    ]


def test_a_step_names_its_own_line_of_the_mapping(load, mapping_text):
    rule = "\n    from: a\n    text:\n      - upper\n      - {truncate: 5}"
    text = mapping_text({"GhiChu": rule})
    record = SourceRecord(number=1, values=RECORD | {"a": "tên dài"}, place=Place())

    explanation = explain_mapping(load(text)).explain(record)

    field = next(f for f in explanation.packets[0].fields if f.name == "GhiChu")
    lines = text.splitlines()
    assert [lines[step.line - 1].strip() for step in field.steps] == [
        "GhiChu:",
        "- upper",
        "- {truncate: 5}",
    ]


def test_of_several_date_formats_the_one_that_matched_is_told(field_of):
    field = field_of("{from: a, date: [iso, yyyyMMdd, dd/MM/yyyy]}", {"a": "05/03/2021"})

    assert told(field)[-1] == ("date", "05/03/2021", "20210305000000", "date dd/MM/yyyy")


def test_a_value_that_means_no_date_is_told(field_of):
    field = field_of('{from: a, date: {formats: [iso], empty: ["0"]}}', {"a": "0"})

    assert field.value is None
    assert told(field)[-1] == ("date", "0", "", 'means "no date"')


def test_a_date_cell_is_told_with_its_place_though_no_text_was_read(field_of):
    field = field_of(
        "{from: [b, a], date: [dd/MM/yyyy]}",
        {"a": datetime.fromisoformat("2021-03-05T08:15"), "b": ""},
        columns={"a": "F (Ngày)"},
    )

    (step,) = field.steps
    assert (step.kind, step.after, step.path) == (StepKind.DATE_CELL, "20210305081500", "a")
    assert step.place.column == "F (Ngày)"


LISTS = """
  loai:
    ignore_case: true
    entries:
      - {from: ["Cũ", "cu"], to: "1", valid_to: 2020-12-31}
      - {from: "cũ", to: "2", valid_from: 2021-01-01}"""


def test_of_a_code_list_the_entry_in_force_is_told_with_its_line(field_of, mapping_text):
    field = field_of("{from: a, codes: loai}", {"a": "CŨ"}, code_lists=LISTS)

    step = field.steps[-1]
    assert (step.kind, step.after) == (StepKind.CODES, "2")
    assert step.words.en == "code list loai: 'CŨ' → '2' (2021-01-01 – …)"
    lines = mapping_text(code_lists=LISTS).splitlines()
    assert lines[step.line - 1] == '      - {from: "cũ", to: "2", valid_from: 2021-01-01}'


def test_of_a_code_list_source_and_version_are_told(field_of):
    origin = '\n    source: "CV 12/SXD-VP"\n    version: "2025-06"\n    ignore_case: true'
    lists = LISTS.replace("\n    ignore_case: true", origin)

    field = field_of("{from: a, codes: loai}", {"a": "CŨ"}, code_lists=lists)

    words = field.steps[-1].words.en
    assert words == "code list loai (CV 12/SXD-VP, 2025-06): 'CŨ' → '2' (2021-01-01 – …)"


def test_telling_a_code_never_asks_for_a_day_that_the_conversion_did_not_need(explain):
    rules = {"GhiChu": "{from: a, codes: {x: y}}"}

    explanation = explain({"a": "x"}, rules, valid_at="{from: khac, date: [iso]}")

    assert explanation.conversion.problems == ()


def test_a_lookup_is_told_with_table_and_column_and_the_key_it_read(field_of):
    rule = "{from: a, lookup: {table: procedures, key: b, column: field}}"

    field = field_of(rule, {"a": "x", "b": "1.001612"})

    assert told(field) == [
        ("source", None, "x", "read 'a'"),
        ("source", None, "1.001612", "read 'b'"),
        (
            "lookup",
            "x",
            "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)",
            "looked up in table procedures, column field, 'b'",
        ),
    ]


def test_a_deadline_is_told_with_the_date_and_the_days_it_was_counted_from(field_of):
    rule = "{from: a, date: {formats: [dd/MM/yyyy], working_days: b}}"

    field = field_of(rule, {"a": "02/03/2026", "b": "3"}, field="NgayHenTra")
    spoilt = field_of(rule, {"a": "02/03/2026", "b": "ba"}, field="NgayHenTra")
    nothing = field_of(rule, {"a": "", "b": "3"}, field="NgayHenTra")

    assert told(field)[1:] == [
        ("date", "02/03/2026", "20260302000000", "date dd/MM/yyyy"),
        ("source", None, "3", "read 'b'"),
        ("working_days", None, "20260305000000", "working days counted"),
    ]
    assert told(spoilt)[-1] == ("working_days", None, None, "working days counted")
    assert told(nothing) == [("source", None, "", "read 'a'")]


def test_a_kind_of_value_is_told_by_its_name(field_of):
    field = field_of("{from: a, kind: phone}", {"a": "0901 234 567"})

    assert told(field)[-1] == ("kind", "0901 234 567", "0901234567", "kind phone")


def test_a_kind_and_what_is_looked_up_by_it_are_two_steps(field_of):
    rule = "{from: a, kind: procedure_code, lookup: {table: procedures, column: field}}"

    assert told(field_of(rule, {"a": "1.001612.000.00.00.H29"}))[1:] == [
        ("kind", "1.001612.000.00.00.H29", "1.001612", "kind procedure_code"),
        (
            "lookup",
            "1.001612",
            "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)",
            "looked up in table procedures, column field",
        ),
    ]
    assert told(field_of(rule, {"a": "một"}))[1:] == [("kind", "một", None, "kind procedure_code")]


def test_a_default_a_template_and_a_failed_condition_are_told(field_of):
    default = field_of('{from: a, text: [digits], default: "0"}', {"a": "không"})
    template = field_of('{template: "{a} - {b}"}', {"a": "x", "b": "y"})
    skipped = field_of("{from: a, when: {path: b, present: true}}", {"a": "x"})

    assert told(default)[-2:] == [
        ("text", "không", "", "digits"),
        ("default", None, "0", "empty, so the default was taken"),
    ]
    assert told(template)[-1] == ("template", None, "x - y", "template '{a} - {b}'")
    assert (skipped.value, told(skipped)) == (
        None,
        [("when", None, "", "the condition `when` is not met")],
    )


def test_a_refused_value_stands_with_its_problem_and_the_step_that_refused(field_of):
    field = field_of("{from: a, number: integer, default: '1'}", {"a": "ba"})

    assert field.value is None
    assert [problem.code for problem in field.problems] == ["mapping.number_invalid"]
    assert told(field)[-1] == ("number", "ba", None, "number integer")


def test_items_of_a_group_are_told_with_their_numbers_also_those_left_out(explain):
    group = (
        "{each: tep, when: {path: url, present: true}, "
        "fields: {TenTepDinhKem: ten, IsDeleted: {constant: 'False'}, DuongDanTaiTepTin: url}}"
    )
    files = [{"ten": "bỏ", "url": ""}, None, {"ten": "a.pdf", "url": "https://x.vn/a"}]

    explanation = explain({"tep": files}, {"TaiLieuNop": group})

    (found,) = (f for f in explanation.packets[0].fields if f.name == "TaiLieuNop")
    assert [(item.number, item.is_left_out, len(item.fields)) for item in found.items] == [
        (1, True, 0),
        (3, False, 3),
    ]
    name = next(f for f in found.items[1].fields if f.name == "TenTepDinhKem")
    assert name.field == "TaiLieuNop[3].TenTepDinhKem"
    assert name.steps[0].place.path == "tep[2].ten"


def test_a_record_that_is_its_own_progress_row_is_told_twice_and_apart(explain):
    progress = (
        "{fields: {MaHoSo: so, NguoiXuLy: {constant: A}, ThoiDiemXuLy: {from: ngay, "
        "date: [dd/MM/yyyy]}, NoiDungXuLy: {constant: Nhận}, TrangThai: {constant: '2'}}}"
    )

    explanation = explain(progress=progress)

    assert [packet.name for packet in explanation.packets] == [
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
    ]
    assert "TenTTHC" not in {field.name for field in explanation.packets[1].fields}
    assert "NguoiXuLy" not in {field.name for field in explanation.packets[0].fields}


def test_what_no_rule_reads_is_told_and_everything_a_rule_may_read_is_not(explain):
    record = {
        "a": "1",
        "b": "2",
        "c.d": "3",
        "tep": [{"ten": "x.pdf", "them": "9"}, "tên trơn"],
        "nguoi": {"#text": "An", "@ma": "7"},
        "khoa": "k",
        "trong": "",
    }
    rules = {
        "GhiChu": "{from: [a, khong_co], when: {not: {path: b, equals: x}}}",
        "ChuHoSo": "nguoi",
        "TaiLieuNop": "{each: tep, fields: {TenTepDinhKem: ten, TepDinhKemId: value, "
        "IsDeleted: {constant: 'False'}}}",
    }

    explanation = explain(record, rules, event_key='"{khoa}"')

    assert [leaf.path for leaf in explanation.source if not leaf.is_used] == [
        "c.d",
        "tep[0].them",
        "nguoi.@ma",
    ]
    assert [leaf.path for leaf in explanation.source if leaf.is_used] == [
        "so",
        "ngay",
        "a",
        "b",
        "tep[0].ten",
        "tep[1]",
        "nguoi.#text",
        "khoa",
    ]
