"""From a portal field back to the cell it was made of, when the finding comes after the mapping."""

import pytest

from adapters import SourceRecord
from mappings import load_agencies
from schemas.problem import Place

ROW = Place(file="thang-3.csv", row=7, line=9)


@pytest.fixture(scope="module")
def land():
    return load_agencies(None).get("land-registration")


@pytest.fixture(scope="module")
def igate():
    return load_agencies(None).get("igate-one-stop")


def row(**values):
    columns = {name: f"{letter} ({name})" for letter, name in zip("ABCDEFGH", values, strict=False)}
    return SourceRecord(number=5, values=values, place=ROW, columns=columns)


def test_a_field_leads_to_its_column_and_value(land):
    record = row(MaHoSoMotCua="000.15.29.H29-250303-0042", HoTen="Trần Văn Mẫu")

    place, value = land.trace(record, "ChuHoSo")

    assert place == Place(file="thang-3.csv", row=7, line=9, column="B (HoTen)")
    assert value == "Trần Văn Mẫu"


def test_an_item_that_was_left_out_takes_no_number(land):
    """The second fee stands first in the document when the first has no amount."""
    record = row(LePhi="", PhiThamDinh="1.250.000")

    place, value = land.trace(record, "DanhSachLePhi[1].Gia")

    assert place.column == "B (PhiThamDinh)"
    assert value == "1.250.000"


def test_a_template_leads_to_its_first_part_with_something_in_it(land):
    record = row(SoThuTuThua="", SoHieuBanDo="07")

    place, value = land.trace(record, "TrichYeuHoSo")

    assert (place.column, value) == ("B (SoHieuBanDo)", "07")


@pytest.mark.parametrize(
    "field", ["TenLinhVuc", "MaDonVi", "KhongCo", "", "DanhSachLePhi[9].Gia", "[[[", "a" * 10_000]
)
def test_what_no_column_made_leads_to_the_record(land, field):
    place, value = land.trace(row(HoTen="x"), field)

    assert (place, value) == (ROW, None)


def test_a_value_is_cut(land):
    _, value = land.trace(row(HoTen="a" * 5_000), "ChuHoSo")

    assert value == "a" * 200


def test_a_list_leads_into_its_item(igate):
    record = SourceRecord(
        number=1,
        values={"ThongTinNguoiNop": {"SoGiayTo": "1"}, "ChuHoSo": "Thử"},
        place=Place(file="a.json", path="data[0]"),
    )

    place, value = igate.trace(record, "ChuHoSo")

    assert place == Place(file="a.json", path="data[0].ChuHoSo")
    assert value == "Thử"


def test_an_item_of_a_list_and_a_progress_row_are_found_by_their_numbers(igate):
    record = SourceRecord(
        number=1,
        values={
            "MaHoSo": "H29.14-250707-0042",
            "TepDinhKem": [
                {"TenGiayTo": "bo.pdf"},
                {"TenGiayTo": "to.pdf", "DuongDan": "https://x"},
            ],
            "TienTrinh": [{"NguoiXuLy": "Một"}, {"NguoiXuLy": "Hai"}],
        },
        place=Place(file="a.json", path="data[0]"),
    )

    file = igate.trace(record, "TaiLieuNop[1].TenTepDinhKem")
    progress = igate.trace(record, "NguoiXuLy", row=2)

    assert file == (Place(file="a.json", path="data[0].TepDinhKem[1].TenGiayTo"), "to.pdf")
    assert progress == (Place(file="a.json", path="data[0].TienTrinh[1].NguoiXuLy"), "Hai")


def test_a_top_level_field_of_one_column_is_known_without_a_record(land):
    assert land.column_of("DongBoHoSoMC", "ChuHoSo") == "HoTen"
    assert land.column_of("DongBoHoSoMC", "TrichYeuHoSo") is None
    assert land.column_of("DongBoHoSoMC", "TenLinhVuc") is None
    assert land.column_of("DongBoHoSoMC", "KhongCo") is None
    assert land.column_of("CapNhatTienDoHoSoMC", "ChuHoSo") is None
