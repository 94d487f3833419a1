"""What `mapping check` finds in a file as a whole."""

from __future__ import annotations

import pytest

from mappings import load_mapping
from schemas.errors import ConfigError
from schemas.problem import Severity

# Lines 1-5 are the head, 6 is `dossier:`, 7-16 its ten mandatory fields, 17 what a test adds.
HEADLESS = '{format: csv, header: false, columns: [so, ngay, "Họ tên", tep]}'
REQUIRED = '{format: csv, required: [so, ngay, "Họ tên"]}'
LONG = "x" * 501


@pytest.fixture
def warnings(load, mapping_text):
    """Return the warnings of a mapping that can be used, but for its missing tests."""

    def run(dossier=None, **top):
        found = load(mapping_text(dossier, **top)).warnings
        assert all(p.severity is Severity.WARNING and p.message.vi for p in found)
        return [p for p in found if p.code != "mapping.no_tests"]

    return run


USES = {
    "a path": ("ChuHoSo", "Ho ten", "dossier.ChuHoSo"),
    "one of several": ("ChuHoSo", "{from: [Họ tên, Ho ten]}", "dossier.ChuHoSo"),
    "a template": ("ChuHoSo", "{template: 'Ông {Ho ten}'}", "dossier.ChuHoSo"),
    "a condition": (
        "ChuHoSo",
        "{from: so, when: {any: [{not: {path: Ho ten, present: true}}]}}",
        "dossier.ChuHoSo",
    ),
    "a look-up": (
        "ChuHoSo",
        "{lookup: {table: statuses, key: Ho ten, column: name}}",
        "dossier.ChuHoSo",
    ),
    "about a person": (
        "ChuHoSo",
        "{from: so, kind: {name: personal_id, sex: Ho ten}}",
        "dossier.ChuHoSo",
    ),
    "working days": (
        "NgayHenTra",
        "{from: ngay, date: {formats: [iso], working_days: Ho ten}}",
        "dossier.NgayHenTra",
    ),
    "a list": (
        "TaiLieuNop",
        "{each: Ho ten, fields: {TenTepDinhKem: x}}",
        "dossier.TaiLieuNop.each",
    ),
    "parts": (
        "TaiLieuNop",
        "{split: {from: Ho ten, separator: ','}, fields: {TenTepDinhKem: value}}",
        "dossier.TaiLieuNop.split.from",
    ),
    "an item": (
        "TaiLieuNop",
        "{items: [{fields: {TenTepDinhKem: Ho ten}}]}",
        "dossier.TaiLieuNop.items[0].fields.TenTepDinhKem",
    ),
    "the condition of an item": (
        "TaiLieuNop",
        "{items: [{when: {path: Ho ten, present: true}, fields: {TenTepDinhKem: so}}]}",
        "dossier.TaiLieuNop.items[0].when",
    ),
    "from the root of a group": (
        "TaiLieuNop",
        "{split: {from: tep, separator: ','}, fields: {TenTepDinhKem: /Ho ten}}",
        "dossier.TaiLieuNop.fields.TenTepDinhKem",
    ),
}


@pytest.mark.parametrize(("field", "rule", "key"), list(USES.values()), ids=list(USES))
def test_a_path_that_is_no_column_is_named_where_the_source_lists_all(
    mapping_text, mistakes, field, rule, key
):
    (problem,) = mistakes(mapping_text({field: rule}, source=HEADLESS))

    assert (problem.code, problem.place.line) == ("mapping.path_unknown", 17)
    assert problem.place.path == key
    assert problem.suggestion.en == "did you mean 'Họ tên'?"


def test_keys_and_progress_read_columns_too(mapping_text, mistakes):
    progress = (
        "{when: {path: b, present: true}, event_key: '{c}', fields: {MaHoSo: so, NguoiXuLy: d, "
        "ThoiDiemXuLy: {from: ngay, date: [iso]}, NoiDungXuLy: so, TrangThai: {constant: '4'}}}"
    )

    problems = mistakes(mapping_text(source=HEADLESS, event_key='"{a}"', progress=progress))

    assert {(p.place.line, p.place.path) for p in problems} == {
        (6, "event_key"),
        (7, "progress.when"),
        (7, "progress.event_key"),
        (7, "progress.fields.NguoiXuLy"),
    }


def test_what_stands_inside_an_entry_is_no_column(load, mapping_text):
    each = "{each: tep, when: {path: loai, present: true}, fields: {TenTepDinhKem: ten}}"

    assert load(mapping_text({"TaiLieuNop": each}, source=HEADLESS))


@pytest.mark.parametrize("path", ["ho ten", "HỌ TÊN", "Ho_Ten", "Họ tênn"])
def test_a_path_that_is_nearly_a_required_column_is_doubted(warnings, path):
    (problem,) = warnings({"ChuHoSo": path}, source=REQUIRED)

    assert (problem.code, problem.place.line) == ("mapping.path_misspelt", 17)
    assert problem.suggestion.en == "did you mean 'Họ tên'?"


@pytest.mark.parametrize("path", ["Họ tên", "Ngày trả", "Số điện thoại"])
def test_other_columns_than_the_required_ones_are_no_mistake(warnings, path):
    assert warnings({"ChuHoSo": path}, source=REQUIRED) == []


def test_a_neighbour_of_a_column_that_is_read_is_no_mistake(warnings):
    source = "{format: csv, required: [so, ngay, tep1]}"

    assert warnings({"ChuHoSo": "tep1", "GhiChu": "tep2"}, source=source) == []


def test_a_code_list_that_nobody_uses_is_named(warnings):
    lists = "{dung: {entries: [{from: a, to: '4'}]}, thua: {entries: [{from: a, to: '4'}]}}"

    (problem,) = warnings({"TrangThaiHoSo": "{from: tt, codes: dung}"}, code_lists=lists)

    assert (problem.code, problem.place.line, problem.place.path) == (
        "mapping.codes_unused",
        6,
        "code_lists.thua",
    )


def test_a_code_list_of_a_group_or_of_progress_is_used(warnings):
    lists = "{a: {entries: [{from: x, to: 'True'}]}, b: {entries: [{from: x, to: '4'}]}}"
    progress = (
        "{fields: {MaHoSo: so, NguoiXuLy: d, ThoiDiemXuLy: {from: ngay, date: [iso]}, "
        "NoiDungXuLy: so, TrangThai: {from: tt, codes: b}}}"
    )
    group = "{items: [{fields: {TenTepDinhKem: ten, IsDeleted: {from: xoa, codes: a}}}]}"

    assert warnings({"TaiLieuNop": group}, code_lists=lists, progress=progress) == []


def test_days_without_a_code_between_two_validities_are_named(warnings):
    entries = (
        "[{from: [A, a], to: '4', valid_to: 2025-06-30}, "
        "{from: A, to: '5', valid_from: 2025-08-01}, {from: a, to: '5', valid_from: 2025-07-01}]"
    )

    (problem,) = warnings(
        {"TrangThaiHoSo": "{from: tt, codes: tt}"}, code_lists=f"{{tt: {{entries: {entries}}}}}"
    )

    assert (problem.code, problem.place.line) == ("mapping.codes_gap", 6)
    assert "'A' has no code from 2025-07-01 to 2025-07-31" in problem.message.en


def test_a_condition_on_a_mandatory_field_is_doubted(warnings):
    rule = "{constant: 'x', when: {path: a, present: true}}"

    found = warnings({"DonViXuLy": rule, "GhiChu": rule})

    assert [(p.code, p.field) for p in found] == [("mapping.mandatory_conditional", "DonViXuLy")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ngay", ["mapping.date_unread"]),
        ("{from: ngay}", ["mapping.date_unread"]),
        ("{from: ngay, date: [iso]}", []),
        ("{from: ngay, text: [digits]}", []),
        ("{template: '{ngay}000000'}", []),
        ("{from: ngay, date: [iso, iso]}", ["mapping.date_format_twice"]),
    ],
)
def test_a_time_without_its_formats_is_doubted(warnings, rule, expected):
    assert [p.code for p in warnings({"NgayTra": rule})] == expected


REFUSED = {
    "a date for a code": ("LoaiDoiTuong", "{from: a, date: [iso]}", "mapping.conversion_refused"),
    "a number for a time": (
        "NgayTra",
        "{from: a, number: plain}",
        "mapping.conversion_refused",
    ),
    "a constant after its prefix": (
        "LoaiDoiTuong",
        "{constant: '1', text: [{prefix: x}]}",
        "mapping.constant_refused",
    ),
    "a constant that no rule takes": (
        "GhiChu",
        "{constant: abc, text: [{extract: '[0-9]+'}]}",
        "mapping.constant_refused",
    ),
    "a constant that is no such date": (
        "NgayTra",
        "{constant: '31/02/2025', date: [dd/MM/yyyy]}",
        "mapping.constant_refused",
    ),
    "a constant that is no number": (
        "GhiChu",
        "{constant: 'x', number: plain}",
        "mapping.constant_refused",
    ),
    "a constant that its list does not have": (
        "LoaiDoiTuong",
        "{constant: CM, codes: {CN: '1'}}",
        "mapping.constant_refused",
    ),
    "a constant that is too long": ("ChuHoSo", f"{{constant: {LONG}}}", "mapping.constant_refused"),
    "a default that is too long": (
        "ChuHoSo",
        f"{{from: a, default: {LONG}}}",
        "mapping.default_refused",
    ),
    "a prefix that fills the field": (
        "ChuHoSo",
        f"{{from: a, text: [{{prefix: {LONG[:-1]}}}]}}",
        "mapping.length_exceeded",
    ),
    "a template that fills the field": (
        "ChuHoSo",
        f"{{template: '{LONG[:-1]}{{a}}'}}",
        "mapping.length_exceeded",
    ),
    "a suffix after the cut": (
        "ChuHoSo",
        f"{{from: a, text: [{{truncate: 500}}, {{suffix: {LONG[:-1]}}}]}}",
        "mapping.length_exceeded",
    ),
}


@pytest.mark.parametrize(("field", "rule", "code"), list(REFUSED.values()), ids=list(REFUSED))
def test_what_every_record_would_trip_over_is_refused(mapping_text, mistakes, field, rule, code):
    problems = mistakes(mapping_text({field: rule}))

    assert [(p.code, p.field) for p in problems] == [(code, field)]


GOOD = {
    "a constant through its list": ("LoaiDoiTuong", "{constant: CN, codes: {CN: '1'}}"),
    "a constant through a date": ("NgayTra", "{constant: '05/03/2021', date: [dd/MM/yyyy]}"),
    "a constant that means no date": (
        "NgayTra",
        "{constant: '-', date: {formats: [iso], empty: ['-']}}",
    ),
    "a constant that is cut": ("ChuHoSo", f"{{constant: {LONG}, text: [{{truncate: 500}}]}}"),
    "a prefix that leaves one letter": (
        "ChuHoSo",
        f"{{from: a, text: [{{prefix: {LONG[:-2]}}}]}}",
    ),
    "a long prefix that is cut": (
        "ChuHoSo",
        f"{{from: a, text: [{{prefix: {LONG}}}, {{truncate: 500}}]}}",
    ),
    "a prefix that is taken off again": (
        "ChuHoSo",
        f"{{from: a, text: [{{prefix: {LONG}}}, {{extract: '^x'}}]}}",
    ),
}


@pytest.mark.parametrize(("field", "rule"), list(GOOD.values()), ids=list(GOOD))
def test_what_a_record_can_pass_is_left_alone(warnings, field, rule):
    assert warnings({field: rule}) == []


@pytest.mark.parametrize(
    "rules", ["[{truncate: 600}]", "[{truncate: 500}, {suffix: ' (sao)'}]"], ids=["cut", "suffix"]
)
def test_a_cut_that_does_not_help_is_doubted(warnings, rules):
    (problem,) = warnings({"ChuHoSo": f"{{from: a, text: {rules}}}"})

    assert problem.code == "mapping.truncate_too_long"
    assert problem.suggestion.en == "put {truncate: 500} at the end of `text`"


def test_a_test_cannot_expect_a_field_that_the_portal_does_not_have(mapping_text, mistakes):
    tests = (
        "[{name: a, record: {}, dossier: {GhiChuu: null, TaiLieuNop: [{TenTep: x}]}, "
        "progress: [{NguoiXuly: x}]}]"
    )

    problems = mistakes(mapping_text(tests=tests))

    assert [(p.code, p.place.path) for p in problems] == [
        ("mapping.field_unknown", "tests[0].dossier.GhiChuu"),
        ("mapping.field_unknown", "tests[0].dossier.TaiLieuNop[0].TenTep"),
        ("mapping.field_unknown", "tests[0].progress[0].NguoiXuly"),
    ]
    assert problems[0].suggestion.en == "did you mean 'GhiChu'?"


def test_an_expression_with_look_around_is_refused_with_what_to_write(mapping_text, mistakes):
    (problem,) = mistakes(
        mapping_text({"GhiChu": "{from: a, text: [{extract: '(?<=số )[0-9]+'}]}"})
    )

    assert (problem.code, problem.place.line) == ("mapping.regex_invalid", 17)
    assert "group 1 is taken" in problem.suggestion.en


def test_a_draft_may_lack_mandatory_fields_and_nothing_else(tmp_path, mapping_text):
    path = tmp_path / "thu.yaml"
    path.write_text(mapping_text(without=("DonViXuLy",)), "utf-8")

    draft = load_mapping(path, is_draft=True)

    assert "DonViXuLy" not in draft.dossier
    path.write_text(mapping_text({"Xyz": "a"}, without=("DonViXuLy",)), "utf-8")
    with pytest.raises(ConfigError):
        load_mapping(path, is_draft=True)
