"""The packaged agencies that get messages: the bytes they get, and the way there and back."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from adapters import read_records
from mappings import load_agencies

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
DOSSIER = {
    "MaHoSo": "000.15.29.H29-260305-0042",
    "MaTTHC": "1.012784",
    "KenhThucHien": "2",
    "ChuHoSo": "TRẦN VĂN MẪU",
    "LoaiDoiTuong": "1",
    "SoDienThoai": "0900000042",
    "NgayTiepNhan": "20260305081500",
    "NgayHenTra": "20260326170000",
    "TrangThaiHoSo": "4",
    "HinhThuc": "1",
    "GhiChu": "=1+1",
    "TaiLieuNop": [{"IsDeleted": "False", "DuongDanTaiTepTin": "https://dvc.example.vn/1"}],
}
PAYMENT = {
    "MaHoSo": "000.15.29.H29-260305-0042",
    "MaSoThue": "8000000042",
    "HoTenNguoiNopTien": "Trần Văn Mẫu",
    "SoCMTNguoiNopTien": "079000000042",
    "DiaChiNguoiNopTien": "12/3 đường số 5",
    "UrlFileChungTu": "https://dvc.example.vn/ct/42",
    "ThongTinThanhToan": {
        "NoiDungThanhToan": "Lệ phí",
        "ThoiGianThanhToan": "20260310093000",
        "MaThongBaoThue": "TB-0042",
        "TrangThaiThanhToan": 1,
        "SoTien": 1250000,
    },
}


@pytest.fixture(scope="module")
def agencies():
    return load_agencies(None)


def converted(converter, message):
    data = json.dumps(message).encode()
    records = read_records(
        io.BytesIO(data),
        file_name="m.json",
        options=converter.source,
        read_columns=converter.read_columns,
    )
    return [converter.convert(record, now=NOW) for record in records]


def test_an_agency_gets_only_the_services_that_its_mapping_names(agencies):
    assert set(agencies.get("land-registration").inbound) == {"DongBoHoSoMC", "ChungTuThue"}
    assert set(agencies.get("ministry-profile").inbound) == {"DongBoHoSoMC"}
    assert set(agencies.get("transport").inbound) == set()


def test_the_land_office_gets_its_table_in_the_bytes_of_its_fonts(agencies):
    converter = agencies.get("land-registration").inbound["DongBoHoSoMC"]

    (inbound,) = converted(converter, DOSSIER)

    assert inbound.problems == ()
    assert inbound.document == (
        b"MaHoSoMotCua;MaThuTuc;KenhNop;HoTen;LoaiDoiTuong;SoDienThoai;Email;TrichYeu;NgayTiepNhan;"
        b"NgayHenTra;TrangThai;TraQuaBuuDien;GhiChu;TepDinhKem\r\n"
        b"000.15.29.H29-260305-0042;1.012784.000.00.00.H29;OL;TR\xc7N V\xa1N M\xc9U;C\xb8 nh\xa9n;"
        b"0900000042;;;05/03/2026 08:15;26/03/2026 17:00;\xa7ang x\xf6 l\xfd;1;"
        b'"\t=1+1";https://dvc.example.vn/1\r\n'
    )
    assert (inbound.media_type, inbound.charset) == ("text/csv", "tcvn3")
    assert inbound.name_for("m1") == "hoso-000.15.29.H29-260305-0042-m1.csv"
    assert inbound.deadline == datetime(2026, 3, 26, 10, 0, tzinfo=UTC)


def test_what_the_land_office_gets_goes_up_again_as_the_same_dossier(agencies):
    agency = agencies.get("land-registration")
    (inbound,) = converted(agency.inbound["DongBoHoSoMC"], DOSSIER)

    # The agency's program counts the snapshots itself.
    header, row = inbound.document.splitlines()
    document = b"\r\n".join([header + b";LanCapNhat", row + b";1"])
    (record,) = read_records(io.BytesIO(document), file_name="f.csv", options=agency.source)
    conversion = agency.convert(record)

    assert conversion.problems == ()
    values = conversion.events[0].values
    same = ("MaHoSo", "MaTTHC", "KenhThucHien", "LoaiDoiTuong", "NgayTiepNhan", "NgayHenTra")
    assert {name: values[name] for name in same} == {name: DOSSIER[name] for name in same}
    assert (values["TrangThaiHoSo"], values["HinhThuc"], values["GhiChu"]) == ("4", "1", "=1+1")
    # Capitals that the charset lacks have become small letters.
    assert values["ChuHoSo"] == "TRầN VĂN MẫU"


def test_the_land_office_gets_the_payment_of_a_tax(agencies):
    converter = agencies.get("land-registration").inbound["ChungTuThue"]

    (inbound,) = converted(converter, PAYMENT)

    assert inbound.problems == ()
    assert inbound.document == (
        b"MaHoSoMotCua;MaThongBaoThue;MaSoThue;NguoiNop;SoGiayTo;DiaChi;NgayNop;SoTien;TrangThai;"
        b"ChungTu\r\n"
        b"000.15.29.H29-260305-0042;TB-0042;8000000042;Tr\xc7n V\xa8n M\xc9u;079000000042;"
        b"12/3 \xae\xad\xeang s\xe8 5;10/03/2026 09:30;1.250.000;\xa7\xb7 n\xe9p;"
        b"https://dvc.example.vn/ct/42\r\n"
    )
    assert inbound.event_key == "000.15.29.H29-260305-0042/TB-0042"
    assert (inbound.status, inbound.procedure, inbound.deadline) == ("1", None, None)


def test_the_ministry_gets_its_profile_in_json(agencies):
    converter = agencies.get("ministry-profile").inbound["DongBoHoSoMC"]

    (inbound,) = converted(converter, DOSSIER | {"SoGiayToChuHoSo": "079000000042"})

    files = [
        {
            "content_type": "",
            "attachment_name": "",
            "is_deleted": 0,
            "attachment_file_url": "https://dvc.example.vn/1",
        }
    ]
    assert json.loads(inbound.document) == {
        "profileOutmodel": {
            "type": "profile",
            "source_id": "000.15.29.H29-260305-0042",
            "procedures_code": "1.012784",
            "profiles_status": "4",
            "accept_date": "2026/03/05 08:15:00",
            "appointment_date": "2026/03/26 17:00:00",
            "applicants_type": "1",
            "applicants_id": "079000000042",
            "profileOwner": {"name": "TRẦN VĂN MẪU", "tel": "0900000042"},
            "profileApplicant": {"email": ""},
            "profileAttachments": files,
            "profileDocFees": [],
        }
    }
    assert inbound.media_type == "application/json"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("MaHoSo", ["a"], "mapping.not_a_value"),
        ("MaHoSo", "x" * 300, "mapping.too_long"),
        ("ChuHoSo", "a\x01b", "target.control_character"),
        ("ChuHoSo", {"#text": "Nguyễn 漢"}, "target.unencodable"),
        ("TrangThaiHoSo", {"x": 1}, "mapping.not_a_value"),
        ("TrangThaiHoSo", "4 ", None),
        ("NgayTiepNhan", "99999999999999", "mapping.date_invalid"),
        ("TaiLieuNop", "a", "mapping.not_an_object"),
        ("TaiLieuNop", [{"DuongDanTaiTepTin": "a##b"}], "mapping.separator_in_value"),
    ],
)
def test_a_hostile_value_stops_its_message_with_the_reason(agencies, field, value, code):
    converter = agencies.get("land-registration").inbound["DongBoHoSoMC"]

    (inbound,) = converted(converter, DOSSIER | {field: value})

    assert {problem.code for problem in inbound.problems} == ({code} if code else set())
    assert (inbound.document is None) == bool(code)
