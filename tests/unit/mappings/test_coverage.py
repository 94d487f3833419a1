"""Which fields a mapping fills."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings import Cover, Need, cover_fields, load_mapping

FILES = "{each: tep, fields: {TenTepDinhKem: ten, IsDeleted: {constant: 'False'}}}"
FEES = (
    "{items: [{fields: {TenPhiLePhi: {constant: a}, Gia: {constant: '1'}}}, "
    "{fields: {TenPhiLePhi: {constant: b}, Gia: gia}}]}"
)


@pytest.fixture
def cover(tmp_path, mapping_text):
    """Return the coverage of several mappings, given as (rules, head, fields left out)."""

    def run(*mappings):
        files = []
        for number, (rules, head, without) in enumerate(mappings):
            path = tmp_path / f"{number}.yaml"
            path.write_text(mapping_text(rules, without, **head), "utf-8")
            files.append(load_mapping(path, is_draft=True))
        return cover_fields(files)

    return run


def covers(coverage, *, packet="DongBoHoSoMC"):
    return {row.field: row.covers for row in coverage.rows if row.packet == packet}


def test_tells_constants_from_what_records_say(cover):
    found = covers(cover(({"ChuHoSo": "ten", "TaiLieuNop": FILES, "DanhSachLePhi": FEES}, {}, ())))

    assert found["MaHoSo"] == (Cover.MAPPED,)
    assert found["MaTTHC"] == (Cover.CONSTANT,)
    assert found["ChuHoSo"] == (Cover.MAPPED,)
    assert found["GhiChu"] == (Cover.ABSENT,)
    assert found["TaiLieuNop"] == (Cover.MAPPED,)
    assert found["TaiLieuNop.TenTepDinhKem"] == (Cover.MAPPED,)
    assert found["TaiLieuNop.IsDeleted"] == (Cover.CONSTANT,)
    assert found["TaiLieuNop.MaThanhPhanHoSo"] == (Cover.ABSENT,)
    assert found["DanhSachLePhi.TenPhiLePhi"] == (Cover.CONSTANT,)
    assert found["DanhSachLePhi.Gia"] == (Cover.MAPPED,)


def test_a_draft_shows_what_is_missing(cover):
    coverage = cover(({"DanhSachLePhi": "{items: []}"}, {}, ("DonViXuLy", "TenTTHC")))
    found = covers(coverage)

    assert found["DonViXuLy"] == found["TenTTHC"] == (Cover.MISSING,)
    assert coverage.count(0, Need.ALWAYS) == (8, 10)


def test_a_field_with_words_that_have_no_code_yet_is_not_filled(cover):
    half = """{from: a, codes: {CN: "1", DN: "?"}}"""
    fees = (
        """{items: [{fields: {Gia: {from: a, codes: {x: "?"}}}}, {fields: {Gia: b}}, """
        """{fields: {Gia: {constant: "1"}}}]}"""
    )
    coverage = cover(({"LoaiDoiTuong": half, "DanhSachLePhi": fees}, {}, ()))
    found = covers(coverage)

    assert found["LoaiDoiTuong"] == found["DanhSachLePhi.Gia"] == (Cover.UNFINISHED,)
    assert coverage.count(0, Need.ALWAYS) == (9, 10)


def test_progress_is_wanted_only_of_those_that_send_it(cover):
    progress = "{fields: {MaHoSo: so, NguoiXuLy: a, ThoiDiemXuLy: {from: ngay, date: [iso]}}}"

    found = covers(
        cover(({}, {}, ()), ({}, {"progress": progress}, ())), packet="CapNhatTienDoHoSoMC"
    )

    assert found["NguoiXuLy"] == (Cover.ABSENT, Cover.MAPPED)
    assert found["TrangThai"] == (Cover.ABSENT, Cover.MISSING)
    assert found["ChucDanh"] == (Cover.ABSENT, Cover.ABSENT)
    assert "" not in found


def test_a_field_of_a_later_schema_is_not_held_against_an_earlier_one(cover):
    coverage = cover(({}, {}, ()), ({"NoiNopHoSo": "noi"}, {"schema": "dvcqg-2022"}, ()))
    found = covers(coverage)

    assert found["NoiNopHoSo"] == (Cover.UNKNOWN, Cover.MAPPED)
    assert coverage.count(0, Need.OPTIONAL)[1] < coverage.count(1, Need.OPTIONAL)[1]


def test_every_mandatory_field_is_marked(cover):
    needs = {row.field: row.need for row in cover(({}, {}, ())).rows if row.packet[:4] == "Dong"}

    assert [field for field, need in needs.items() if need is Need.ALWAYS] == [
        "MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "LoaiDoiTuong", "NgayTiepNhan",
        "TrangThaiHoSo", "HinhThuc", "DonViXuLy",
    ]  # fmt: skip


def test_nothing_covers_nothing():
    assert cover_fields([]).rows == ()


def test_the_packaged_mappings_fill_every_mandatory_field():
    folder = Path(cover_fields.__code__.co_filename).parent / "agencies"
    files = [load_mapping(path) for path in sorted(folder.glob("*.yaml"))]

    coverage = cover_fields(files)

    assert [coverage.count(n, Need.ALWAYS) for n in range(len(files))] == [(10, 10)] * len(files)
