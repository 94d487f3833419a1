from __future__ import annotations

import pytest

from mappings import load_mapping
from mappings.tables import packaged
from schemas.errors import ConfigError
from schemas.problem import Severity

# Lines 1-5 are the head, 6 is `dossier:`, 7-16 its ten mandatory fields, 17 what a test adds.
RULES = {
    "no source": ("{default: x}", "mapping.rule_sources", "dossier.GhiChu"),
    "two sources": ("{from: a, constant: x}", "mapping.rule_sources", "dossier.GhiChu"),
    "two conversions": (
        "{from: a, number: plain, date: [iso]}",
        "mapping.rule_conversions",
        "dossier.GhiChu",
    ),
    "unknown key": ("{from: a, defalt: x}", "mapping.key_unknown", "dossier.GhiChu.defalt"),
    "no path": ("{from: }", "mapping.type_wrong", "dossier.GhiChu.from"),
    "empty path": ("{from: ''}", "mapping.type_wrong", "dossier.GhiChu.from"),
    "no paths": ("{from: []}", "mapping.type_wrong", "dossier.GhiChu.from"),
    "nothing": ("", "mapping.type_wrong", "dossier.GhiChu"),
    "a list": ("[a, b]", "mapping.type_wrong", "dossier.GhiChu"),
    "empty constant": ("{constant: ''}", "mapping.type_wrong", "dossier.GhiChu.constant"),
    "date format": (
        "{from: a, date: [dd/mm/yyyy]}",
        "mapping.date_format_unknown",
        "dossier.GhiChu.date",
    ),
    "ambiguous dates": (
        "{from: a, date: [dd/MM/yyyy, MM/dd/yyyy]}",
        "mapping.date_formats_ambiguous",
        "dossier.GhiChu.date",
    ),
    "dates without formats": (
        "{from: a, date: {empty: ['0']}}",
        "mapping.key_missing",
        "dossier.GhiChu.date",
    ),
    "number format": (
        "{from: a, number: vietnam}",
        "mapping.number_format_unknown",
        "dossier.GhiChu.number",
    ),
    "code list": ("{from: a, codes: khong_co}", "mapping.codes_unknown", "dossier.GhiChu.codes"),
    "table": (
        "{lookup: {table: procedure, key: a, column: title}}",
        "mapping.table_unknown",
        "dossier.GhiChu.lookup.table",
    ),
    "column": (
        "{lookup: {table: procedures, key: a, column: titel}}",
        "mapping.column_unknown",
        "dossier.GhiChu.lookup.column",
    ),
    "lookup without key": (
        "{lookup: {table: procedures, column: title}}",
        "mapping.key_missing",
        "dossier.GhiChu.lookup",
    ),
    "text rule": ("{from: a, text: [uper]}", "mapping.text_rule_unknown", "dossier.GhiChu.text"),
    "text rule without its value": (
        "{from: a, text: [truncate]}",
        "mapping.text_rule_unknown",
        "dossier.GhiChu.text",
    ),
    "truncate to nothing": (
        "{from: a, text: [{truncate: 0}]}",
        "mapping.type_wrong",
        "dossier.GhiChu.text.truncate",
    ),
    "regular expression": (
        "{from: a, text: [{extract: '(x'}]}",
        "mapping.regex_invalid",
        "dossier.GhiChu.text.extract",
    ),
    "replacement": (
        "{from: a, text: [{replace: ['x', '\\2']}]}",
        "mapping.regex_invalid",
        "dossier.GhiChu.text.replace",
    ),
    "half a replacement": (
        "{from: a, text: [{replace: [x]}]}",
        "mapping.type_wrong",
        "dossier.GhiChu.text.replace",
    ),
    "stray brace": (
        "{template: '{a} }'}",
        "mapping.template_invalid",
        "dossier.GhiChu.template",
    ),
    "empty braces": ("{template: '{}'}", "mapping.template_invalid", "dossier.GhiChu.template"),
    "template without a path": (
        "{template: 'abc'}",
        "mapping.template_invalid",
        "dossier.GhiChu.template",
    ),
    "condition without a test": (
        "{from: a, when: {path: b}}",
        "mapping.condition_invalid",
        "dossier.GhiChu.when",
    ),
    "condition with two tests": (
        "{from: a, when: {path: b, equals: x, present: true}}",
        "mapping.condition_invalid",
        "dossier.GhiChu.when",
    ),
    "condition without a path": (
        "{from: a, when: {equals: x}}",
        "mapping.key_missing",
        "dossier.GhiChu.when",
    ),
    "condition of nothing": (
        "{from: a, when: {all: []}}",
        "mapping.type_wrong",
        "dossier.GhiChu.when.all",
    ),
    "condition with a wrong regular expression": (
        "{from: a, when: {not: {path: b, matches: '['}}}",
        "mapping.regex_invalid",
        "dossier.GhiChu.when.not.matches",
    ),
    "present is no word": (
        "{from: a, when: {path: b, present: yes}}",
        "mapping.type_wrong",
        "dossier.GhiChu.when.present",
    ),
}


@pytest.mark.parametrize(("rule", "code", "path"), list(RULES.values()), ids=list(RULES))
def test_names_the_line_and_key_of_a_wrong_rule(mapping_text, mistakes, rule, code, path):
    problems = mistakes(mapping_text({"GhiChu": rule}))

    assert [(p.code, p.place.line, p.place.path) for p in problems] == [(code, 17, path)]
    assert problems[0].field == "GhiChu"


FIELDS = {
    "unknown code": ("KenhThucHien", "{constant: '7'}", "mapping.constant_refused"),
    "unknown boolean": (
        "TaiLieuNop",
        "{items: [{fields: {IsDeleted: {constant: 'false'}}}]}",
        "mapping.constant_refused",
    ),
    "too long": ("SoDienThoai", "{constant: " + "9" * 51 + "}", "mapping.constant_refused"),
    "wrong form": ("MaTTHC", "{constant: '1.1612'}", "mapping.constant_refused"),
    "no time": ("NgayTra", "{constant: '05/03/2021'}", "mapping.constant_refused"),
    "impossible time": ("NgayTra", "{constant: '20210231000000'}", "mapping.constant_refused"),
    "wrong default": (
        "LoaiDoiTuong",
        "{from: a, codes: {CN: '1'}, default: '9'}",
        "mapping.default_refused",
    ),
    "wrong target": (
        "LoaiDoiTuong",
        "{from: a, codes: {CN: '1', DN: 'DN'}}",
        "mapping.codes_target_refused",
    ),
    "not a number": (
        "DanhSachTepDinhKemKhac",
        "{items: [{fields: {SoLuong: {constant: hai}}}]}",
        "mapping.constant_refused",
    ),
}


@pytest.mark.parametrize(("field", "rule", "code"), list(FIELDS.values()), ids=list(FIELDS))
def test_judges_written_values_by_the_portals_schema(mapping_text, mistakes, field, rule, code):
    problems = mistakes(mapping_text({field: rule}))

    assert [p.code for p in problems] == [code]
    assert problems[0].field.startswith(field)


@pytest.mark.parametrize(
    ("field", "rule", "suggestion"),
    [
        ("KenhThucHien", "{constant: 'xyz'}", "write one of the codes: 1 = "),
        ("MaTTHC", "{constant: 'khai sinh'}", "MaTTHC takes: d.dddddd, without a local suffix"),
        ("KenhThucHien", "{constant: q, codes: {a: '1'}}", "write a word of the code list"),
        ("LoaiDoiTuong", "{from: a, codes: {CN: 'xyz'}}", "write one of the codes: 1 = "),
    ],
)
def test_a_value_that_is_near_nothing_is_told_what_the_field_takes(
    mapping_text, mistakes, field, rule, suggestion
):
    (problem,) = mistakes(mapping_text({field: rule}))

    assert problem.suggestion is not None
    assert problem.suggestion.en.startswith(suggestion)
    assert problem.suggestion.vi != problem.suggestion.en


GROUPS = {
    "no kind": ("{fields: {TenTepDinhKem: a}}", "mapping.group_invalid"),
    "two kinds": ("{each: a, items: []}", "mapping.group_invalid"),
    "a path": ("tep", "mapping.type_wrong"),
    "each without fields": ("{each: a}", "mapping.key_missing"),
    "unknown field inside": ("{each: a, fields: {TenTep: b}}", "mapping.field_unknown"),
    "split without separator": (
        "{split: {from: a}, fields: {TenTepDinhKem: value}}",
        "mapping.key_missing",
    ),
    "split by nothing": (
        "{split: {from: a, separator: ''}, fields: {TenTepDinhKem: value}}",
        "mapping.type_wrong",
    ),
    "items that are no list": ("{items: {fields: {}}}", "mapping.type_wrong"),
}


@pytest.mark.parametrize(("rule", "code"), list(GROUPS.values()), ids=list(GROUPS))
def test_refuses_a_wrong_group(mapping_text, mistakes, rule, code):
    problems = mistakes(mapping_text({"TaiLieuNop": rule}))

    assert [(p.code, p.place.line) for p in problems] == [(code, 17)]
    assert problems[0].field.startswith("TaiLieuNop")


TOPS = {
    "name": ({"mapping": "Địa chính"}, "mapping.type_wrong", 1, "mapping"),
    "version": ({"version": "0"}, "mapping.type_wrong", 2, "version"),
    "version text": ({"version": "một"}, "mapping.type_wrong", 2, "version"),
    "schema": ({"schema": "dvcqg-2021"}, "mapping.schema_unknown", 3, "schema"),
    "agency": ({"agency": "{code: A}"}, "mapping.key_missing", 4, "agency"),
    "empty agency": ({"agency": "{code: '', name: B}"}, "mapping.type_wrong", 4, "agency.code"),
    "format": ({"source": "{format: csvv}"}, "mapping.source_wrong", 5, "source.format"),
    "encoding": (
        {"source": "{format: csv, encoding: tcvn4}"},
        "mapping.source_wrong",
        5,
        "source.encoding",
    ),
    "unknown key": ({"surce": "1"}, "mapping.key_unknown", 6, "surce"),
    "flag": ({"one_row_per_dossier": "no"}, "mapping.type_wrong", 6, "one_row_per_dossier"),
    "key template": ({"event_key": "abc"}, "mapping.template_invalid", 6, "event_key"),
    "valid_at": ({"valid_at": "khac"}, "mapping.valid_at_invalid", 6, "valid_at"),
    "valid_at rule": ({"valid_at": "{from: a}"}, "mapping.valid_at_invalid", 6, "valid_at"),
    "test key": (
        {"tests": "[{name: a, record: {}, dosier: {}}]"},
        "mapping.key_unknown",
        6,
        "tests[0].dosier",
    ),
    "test problems": (
        {"tests": "[{name: a, record: {}, problems: [mapping.x]}]"},
        "mapping.type_wrong",
        6,
        "tests[0].problems",
    ),
    "progress": ({"progress": "{}"}, "mapping.key_missing", 6, "progress"),
}


@pytest.mark.parametrize(("top", "code", "line", "path"), list(TOPS.values()), ids=list(TOPS))
def test_names_the_line_of_a_wrong_head(mapping_text, mistakes, top, code, line, path):
    problems = mistakes(mapping_text(**top))

    assert [(p.code, p.place.line, p.place.path) for p in problems] == [(code, line, path)]


LISTS = {
    "twice the same": (
        "[{from: A, to: '1'}, {from: [B, A], to: '2'}]",
        "mapping.codes_duplicate",
    ),
    "overlapping days": (
        "[{from: A, to: '1', valid_to: 2025-06-30}, {from: A, to: '2', valid_from: 2025-06-30}]",
        "mapping.codes_overlap",
    ),
    "from after to": (
        "[{from: A, to: '1', valid_from: 2025-07-01, valid_to: 2025-06-30}]",
        "mapping.codes_validity",
    ),
    "no such day": ("[{from: A, to: '1', valid_to: 2025-06-31}]", "mapping.type_wrong"),
    "no target": ("[{from: A}]", "mapping.key_missing"),
    "unknown key": ("[{from: A, to: '1', until: 2025-06-30}]", "mapping.key_unknown"),
    "not a list": ("{A: '1'}", "mapping.type_wrong"),
}


@pytest.mark.parametrize(("entries", "code"), list(LISTS.values()), ids=list(LISTS))
def test_refuses_a_wrong_code_list(mapping_text, mistakes, entries, code):
    problems = mistakes(mapping_text(code_lists=f"{{loai: {{entries: {entries}}}}}"))

    assert [(p.code, p.place.line) for p in problems] == [(code, 6)]


def test_compares_without_case_when_looking_for_the_same_word_twice(mapping_text, mistakes):
    entries = "[{from: 'Đang  xử lý', to: '4'}, {from: 'ĐANG XỬ LÝ', to: '5'}]"

    problems = mistakes(
        mapping_text(code_lists=f"{{tt: {{ignore_case: true, entries: {entries}}}}}")
    )

    assert "mapping.codes_duplicate" in [p.code for p in problems]


def test_days_that_touch_do_not_overlap(mapping_text, load):
    entries = (
        "[{from: A, to: '1', valid_to: 2025-06-30}, {from: A, to: '2', valid_from: 2025-07-01}]"
    )

    assert load(mapping_text(code_lists=f"{{loai: {{entries: {entries}}}}}")).code_lists["loai"]


def test_names_the_line_of_a_target_in_a_named_list(mapping_text, mistakes):
    text = mapping_text(
        {"TrangThaiHoSo": "{from: tt, codes: tt}"},
        code_lists="\n  tt:\n    entries:\n      - {from: A, to: '4'}\n      - {from: B, to: '12'}",
    )

    problems = mistakes(text)

    (error,) = problems
    assert (error.code, error.place.line) == ("mapping.codes_target_refused", 10)
    assert "10 = Đã trả kết quả" in error.message.vi


def test_every_mandatory_field_needs_a_rule(mapping_text, mistakes):
    problems = mistakes(mapping_text(without=("TenTTHC", "HinhThuc")))

    assert [(p.code, p.place.line) for p in problems] == [("mapping.field_unmapped", 6)] * 2
    assert "TenTTHC" in problems[0].message.vi
    assert "HinhThuc" in problems[1].message.vi


def test_a_dossier_of_comments_alone_says_which_fields_it_needs(mapping_text, mistakes):
    head, _, rest = mapping_text().partition("dossier:\n")
    below = rest[rest.index("tests:") :] if "tests:" in rest else ""

    problems = mistakes(f"{head}dossier:\n  # MaHoSo: not yet\n{below}")

    assert {p.code for p in problems} == {"mapping.field_unmapped"}
    assert "the mandatory field MaHoSo of HoSo is not mapped" in [p.message.en for p in problems]


def test_fields_of_the_later_schema_are_unknown_to_the_earlier(mapping_text, mistakes, load):
    rule = {"NgayNopHoSo": "{from: ngay, date: [dd/MM/yyyy]}"}

    (problem,) = mistakes(mapping_text(rule))

    assert (problem.code, problem.field) == ("mapping.field_unknown", "NgayNopHoSo")
    assert "NgayNopHoSo" in load(mapping_text(rule, schema="dvcqg-2022")).dossier


def test_suggests_the_nearest_word(mapping_text, mistakes):
    text = mapping_text(
        {"GhiChuu": "a", "Email": "{from: a, date: [dd/MM/yyy]}", "Fax": "{form: a}"}
    )

    suggestions = [p.suggestion.en for p in mistakes(text) if p.suggestion]

    assert suggestions == [
        "did you mean 'GhiChu'?",
        "did you mean 'dd/MM/yyyy'?",
        "did you mean 'from'?",
    ]


def test_reports_everything_at_once_in_both_languages(mapping_text, mistakes):
    text = mapping_text(
        {
            "TrangThaiHoSo": "{from: tt, codes: khong_co}",
            "GhiChu": "{from: a, text: [{extract: '('}]}",
            "Xyz": "a",
        },
        without=("DonViXuLy",),
        version="x",
        source="{format: csv, delimeter: ';', header_row: 0}",
    )

    problems = mistakes(text)

    assert sorted({p.code for p in problems}) == [
        "mapping.codes_unknown",
        "mapping.field_unknown",
        "mapping.field_unmapped",
        "mapping.regex_invalid",
        "mapping.source_wrong",
        "mapping.type_wrong",
    ]
    assert sum(p.code == "mapping.source_wrong" for p in problems) == 2
    assert all(p.message.vi != p.message.en for p in problems)


def test_a_file_without_tests_gets_a_warning(mapping_text, load):
    (warning,) = load(mapping_text()).warnings

    assert (warning.code, warning.severity) == ("mapping.no_tests", Severity.WARNING)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_mapping(tmp_path / "khong-co.yaml")

    (problem,) = caught.value.problems
    assert problem.code == "mapping.unreadable"
    assert "khong-co.yaml" in problem.place.file


def test_a_list_is_no_mapping(mistakes):
    problems = mistakes("[1, 2]")

    assert {p.code for p in problems} == {"mapping.key_missing"}


def test_yaml_that_cannot_be_read_is_reported_with_its_line(mistakes):
    (problem,) = mistakes("mapping: a\nmapping: b\n")

    assert (problem.code, problem.place.line) == ("mapping.yaml_duplicate_key", 2)


def test_every_place_that_a_draft_left_open_is_an_error_of_its_own(mapping_text, mistakes):
    text = mapping_text(
        {
            "TenTTHC": '{from: a, codes: {"1.001776": "?", "2.000286": Trợ cấp, "2.000282": "?"}}',
            "TrangThaiHoSo": "{from: b, codes: tinh_trang}",
        },
        agency='{code: "?", name: "?"}',
        code_lists='{tinh_trang: {entries: [{from: [Xong, Hết], to: "?"}, {from: Mới, to: "1"}]}}',
    )

    found = mistakes(text)

    assert [(problem.code, problem.place.path) for problem in found] == [
        ("mapping.unfinished", "agency.code"),
        ("mapping.unfinished", "agency.name"),
        ("mapping.unfinished", "code_lists.tinh_trang.entries"),
        ("mapping.unfinished", "dossier.TenTTHC.codes"),
    ]
    assert "'1.001776', '2.000282'" in found[3].message.en
    assert "'Xong', 'Hết'" in found[2].message.en


def test_a_file_is_read_again_only_when_its_bytes_are_others(tmp_path):
    path = tmp_path / "land.yaml"
    data = packaged("agencies", "land-registration.yaml").read_bytes()
    path.write_bytes(data)
    first, again = load_mapping(path), load_mapping(path)
    path.write_bytes(data.replace(b"version: 3", b"version: 4"))

    changed = load_mapping(path)

    assert again is first
    assert (first.version, changed.version) == (3, 4)
    assert changed.digest != first.digest
