"""The portal's JSON follows from the signed document alone, in the same bytes each time."""

import json
from itertools import permutations

import pytest

from schemas.model import load_version
from schemas.parser import parse_xml
from schemas.portal_json import JsonForm, JsonWriter, ValuesRefused, wrong_paths
from schemas.reading import read_document

PUBLISHED_2020 = (
    '{"MaHoSo":"000.19.26.H29-210305-0042","MaTTHC":"1.001193",'
    '"TenTTHC":"Thủ tục đăng ký khai sinh","MaLinhVuc":"G15-TP08","TenLinhVuc":"Hộ tịch",'
    '"SoBienNhan":"","ChuHoSo":"","LoaiDoiTuong":"1","MaDoiTuong":"","ThongTinKhac":"","Email":"",'
    '"Fax":"","SoDienThoai":"","TrichYeuHoSo":"","NgayTiepNhan":"20210305081500","NgayHenTra":"",'
    '"TrangThaiHoSo":"4","NgayTra":"","ThongTinTra":"","HinhThuc":"0","NgayKetThucXuLy":"",'
    '"DonViXuLy":"UBND Phường 1","GhiChu":"","TaiLieuNop":[],"DanhSachLePhi":[],'
    '"DanhSachTepDinhKemKhac":[],"DanhSachHoSoBoSung":[],"DanhSachGiayToKetQua":[]}'
)
SUPPLEMENT = {
    "HoSoBoSungId": "007",
    "NoiDungBoSung": 'Bổ sung "bản sao"\n<CCCD> & \\',
    "TrangThaiBoSung": "False",
    "DanhSachGiayToBoSung": [{"TenTepDinhKem": "a.pdf", "IsDeleted": "True"}],
}


@pytest.fixture
def write(build):
    def make(version, values, *, packet="DongBoHoSoMC", **form):
        document = read_document(parse_xml(build(version, values, packet=packet)))
        return JsonWriter(version, packet, form=JsonForm(**form)).write(document)

    return make


def test_a_dossier_is_written_as_published_and_nothing_of_ours_goes_along(write, dossier):
    written = write(load_version("dvcqg-2020"), dossier)

    assert written.item.decode() == PUBLISHED_2020
    assert written.left_out == ()


def test_the_bytes_are_the_same_whatever_the_order_of_the_values(write, version, dossier):
    dossier["DanhSachHoSoBoSung"] = [SUPPLEMENT]
    names = list(dossier)
    orders = list(permutations(names[-3:]))

    written = {
        write(version, {name: dossier[name] for name in (*order, *names[:-3])}).item
        for order in orders
    }

    assert len(orders) == 6
    assert len(written) == 1


def test_a_progress_row_is_written_with_its_own_fields(write, version, progress):
    item = json.loads(write(version, progress, packet="CapNhatTienDoHoSoMC").item)

    assert item == {
        "MaHoSo": "000.19.26.H29-210305-0042",
        "NguoiXuLy": "Trần Văn Mẫu",
        "ChucDanh": "",
        "ThoiDiemXuLy": "20210306091500",
        "PhongBanXuLy": "",
        "NoiDungXuLy": "Thẩm định hồ sơ",
        "TrangThai": "4",
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }


def test_values_come_through_unchanged_and_nested_arrays_are_arrays(write, version, dossier):
    (round_,) = json.loads(write(version, {**dossier, "DanhSachHoSoBoSung": [SUPPLEMENT]}).item)[
        "DanhSachHoSoBoSung"
    ]

    assert round_["HoSoBoSungId"] == "007"
    assert round_["NoiDungBoSung"] == 'Bổ sung "bản sao"\n<CCCD> & \\'
    assert round_["TrangThaiBoSung"] == "False"
    assert round_["DanhSachLePhiBoSung"] == []
    assert round_["DanhSachGiayToBoSung"][0]["IsDeleted"] == "True"


def test_a_target_may_want_numbers_and_booleans_of_json(write, version, dossier):
    form = {"numbers_as_text": False, "booleans_as_text": False}

    written = write(version, {**dossier, "DanhSachHoSoBoSung": [SUPPLEMENT]}, **form)

    assert b'"HoSoBoSungId":7,' in written.item
    assert b'"TrangThaiBoSung":false,' in written.item
    assert b'"IsDeleted":true' in written.item


def test_a_code_that_is_absent_is_never_written_blank(write, version, dossier):
    item = json.loads(write(version, dossier).item)

    assert "KenhThucHien" not in item


def test_absent_fields_may_be_left_out_and_arrays_stay(write, version, dossier):
    item = json.loads(write(version, dossier, blanks=False).item)

    assert "Fax" not in item
    assert item["TaiLieuNop"] == []


def test_a_field_the_target_does_not_know_is_left_out_by_setting_only(write, version_2022, dossier):
    dossier["DinhDanhCHS"] = [{"LoaiDinhDanh": "1", "SoDinhDanh": "079000000000"}]

    full = json.loads(write(version_2022, dossier).item)
    less = json.loads(
        write(
            version_2022, dossier, left_out=frozenset({"DinhDanhCHS.LoaiDinhDanh", "NoiNopHoSo"})
        ).item
    )

    assert full["DinhDanhCHS"] == [{"LoaiDinhDanh": "1", "SoDinhDanh": "079000000000"}]
    assert less["DinhDanhCHS"] == [{"SoDinhDanh": "079000000000"}]
    assert set(full) - set(less) == {"NoiNopHoSo"}


def test_values_are_mapped_by_the_targets_lists_and_one_that_is_missing_refuses(
    write, version, dossier
):
    codes = {"LoaiDoiTuong": {"1": "CN"}, "TrangThaiHoSo": {"5": "9"}, "HinhThuc": {"1": "1"}}

    with pytest.raises(ValuesRefused) as refused:
        write(version, dossier, codes=codes)

    assert [one.place.path for one in refused.value.problems] == ["TrangThaiHoSo", "HinhThuc"]
    assert write(version, dossier, codes={"LoaiDoiTuong": {"1": "CN"}}).item.count(b'"CN"') == 1


def test_a_value_longer_than_the_target_takes_refuses_and_is_never_cut(write, version, dossier):
    values = {**dossier, "GhiChu": "ă" * 501, "TrichYeuHoSo": "ă" * 500}
    limits = {"GhiChu": 500, "TrichYeuHoSo": 500}

    with pytest.raises(ValuesRefused, match="GhiChu: 501 characters, and this target takes 500"):
        write(version, values, max_lengths=limits)

    written = write(version, values, max_lengths=limits, leaves_out_too_long=True)
    item = json.loads(written.item)
    assert written.left_out == ("GhiChu",)
    assert "GhiChu" not in item
    assert item["TrichYeuHoSo"] == "ă" * 500


def test_a_required_value_that_is_too_long_refuses_whatever_the_setting(write, version, dossier):
    with pytest.raises(ValuesRefused, match="TenTTHC"):
        write(version, dossier, max_lengths={"TenTTHC": 5}, leaves_out_too_long=True)


def test_paths_that_are_no_fields_or_cannot_be_left_out_are_all_told(version):
    form = JsonForm(
        left_out=frozenset({"GhiChuu", "MaHoSo", "Fax"}),
        max_lengths={"TaiLieuNop": 3, "TaiLieuNop.TenTepDinhKem": 3},
        codes={"HinhThuc.X": {}},
    )

    told = [text.en for text in wrong_paths(form, version)]

    assert told == [
        f"GhiChuu: not a field of {version.name}",
        f"HinhThuc.X: not a field of {version.name}",
        f"MaHoSo: required by {version.name}, so it cannot be left out",
        "TaiLieuNop: an array, not a value",
    ]
