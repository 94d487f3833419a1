from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from adapters import SourceRecord
from mappings import compile_mapping
from schemas.problem import Place

VALUES = {
    "a path": ("ghi", {"ghi": "Đủ"}, "Đủ"),
    "trimmed": ("ghi", {"ghi": " \t Đủ\u00a0\n"}, "Đủ"),
    "composed": ("ghi", {"ghi": "D\u0301u\u0309"}, "D́ủ"),
    "empty": ("ghi", {"ghi": "  "}, None),
    "absent": ("ghi", {}, None),
    "null": ("ghi", {"ghi": None}, None),
    "a number": ("ghi", {"ghi": 42}, "42"),
    "zero": ("ghi", {"ghi": 0}, "0"),
    "a float that is whole": ("ghi", {"ghi": 88412.0}, "88412"),
    "a small float": ("ghi", {"ghi": 0.00001}, "0.00001"),
    "true": ("ghi", {"ghi": True}, "true"),
    "false": ("ghi", {"ghi": False}, "false"),
    "dotted": ("a.b", {"a": {"b": "x"}}, "x"),
    "indexed": ("a[1].b", {"a": [{"b": "x"}, {"b": "y"}]}, "y"),
    "out of range": ("a[7].b", {"a": [{"b": "x"}]}, None),
    "index into one object": ("'a[0].b'", {"a": {"b": "x"}}, "x"),
    "a step into nothing": ("a.b", {"a": ""}, None),
    "a step into text, where that is foreseen": ("{from: [a.b, a]}", {"a": "x"}, "x"),
    "a header with dots wins": ("a.b", {"a.b": "header", "a": {"b": "x"}}, "header"),
    "a header with spaces": ("'Họ và tên'", {"Họ và tên": "x"}, "x"),
    "a header with brackets": ("'Số [CMND]'", {"Số [CMND]": "x"}, "x"),
    "an attribute": ("'TrangThai.@ma'", {"TrangThai": {"@ma": "4"}}, "4"),
    "own text": ("'T.#text'", {"T": {"@ma": "4", "#text": "Đang"}}, "Đang"),
    "own text without attributes": ("'T.#text'", {"T": "Đang"}, "Đang"),
    "an element with attributes": ("T", {"T": {"@ma": "4", "#text": "Đang"}}, "Đang"),
    "rooted": ("/a.b", {"a": {"b": "x"}}, "x"),
    "the first that is not empty": ("{from: [a, b, c]}", {"a": " ", "b": "x", "c": "y"}, "x"),
    "constant": ("{constant: x}", {}, "x"),
    "constant that looks like a number": ("{constant: 0123}", {}, "0123"),
    "template": ("{template: '{a} - {b.c}'}", {"a": "x", "b": {"c": 1}}, "x - 1"),
    "template with an empty part": ("{template: '{a} - {b}'}", {"a": "x"}, None),
    "template with braces": ("{template: '{{{a}}}'}", {"a": "x"}, "{x}"),
    "default": ("{from: a, default: x}", {}, "x"),
    "default not needed": ("{from: a, default: x}", {"a": "y"}, "y"),
    "default of a template": ("{template: '{a}', default: x}", {}, "x"),
    "collapse_spaces": ("{from: a, text: [collapse_spaces]}", {"a": "x  \n\u00a0y"}, "x y"),
    "one rule without a list": ("{from: a, text: upper}", {"a": "đủ"}, "ĐỦ"),
    "upper": ("{from: a, text: [upper]}", {"a": "đường"}, "ĐƯỜNG"),
    "lower": ("{from: a, text: [lower]}", {"a": "ĐƯỜNG"}, "đường"),
    "unescape_html": (
        "{from: a, text: [unescape_html]}",
        {"a": "Ph&#7841;m &amp; D&#x169;ng &Agrave;"},
        "Phạm & Dũng À",
    ),
    "unescape_html keeps what names no character": (
        "{from: a, text: [unescape_html]}",
        {"a": "A&#1;B&#xFFFE;C&#x110000;"},
        "A&#1;B&#xFFFE;C&#x110000;",
    ),
    "unescape_html composes": (
        "{from: a, text: [unescape_html]}",
        {"a": "a&#x302;&#x301;"},
        "ấ",
    ),
    "strip_tags": (
        "{from: a, text: [strip_tags]}",
        {"a": "<p>Một<br/>hai</p> 1 < 2"},
        "Một hai 1 < 2",
    ),
    "digits": ("{from: a, text: [digits]}", {"a": "(028) 3822-1234"}, "02838221234"),
    "digits of none": ("{from: a, text: [digits], default: x}", {"a": "không"}, "x"),
    "replace": (
        r"{from: a, text: [{replace: ['\.000\.00\.00\.H29$', '']}]}",
        {"a": "1.001612.000.00.00.H29"},
        "1.001612",
    ),
    "replace with groups": (
        r"{from: a, text: [{replace: ['(\d+)/(\d+)', '\2-\1']}]}",
        {"a": "12/34"},
        "34-12",
    ),
    "extract a group": (r"{from: a, text: [{extract: '^(\d{4})'}]}", {"a": "2025CPXD"}, "2025"),
    "extract the whole": (r"{from: a, text: [{extract: '\d+'}]}", {"a": "số 25"}, "25"),
    "truncate": ("{from: a, text: [{truncate: 8}]}", {"a": "Đường dài"}, "Đường..."),
    "truncate not needed": ("{from: a, text: [{truncate: 9}]}", {"a": "Đường dài"}, "Đường dài"),
    "truncate very short": ("{from: a, text: [{truncate: 2}]}", {"a": "Đường"}, "Đư"),
    "prefix and suffix": (
        "{from: a, text: [{prefix: 'Số '}, {suffix: '/TĐ'}]}",
        {"a": "7"},
        "Số 7/TĐ",
    ),
    "no prefix on nothing": ("{from: a, text: [{prefix: 'Số '}]}", {}, None),
    "text rules in order": (
        "{from: a, text: [unescape_html, strip_tags, upper, {truncate: 6}]}",
        {"a": "&lt;b&gt;đường&lt;/b&gt; dài"},
        "ĐƯỜ...",
    ),
    "vietnamese number": ("{from: a, number: vietnamese}", {"a": "1.234.567,50"}, "1234567.5"),
    "vietnamese number, whole": ("{from: a, number: vietnamese}", {"a": "-1.000"}, "-1000"),
    "vietnamese number, plain": ("{from: a, number: vietnamese}", {"a": "1234,5"}, "1234.5"),
    "vietnamese number, decimal cell": ("{from: a, number: vietnamese}", {"a": 12.345}, "12.345"),
    "vietnamese number, half in a cell": ("{from: a, number: vietnamese}", {"a": -1.5}, "-1.5"),
    "vietnamese number, whole cell": ("{from: a, number: vietnamese}", {"a": 12345.0}, "12345"),
    "vietnamese number, text after a decimal": (
        "{from: [b, a], number: vietnamese}",
        {"a": "12.345", "b": None},
        "12345",
    ),
    "plain number": ("{from: a, number: plain}", {"a": "1234567.50"}, "1234567.5"),
    "plain number of a cell": ("{from: a, number: plain}", {"a": 1e15}, "1000000000000000"),
    "integer": ("{from: a, number: integer}", {"a": "007"}, "7"),
    "minus zero": ("{from: a, number: plain}", {"a": "-0.0"}, "0"),
    "inline codes": ("{from: a, codes: {CN: x, DN: y}}", {"a": "DN"}, "y"),
    "a code for a flag": ("{from: a, codes: {true: x, false: y}}", {"a": True}, "x"),
    "a code for nothing": ("{from: a, codes: {'': x}}", {}, "x"),
    "a code to nothing": ("{from: a, codes: {'0': ''}}", {"a": 0}, None),
    "a code to nothing takes the default": (
        "{from: a, codes: {'0': ''}, default: x}",
        {"a": "0"},
        "x",
    ),
    "lookup": (
        "{lookup: {table: procedures, key: a, column: field}}",
        {"a": "1.001612"},
        "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)",
    ),
    "lookup of nothing": ("{lookup: {table: procedures, key: a, column: field}}", {}, None),
    "lookup of a cut text": (
        r"{from: a, text: [{extract: '^\d\.\d{6}'}], lookup: {table: procedures, column: code}}",
        {"a": "1.001612.H29"},
        "1.001612",
    ),
    "lookup of another key": (
        "{from: a, lookup: {table: statuses, key: b, column: name}}",
        {"a": "x", "b": 10},
        "Đã trả kết quả",
    ),
    "lookup of a ward": (
        "{lookup: {table: districts, key: a, column: name}}",
        {"a": "760"},
        "Quận 1",
    ),
    "when true": ("{from: a, when: {path: b, equals: '1'}}", {"a": "x", "b": 1}, "x"),
    "when false": ("{from: a, when: {path: b, equals: '1'}}", {"a": "x", "b": 2}, None),
    "when false has no default": (
        "{from: a, default: y, when: {path: b, present: true}}",
        {"a": "x"},
        None,
    ),
}


@pytest.mark.parametrize(("rule", "record", "expected"), list(VALUES.values()), ids=list(VALUES))
def test_a_rule_gives(value_of, rule, record, expected):
    assert value_of(rule, record) == expected


CONDITIONS = {
    "present": ("{path: a, present: true}", {"a": "x"}, True),
    "present but blank": ("{path: a, present: true}", {"a": " "}, False),
    "present but no items": ("{path: a, present: true}", {"a": []}, False),
    "present zero": ("{path: a, present: true}", {"a": 0}, True),
    "absent": ("{path: a, present: false}", {}, True),
    "equals": ("{path: a, equals: x}", {"a": " x "}, True),
    "equals true": ("{path: a, equals: true}", {"a": True}, True),
    "equals a list": ("{path: a, equals: x}", {"a": ["x"]}, False),
    "in": ("{path: a, in: [x, y]}", {"a": "y"}, True),
    "not in": ("{path: a, in: [x, y]}", {"a": "z"}, False),
    "matches a part": (r"{path: a, matches: '\d'}", {"a": "x1"}, True),
    "matches all": (r"{path: a, matches: '^\d$'}", {"a": "x1"}, False),
    "all": ("{all: [{path: a, equals: x}, {path: b, equals: y}]}", {"a": "x", "b": "y"}, True),
    "not all": ("{all: [{path: a, equals: x}, {path: b, equals: y}]}", {"a": "x"}, False),
    "any": ("{any: [{path: a, equals: x}, {path: b, equals: y}]}", {"b": "y"}, True),
    "not any": ("{any: [{path: a, equals: x}, {path: b, equals: y}]}", {}, False),
    "not": ("{not: {path: a, equals: x}}", {"a": "y"}, True),
    "deep": ("{all: [{not: {any: [{path: a, equals: x}]}}]}", {"a": "x"}, False),
}


@pytest.mark.parametrize(
    ("condition", "record", "holds"), list(CONDITIONS.values()), ids=list(CONDITIONS)
)
def test_a_condition_holds_or_not(value_of, condition, record, holds):
    value = value_of(f"{{constant: x, when: {condition}}}", record)

    assert value == ("x" if holds else None)


PROBLEMS = {
    "unknown code": ("{from: a, codes: {CN: x}}", {"a": "TC"}, "mapping.code_unknown", "'TC'"),
    "no match": ("{from: a, text: [{extract: x}]}", {"a": "yz"}, "mapping.text_no_match", "'yz'"),
    "impossible date": (
        "{from: a, date: [dd/MM/yyyy, iso]}",
        {"a": "31/02/2021"},
        "mapping.date_invalid",
        "'dd/MM/yyyy', 'iso', found '31/02/2021'",
    ),
    "a date of another time": (
        "{from: a, date: [dd/MM/yyyy]}",
        {"a": "01/01/0001"},
        "mapping.date_implausible",
        "'01/01/0001'",
    ),
    "no number": (
        "{from: a, number: vietnamese}",
        {"a": "1,234.5"},
        "mapping.number_invalid",
        "'1,234.5'",
    ),
    "thousands in a plain number": (
        "{from: a, number: integer}",
        {"a": "1.000"},
        "mapping.number_invalid",
        "'1.000'",
    ),
    "unknown key of a table": (
        "{lookup: {table: procedures, key: a, column: title}}",
        {"a": "9.999999"},
        "mapping.lookup_unknown",
        "'9.999999'",
    ),
    "too long": ("a", {"a": "x" * 2001}, "mapping.too_long", "2001 characters"),
    "a control character": ("a", {"a": "x\x0by"}, "mapping.value_refused", "U+000B"),
    "a surrogate": ("a", {"a": "x\ud800"}, "mapping.value_refused", "U+D800"),
    "a list": ("a", {"a": ["x"]}, "mapping.not_a_value", "'a' holds a list"),
    "an object": ("{template: '{a}'}", {"a": {"b": "x"}}, "mapping.not_a_value", "'a' holds"),
    "too long for a regular expression": (
        "{from: a, text: [{replace: [x, y]}, {truncate: 10}]}",
        {"a": "x" * 20_001},
        "mapping.too_long",
        "20001",
    ),
}


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"a": "", "b": {"c": "y"}}, "a"),
        ({"a": "x", "b": {"c": None}}, "b.c"),
        ({"a": "x"}, "b.c"),
        ({}, "a"),
    ],
)
def test_of_a_mandatory_template_the_empty_part_is_named(problems_of, record, path):
    (problem,) = problems_of("{template: '{a} - {b.c}'}", record, field="TenTTHC")

    assert problem.code == "mapping.field_missing"
    assert problem.place.path == path


@pytest.mark.parametrize(
    ("rule", "record", "code", "quote"), list(PROBLEMS.values()), ids=list(PROBLEMS)
)
def test_a_value_is_refused_once_at_its_own_cell(problems_of, rule, record, code, quote):
    (problem,) = problems_of(rule, record)

    assert (problem.code, problem.field) == (code, "GhiChu")
    assert problem.place == Place(file="thu.csv", row=2, path="a")
    assert quote in problem.message.en
    assert problem.message.vi != problem.message.en


REFUSED = {
    "no code of the portal": ("KenhThucHien", "a", {"a": "7"}, "3 = "),
    "no boolean": (
        "TaiLieuNop",
        "{items: [{fields: {IsDeleted: /a}}]}",
        {"a": "true"},
        "'True'",
    ),
    "no whole number": (
        "DanhSachTepDinhKemKhac",
        "{items: [{fields: {SoLuong: a}}]}",
        {"a": "2.5"},
        "whole number",
    ),
    "a time of another age": ("NgayTra", "a", {"a": "00010101000000"}, "1990"),
    "no time of the portal": ("NgayTra", "a", {"a": "05/03/2021"}, "yyyyMMddHHmmss"),
    "a procedure with its local end": ("MaTTHC", "a", {"a": "1.001612.H29"}, "does not have"),
}


@pytest.mark.parametrize(
    ("field", "rule", "record", "quote"), list(REFUSED.values()), ids=list(REFUSED)
)
def test_what_the_schema_refuses_is_reported_at_the_agencys_cell(
    problems_of, field, rule, record, quote
):
    (problem,) = problems_of(rule, record, field=field)

    assert problem.code == "mapping.value_refused"
    assert problem.field.startswith(field)
    assert problem.place.path == "a"
    assert quote in str(problem.message) + str(problem.suggestion)


def test_a_failed_value_takes_no_default_and_is_not_missing_too(problems_of):
    (problem,) = problems_of(
        "{from: a, codes: {CN: '1'}, default: '1'}", {"a": "TC"}, field="LoaiDoiTuong"
    )

    assert problem.code == "mapping.code_unknown"


def test_an_unknown_code_names_the_nearest_and_all_known(problems_of):
    (problem,) = problems_of("{from: a, codes: {Đang xử lý: '4', Mới: '2'}}", {"a": "Dang xử lý"})

    assert problem.suggestion.vi == "có phải là 'Đang xử lý'?"
    assert "'Đang xử lý', 'Mới'" in problem.message.vi


def test_a_very_long_wrong_value_costs_no_search_for_a_nearest_one(problems_of):
    (problem,) = problems_of("{from: a, codes: {CN: '1'}}", {"a": "C" * 1_000_000})

    assert "C… (1000000)" in problem.message.en.replace("'", "")
    assert len(problem.message.vi) < 500
    assert "báo cho người phụ trách kết nối" in problem.suggestion.vi
    assert "thêm nó vào danh mục mã" in problem.for_integrator.vi


def test_case_and_spaces_do_not_matter_where_the_list_says_so_but_accents_do(convert):
    lists = "{tt: {ignore_case: true, entries: [{from: 'Đang xử lý', to: '4'}]}}"
    rule = {"TrangThaiHoSo": "{from: a, codes: tt}"}

    same = convert({"a": "ĐANG  XỬ LÝ"}, rule, code_lists=lists)
    other = convert({"a": "Dang xu ly"}, rule, code_lists=lists)

    assert same.events[0].values["TrangThaiHoSo"] == "4"
    assert [p.code for p in other.problems] == ["mapping.code_unknown"]


def test_date_cells_of_a_workbook_need_no_format(value_of, problems_of):
    rule = "{from: [b, a], date: [workbook]}"
    cell = datetime.fromisoformat("2021-03-05T08:15:00")

    assert value_of(rule, {"a": cell}, field="NgayTra") == "20210305081500"
    assert value_of(rule, {"b": "  ", "a": cell}, field="NgayTra") == "20210305081500"
    (problem,) = problems_of(rule, {"a": cell.replace(year=1899)}, field="NgayTra")
    assert problem.code == "mapping.date_implausible"


def test_values_that_mean_no_date_leave_the_field_out(value_of):
    rule = "{from: a, date: {formats: [dotnet], empty: ['/Date(-62135596800000)/', '0']}}"

    assert value_of(rule, {"a": "/Date(-62135596800000)/"}, field="NgayTra") is None
    assert value_of(rule, {"a": 0}, field="NgayTra") is None


DATED = (
    "{tt: {entries: [{from: A, to: '4', valid_to: 2025-06-30}, "
    "{from: A, to: '5', valid_from: 2025-07-01, valid_to: 2025-12-31}]}}"
)


@pytest.mark.parametrize(
    ("day", "code"),
    [("01/01/1990", "4"), ("30/06/2025", "4"), ("01/07/2025", "5"), ("31/12/2025", "5")],
)
def test_a_code_is_that_of_the_dossiers_day_both_ends_included(convert, day, code):
    rule = {"TrangThaiHoSo": "{from: a, codes: tt}"}

    conversion = convert({"a": "A", "ngay": day}, rule, code_lists=DATED)

    assert conversion.events[0].values["TrangThaiHoSo"] == code


def test_a_code_out_of_force_is_reported_with_its_days(convert):
    rule = {"TrangThaiHoSo": "{from: a, codes: tt}"}

    conversion = convert({"a": "A", "ngay": "01/01/2026"}, rule, code_lists=DATED)

    (problem,) = conversion.problems
    assert problem.code == "mapping.code_not_valid"
    assert "2026-01-01" in problem.message.vi
    assert "… – 2025-06-30; 2025-07-01 – 2025-12-31" in problem.message.vi


@pytest.mark.parametrize(
    "valid_at",
    ["NgayTra", "tra", "{from: tra, date: [dd/MM/yyyy]}"],
    ids=["a portal field", "a path", "a rule"],
)
def test_another_day_can_be_named_for_codes(convert, valid_at):
    rules = {
        "TrangThaiHoSo": "{from: a, codes: tt}",
        "NgayTra": "{from: tra, date: [dd/MM/yyyy]}",
    }
    record = {"a": "A", "ngay": "01/01/2025", "tra": "01/07/2025"}

    found = convert(record, rules, code_lists=DATED, valid_at=valid_at)
    missing = convert(record | {"tra": ""}, rules, code_lists=DATED, valid_at=valid_at)
    wrong = convert(record | {"tra": "31/06/2025"}, rules, code_lists=DATED, valid_at=valid_at)

    assert found.events[0].values["TrangThaiHoSo"] == "5"
    assert [p.code for p in missing.problems] == ["mapping.valid_at_missing"]
    assert {p.code for p in wrong.problems} == {"mapping.date_invalid"}


def test_a_wrong_date_of_reception_is_one_problem_and_hides_no_other(convert):
    rules = {"TrangThaiHoSo": "{from: a, codes: tt}", "GhiChu": "{from: b, number: plain}"}

    conversion = convert({"a": "A", "b": "x", "ngay": "31/02/2025"}, rules, code_lists=DATED)

    assert [(p.code, p.field) for p in conversion.problems] == [
        ("mapping.date_invalid", "NgayTiepNhan"),
        ("mapping.number_invalid", "GhiChu"),
    ]


def test_a_district_that_was_merged_is_out_of_force(convert):
    rule = {"GhiChu": "{lookup: {table: districts, key: a, column: name}}"}

    before = convert({"a": "762", "ngay": "31/12/2020"}, rule)
    after = convert({"a": "762", "ngay": "01/01/2021"}, rule)

    assert before.events[0].values["GhiChu"] == "Quận Thủ Đức"
    assert [p.code for p in after.problems] == ["mapping.code_not_valid"]


def test_everything_wrong_with_a_record_is_reported_at_once_in_columns(convert):
    conversion = convert(
        {"so": "", "ngay": "2021", "loai": "X", "tel": "0" * 51},
        {"LoaiDoiTuong": "{from: loai, codes: {CN: '1'}}", "SoDienThoai": "tel"},
        columns={"so": "A (Số)", "ngay": "B (Ngày)", "loai": "C (Loại)", "tel": "D (ĐT)"},
        place=Place(file="thu.xlsx", sheet="Hồ sơ", row=7),
    )

    assert conversion.events == ()
    assert conversion.dossier_code is None
    assert [(p.code, p.field, p.place.column) for p in conversion.problems] == [
        ("mapping.field_missing", "MaHoSo", "A (Số)"),
        ("mapping.code_unknown", "LoaiDoiTuong", "C (Loại)"),
        ("mapping.date_invalid", "NgayTiepNhan", "B (Ngày)"),
        ("mapping.too_long", "SoDienThoai", "D (ĐT)"),
    ]
    assert {(p.place.sheet, p.place.row) for p in conversion.problems} == {("Hồ sơ", 7)}


@pytest.mark.parametrize(
    ("record", "place"),
    [({"b": "x"}, "a"), ({"a": "x", "b": " "}, "b"), ({}, "a"), ({"a": "x", "b": "x"}, "a")],
    ids=["first part", "second part", "both", "neither"],
)
def test_a_mandatory_text_of_several_values_is_missed_at_the_empty_one(convert, record, place):
    conversion = convert(
        record, {"LoaiDoiTuong": "{template: '{a}/{b}', codes: {x/y: '1', x/x: ''}}"}
    )

    (problem,) = conversion.problems
    assert (problem.code, problem.place.path) == ("mapping.field_missing", place)


def test_a_path_inside_a_record_continues_the_records_own_path(convert):
    conversion = convert(
        {"nguoi": {"loai": "X"}},
        {"LoaiDoiTuong": "{from: nguoi.loai, codes: {CN: '1'}}"},
        place=Place(file="thu.json", path="data[3]"),
    )

    assert conversion.problems[0].place == Place(file="thu.json", path="data[3].nguoi.loai")


FILES = {"TaiLieuNop": "{each: tep, when: {path: url, present: true}, fields: {TenTepDinhKem: ten, "
         "DuongDanTaiTepTin: url, TepDinhKemId: /so, IsDeleted: {constant: 'False'}}}"}  # fmt: skip


def test_a_group_has_an_item_for_each_entry_that_meets_the_condition(convert):
    record = {"tep": [{"ten": "a", "url": "u1"}, {"ten": "b"}, None, {"url": "u3"}]}

    items = convert(record, FILES).events[0].values["TaiLieuNop"]

    code = "H29.15-210305-0001"
    assert items == [
        {
            "TenTepDinhKem": "a",
            "DuongDanTaiTepTin": "u1",
            "TepDinhKemId": code,
            "IsDeleted": "False",
        },
        {"DuongDanTaiTepTin": "u3", "TepDinhKemId": code, "IsDeleted": "False"},
    ]


@pytest.mark.parametrize("record", [{}, {"tep": []}, {"tep": None}, {"tep": ""}])
def test_a_group_without_items_is_absent(convert, record):
    assert "TaiLieuNop" not in convert(record, FILES).events[0].values


def test_a_single_object_counts_as_a_list_of_one(convert):
    items = convert({"tep": {"ten": "a", "url": "u"}}, FILES).events[0].values["TaiLieuNop"]

    assert [item["TenTepDinhKem"] for item in items] == ["a"]


def test_a_list_of_texts_gives_its_values(convert):
    rule = {"TaiLieuNop": "{each: tep, fields: {TenTepDinhKem: value}}"}

    assert convert({"tep": ["a", "b"]}, rule).events[0].values["TaiLieuNop"] == [
        {"TenTepDinhKem": "a"},
        {"TenTepDinhKem": "b"},
    ]


def test_a_problem_inside_a_group_names_the_item_and_the_cell(convert):
    rule = {"TaiLieuNop": "{each: hs.tep, fields: {IsDeleted: {from: xoa, codes: {x: 'True'}}}}"}

    conversion = convert({"hs": {"tep": [{"xoa": "x"}, {"xoa": "y"}]}}, rule)

    (problem,) = conversion.problems
    assert problem.field == "TaiLieuNop[2].IsDeleted"
    assert problem.place.path == "hs.tep[1].xoa"


def test_a_text_is_split_into_items(convert):
    rule = {"DanhSachGiayToKetQua": "{split: {from: kq, separator: '##'}, fields: "
            "{TenGiayTo: {from: value, text: [{extract: '[^/]+$'}]}, DuongDanTepTinKetQua: value, "
            "GiayToId: /so}}"}  # fmt: skip

    values = convert({"kq": "/a/b.pdf## /c.pdf ####"}, rule).events[0].values
    wrong = convert({"kq": "/a/b.pdf##/c/"}, rule)

    assert [item["TenGiayTo"] for item in values["DanhSachGiayToKetQua"]] == ["b.pdf", "c.pdf"]
    assert [(p.field, p.place.path) for p in wrong.problems] == [
        ("DanhSachGiayToKetQua[2].TenGiayTo", "kq")
    ]


def test_items_are_made_from_columns(convert):
    rule = {"DanhSachLePhi": "{items: [{when: {path: le, present: true}, fields: {TenPhiLePhi: "
            "{constant: Lệ phí}, Gia: {from: le, number: vietnamese}}}, {when: {path: phi, "
            "present: true}, fields: {TenPhiLePhi: {constant: Phí}, Gia: {from: phi, number: "
            "vietnamese}}}]}"}  # fmt: skip

    both = convert({"le": "1.000", "phi": "20.000"}, rule).events[0].values["DanhSachLePhi"]
    one = convert({"phi": "20.000"}, rule).events[0].values["DanhSachLePhi"]
    wrong = convert({"phi": "miễn"}, rule)

    assert [item["Gia"] for item in both] == ["1000", "20000"]
    assert one == [{"TenPhiLePhi": "Phí", "Gia": "20000"}]
    assert [(p.field, p.place.path) for p in wrong.problems] == [("DanhSachLePhi[2].Gia", "phi")]


def test_groups_stand_inside_groups(convert):
    rule = {
        "DanhSachHoSoBoSung": "{each: bs, fields: {NoiDungBoSung: nd, DanhSachGiayToBoSung: "
        "{each: giay, fields: {TenTepDinhKem: ten, IsDeleted: {from: xoa, codes: {x: 'True'}}}}}}"
    }
    record = {"bs": [{"nd": "Bổ sung", "giay": [{"ten": "a", "xoa": "x"}, {"ten": "b"}]}]}

    found = convert(record, rule).events[0].values["DanhSachHoSoBoSung"]
    record["bs"][0]["giay"][1]["xoa"] = "y"
    (problem,) = convert(record, rule).problems

    assert found == [
        {
            "NoiDungBoSung": "Bổ sung",
            "DanhSachGiayToBoSung": [
                {"TenTepDinhKem": "a", "IsDeleted": "True"},
                {"TenTepDinhKem": "b"},
            ],
        }
    ]
    assert problem.field == "DanhSachHoSoBoSung[1].DanhSachGiayToBoSung[2].IsDeleted"
    assert problem.place.path == "bs[0].giay[1].xoa"


PROGRESS = (
    "{each: qt, when: {not: {path: an, equals: '1'}}, event_key: '{id}', fields: {MaHoSo: /so, "
    "NguoiXuLy: ten, ThoiDiemXuLy: {from: luc, date: [iso]}, NoiDungXuLy: nd, "
    "TrangThai: {from: tt, codes: {A: '4', B: '9'}}}}"
)
ROWS = [
    {"id": 1, "ten": "Cán bộ 1", "luc": "2021-03-05T08:15:00", "nd": "Thụ lý", "tt": "A"},
    {"id": 2, "ten": "Cán bộ 2", "luc": "2021-03-06T08:15:00", "nd": "Duyệt", "tt": "B"},
    {"id": 3, "an": "1"},
]


def test_the_dossier_comes_first_and_then_its_progress_in_order(convert):
    conversion = convert({"qt": ROWS, "lan": 3}, progress=PROGRESS, event_key='"{so}/{lan}"',
                         order_by='"{lan}"')  # fmt: skip

    assert [(e.packet, e.key, e.version) for e in conversion.events] == [
        ("DongBoHoSoMC", "H29.15-210305-0001/3", "3"),
        ("CapNhatTienDoHoSoMC", "1", None),
        ("CapNhatTienDoHoSoMC", "2", None),
    ]
    assert conversion.events[2].values == {
        "MaHoSo": "H29.15-210305-0001",
        "NguoiXuLy": "Cán bộ 2",
        "ThoiDiemXuLy": "20210306081500",
        "NoiDungXuLy": "Duyệt",
        "TrangThai": "9",
    }
    assert {e.dossier_code for e in conversion.events} == {"H29.15-210305-0001"}


def test_one_bad_progress_row_stops_the_whole_record(convert):
    rows = [ROWS[0], {**ROWS[1], "tt": "C", "ten": ""}]

    conversion = convert({"qt": rows}, progress=PROGRESS)

    assert conversion.events == ()
    assert conversion.dossier_code == "H29.15-210305-0001"
    assert [(p.code, p.field, p.place.path) for p in conversion.problems] == [
        ("mapping.field_missing", "NguoiXuLy", "qt[1].ten"),
        ("mapping.code_unknown", "TrangThai", "qt[1].tt"),
    ]


def test_a_progress_row_of_another_dossier_is_refused(convert):
    rows = [{**ROWS[0], "hs": "H29.15-210305-0002"}]

    conversion = convert({"qt": rows}, progress=PROGRESS.replace("/so", "hs"))

    (problem,) = conversion.problems
    assert (problem.code, problem.place.path) == ("mapping.progress_other_dossier", "qt[0].hs")


def test_without_each_the_record_is_one_progress_row(convert):
    progress = PROGRESS.replace("each: qt, ", "")

    assert len(convert(ROWS[0], progress=progress).events) == 2
    assert len(convert({**ROWS[0], "an": "1"}, progress=progress).events) == 1


def test_a_key_that_is_named_but_empty_is_refused_once(convert):
    top = {"event_key": '"{so}/{lan}"', "order_by": '"{lan}"'}

    conversion = convert({"lan": ""}, **top)
    without_code = convert({"so": "", "lan": "1"}, **top)

    assert [(p.code, p.place.path) for p in conversion.problems] == [("mapping.key_empty", "lan")]
    assert [p.code for p in without_code.problems] == ["mapping.field_missing"]


def test_a_key_of_any_length_is_not_taken(convert):
    conversion = convert({"lan": "x" * 256}, event_key='"{lan}"')

    assert [(p.code, p.place.path) for p in conversion.problems] == [("mapping.too_long", "lan")]


def test_the_digest_depends_on_the_content_only(convert):
    one = convert({"g": "Đủ", "e": "a@example.vn"}, {"GhiChu": "g", "Email": "e"}).events[0]
    other = convert({"x": "Đủ ", "y": "a@example.vn"}, {"Email": "y", "GhiChu": "x"}).events[0]
    changed = convert({"g": "Du", "e": "a@example.vn"}, {"GhiChu": "g", "Email": "e"}).events[0]

    canonical = (
        '{"DonViXuLy":"Đơn vị","Email":"a@example.vn","GhiChu":"Đủ","HinhThuc":"0",'
        '"LoaiDoiTuong":"1","MaHoSo":"H29.15-210305-0001","MaLinhVuc":"G01-TN01",'
        '"MaTTHC":"1.001612","NgayTiepNhan":"20210305000000","TenLinhVuc":"Lĩnh vực",'
        '"TenTTHC":"Thủ tục","TrangThaiHoSo":"4"}'
    )
    assert one.digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert other.digest == one.digest
    assert changed.digest != one.digest


def test_an_event_without_a_named_key_has_none(convert):
    event = convert().events[0]

    assert (event.key, event.version) == (None, None)


TEP = "{each: tep, fields: {TenTepDinhKem: ten, IsDeleted: {constant: 'False'}}}"


@pytest.mark.parametrize("entry", ["don.pdf", 7, True])
def test_an_entry_that_is_no_object_where_keys_are_read_stops_its_record(convert, entry):
    done = convert({"tep": [{"ten": "a.pdf"}, entry]}, {"TaiLieuNop": TEP})

    (problem,) = done.problems
    assert (problem.code, problem.field) == ("mapping.not_an_object", "TaiLieuNop[2]")
    assert problem.place.path == "tep[1]"
    assert problem.value == {7: "7", True: "true"}.get(entry, entry)
    assert done.events == ()


@pytest.mark.parametrize("entry", [None, "", "  "])
def test_an_empty_entry_is_none(convert, entry):
    done = convert({"tep": [{"ten": "a.pdf"}, entry]}, {"TaiLieuNop": TEP})

    assert done.problems == ()
    assert len(done.events[0].values["TaiLieuNop"]) == 1


def test_progress_rows_that_are_no_objects_stop_their_record(convert):
    progress = (
        "{each: rows, fields: {MaHoSo: /so, NguoiXuLy: ten, ThoiDiemXuLy: {from: luc, date: [iso]},"
        " NoiDungXuLy: viec, TrangThai: tt}}"
    )
    done = convert({"rows": ["đã tiếp nhận"]}, progress=progress)

    assert "mapping.not_an_object" in [problem.code for problem in done.problems]
    assert done.events == ()


@pytest.mark.parametrize("on_the_way", ["<TaiLieu/>", 7, [{"tep": [{"ten": "a.pdf"}]}]])
def test_what_a_list_is_looked_for_in_and_cannot_be_is_told(convert, on_the_way):
    done = convert({"giay": {"to": on_the_way}}, {"TaiLieuNop": TEP.replace("tep", "giay.to.tep")})

    (problem,) = done.problems
    assert (problem.code, problem.field) == ("mapping.not_an_object", "TaiLieuNop")
    assert problem.place.path == "giay.to"
    assert problem.suggestion.en == "mend it at the source"
    assert "source.embedded" in problem.for_integrator.en


@pytest.mark.parametrize("giay", [None, "", " ", {}, [], {"to": None}, {"to": {}}, {"to": ""}])
def test_where_nothing_is_there_is_no_list(convert, giay):
    done = convert({"giay": giay}, {"TaiLieuNop": TEP.replace("tep", "giay.to.tep")})

    assert done.problems == ()
    assert "TaiLieuNop" not in done.events[0].values


def test_a_field_that_the_agency_must_fill_is_missed_at_its_cell(convert):
    rule = {"ChuHoSo": "{from: ten, text: [collapse_spaces], required: true}"}

    assert convert({"ten": "Lê A"}, rule).events[0].values["ChuHoSo"] == "Lê A"
    for empty in (None, "", " \t"):
        done = convert({"ten": empty}, rule)
        (problem,) = done.problems
        assert (problem.code, problem.field) == ("mapping.field_missing", "ChuHoSo")
        assert problem.place.path == "ten"
        assert done.events == ()


def test_what_its_condition_leaves_out_is_not_missed(convert):
    rule = {"ChuHoSo": "{from: ten, required: true, when: {path: loai, in: [CN]}}"}

    assert convert({"loai": "DN"}, rule).problems == ()
    assert [p.code for p in convert({"loai": "CN"}, rule).problems] == ["mapping.field_missing"]


def test_a_default_fills_what_must_be_filled_and_a_refused_value_is_told_once(convert):
    assert convert({}, {"ChuHoSo": "{from: ten, default: A, required: true}"}).problems == ()

    rule = {"NgayTra": "{from: tra, date: [dd/MM/yyyy], required: true}"}
    done = convert({"tra": "32/01/2026"}, rule)

    assert [p.code for p in done.problems] == ["mapping.date_invalid"]


@pytest.mark.parametrize("on_the_way", ["<a/>", 7, [{"b": "x"}]])
def test_a_path_that_leads_into_what_is_no_object_is_told(convert, on_the_way):
    done = convert({"a": on_the_way}, {"GhiChu": "a.b"})

    (problem,) = done.problems
    assert (problem.code, problem.field) == ("mapping.not_an_object", "GhiChu")
    assert problem.place.path == "a"


@pytest.mark.parametrize("rule", ["tt", "{from: tt, codes: {'4': '4', '9': '9'}}"])
def test_no_code_is_suggested_for_another_code(convert, rule):
    """Status 99 is not 'did you mean 9': nobody should close a case by a guess."""
    (problem,) = convert({"tt": "99"}, {"TrangThaiHoSo": rule}).problems

    assert "did you mean" not in problem.suggestion.en
    assert "  " not in problem.message.vi + problem.message.en


def test_a_word_may_be_misspelt(convert):
    rule = "{from: tt, codes: {'Đang xử lý': '4'}}"
    (problem,) = convert({"tt": "Đang sử lý"}, {"TrangThaiHoSo": rule}).problems

    assert problem.suggestion.en == "did you mean 'Đang xử lý'?"


@pytest.mark.parametrize("where", ["%s", "{not: %s}", "{any: [%s, {path: b, present: true}]}"])
def test_a_condition_never_decides_by_a_part_of_a_text(problems_of, where):
    rule = "{constant: x, when: %s}" % (where % "{path: a, matches: 'y$'}")

    (problem,) = problems_of(rule, {"a": "x" * 20_000 + "y"})

    assert (problem.code, problem.value[:3]) == ("mapping.too_long", "xxx")
    assert problem.suggestion is not None


def test_a_condition_sees_twenty_thousand_characters(value_of):
    rule = "{constant: x, when: {path: a, matches: 'y$'}}"

    assert value_of(rule, {"a": "x" * 19_999 + "y"}) == "x"


NAMES = {
    "its code": ("so", {"so": " H29-1 "}, "H29-1"),
    "what the mapping makes of it": ("{template: 'H29-{so}'}", {"so": 1}, "H29-1"),
    "what stands there where it makes nothing": (
        '{from: so, text: [{extract: "H29-[0-9]+"}]}',
        {"so": "sai"},
        "sai",
    ),
    "the field that holds something": (
        '{from: [a, b], text: [{extract: "H29-[0-9]+"}]}',
        {"a": " ", "b": "sai"},
        "sai",
    ),
    "inside": ("a.b", {"a": {"b": "x"}}, "x"),
    "nothing": ("so", {"so": "  "}, None),
    "no value": ("so", {"so": [1, 2]}, None),
    "one part of several": ("{template: '{nam}-{so}'}", {"nam": 2024, "so": ""}, None),
    "too long": ("so", {"so": "x" * 5_000}, "x" * 200),
}


@pytest.mark.parametrize(("rule", "values", "name"), NAMES.values(), ids=NAMES)
def test_a_dossier_is_known_by_its_code_or_by_what_stands_in_its_place(
    load, mapping_text, rule, values, name
):
    converter = compile_mapping(load(mapping_text({"MaHoSo": rule})))
    record = SourceRecord(number=1, values=values, place=Place(file="thu.csv", row=2))

    assert converter.name_dossier(record) == name
