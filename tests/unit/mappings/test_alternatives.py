"""Of the rules under `first`, the first that has a value decides, also when it is refused."""

from __future__ import annotations

import pytest

from adapters import SourceRecord
from mappings import compile_mapping, cover_fields, explain_mapping
from mappings.coverage import Cover
from schemas.problem import Place, Severity

DEADLINE = (
    '{first: [{from: hen, date: {formats: [dd/MM/yyyy], empty: ["00/00/0000"]}}, '
    '{from: ngay, date: {formats: [dd/MM/yyyy], working_days: so_ngay, at: "17:00"}}]}'
)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"hen": "12/03/2026", "so_ngay": "10"}, "20260312000000"),
        # Thursday 5 March 2026 and three working days.
        ({"hen": "", "so_ngay": "3"}, "20260310170000"),
        ({"so_ngay": "3"}, "20260310170000"),
        ({"hen": "00/00/0000", "so_ngay": "3"}, "20260310170000"),
    ],
)
def test_a_deadline_that_is_given_stands_and_another_is_counted(value_of, record, expected):
    record = {"ngay": "05/03/2026", **record}

    assert value_of(DEADLINE, record, field="NgayHenTra") == expected


RULES = {
    "a path alone": ("{first: [a, b]}", {"b": "x"}, "x"),
    "several kinds of source": ("{first: [a, {template: '{b}-{c}'}, {constant: z}]}", {}, "z"),
    "a template with an empty part": (
        "{first: [{template: '{b}-{c}'}, b]}",
        {"b": "x"},
        "x",
    ),
    "text rules that leave nothing": (
        "{first: [{from: a, text: [digits]}, b]}",
        {"a": "không", "b": "x"},
        "x",
    ),
    "a code that means nothing": (
        "{first: [{from: a, codes: {'-': ''}}, b]}",
        {"a": "-", "b": "x"},
        "x",
    ),
    "a table": (
        "{first: [{lookup: {table: statuses, column: name, key: a}}, b]}",
        {"b": "x"},
        "x",
    ),
    "a condition that fails": (
        "{first: [{from: a, when: {path: b, present: false}}, b]}",
        {"a": "không", "b": "x"},
        "x",
    ),
    "none, and a default": ("{first: [a, b], default: z}", {}, "z"),
    "a condition of the whole": (
        "{first: [a, b], when: {path: c, present: true}}",
        {"a": "x"},
        None,
    ),
}


@pytest.mark.parametrize(("rule", "record", "expected"), list(RULES.values()), ids=list(RULES))
def test_the_first_that_gives_something_decides(value_of, rule, record, expected):
    assert value_of(rule, record) == expected


def test_a_refused_value_does_not_fall_through(problems_of):
    record = {"hen": "31/02/2021", "so_ngay": "3"}

    (problem,) = problems_of(DEADLINE, record, field="NgayHenTra")

    assert (problem.code, problem.place.path) == ("mapping.date_invalid", "hen")
    assert problem.value == "31/02/2021"


def test_a_refused_value_of_a_later_alternative_is_told_at_its_own_cell(problems_of):
    (problem,) = problems_of(DEADLINE, {"so_ngay": "ba"}, field="NgayHenTra")
    (too_long,) = problems_of("{first: [a, b]}", {"b": "9" * 51}, field="SoDienThoai")

    assert (problem.code, problem.place.path) == ("mapping.days_invalid", "ngay")
    assert (too_long.code, too_long.place.path) == ("mapping.too_long", "b")


def test_a_mandatory_field_without_any_is_missed_at_the_first_empty_cell(problems_of):
    rule = "{first: [a, {from: b, when: {path: c, present: true}}], required: true}"

    (problem,) = problems_of(rule, {"b": "x"})

    assert (problem.code, problem.place.path) == ("mapping.field_missing", "a")
    assert "'a', 'b'" in problem.message.en


def test_the_day_of_codes_may_have_alternatives(convert):
    received = "{first: [{from: ngay, date: [dd/MM/yyyy]}, {from: gio, date: [yyyyMMddHHmmss]}]}"
    code = "{from: a, codes: tt}"
    lists = "{tt: {entries: [{from: x, to: y, valid_to: 2020-12-31}]}}"

    def codes_of(record, **top):
        found = convert(
            {"ngay": "", "a": "x", **record},
            {"NgayTiepNhan": received, "GhiChu": code},
            code_lists=lists,
            **top,
        )
        return [problem.code for problem in found.problems]

    assert codes_of({"gio": "20200305081500"}) == []
    assert codes_of({"gio": "20210305081500"}) == ["mapping.code_not_valid"]
    assert codes_of({"gio": "20200305081500"}, valid_at="NgayTiepNhan") == []
    assert codes_of({"gio": "20200305081500"}, valid_at="gio") == []


WRONG = {
    "only one": ("{first: [a]}", "mapping.first_invalid", "dossier.GhiChu.first"),
    "no list": ("{first: a}", "mapping.first_invalid", "dossier.GhiChu.first"),
    "inside another": (
        "{first: [a, {first: [b, c]}]}",
        "mapping.first_invalid",
        "dossier.GhiChu.first[1].first",
    ),
    "a conversion beside it": (
        "{first: [a, b], date: [iso]}",
        "mapping.first_invalid",
        "dossier.GhiChu.date",
    ),
    "another source beside it": (
        "{first: [a, b], from: c}",
        "mapping.first_invalid",
        "dossier.GhiChu.from",
    ),
    "an unknown key in one": (
        "{first: [a, {form: b}]}",
        "mapping.key_unknown",
        "dossier.GhiChu.first[1].form",
    ),
    "one that must have a value": (
        "{first: [a, {from: b, required: true}]}",
        "mapping.key_unknown",
        "dossier.GhiChu.first[1].required",
    ),
    "a list in it": ("{first: [a, [b]]}", "mapping.type_wrong", "dossier.GhiChu.first[1]"),
    "an unknown code list": (
        "{first: [a, {from: b, codes: zzz}]}",
        "mapping.codes_unknown",
        "dossier.GhiChu.first[1].codes",
    ),
}


@pytest.mark.parametrize(("rule", "code", "path"), list(WRONG.values()), ids=list(WRONG))
def test_what_is_wrong_with_alternatives_is_named(mapping_text, mistakes, rule, code, path):
    found = mistakes(mapping_text({"GhiChu": rule}))

    assert (code, path) in [(p.code, p.place.path) for p in found]
    assert {p.field for p in found} == {"GhiChu"}


@pytest.mark.parametrize(
    ("rule", "code", "path"),
    [
        (
            "{first: [a, {constant: '" + "9" * 51 + "'}]}",
            "mapping.constant_refused",
            "dossier.SoDienThoai.first[1].constant",
        ),
        (
            "{first: [a, b], default: '" + "9" * 51 + "'}",
            "mapping.default_refused",
            "dossier.SoDienThoai.default",
        ),
    ],
)
def test_what_alternatives_write_is_judged_beforehand(mapping_text, mistakes, rule, code, path):
    (problem,) = mistakes(mapping_text({"SoDienThoai": rule}))

    assert (problem.code, problem.place.path) == (code, path)


def warnings_of(file):
    assert all(p.severity is Severity.WARNING for p in file.warnings)
    return [(p.code, p.place.path) for p in file.warnings if p.code != "mapping.no_tests"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{first: [{constant: x}, a]}", "dossier.GhiChu.first[0]"),
        ("{first: [a, {from: b, default: x}, c]}", "dossier.GhiChu.first[1]"),
        ("{first: [{constant: x, when: {path: a, equals: '1'}}, a]}", None),
        ("{first: [{constant: x, text: [digits]}, a]}", None),
        ("{first: [a, b, {constant: x}]}", None),
    ],
)
def test_alternatives_that_are_never_used_are_doubted(load, mapping_text, rule, expected):
    found = warnings_of(load(mapping_text({"GhiChu": rule})))

    assert found == ([("mapping.first_unreached", expected)] if expected else [])


def test_days_that_are_added_to_whichever_date_is_there_are_doubted(load, mapping_text):
    rule = "{from: [hen, ngay], date: {formats: [dd/MM/yyyy], working_days: so_ngay}}"
    file = load(mapping_text({"NgayHenTra": rule}))

    assert warnings_of(file) == [("mapping.working_days_several", "dossier.NgayHenTra")]
    (warning,) = [p for p in file.warnings if p.code == "mapping.working_days_several"]
    assert "'hen', 'ngay'" in warning.message.en
    assert "first:" in warning.suggestion.en
    assert warnings_of(load(mapping_text({"NgayHenTra": DEADLINE}))) == []


def test_what_alternatives_read_counts_as_read(load, mapping_text):
    columns = "{format: csv, header: false, columns: [so, ngay, hen, so_ngay]}"
    lists = "{dung: {entries: [{from: x, to: y}]}}"
    file = load(
        mapping_text(
            {"NgayHenTra": DEADLINE, "GhiChu": "{first: [{from: so, codes: dung}, hen]}"},
            source=columns,
            code_lists=lists,
        )
    )
    record = SourceRecord(
        number=1,
        values={"so": "H29.15-210305-0001", "ngay": "05/03/2021", "hen": "", "so_ngay": "1"},
        place=Place(file="thu.csv", row=2),
    )

    assert warnings_of(file) == []
    assert [
        leaf.path for leaf in explain_mapping(file).explain(record).source if not leaf.is_used
    ] == []
    (row,) = [row for row in cover_fields([file]).rows if row.field == "NgayHenTra"]
    assert row.covers == (Cover.MAPPED,)


def test_a_misspelt_column_of_an_alternative_is_named_there(mapping_text, mistakes):
    columns = "{format: csv, header: false, columns: [so, ngay, hen]}"

    (problem,) = mistakes(mapping_text({"GhiChu": "{first: [hen, henn]}"}, source=columns))

    assert (problem.code, problem.place.path) == (
        "mapping.path_unknown",
        "dossier.GhiChu.first[1]",
    )


def test_it_is_told_which_alternative_made_the_value(load, mapping_text):
    file = load(
        mapping_text(
            {
                "NgayHenTra": "\n    first:\n"
                "      - {from: hen, date: [dd/MM/yyyy]}\n"
                "      - from: ngay\n"
                "        date: {formats: [dd/MM/yyyy], working_days: so_ngay}\n"
                "    default: '20260401000000'"
            }
        )
    )
    explainer = explain_mapping(file)

    def told(**values):
        record = SourceRecord(
            number=1,
            values={"so": "H29.15-210305-0001", "ngay": "05/03/2026", **values},
            place=Place(file="thu.csv", row=2),
        )
        explanation = explainer.explain(record)
        assert explanation.conversion == compile_mapping(file).convert(record)
        (field,) = [f for f in explanation.packets[0].fields if f.name == "NgayHenTra"]
        return [(s.kind.value, s.line, s.after, s.words.en) for s in field.steps]

    assert told(hen="12/03/2026") == [
        ("first", 19, "20260312000000", "alternative 1 of `first`"),
        ("source", 19, "12/03/2026", "read 'hen'"),
        ("date", 19, "20260312000000", "date dd/MM/yyyy"),
    ]
    assert told(hen="", so_ngay="1") == [
        ("first", 19, "", "alternative 1 of `first`"),
        ("source", 19, "", "read 'hen'"),
        ("first", 20, "20260306000000", "alternative 2 of `first`"),
        ("source", 20, "05/03/2026", "read 'ngay'"),
        ("date", 20, "20260305000000", "date dd/MM/yyyy"),
        ("source", 20, "1", "read 'so_ngay'"),
        ("working_days", 20, "20260306000000", "working days counted"),
    ]
    assert told(hen="", ngay="")[-2:] == [
        ("source", 20, "", "read 'ngay'"),
        ("default", 17, "20260401000000", "empty, so the default was taken"),
    ]
