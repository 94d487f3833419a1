"""The catalogue: annexes as offices keep them, and the list that comes of them."""

from datetime import date

import pytest

from adapters import SourceRecord
from mappings.annex import Annex, find_columns, group_of
from mappings.catalogue import (
    Catalogue,
    Decision,
    Level,
    Service,
    load_catalogue,
    load_groups,
    missing_components,
    save_catalogue,
)
from mappings.texts import fold_name
from schemas.errors import ConfigError
from schemas.problem import Place

DAY = date(2020, 4, 6)
BIRTH = "1.001193"


def read(*rows, given=None):
    columns = find_columns(rows[0], given=given or {})
    annex = Annex(columns=columns, valid_from=DAY)
    for number, row in enumerate(rows, 1):
        annex.take(
            SourceRecord(
                number=number,
                values=row,
                place=Place(file="a.csv", row=number + 1),
                columns={name: name for name in row},
            )
        )
    return annex


def row(code="", title="", group="", level="", **more):
    return {
        "STT": "1",
        "Mã TTHC": code,
        "Tên thủ tục": title,
        "Đơn vị": group,
        "Mức độ": level,
    } | more


def test_there_are_23_groups_and_each_says_what_it_rests_on():
    groups = load_groups()

    assert len({group.code for group in groups}) == len(groups) == 23
    assert [group.code for group in groups if group.basis == "named by the decision"] == [
        "districts",
        "wards",
        "land-registration",
        "construction",
        "science-technology",
        "finance",
        "health",
        "planning-investment",
    ]


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Sở Xây dựng", "construction"),
        ("SỞ XÂY DỰNG", "construction"),
        ("III. Sở Xây dựng", "construction"),
        ("4) Sở KH&CN", "science-technology"),
        ("UBND phường, xã, thị trấn", "wards"),
        ("Sở Xây", None),
        ("", None),
    ],
)
def test_a_group_is_known_by_its_names(text, group):
    found = group_of(text)

    assert (found.code if found else None) == group


def test_names_are_compared_without_marks_case_and_signs():
    assert fold_name("  Đăng ký — KHAI  SINH ") == "dang ky khai sinh"


def test_a_row_becomes_a_service():
    annex = read(
        row(
            f"{BIRTH}.000.00.00.H29",
            "gì đó",
            "Phường, xã",
            "Mức độ 4",
            **{"Thành phần": "TP1; TP2"},
        )
    )

    (service,) = annex.services.values()
    assert annex.problems == []
    assert service == Service(
        code=BIRTH,
        title="Thủ tục đăng ký khai sinh",
        group="wards",
        level=Level.FOUR,
        components=("TP1", "TP2"),
        valid_from=DAY,
    )


def test_rows_below_a_heading_belong_to_its_group():
    heading = dict.fromkeys(row(), "") | {"STT": "II", "Tên thủ tục": "II. Sở Y tế"}
    annex = read(row(BIRTH, group="wards"), heading, row("1.001612"), row("1.000494"))

    assert [group for _, group in annex.services] == ["wards", "health", "health"]


def test_a_title_alone_finds_its_code_when_only_one_has_it():
    annex = read(row(title="Thủ tục Đăng ký khai sinh", group="wards"))

    assert [code for code, _ in annex.services] == [BIRTH]


@pytest.mark.parametrize(
    ("wrong", "code", "column"),
    [
        (row("khai sinh", group="wards"), "value.procedure_code_form", "Mã TTHC"),
        (row(title="Không có thủ tục này", group="wards"), "catalogue.code_missing", "Tên thủ tục"),
        (row(BIRTH, group="Sở Xâi dựng"), "catalogue.group_unknown", "Đơn vị"),
        (row(BIRTH), "catalogue.group_unknown", "Đơn vị"),
        (row(BIRTH, group="wards", level="5"), "catalogue.level_unknown", "Mức độ"),
        (
            row(BIRTH, group="wards", **{"Mức độ xác thực": "cao"}),
            "catalogue.assurance_unknown",
            "Mức độ xác thực",
        ),
    ],
)
def test_what_cannot_be_understood_is_told_at_its_cell(wrong, code, column):
    annex = read(wrong)

    assert not annex.services
    (problem,) = annex.problems
    assert (problem.code, problem.place.row, problem.place.column) == (code, 2, column)
    assert problem.suggestion.vi


def test_everything_wrong_in_a_row_is_told_at_once():
    annex = read(row("x", group="y", level="z"))

    assert [problem.code.partition(".")[2] for problem in annex.problems] == [
        "procedure_code_form",
        "group_unknown",
        "level_unknown",
    ]


def test_a_procedure_that_is_not_packaged_is_taken_with_a_warning():
    annex = read(row("9.999999", "Thủ tục mới", "wards"))

    assert [service.title for service in annex.services.values()] == ["Thủ tục mới"]
    assert [problem.code for problem in annex.problems] == ["value.procedure_code_unknown"]


def test_a_user_names_a_column_that_nobody_has_seen():
    annex = read(row() | {"Cột lạ": BIRTH, "Đơn vị": "wards"}, given={"code": "Cột lạ"})

    assert [code for code, _ in annex.services] == [BIRTH]


def service(code="1.000001", group="wards", **more):
    return Service(code=code, title="t", group=group, **more)


def test_an_import_replaces_what_it_names_and_keeps_the_rest(tmp_path):
    first = Decision(number="1/QĐ", day=DAY, source="a.csv")
    again = Decision(number="1/QĐ", day=date(2021, 1, 1), source="b.csv")
    path = tmp_path / "new" / "catalogue.json"

    made = Catalogue().with_decision(first, [service(), service("1.000002")])
    made = made.with_decision(again, [service(level=Level.FULL)])
    save_catalogue(path, made)

    found = load_catalogue(path)
    assert found == made
    assert found.decisions == (again,)
    assert [(one.code, one.level) for one in found.services] == [
        ("1.000001", Level.FULL),
        ("1.000002", None),
    ]
    assert [file.name for file in path.parent.iterdir()] == ["catalogue.json"]


def test_no_file_is_an_empty_list_and_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "catalogue.json"

    assert load_catalogue(path) == Catalogue()
    path.write_text('{"services": [{"code": 1}]}')
    with pytest.raises(ConfigError) as caught:
        load_catalogue(path)
    assert caught.value.code == "catalogue.unreadable"


def test_a_service_is_on_the_list_between_its_days():
    one = service(valid_from=DAY, valid_to=date(2025, 6, 30))

    assert [one.covers(day) for day in (date(2020, 4, 5), DAY, date(2025, 7, 1))] == [
        False,
        True,
        False,
    ]


def test_missing_papers_are_a_warning_with_their_codes():
    one = service(components=("TP1", "TP2", "TP3"))

    problem = missing_components(one, {"TaiLieuNop": [{"MaThanhPhanHoSo": "TP2"}, {}]})

    assert problem.severity.value == "warning"
    assert "TP1, TP3" in problem.message.vi
    assert (
        missing_components(one, {"TaiLieuNop": [{"MaThanhPhanHoSo": c} for c in one.components]})
        is None
    )
    assert missing_components(service(), {}) is None


def test_what_was_asked_for_later_or_earlier_is_not_asked_of_a_dossier():
    one = service(components=("TP1",), valid_from=date(2021, 3, 1), valid_to=date(2021, 3, 31))
    lacking = {
        day: missing_components(one, {"NgayTiepNhan": f"{day}081500"}) is not None
        for day in ("20210228", "20210301", "20210331", "20210401")
    }

    assert lacking == {"20210228": False, "20210301": True, "20210331": True, "20210401": False}
    assert missing_components(one, {"NgayTiepNhan": "?"}) is not None
    assert missing_components(one, {}) is not None
