"""Kinds, deadlines and what fields say together, as a mapping uses them."""

from datetime import date, datetime
from itertools import pairwise

import pytest

from mappings.calendar import load_calendar
from mappings.statuses import is_known, known_transitions


def found(conversion):
    return [(p.code, p.severity.value, p.field) for p in conversion.problems]


def test_a_value_that_is_refused_is_told_once_and_not_warned_of_too(problems_of):
    problems = problems_of("{from: dt, kind: phone}", {"dt": "090 " * 40}, field="SoDienThoai")

    assert [problem.code for problem in problems] == ["mapping.too_long"]


def test_a_kind_gives_the_standard_writing(convert):
    event = convert({"dt": "+84 90 123 45 67"}, {"DonViXuLy": "{from: dt, kind: phone}"}).events[0]

    assert event.values["DonViXuLy"] == "0901234567"


def test_an_error_stops_the_record_at_its_cell_and_names_its_source(convert):
    done = convert(
        {"mst": "0100109107"}, {"DonViXuLy": "{from: mst, kind: tax_code}"}, columns={"mst": "F"}
    )

    assert done.events == ()
    assert found(done) == [("value.tax_code_check_digit", "error", "DonViXuLy")]
    assert done.problems[0].place.column == "F"
    assert "105/2020/TT-BTC" in done.problems[0].suggestion.vi


def test_a_warning_goes_on_with_its_record(convert):
    done = convert({"dt": "hỏi chồng"}, {"DonViXuLy": "{from: dt, kind: phone}"})

    assert found(done) == [("value.phone_form", "warning", "DonViXuLy")]
    assert done.events[0].values["DonViXuLy"] == "hỏi chồng"


def test_what_a_kind_gives_is_looked_up(convert):
    rule = "{from: m, kind: procedure_code, lookup: {table: procedures, column: field}}"

    def done(code):
        conversion = convert({"m": code}, {"TenLinhVuc": rule})
        return [event.values["TenLinhVuc"] for event in conversion.events], found(conversion)

    assert done("1.001612.000.00.00.H29") == (
        ["Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)"],
        [],
    )
    assert done("một") == ([], [("value.procedure_code_form", "error", "TenLinhVuc")])
    # That the kind does not know the code either is not told twice.
    assert done("9.999999") == ([], [("mapping.lookup_unknown", "error", "TenLinhVuc")])
    # Nothing there is nothing to look up; the field is mandatory.
    assert [code for code, *_ in done("")[1]] == ["mapping.field_missing"]


@pytest.mark.parametrize(("severity", "events"), [("error", 0), ("warning", 1)])
def test_a_mapping_decides_how_grave_it_is(convert, severity, events):
    rule = f"{{from: x, kind: {{name: fee, severity: {severity}}}}}"

    assert len(convert({"x": "nhiều"}, {"DonViXuLy": rule}).events) == events


def test_a_mapping_decides_how_grave_a_single_rule_is(convert):
    rule = (
        "{from: id, kind: {name: personal_id, born: ns, "
        "severity: {value.personal_id_birth: error, value.personal_id_form: warning}}}"
    )

    def done(number, born=""):
        record = {"ngay": "05/03/2025", "id": number, "ns": born}
        conversion = convert(record, {"DonViXuLy": rule})
        return len(conversion.events), [(c, s) for c, s, _ in found(conversion)]

    assert done("079190000001", "1985") == (0, [("value.personal_id_birth", "error")])
    assert done("12345") == (1, [("value.personal_id_form", "warning")])
    # What is not named stays what it is.
    assert done("023456789") == (1, [("value.personal_id_retired", "warning")])


@pytest.mark.parametrize(
    ("severity", "code", "path", "remedy"),
    [
        (
            "{value.personal_id_lenght: error}",
            "mapping.severity_unknown",
            "dossier.GhiChu.kind.severity.value.personal_id_lenght",
            None,
        ),
        (
            "{value.personal_id_retire: error}",
            "mapping.severity_unknown",
            "dossier.GhiChu.kind.severity.value.personal_id_retire",
            "did you mean 'value.personal_id_retired'?",
        ),
        (
            "{value.phone_form: error}",
            "mapping.severity_unknown",
            "dossier.GhiChu.kind.severity.value.phone_form",
            None,
        ),
        (
            "{value.personal_id_form: fatal}",
            "mapping.type_wrong",
            "dossier.GhiChu.kind.severity.value.personal_id_form",
            None,
        ),
    ],
)
def test_a_severity_names_a_rule_of_its_kind(mistakes, mapping_text, severity, code, path, remedy):
    rule = f"{{from: a, kind: {{name: personal_id, severity: {severity}}}}}"

    (problem,) = mistakes(mapping_text({"GhiChu": rule}))

    assert (problem.code, problem.place.path, problem.field) == (code, path, "GhiChu")
    if remedy is not None:
        assert problem.suggestion.en == remedy


@pytest.mark.parametrize(
    ("born", "sex", "codes"),
    [
        ("01/03/1990", "NỮ", []),
        ("19900301000000", "nữ", []),
        ("1985", "Nam", ["value.personal_id_birth", "value.personal_id_sex"]),
        # Eight digits may be ddMMyyyy or yyyyMMdd: nothing is concluded.
        ("20011985", "1", []),
        ("", "", []),
    ],
)
def test_the_person_is_compared_with_the_number(convert, born, sex, codes):
    rule = "{from: id, kind: {name: personal_id, born: ns, sex: gt}}"
    done = convert({"id": "079190000001", "ns": born, "gt": sex}, {"DonViXuLy": rule})

    assert [problem.code for problem in done.problems] == codes


def test_an_agencys_own_codes_of_sex_can_be_named(convert):
    rule = '{from: id, kind: {name: personal_id, sex: gt, male: ["1034"], female: ["1035"]}}'
    done = convert({"id": "079190000001", "gt": "1034"}, {"DonViXuLy": rule})

    assert [problem.code for problem in done.problems] == ["value.personal_id_sex"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{from: a, kind: phones}", "mapping.kind_unknown"),
        ("{from: a, kind: {name: phone, writing: qcvn102}}", "mapping.key_unknown"),
        ("{from: a, kind: {name: agency_code, writing: old}}", "mapping.type_wrong"),
        ("{from: a, kind: {name: phone, severity: fatal}}", "mapping.type_wrong"),
        ("{from: a, kind: {severity: error}}", "mapping.key_missing"),
        ("{from: a, kind: phone, number: plain}", "mapping.rule_conversions"),
        (
            "{from: a, kind: phone, codes: {a: b}, lookup: {table: procedures, column: title}}",
            "mapping.rule_conversions",
        ),
        (
            "{kind: procedure_code, lookup: {table: procedures, column: title, key: a}}",
            "mapping.rule_sources",
        ),
        (
            "{from: a, kind: procedure_code, lookup: {table: procedures, column: title, key: b}}",
            "mapping.key_unknown",
        ),
        ("{from: a, date: {formats: [yyyy], at: '17:00'}}", "mapping.type_wrong"),
        ("{from: a, date: {formats: [yyyy], working_days: 9999}}", "mapping.type_wrong"),
        ("{from: a, date: {formats: [yyyy], working_days: 5, at: '25:00'}}", "mapping.type_wrong"),
    ],
)
def test_what_is_wrong_with_a_kind_or_deadline_is_found_in_the_file(
    mistakes, mapping_text, rule, code
):
    assert [p.code for p in mistakes(mapping_text({"GhiChu": rule}))] == [code]


DEADLINES = [
    # Tet of 2026: 16 to 20 February are off.
    ("13/02/2026", "1", "20260223170000"),
    ("13/02/2026", "0", "20260213170000"),
    # Saturday 22 August is worked, Monday 31 August and 1-2 September are not.
    ("21/08/2026", "1", "20260822170000"),
    ("28/08/2026", "1", "20260903170000"),
    ("06/03/2026", "15.0", "20260327170000"),
]


@pytest.mark.parametrize(("received", "days", "due"), DEADLINES)
def test_a_deadline_counts_working_days(convert, received, days, due):
    rule = "{from: ngay, date: {formats: [dd/MM/yyyy], working_days: n, at: '17:00'}}"
    done = convert({"ngay": received, "n": days}, {"NgayHenTra": rule})

    assert found(done) == []
    assert done.events[0].values["NgayHenTra"] == due


def test_a_deadline_from_a_date_cell_keeps_its_time(convert):
    rule = "{from: luc, date: {formats: [workbook], working_days: 2}}"
    moment = datetime(2026, 3, 6, 8, 15)  # noqa: DTZ001 - a cell has no zone
    done = convert({"ngay": "06/03/2026", "luc": moment}, {"NgayHenTra": rule})

    assert done.events[0].values["NgayHenTra"] == "20260310081500"


@pytest.mark.parametrize("received", ["31/12/2025", "20/12/2027"])
def test_a_deadline_over_days_that_are_not_confirmed_is_a_warning(convert, received):
    rule = "{from: ngay, date: {formats: [dd/MM/yyyy], working_days: 10}}"
    done = convert({"ngay": received}, {"NgayHenTra": rule})

    assert found(done) == [("mapping.deadline_uncertain", "warning", "NgayHenTra")]
    assert len(done.events) == 1


@pytest.mark.parametrize("days", ["mười", "-1", "2001", "1.5", ""])
def test_a_number_of_days_that_is_none_stops_the_record(convert, days):
    rule = "{from: ngay, date: {formats: [dd/MM/yyyy], working_days: n}}"
    done = convert({"n": days}, {"NgayHenTra": rule})

    assert found(done) == [("mapping.days_invalid", "error", "NgayHenTra")]


def test_the_calendar_knows_which_years_it_knows():
    calendar = load_calendar()

    assert calendar.years == {2025, 2026}
    assert calendar.is_working(date(2026, 8, 22))
    assert not calendar.is_working(date(2026, 8, 29))
    with pytest.raises(ValueError, match="2000"):
        calendar.add_working_days(date(2026, 1, 1), 2001)


def test_a_date_before_the_day_of_receipt_is_a_warning(convert):
    rule = "{from: hen, date: [dd/MM/yyyy]}"

    assert found(convert({"hen": "04/03/2021"}, {"NgayHenTra": rule})) == [
        ("value.date_order", "warning", "NgayHenTra")
    ]
    assert found(convert({"hen": "05/03/2021"}, {"NgayHenTra": rule})) == []


@pytest.mark.parametrize("name", ["NgayHenTra", "NgayTra", "NgayKetThucXuLy"])
def test_a_mapping_may_stop_what_has_its_dates_out_of_order(convert, name):
    rule = "{from: hen, date: [dd/MM/yyyy]}"
    stops = "{value.date_order: error}"

    done = convert({"hen": "04/03/2021"}, {name: rule}, severity=stops)

    assert (done.events, found(done)) == ((), [("value.date_order", "error", name)])
    assert done.problems[0].place.path == "hen"
    assert len(convert({"hen": "05/03/2021"}, {name: rule}, severity=stops).events) == 1


@pytest.mark.parametrize(
    ("severity", "code", "path"),
    [
        ("{value.date_oder: error}", "mapping.severity_unknown", "severity.value.date_oder"),
        ("{value.date_order: warning}", "mapping.type_wrong", "severity.value.date_order"),
        ("{text.repaired: error}", "mapping.severity_unknown", "severity.text.repaired"),
        ("error", "mapping.type_wrong", "severity"),
    ],
)
def test_only_what_the_fields_say_together_is_made_an_error(
    mistakes, mapping_text, severity, code, path
):
    (problem,) = mistakes(mapping_text(severity=severity))

    assert (problem.code, problem.place.path) == (code, path)


PROGRESS = (
    "{each: rows, fields: {NguoiXuLy: ten, ThoiDiemXuLy: {from: luc, date: [iso]},"
    " NoiDungXuLy: viec, TrangThai: tt, MaHoSo: /so}}"
)


def test_a_status_that_was_never_seen_to_follow_is_a_warning(convert):
    rows = [
        {"ten": "An", "luc": f"2021-03-0{day}T08:00:00", "viec": "việc", "tt": status}
        for day, status in enumerate(["2", "4", "5", "4", "10", "2"], 1)
    ]
    done = convert({"rows": rows}, progress=PROGRESS)

    assert [p.code for p in done.problems] == ["value.status_transition"] * 2
    assert "4 → 10" in done.problems[0].message.en
    assert "10 → 2" in done.problems[1].message.en
    assert len(done.events) == 7
    stops = "{value.status_transition: error}"
    assert convert({"rows": rows}, progress=PROGRESS, severity=stops).events == ()
    assert len(convert({"rows": rows[:4]}, progress=PROGRESS, severity=stops).events) == 5


def test_all_ways_that_were_seen_are_known():
    seen = ["1", "2", "4", "5", "4", "6", "4", "9", "10"]

    assert all(is_known(before, after) for before, after in pairwise(seen))
    assert all(before != after for before, after in known_transitions())


@pytest.mark.parametrize(
    ("day", "name"), [("30/06/2025", "Thành phố Thủ Dầu Một"), ("01/07/2025", None)]
)
def test_districts_of_the_merged_provinces_ended_with_june_2025(convert, day, name):
    rule = "{from: h, lookup: {table: former_districts, column: name}}"
    done = convert({"ngay": day, "h": "718"}, {"GhiChu": rule})

    assert (done.events[0].values["GhiChu"] if done.events else None) == name


FEES = "{items: [{fields: {Gia: %s}}]}"


@pytest.mark.parametrize("rule", ["a", "{from: a, number: plain}"])
@pytest.mark.parametrize(
    "amount", ["1" + "0" * 15, "9" * 40, "9" * 16 + ".5", 10**15, "9" * 16 + " đ"]
)
def test_an_amount_beyond_any_fee_is_an_error_at_its_cell(problems_of, amount, rule):
    (problem,) = problems_of(FEES % rule, {"a": amount}, field="DanhSachLePhi")

    assert problem.code in ("value.fee_size", "mapping.number_invalid")
    assert (problem.field, problem.value) == ("DanhSachLePhi[1].Gia", str(amount))


@pytest.mark.parametrize("amount", ["999999999999999", "7500.5", "0.333333333333333333", 8000])
def test_an_amount_of_fifteen_digits_may_stand(convert, amount):
    done = convert({"a": amount}, {"DanhSachLePhi": FEES % "{from: a, number: plain}"})

    assert (len(done.events), done.problems) == (1, ())
