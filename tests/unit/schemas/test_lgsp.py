"""The LGSP document schema, written from a document: every name as published, nothing guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from schemas.building import DocumentBuilder
from schemas.lgsp import LgspForm, LgspWriter, Zone, wrong_lgsp_paths
from schemas.lgsp_fields import LgspKind
from schemas.model import load_version
from schemas.parser import parse_xml
from schemas.portal_json import ValuesRefused
from schemas.reading import read_document

VERSION = load_version("dvcqg-2022")
FULL = {
    "MaHoSo": "H29.30-210305-0009",
    "MaTTHC": "1.001612",
    "TenTTHC": "Đăng ký thành lập hộ kinh doanh",
    "MaLinhVuc": "G05-KD01",
    "TenLinhVuc": "Hộ kinh doanh",
    "ChuHoSo": "Trương Thị Mẫu",
    "LoaiDoiTuong": "1",
    "SoGiayToChuHoSo": "079188000000",
    "Email": "a@example.vn",
    "SoDienThoai": "0900000000",
    "TrichYeuHoSo": "Xin đăng ký",
    "NgayTiepNhan": "20210305081500",
    "NgayHenTra": "20210310170000",
    "TrangThaiHoSo": "4",
    "HinhThuc": "0",
    "DonViXuLy": "UBND Quận 1",
    "GhiChu": "Ghi chú",
    "TaiLieuNop": [
        {"TepDinhKemId": "5", "TenTepDinhKem": "don.pdf", "IsDeleted": "False"},
        {
            "TepDinhKemId": "6",
            "TenTepDinhKem": "b.pdf",
            "DuongDanTaiTepTin": "https://x.example/b.pdf",
        },
    ],
    "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": "100000", "LoaiPhiLePhi": "1"}],
    "DanhSachTepDinhKemKhac": [{"TenGiayTo": "Bản sao", "SoLuong": "2", "LoaiGiayTo": "1"}],
    "DanhSachHoSoBoSung": [
        {
            "HoSoBoSungId": "7",
            "NguoiYeuCauBoSung": "Lê A",
            "NoiDungBoSung": "Thiếu bản sao",
            "NgayBoSung": "20210306080000",
            "NgayTiepNhanBoSung": "20210307080000",
            "TrangThaiBoSung": "True",
            "DanhSachGiayToBoSung": [{"TenTepDinhKem": "c.pdf"}],
            "DanhSachLePhiBoSung": [{"TenPhiLePhi": "Phí", "Gia": "0.5"}],
            "NgayHenTraTruoc": "20210310170000",
            "NgayHenTraMoi": "20210312170000",
        }
    ],
}
ROW = {
    "MaHoSo": "H29.30-210305-0009",
    "NguoiXuLy": "Nguyễn Văn Mẫu",
    "ChucDanh": "Chuyên viên",
    "ThoiDiemXuLy": "20210305090000",
    "NoiDungXuLy": "Đang thẩm định",
    "TrangThai": "4",
}
PLAIN = {key: value for key, value in FULL.items() if isinstance(value, str)}
CONSTANTS = {
    "Attachments.IsVerified": "false",
    "Supplementaries.Papers.Amount": "1",
    "Supplementaries.Papers.PaperType": "1",
}
TRACES = {
    "sources": {"DocumentId": ["MaHoSo"], "OrganizationInchargeName": ["@MaDonVi"]},
    "codes": {"OrganizationInchargeName": {"H29.30": "UBND Quận 1"}},
}


def document(values, packet="DongBoHoSoMC", version=VERSION):
    built = DocumentBuilder(version, packet).build(
        values,
        message_id="019abcde-0000-7000-8000-000000000001",
        agency_code="H29.30",
        created_at=datetime(2021, 3, 5, tzinfo=UTC),
    )
    return read_document(parse_xml(built))


def write(values=FULL, packet="DongBoHoSoMC", version=VERSION, **form):
    if values is FULL:
        form["constants"] = CONSTANTS | form.get("constants", {})
    return LgspWriter(packet, form=LgspForm(**form)).write(document(values, packet, version))


def problems(values, packet="DongBoHoSoMC", version=VERSION, **form):
    with pytest.raises(ValuesRefused) as refused:
        write(values, packet, version, **form)
    return [(one.code, one.field) for one in refused.value.problems]


def test_a_dossier_is_written_as_published_in_the_published_order():
    assert write().decode() == (
        '{"DocTypeCode":"1.001612","DocTypeName":"Đăng ký thành lập hộ kinh doanh",'
        '"DocCode":"H29.30-210305-0009","CitizenName":"Trương Thị Mẫu",'
        '"ApplicantsId":"079188000000","ApplicantsType":1,"Email":"a@example.vn",'
        '"Phone":"0900000000","Compendium":"Xin đăng ký",'
        '"DateReceived":"2021-03-05T08:15:00.000Z","DateAppointed":"2021-03-10T17:00:00.000Z",'
        '"IsSuccess":false,"SuccessDate":"0000-00-00T00:00:00.000+0700","IsReturned":false,'
        '"ReturnedDate":"2021-03-10T17:00:00.000Z","ReturnedType":0,"Status":1,'
        '"ProcessingOrganName":"UBND Quận 1","HasSupplementary":"true","Note":"Ghi chú",'
        '"Attachments":[{"AttachmentId":5,"AttachmentName":"don.pdf","IsDeleted":false,'
        '"IsVerified":false},'
        '{"AttachmentId":6,"AttachmentName":"b.pdf","IsVerified":false}],'
        '"DocFees":[{"FeeName":"Lệ phí","FeeType":4,"Price":100000}],'
        '"DocPapers":[{"PaperName":"Bản sao","Amount":2,"PaperType":1}],'
        '"Supplementaries":[{"SupplementaryId":7,"SendUser":"Lê A",'
        '"SendComment":"Thiếu bản sao","SendDate":"2021-03-06T08:00:00.000Z",'
        '"ReceivedDate":"2021-03-07T08:00:00.000Z","IsReceived":true,'
        '"Papers":[{"PaperName":"c.pdf","Amount":1,"PaperType":1}],'
        '"Fees":[{"FeeName":"Phí","FeeType":4,"Price":0.5}],'
        '"OldDateAppointed":"2021-03-10T17:00:00.000Z",'
        '"NewDateAppointed":"2021-03-12T17:00:00.000Z"}],'
        '"OrganInchargeIdLevel1":"H29.30","OrganInchargeName":"UBND Quận 1"}'
    )


def test_a_row_of_progress_is_written_as_published():
    assert write(ROW, "CapNhatTienDoHoSoMC", **TRACES).decode() == (
        '{"DocumentId":"H29.30-210305-0009","DocCode":"H29.30-210305-0009",'
        '"UserName":"Nguyễn Văn Mẫu","UserPosition":"Chuyên viên",'
        '"DateCreated":"2021-03-05T09:00:00.000Z","Comment":"Đang thẩm định","Status":4,'
        '"OrganizationInchargeIdLevel1":"H29.30","OrganizationInchargeName":"UBND Quận 1"}'
    )


def test_the_same_document_gives_the_same_bytes():
    assert write() == write()


@pytest.mark.parametrize(
    ("status", "success", "returned", "ready"),
    [("2", False, False, 1), ("9", True, False, 2), ("10", True, True, 1), ("3", False, False, 1)],
)
def test_what_is_finished_and_returned_follows_from_the_status(status, success, returned, ready):
    written = json.loads(write(PLAIN | {"TrangThaiHoSo": status}))

    flags = written["IsSuccess"], written["IsReturned"], written["Status"]
    assert flags == (success, returned, ready)


def test_dates_of_the_end_are_taken_where_they_are():
    values = PLAIN | {"NgayTra": "20210309100000", "NgayKetThucXuLy": "20210309093000"}

    written = json.loads(write(values))

    assert written["SuccessDate"] == written["FinishedDate"] == "2021-03-09T09:30:00.000Z"
    assert written["ReturnedDate"] == "2021-03-09T10:00:00.000Z"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (Zone.LOCAL_Z, "2021-03-05T08:15:00.000Z"),
        (Zone.UTC_Z, "2021-03-05T01:15:00.000Z"),
        (Zone.OFFSET, "2021-03-05T08:15:00.000+07:00"),
        (Zone.BARE_OFFSET, "2021-03-05T08:15:00.000+0700"),
        (Zone.NONE, "2021-03-05T08:15:00.000"),
    ],
)
def test_a_time_tells_its_zone_as_the_settings_say(zone, text):
    assert json.loads(write(PLAIN, zone=zone))["DateReceived"] == text


def test_what_the_published_schema_and_its_implementer_spell_differently_is_a_setting():
    written = json.loads(
        write(
            names={"Attachments.AttachmentId": "Attachmentld"},
            kinds={"IsReturned": LgspKind.TEXT, "Attachments.AttachmentId": LgspKind.TEXT},
            time_format="%d/%m/%Y %H:%M",
            zone=Zone.NONE,
        )
    )

    assert written["Attachments"][0]["Attachmentld"] == "5"
    assert written["IsReturned"] == "false"
    assert written["DateReceived"] == "05/03/2021 08:15"


def test_every_field_that_is_missing_is_told_at_once():
    values = {
        key: PLAIN[key] for key in PLAIN if VERSION.packets["DongBoHoSoMC"].fields[key].required
    }

    assert problems(values) == [
        ("lgsp.missing", "CitizenName"),
        ("lgsp.missing", "ApplicantsId"),
        ("lgsp.missing", "Phone"),
        ("lgsp.missing", "DateAppointed"),
        ("lgsp.missing", "ReturnedDate"),
    ]
    assert problems(ROW, "CapNhatTienDoHoSoMC") == [
        ("lgsp.missing", "DocumentId"),
        ("lgsp.missing", "OrganizationInchargeName"),
    ]


def test_a_constant_stands_only_where_nothing_else_does():
    constants = {"CitizenName": "?", "Address": "Không rõ", "Attachments.IsDeleted": "true"}

    written = json.loads(write(constants=constants))

    assert written["CitizenName"] == "Trương Thị Mẫu"
    assert written["Address"] == "Không rõ"
    assert [one["IsDeleted"] for one in written["Attachments"]] == [False, True]


def test_what_a_file_needs_and_no_dossier_has_must_be_named():
    values = PLAIN | {"TaiLieuNop": [{"TenTepDinhKem": "a.pdf"}]}

    assert problems(values) == [
        ("lgsp.missing", "Attachments[1].AttachmentId"),
        ("lgsp.missing", "Attachments[1].IsVerified"),
    ]


@pytest.mark.parametrize(
    ("change", "form", "expected"),
    [
        # The portal's kinds of applicants are not the LGSP's: nobody guesses.
        ({"LoaiDoiTuong": "3"}, {}, ("lgsp.unmapped", "ApplicantsType")),
        ({"NgayHenTra": "20210231000000"}, {}, ("lgsp.value", "DateAppointed")),
        (
            {
                "DanhSachLePhi": [
                    {"TenPhiLePhi": "a", "Gia": "1"},
                    {"TenPhiLePhi": "b", "Gia": "100.000"},
                ]
            },
            {},
            ("lgsp.value", "DocFees[2].Price"),
        ),
        ({"DanhSachLePhi": [{"Gia": "1e9"}]}, {}, ("lgsp.value", "DocFees[1].Price")),
        ({"GhiChu": "x" * 501}, {"max_lengths": {"Note": 500}}, ("lgsp.too_long", "Note")),
        (
            {"TaiLieuNop": [{"TepDinhKemId": "٣"}]},
            {},
            ("lgsp.value", "Attachments[1].AttachmentId"),
        ),
    ],
)
def test_a_value_that_cannot_be_written_stops_the_document_and_is_not_quoted(
    change, form, expected
):
    with pytest.raises(ValuesRefused) as refused:
        write(PLAIN | change, **form)

    (problem,) = [one for one in refused.value.problems if one.field == expected[1]]
    assert problem.code == expected[0]
    (value,) = [value for value in change.values() if isinstance(value, str)] or ["1e9"]
    assert len(value) < 3 or value not in problem.message.en


def test_of_one_identity_the_number_is_taken_and_of_two_none():
    values = {key: value for key, value in PLAIN.items() if key != "SoGiayToChuHoSo"}
    one = [{"LoaiDinhDanh": "1", "SoDinhDanh": "079188000001"}]

    written = json.loads(write(values | {"DinhDanhCHS": one}))

    assert written["ApplicantsId"] == "079188000001"
    assert problems(values | {"DinhDanhCHS": one * 2}) == [("lgsp.missing", "ApplicantsId")]


def test_attachments_may_be_left_out():
    assert "Attachments" not in json.loads(write(left_out=frozenset({"Attachments"})))


def test_the_first_schema_version_needs_constants_for_what_it_does_not_have():
    values = {key: value for key, value in PLAIN.items() if key != "SoGiayToChuHoSo"}
    old = load_version("dvcqg-2020")

    assert problems(values, version=old) == [("lgsp.missing", "ApplicantsId")]
    assert json.loads(write(values, version=old, constants={"ApplicantsId": "0"}))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"constants": {"Adress": "x"}}, "Adress: not a field of the LGSP's schema"),
        ({"left_out": frozenset({"Phone"})}, "Phone: required by the LGSP's schema"),
        ({"sources": {"Address": ["DiaChi"]}}, "Address: its source DiaChi is no field"),
        ({"sources": {"DocFees.FeeType": ["Loai"]}}, "its source Loai is no field"),
        ({"kinds": {"UserName": LgspKind.TEXT}}, "UserName: not a field"),
    ],
)
def test_paths_and_sources_that_are_none_are_told(form, words):
    (told,) = wrong_lgsp_paths(LgspForm(**form), "DongBoHoSoMC", [VERSION])

    assert words in told.en


def test_sources_may_be_of_the_item_of_the_dossier_and_of_its_head():
    form = {
        "sources": {
            "DocFees.FeeType": ["LoaiPhiLePhi"],
            "Address": ["@MaBanTin"],
            "DocPapers.PaperName": ["MaHoSo"],
        }
    }

    written = json.loads(write(**form))

    assert wrong_lgsp_paths(LgspForm(**form), "DongBoHoSoMC", [VERSION]) == []
    assert written["DocFees"][0]["FeeType"] == 1
    assert written["Address"] == "019abcde-0000-7000-8000-000000000001"
    assert written["DocPapers"][0]["PaperName"] == "H29.30-210305-0009"
