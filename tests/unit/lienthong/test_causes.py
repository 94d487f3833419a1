"""Four thousand errors of one cause are one line; a hostile file makes no more lines than that."""

import json

from adapters.doctor import Repair
from lienthong.causes import MOST_CAUSES, MOST_FORMS, Causes, cause_values
from schemas.problem import Place, Problem, Severity, Text


def finding(row, *, code="mapping.date_invalid", value="31/02/2024", **more):
    given = {
        "field": "NgayTiepNhan",
        "place": Place(file="a.csv", row=row, column="G (NgayNhan)"),
        "suggestion": Text(vi="sửa ngày", en="mend the date"),
    }
    message = Text(vi=f"ngày sai {value}", en=f"wrong date {value}")
    return Problem(code=code, message=message, value=value, **given | more)


def test_four_thousand_errors_of_one_cause_are_one_with_a_count():
    causes = Causes()
    for row in range(2, 4_002):
        causes.add(finding(row, value=f"{row % 30:02}/13/2024"))

    [cause] = causes.by_count()

    assert cause_values(cause, str) == {
        "code": "mapping.date_invalid",
        "severity": "error",
        "field": "NgayTiepNhan",
        "column": "G (NgayNhan)",
        "count": 4_000,
        "values": [{"form": "99/99/9999", "count": 4_000}],
        "places": [{"file": "a.csv", "row": row, "column": "G (NgayNhan)"} for row in range(2, 7)],
        "message": "wrong date 02/13/2024",
        "suggestion": "mend the date",
    }


def test_another_column_field_or_code_is_another_cause():
    causes = Causes()
    causes.add(finding(2))
    causes.add(finding(2, code="mapping.date_implausible"))
    causes.add(finding(2, field="NgayHenTra"))
    causes.add(finding(2, place=Place(row=2, column="H (NgayHen)")))
    causes.add(finding(3))

    assert [cause.count for cause in causes.by_count()] == [2, 1, 1, 1]


def test_items_of_a_list_are_one_cause():
    causes = Causes()
    for number in range(50):
        causes.add(
            finding(
                None,
                field=f"DanhSachLePhi[{number + 1}].Gia",
                place=Place(path=f"data[{number}].LePhi[{number}].Gia"),
            )
        )

    [cause] = causes.by_count()

    assert (cause.field, cause.column) == ("DanhSachLePhi[].Gia", "data[].LePhi[].Gia")


def test_errors_come_before_warnings_and_the_frequent_first():
    causes = Causes()
    for row in range(9):
        causes.add(finding(row, code="w", severity=Severity.WARNING))
    causes.add(finding(1, code="rare"))
    for row in range(3):
        causes.add(finding(row, code="often"))

    assert [cause.code for cause in causes.by_count()] == ["often", "rare", "w"]


def repair(row, column, *, encoding):
    return Repair(
        code="text.repaired",
        severity=Severity.WARNING,
        message=Text(vi="đã sửa", en="repaired"),
        place=Place(file="a.csv", row=row, column=column),
        value="NguyÔn",
        encoding=encoding,
    )


def test_repairs_of_all_columns_are_one_cause_that_comes_last_and_counts_by_encoding():
    causes = Causes()
    for row in range(2, 302):
        causes.add(repair(row, "B (Ten)", encoding="vni"))
    causes.add(repair(2, "C (Ghi chu)", encoding="references"))
    causes.add(finding(2, code="rare", severity=Severity.WARNING))

    rare, repairs = causes.by_count()

    assert rare.code == "rare"
    values = cause_values(repairs, str)
    assert (values["field"], values["column"], values["count"]) == (None, None, 301)
    assert values["values"] == [{"form": "vni", "count": 300}, {"form": "references", "count": 1}]


def test_repairs_are_counted_however_many_causes_there_are():
    causes = Causes()
    for number in range(MOST_CAUSES):
        causes.add(finding(2, code=f"c{number}"))
    causes.add(repair(2, "B (Ten)", encoding="vni"))

    assert causes.left_out == 0
    assert causes.by_count()[-1].code == "text.repaired"


def test_a_repair_of_which_only_the_finding_was_kept_tells_no_value():
    causes = Causes()
    causes.add(finding(2, code="text.repaired", value="Nguyễn Văn A"))

    [cause] = causes.by_count()

    assert (cause.count, dict(cause.forms)) == (1, {})


def test_values_that_are_all_different_take_bounded_memory():
    causes = Causes()
    for number in range(10_000):
        causes.add(finding(2, value="x" * number))

    [cause] = causes.by_count()

    assert cause.count == 10_000
    assert len(cause.forms) <= MOST_FORMS


def test_causes_that_are_all_different_take_bounded_memory_and_are_counted():
    causes = Causes()
    for number in range(MOST_CAUSES + 70):
        causes.add(finding(2, code=f"c{number}"))

    assert len(causes.by_count()) == MOST_CAUSES
    assert causes.left_out == 70


def test_a_cause_without_place_and_value_is_json_all_the_same():
    causes = Causes()
    causes.add(Problem(code="input.empty", message=Text(vi="rỗng", en="empty")))

    [cause] = causes.by_count()

    values = json.loads(json.dumps(cause_values(cause, lambda text: text._asdict())))
    assert values["message"] == {"vi": "rỗng", "en": "empty"}
    assert (values["column"], values["values"], values["places"]) == (None, [], [{}])


def test_the_first_places_of_a_cause_say_which_dossier_is_there():
    causes = Causes()
    causes.add(finding(None, place=Place(path="data[0].x")).about("H29-1"))
    causes.add(finding(None, place=Place(path="data[7].x")))

    [cause] = causes.by_count()

    assert cause_values(cause, str)["places"] == [
        {"path": "data[0].x", "dossier": "H29-1"},
        {"path": "data[7].x"},
    ]
