"""What a changed mapping does to past inputs, before it is used."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO

import pytest

from lienthong.differences import coded_fields, shape_of
from lienthong.flows.impact import Comparison, Fate, Impact, Outcome
from lienthong.impact_report import make_report
from lienthong.samples import write_samples
from mappings import load_mapping
from mappings.tables import packaged
from schemas.model import load_version
from schemas.problem import Place, Problem, Text

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MAPPING = """
mapping: thu-nghiem
version: 1
schema: dvcqg-2020
agency: {code: "000.00.15.H29", name: "Sở Thử nghiệm"}
source: {format: csv}
event_key: "{so}"
dossier:
  MaHoSo: so
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: Thủ tục}
  MaLinhVuc: {constant: G01-TN01}
  TenLinhVuc: {constant: Lĩnh vực}
  ChuHoSo: ten
  LoaiDoiTuong: {constant: "1"}
  NgayTiepNhan: {constant: "20260302000000"}
  TrangThaiHoSo: {from: tt, codes: {"Mới": "2", "Xong": "9"}}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: Đơn vị}
  DanhSachGiayToKetQua:
    split: {from: giay, separator: "#"}
    fields: {TenGiayTo: value, DuongDanTepTinKetQua: {constant: "https://hoso.example.vn/1"}}
tests: []
"""
ROWS = """so,ten,tt,giay
H29.15-260302-0001,Nguyễn Thị Mẫu,Mới,a#b
H29.15-260302-0002,Trần Văn Mẫu,Xong,
H29.15-260302-0003,Lê Mẫu,Lạ,c
"""


@pytest.fixture
def compare(tmp_path):
    """Compare MAPPING with a changed copy over one file."""

    def run(*changes, rows=ROWS, examples=3):
        text = MAPPING
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        files = []
        for name, content in (("old.yaml", MAPPING), ("new.yaml", text)):
            (tmp_path / name).write_text(content, "utf-8")
            files.append(load_mapping(tmp_path / name))
        comparison = Comparison(*files, services={}, examples=examples, now=NOW)

        @contextmanager
        def opened():
            yield BytesIO(rows.encode())

        comparison.compare(opened, file_name="ho-so.csv")
        report = make_report(
            comparison.impact, old=files[0], new=files[1], files=["ho-so.csv"], show_values=False
        )
        return comparison.impact, report

    return run


def test_the_same_mapping_changes_nothing(compare):
    impact, report = compare()

    assert (impact.same, impact.still_rejected, impact.records) == (2, 1, 3)
    assert impact.is_harmless
    assert [notice.en for notice in report.notices] == ["Both mapping files are the same"]


def test_a_field_that_changes_is_counted_with_examples_at_their_place(compare):
    impact, report = compare(("version: 1", "version: 2"), ("ChuHoSo: ten", "ChuHoSo: so"))

    assert (impact.changed, impact.same, impact.is_harmless) == (2, 0, True)
    (row,) = report.fields
    assert (row.field, row.dossiers, row.filled, row.emptied) == ("ChuHoSo", 2, 0, 0)
    assert [(each.place.row, each.before, each.after) for each in row.examples] == [
        (2, "Xxxxxx Xxx Xxx", "X99.99-999999-9999"),
        (3, "Xxxx Xxx Xxx", "X99.99-999999-9999"),
    ]
    assert report.heads == (("version", "1", "2"),)


def test_a_field_in_several_items_counts_once_for_its_dossier(compare):
    _, report = compare(("TenGiayTo: value", "TenGiayTo: {from: value, text: [upper]}"))

    (row,) = report.fields
    assert (row.field, row.dossiers) == ("DanhSachGiayToKetQua.TenGiayTo", 1)
    assert row.examples[0].field == "DanhSachGiayToKetQua[1].TenGiayTo"


def test_an_item_that_goes_is_told_as_emptied(compare):
    _, report = compare(('separator: "#"', 'separator: "%"'))

    assert [(row.field, row.dossiers, row.emptied) for row in report.fields] == [
        ("DanhSachGiayToKetQua.DuongDanTepTinKetQua", 1, 1),
        ("DanhSachGiayToKetQua.TenGiayTo", 1, 0),
    ]


def test_a_dossier_that_becomes_invalid_is_named_with_the_problem_and_no_value(compare):
    impact, report = compare(('"Xong": "9"', '"Hoàn thành": "9"'))

    assert (impact.rejected_now, impact.same, impact.still_rejected) == (1, 1, 1)
    assert not impact.is_harmless
    (turn,) = report.rejections
    assert (turn.place.row, turn.dossier) == (3, "H29.15-260302-0002")
    assert turn.problems == (("mapping.code_unknown", "TrangThaiHoSo", None),)
    assert [(row.code, row.field, row.records) for row in report.new_problems] == [
        ("mapping.code_unknown", "TrangThaiHoSo", 1)
    ]


def test_a_dossier_that_becomes_valid_is_no_harm(compare):
    impact, report = compare(('"Xong": "9"', '"Xong": "9", "Lạ": "4"'))

    assert (impact.accepted_now, impact.is_harmless) == (1, True)
    assert [(row.code, row.records) for row in report.gone_problems] == [
        ("mapping.code_unknown", 1)
    ]
    assert report.acceptances[0].dossier == "H29.15-260302-0003"


def test_a_code_that_only_the_new_mapping_makes_is_a_value_like_others(compare):
    _, report = compare(
        ('"Xong": "9"', '"Xong": "9", "Lạ": "4"'),
        ("MaHoSo: so", 'MaHoSo: {constant: "H29.15-260302-0009"}'),
    )

    assert report.acceptances[0].dossier == "X99.99-999999-9999"


def test_codes_are_shown_because_they_tell_nothing_of_a_person(compare):
    _, report = compare(('"Mới": "2"', '"Mới": "1"'))

    (row,) = report.fields
    assert [(each.before, each.after) for each in row.examples] == [("2", "1")]


def test_another_event_key_is_a_change_though_the_dossier_is_the_same(compare):
    _, report = compare(('event_key: "{so}"', 'event_key: "{so}/1"'))

    assert [(row.field, row.dossiers) for row in report.fields] == [("event_key", 2)]


def test_a_version_that_was_not_raised_is_noticed(compare):
    _, report = compare(("ChuHoSo: ten", "ChuHoSo: so"))

    assert "raise it" in report.notices[0].en


TWICE = ("{format: csv}", "{format: csv, max_record_bytes: 90000}")


@pytest.mark.parametrize(
    "change",
    [("ChuHoSo: ten", "ChuHoSo: so"), ('"Xong": "9"', '"Xong": "9", "Lạ": "4"'), ("tests: []", "")],
)
def test_reading_twice_finds_what_reading_once_finds(compare, change):
    once, _ = compare(change)
    twice, report = compare(change, TWICE)

    assert once == twice
    assert ("source.max_record_bytes", "1048576", "90000") in report.heads


def test_dossiers_under_another_code_are_lost_and_new_ones_where_the_source_is_read_anew(compare):
    impact, report = compare(
        ("MaHoSo: so", "MaHoSo: {from: so, text: [{replace: ['-260302-', '-260303-']}]}"), TWICE
    )

    assert (impact.vanished, impact.appeared, impact.still_rejected) == (2, 2, 2)
    assert not impact.is_harmless
    assert [turn.dossier for turn in report.losses] == [
        "H29.15-260302-0001",
        "H29.15-260302-0002",
    ]


def test_several_snapshots_of_a_dossier_are_compared_in_their_order(compare):
    rows = ROWS.replace("0002", "0001")

    impact, _ = compare(TWICE, rows=rows)

    assert (impact.same, impact.changed) == (2, 0)


def test_a_file_that_only_the_new_mapping_cannot_read_is_harm(compare):
    impact, report = compare(("{format: csv}", "{format: csv, required: [thieu]}"))

    assert impact.vanished == 2
    assert not impact.is_harmless
    (refusal,) = impact.refusals
    assert (refusal.by_old, refusal.by_new) == (False, True)
    assert [problem.code for problem in report.refusals] == ["csv.columns_missing"]


def test_only_a_few_examples_are_kept_however_many_records_there_are():
    impact = Impact(examples=2)
    for number in range(1000):
        place = Place(row=number)
        old, new = (
            Outcome(
                record=number,
                place=place,
                dossier_code=str(number),
                content={"ChuHoSo": name},
                problems=(),
            )
            for name in ("trước", "sau")
        )
        impact.take(old, new)
        impact.lose(old)

    assert impact.differences.fields["ChuHoSo"].dossiers == 1000
    assert len(impact.differences.fields["ChuHoSo"].examples) == 2
    assert len(impact.losses) == 2


@pytest.mark.parametrize("agency", ["igate-one-stop", "ward-civil-status", "health-department"])
def test_the_samples_of_an_agency_stay_the_same_under_its_own_mapping(agency, tmp_path):
    sample = write_samples(tmp_path, dossiers=20, bad=12).of(agency)
    file = load_mapping(packaged("agencies", f"{agency}.yaml"))
    comparison = Comparison(file, file, services={}, examples=1, now=NOW)

    comparison.compare(lambda: sample.path.open("rb"), file_name=sample.path.name)

    impact = comparison.impact
    assert impact.same + impact.still_rejected == impact.records == sample.records
    assert impact.still_rejected >= 10


def test_the_shape_of_a_value_tells_how_it_is_written_and_nothing_else():
    assert shape_of("Nguyễn Thị Mẫu, 079-12") == "Xxxxxx Xxx Xxx, 999-99"
    assert shape_of("x" * 70) == "x" * 60 + "… (70)"


def test_the_fields_with_codes_are_known_with_their_groups():
    coded = coded_fields(load_version("dvcqg-2020"))

    assert {"TrangThaiHoSo", "CapNhatTienDoHoSoMC.TrangThai"} <= coded
    assert "ChuHoSo" not in coded


OUT = ("event_key:", 'leave_out: {path: ten, matches: "^Trần"}\nevent_key:')
READS = ("{format: csv}", "{format: csv, required: [ten]}")
READS_OTHERWISE = ("{format: csv}", "{format: csv, required: [ten], delimiter: ','}")


def test_a_dossier_that_is_left_out_now_is_listed_and_no_small_thing(compare):
    impact, report = compare(OUT, READS)

    assert (impact.left_out_now, impact.same, impact.still_rejected, impact.records) == (1, 1, 1, 3)
    assert not impact.is_harmless
    (turn,) = report.departures
    assert (turn.place.row, turn.dossier, turn.problems) == (3, "H29.15-260302-0002", ())
    assert ("leave_out", "", "{path: ten, matches: '^Trần'}") in report.heads
    assert [total.key for total in report.totals if total.is_bad and total.records] == [
        "left_out_now"
    ]


def test_a_rejected_record_that_is_left_out_now_is_listed_and_no_harm(compare):
    out = ("event_key:", 'leave_out: {path: tt, equals: "Lạ"}\nevent_key:')

    impact, report = compare(out, ("{format: csv}", "{format: csv, required: [tt]}"))

    assert (impact.excused_now, impact.same, impact.is_harmless) == (1, 2, True)
    (turn,) = report.departures
    assert (turn.place.row, turn.problems) == (
        4,
        (("mapping.code_unknown", "TrangThaiHoSo", None),),
    )


def test_the_same_is_found_where_a_file_is_read_twice(compare):
    """One mapping reads the column as text of its own; records meet by their dossiers' codes."""
    once, _ = compare(OUT, READS)
    twice, _ = compare(OUT, READS_OTHERWISE)

    assert (twice.left_out_now, twice.same, twice.still_rejected) == (1, 1, 1)
    assert (once.records, once.vanished, twice.records, twice.vanished) == (3, 0, 3, 0)


@pytest.mark.parametrize(
    ("old", "new", "counter", "harmless"),
    [
        (Fate.LEFT_OUT, Fate.ACCEPTED, "taken_now", True),
        (Fate.LEFT_OUT, Fate.REJECTED, "rejected_now", False),
        (Fate.LEFT_OUT, Fate.LEFT_OUT, "still_left_out", True),
        (Fate.REJECTED, Fate.LEFT_OUT, "excused_now", True),
        (Fate.ACCEPTED, Fate.LEFT_OUT, "left_out_now", False),
    ],
    ids=lambda value: getattr(value, "value", None),
)
def test_every_change_of_fate_has_its_own_count(old, new, counter, harmless):
    impact = Impact(examples=3)

    impact.take(outcome(old), outcome(new))

    assert (getattr(impact, counter), impact.records, impact.is_harmless) == (1, 1, harmless)


def test_what_only_one_mapping_leaves_out_is_no_dossier_lost_or_won():
    impact = Impact(examples=3)

    impact.lose(outcome(Fate.LEFT_OUT))
    impact.gain(outcome(Fate.LEFT_OUT))

    assert (impact.still_left_out, impact.vanished, impact.appeared) == (2, 0, 0)


def outcome(fate):
    problem = Problem(code="mapping.field_missing", message=Text(vi="thiếu", en="missing"))
    return Outcome(
        record=1,
        place=Place(row=2),
        dossier_code="D-1",
        content={},
        problems=(problem,) if fate is Fate.REJECTED else (),
        is_left_out=fate is Fate.LEFT_OUT,
    )
