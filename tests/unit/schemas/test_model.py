"""The model against the published tables, written out here field by field."""

from __future__ import annotations

import re

import pytest

from schemas import model
from schemas.errors import ConfigError
from schemas.model import Kind, load_version, read_file, version_names, version_of_namespace

TEXT, TIME, CODE, GROUP = Kind.TEXT, Kind.DATETIME, Kind.CODE, Kind.GROUP
INT, BOOL = Kind.INTEGER, Kind.BOOLEAN

DOSSIER_2020 = [
    ("MaHoSo", TEXT, True, 50),
    ("MaTTHC", TEXT, True, None),
    ("TenTTHC", TEXT, True, None),
    ("MaLinhVuc", TEXT, True, 50),
    ("TenLinhVuc", TEXT, True, 500),
    ("SoBienNhan", TEXT, False, None),
    ("KenhThucHien", CODE, False, None),
    ("ChuHoSo", TEXT, False, 500),
    ("LoaiDoiTuong", CODE, True, None),
    ("MaDoiTuong", TEXT, False, 50),
    ("ThongTinKhac", TEXT, False, None),
    ("Email", TEXT, False, 100),
    ("Fax", TEXT, False, None),
    ("SoDienThoai", TEXT, False, 50),
    ("TrichYeuHoSo", TEXT, False, 1000),
    ("NgayTiepNhan", TIME, True, None),
    ("NgayHenTra", TIME, False, None),
    ("TrangThaiHoSo", CODE, True, None),
    ("NgayTra", TIME, False, None),
    ("ThongTinTra", TEXT, False, None),
    ("HinhThuc", CODE, True, None),
    ("NgayKetThucXuLy", TIME, False, None),
    ("DonViXuLy", TEXT, True, None),
    ("GhiChu", TEXT, False, 2000),
    ("TaiLieuNop", GROUP, False, None),
    ("DanhSachLePhi", GROUP, False, None),
    ("DanhSachTepDinhKemKhac", GROUP, False, None),
    ("DanhSachHoSoBoSung", GROUP, False, None),
    ("DanhSachGiayToKetQua", GROUP, False, None),
]
DOSSIER_2022 = [
    *DOSSIER_2020[:10],
    ("SoGiayToChuHoSo", TEXT, False, 100),
    *DOSSIER_2020[10:],
    ("NoiNopHoSo", TEXT, False, None),
    ("HoSoCoThanhPhanSoHoa", CODE, False, None),
    ("TaiKhoanDuocXacThucVoiVNeID", CODE, False, None),
    ("DuocThanhToanTrucTuyen", CODE, False, None),
    ("NgayTuChoi", TIME, False, None),
    ("DinhDanhCHS", GROUP, False, None),
    ("NgayNopHoSo", TIME, False, None),
    ("DSKetNoiCSDL", GROUP, False, None),
]
PROGRESS = [
    ("MaHoSo", TEXT, True, 50),
    ("NguoiXuLy", TEXT, True, 50),
    ("ChucDanh", TEXT, False, None),
    ("ThoiDiemXuLy", TIME, True, None),
    ("PhongBanXuLy", TEXT, False, None),
    ("NoiDungXuLy", TEXT, True, None),
    ("TrangThai", CODE, True, None),
    ("NgayBatDau", TIME, False, None),
    ("NgayKetThucTheoQuyDinh", TIME, False, None),
]
FILES_2020 = [
    ("TepDinhKemId", TEXT),
    ("TenTepDinhKem", TEXT),
    ("IsDeleted", BOOL),
    ("MaThanhPhanHoSo", TEXT),
    ("DuongDanTaiTepTin", TEXT),
]
FILES_2022 = [
    *FILES_2020,
    ("DuocSoHoa", TEXT),
    ("DuocTaiSuDung", CODE),
    ("DuocLayTuKhoDMQG", CODE),
    ("MaKetQuaThayThe", TEXT),
]
FEES = [
    ("TenPhiLePhi", TEXT),
    ("MaPhiLePhi", TEXT),
    ("HinhThucThu", TEXT),
    ("Gia", TEXT),
    ("LoaiPhiLePhi", TEXT),
]
GROUPS = {
    "DanhSachLePhi": FEES,
    "DanhSachTepDinhKemKhac": [("TenGiayTo", TEXT), ("SoLuong", INT), ("LoaiGiayTo", INT)],
    "DanhSachHoSoBoSung": [
        ("HoSoBoSungId", INT),
        ("NguoiYeuCauBoSung", TEXT),
        ("NoiDungBoSung", TEXT),
        ("NgayBoSung", TIME),
        ("NguoiTiepNhanBoSung", TEXT),
        ("ThongTinTiepNhan", TEXT),
        ("NgayTiepNhanBoSung", TIME),
        ("TrangThaiBoSung", BOOL),
        ("DanhSachGiayToBoSung", GROUP),
        ("DanhSachLePhiBoSung", GROUP),
        ("NgayHenTraTruoc", TIME),
        ("NgayHenTraMoi", TIME),
    ],
}
RESULTS_2020 = [
    ("TenGiayTo", TEXT),
    ("MaThanhPhanHoSo", TEXT),
    ("GiayToId", TEXT),
    ("DuongDanTepTinKetQua", TEXT),
]
GROUPS_2020 = {**GROUPS, "TaiLieuNop": FILES_2020, "DanhSachGiayToKetQua": RESULTS_2020}
GROUPS_2022 = {
    **GROUPS,
    "TaiLieuNop": FILES_2022,
    "DanhSachGiayToKetQua": [*RESULTS_2020, ("MaGiayToKetQua", TEXT)],
    "DinhDanhCHS": [("LoaiDinhDanh", CODE), ("SoDinhDanh", TEXT)],
    "DSKetNoiCSDL": [("MaCSDL", TEXT)],
}


def rows(group):
    return [(f.name, f.kind, f.required, f.max_length) for f in group.fields.values()]


@pytest.mark.parametrize(
    ("name", "expected"), [("dvcqg-2020", DOSSIER_2020), ("dvcqg-2022", DOSSIER_2022)]
)
def test_the_dossier_has_the_published_fields(name, expected):
    assert rows(load_version(name).packets["DongBoHoSoMC"]) == expected


def test_the_progress_row_has_the_published_fields(version):
    assert rows(version.packets["CapNhatTienDoHoSoMC"]) == PROGRESS


@pytest.mark.parametrize(
    ("name", "expected"), [("dvcqg-2020", GROUPS_2020), ("dvcqg-2022", GROUPS_2022)]
)
def test_nested_arrays_have_the_published_fields_and_none_is_required(name, expected):
    fields = load_version(name).packets["DongBoHoSoMC"].fields.values()
    groups = {field.name: field for field in fields if field.group}

    found = {
        key: [(f.name, f.kind) for f in field.group.fields.values()]
        for key, field in groups.items()
    }
    assert found == expected
    assert all(field.repeated for field in groups.values())
    assert not any(f.required for field in groups.values() for f in field.group.fields.values())


@pytest.mark.parametrize(
    ("packet", "field", "codes"),
    [
        (
            "DongBoHoSoMC",
            "TrangThaiHoSo",
            {
                "1": "Mới đăng ký",
                "2": "Được tiếp nhận",
                "3": "Không được tiếp nhận",
                "4": "Đang xử lý",
                "5": "Yêu cầu bổ sung giấy tờ",
                "6": "Yêu cầu thực hiện nghĩa vụ tài chính",
                "7": "Công dân yêu cầu rút hồ sơ",
                "8": "Dừng xử lý",
                "9": "Đã xử lý xong",
                "10": "Đã trả kết quả",
            },
        ),
        (
            "DongBoHoSoMC",
            "KenhThucHien",
            {"1": "Trực tiếp", "2": "Trực tuyến", "3": "Bưu chính công ích"},
        ),
        (
            "DongBoHoSoMC",
            "LoaiDoiTuong",
            {
                "1": "Công dân, cá nhân",
                "2": "Doanh nghiệp",
                "3": "Cơ quan nhà nước",
                "4": "Tổ chức, khác",
            },
        ),
        ("DongBoHoSoMC", "HinhThuc", {"0": "Trực tiếp", "1": "Bưu chính"}),
    ],
)
def test_code_lists_are_the_published_ones(version, packet, field, codes):
    found = version.packets[packet].fields[field].codes

    assert {code: text.vi for code, text in found.items()} == codes


def test_both_status_fields_have_the_same_codes(version):
    dossier = version.packets["DongBoHoSoMC"].fields["TrangThaiHoSo"]
    progress = version.packets["CapNhatTienDoHoSoMC"].fields["TrangThai"]

    assert dossier.codes == progress.codes


def every_field(group):
    for field in group.fields.values():
        yield field
        if field.group is not None:
            yield from every_field(field.group)


def test_every_field_and_code_is_explained_in_both_languages(version):
    for packet in version.packets.values():
        for field in every_field(packet):
            texts = [field.about, *field.codes.values()]
            assert all(text.vi and text.en for text in texts), field.name


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("MaHoSo", "000.00.00.H29-210305-0042", True),
        ("MaHoSo", "000.00.00.01.H22-210305-0042", True),
        ("MaHoSo", "38.98.H29-210305-0042", True),
        ("MaHoSo", "H29.14-210305-0042", True),
        ("MaHoSo", "G09.20-20260609-0092637", True),
        ("MaHoSo", "H29.14-210305-042", False),
        ("MaHoSo", "H29.14-2103-0042", False),
        ("MaHoSo", "h29.14-210305-0042", False),
        ("MaTTHC", "1.001193", True),
        ("MaTTHC", "1.001193.000.00.00.H29", False),
        ("MaTTHC", "1.01193", False),
        ("NgayTiepNhan", "20210305081500", True),
        ("NgayTiepNhan", "20240229235959", True),
        ("NgayTiepNhan", "20000229000000", True),
        ("NgayTiepNhan", "20230229000000", False),
        ("NgayTiepNhan", "21000229000000", False),
        ("NgayTiepNhan", "20210431000000", False),
        ("NgayTiepNhan", "20211301000000", False),
        ("NgayTiepNhan", "20210001000000", False),
        ("NgayTiepNhan", "20210100000000", False),
        ("NgayTiepNhan", "20210101240000", False),
        ("NgayTiepNhan", "20210101006000", False),
        ("NgayTiepNhan", "20210101000060", False),
        ("NgayTiepNhan", "20210101", False),
        ("NgayTiepNhan", "2021-01-01T00:00:00", False),
    ],
)
def test_patterns_tell_right_from_wrong_in_python_too(version, field, value, fits):
    pattern = version.packets["DongBoHoSoMC"].fields[field].pattern

    assert bool(re.fullmatch(pattern, value)) is fits


def test_plain_text_has_no_pattern(version):
    assert version.packets["DongBoHoSoMC"].fields["TenTTHC"].pattern is None
    assert version.packets["DongBoHoSoMC"].fields["ChuHoSo"].pattern is None


def test_versions_are_listed_and_found_by_namespace():
    assert version_names() == ("dvcqg-2020", "dvcqg-2022")
    assert version_of_namespace("urn:lienthong:dvcqg:2022") is load_version("dvcqg-2022")
    assert version_of_namespace("urn:other") is None


def test_an_unknown_version_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="dvcqg-2020, dvcqg-2022, found 'dvcqg-1999'") as caught:
        load_version("dvcqg-1999")

    assert caught.value.code == "schema.unknown_version"


def test_only_listed_files_can_be_read(version):
    assert read_file(version, "portal.wsdl").startswith(b"<?xml")
    with pytest.raises(ConfigError, match=r"dossier\.xsd, messages\.xsd, portal\.wsdl"):
        read_file(version, "../model.py")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the schema files that a test may spoil."""
    for name in ("dvcqg_2020", "dvcqg_2022"):
        source = model._FOLDER / name
        (tmp_path / name).mkdir()
        for file in source.iterdir():
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "index.json").write_bytes((model._FOLDER / "index.json").read_bytes())
    monkeypatch.setattr(model, "_FOLDER", tmp_path)
    for function in (model._entries, model.load_version):
        function.cache_clear()
    yield tmp_path
    for function in (model._entries, model.load_version):
        function.cache_clear()


@pytest.mark.parametrize("name", ["dossier.xsd", "messages.xsd", "portal.wsdl", "manifest.json"])
def test_a_changed_file_is_found_before_it_is_used(copied, name):
    path = copied / "dvcqg_2020" / name
    path.write_bytes(path.read_bytes() + b"\n")

    assert [problem.place.file for problem in model.check_installed()] == [f"dvcqg_2020/{name}"]
    with pytest.raises(ConfigError, match=name) as caught:
        load_version("dvcqg-2020")
    assert caught.value.problems[0].message.vi
    assert load_version("dvcqg-2022").name == "dvcqg-2022"


def test_every_missing_file_is_reported(copied):
    for name in ("dossier.xsd", "portal.wsdl"):
        (copied / "dvcqg_2020" / name).unlink()

    assert [problem.place.file for problem in model.check_installed()] == [
        "dvcqg_2020/dossier.xsd",
        "dvcqg_2020/portal.wsdl",
    ]


@pytest.mark.parametrize("data", [None, b"", b"{}", b'{"versions": [{"name": 1}]}'])
def test_a_spoiled_index_is_reported_and_stops_the_start(copied, data):
    (copied / "index.json").unlink()
    if data is not None:
        (copied / "index.json").write_bytes(data)

    (problem,) = model.check_installed()

    assert (problem.code, problem.place.file) == ("schema.file_changed", "index.json")
    with pytest.raises(ConfigError, match=r"index\.json"):
        load_version("dvcqg-2020")


def test_the_installed_files_are_as_listed():
    assert model.check_installed() == ()
