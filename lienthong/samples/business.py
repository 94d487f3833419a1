"""Business registration: XML with namespaces and attributes, several snapshots of one dossier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from lienthong.samples.catalogue import procedures, wards
from lienthong.samples.people import make_person
from lienthong.samples.portal import company_name, portal_time, summary
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.catalogue import Procedure
    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry

MAIN = "urn:mau:dang-ky-kinh-doanh"
PAPERS = "urn:mau:tai-lieu"
_FIELD = "Thành lập và hoạt động của doanh nghiệp"
_UNIT = "Phòng Đăng ký kinh doanh"
_CHANNELS = {"QUAY": "1", "MANG": "2", "BUUCHINH": "3"}
_FORMS = {"QUAY": "0", "BUUCHINH": "1"}


class _Stage(NamedTuple):
    code: str
    name: str
    status: str
    """As the portal counts."""


_STAGES = (
    _Stage("TIEPNHAN", "Được tiếp nhận", "2"),
    _Stage("XULY", "Đang xử lý", "4"),
    _Stage("COKETQUA", "Có kết quả", "9"),
    _Stage("TRAKETQUA", "Đã trả kết quả", "10"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    received: datetime
    ward: str
    address: str
    channel: str
    company: str
    representatives: int
    form: str
    papers: tuple[str, ...]
    """Their names."""

    @property
    def code(self) -> str:
        return f"H29.17-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def tax_code(self) -> str:
        return f"0000{self.number:06d}"

    @property
    def due(self) -> datetime:
        return self.received + timedelta(days=3)


def _imagine(random: Random, number: int) -> _Case:
    procedure = random.choice(procedures(_FIELD))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    ward = random.choice(wards()).name
    return _Case(
        number=number,
        procedure=procedure,
        person=person,
        received=received,
        ward=ward,
        address=f"Số {random.randrange(1, 300)} đường mẫu số {random.randrange(1, 40)}, {ward}",
        channel=random.choice(tuple(_CHANNELS)),
        company=company_name(random, number),
        representatives=random.randrange(1, 3),
        form=random.choice(tuple(_FORMS)),
        papers=("Giấy đề nghị", "Điều lệ & danh sách", "Ủy quyền")[: random.randrange(4)],
    )


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    snapshots = [
        Told(record=_record(case, turn, stage), values=_values(case, stage))
        for turn, stage in enumerate(_STAGES[: random.randrange(1, 5)], start=1)
    ]
    if random.random() < 0.2:
        # Some exports list the newest first; lanCapNhat still tells the order.
        snapshots.reverse()
    return snapshots


def _record(case: _Case, turn: int, stage: _Stage) -> Record:
    return {
        "@maHoSo": case.code,
        "ThuTuc": {"@ma": case.procedure.code, "#text": case.procedure.title},
        "KenhNop": case.channel,
        "MainInformation": {"NAME": case.company, "ENTERPRISE_GDT_CODE": case.tax_code},
        "HOAdress": {"AddressFullText": case.address, "WardName": case.ward},
        "Representatives": [{"FULL_NAME": case.person.name}] * case.representatives,
        "LienHe": {"@dienThoai": case.person.phone, "@thuDienTu": case.person.email},
        "NgayTiepNhan": case.received.isoformat(),
        "NgayHenTra": case.due.isoformat(),
        "NhanKetQua": case.form,
        "GiayTo": [
            {
                "@id": str(case.number * 10 + order),
                "@daXoa": "0",
                "Ten": name,
                "DuongDan": _address(case, order),
            }
            for order, name in enumerate(case.papers)
        ],
        "@lanCapNhat": str(turn),
        "TrangThai": {"@ma": stage.code, "#text": stage.name},
    }


def _address(case: _Case, order: int) -> str:
    return f"https://hoso.example.vn/dk/{case.number}/{order}"


def _values(case: _Case, stage: _Stage) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": "G07-KH01",
        "TenLinhVuc": _FIELD,
        "KenhThucHien": _CHANNELS[case.channel],
        "ChuHoSo": case.company,
        "LoaiDoiTuong": "2",
        "ThongTinKhac": case.address,
        "SoDienThoai": case.person.phone,
        "Email": case.person.email,
        "TrichYeuHoSo": summary(f"{case.procedure.title}: {case.company}"),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "TrangThaiHoSo": stage.status,
        "HinhThuc": _FORMS[case.form],
        "DonViXuLy": _UNIT,
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(case.number * 10 + order),
                "TenTepDinhKem": name,
                "IsDeleted": "False",
                "DuongDanTaiTepTin": _address(case, order),
            }
            for order, name in enumerate(case.papers)
        ]
        or None,
    }


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    root = etree.Element(_name("DanhSachHoSo"), nsmap={"dk": MAIN, "tl": PAPERS})
    root.append(etree.Comment(" dữ liệu mẫu "))
    for entry in entries:
        _append(root, "HoSo", entry.content)
    etree.indent(root)
    text = etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
    path.write_bytes(text)
    starts = (
        line
        for line, content in enumerate(text.split(b"\n"), start=1)
        if content.lstrip().startswith((b"<dk:HoSo>", b"<dk:HoSo "))
    )
    return [
        Place(file=path.name, line=line, path=f"/DanhSachHoSo/HoSo[{number}]")
        for number, line in enumerate(starts, start=1)
    ]


def _append(parent: etree._Element, name: str, value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _append(parent, name, item)
        return
    element = etree.SubElement(parent, _name(name))
    if not isinstance(value, dict):
        element.text = str(value)
        return
    for key, part in value.items():
        if key == "#text":
            element.text = str(part)
        elif key.startswith("@"):
            element.set(key[1:], str(part))
        else:
            _append(element, key, part)


def _name(name: str) -> str:
    return f"{{{PAPERS if name in ('GiayTo', 'Ten', 'DuongDan') else MAIN}}}{name}"


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="2025-02-31T08:15:00+07:00"),
        findings=(Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(TrangThai={"@ma": "DANGXULY", "#text": "Đang xử lý"}),
        findings=(Finding("mapping.code_unknown", "TrangThai.@ma", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=lambda record: {key: record[key] for key in record if key != "@maHoSo"},
        findings=(Finding("mapping.field_missing", "@maHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(ThuTuc={"@ma": "9.999999", "#text": "Thủ tục không có"}),
        findings=(
            Finding("mapping.lookup_unknown", "ThuTuc.@ma", "TenTTHC"),
            Finding("mapping.lookup_unknown", "ThuTuc.@ma", "TenLinhVuc"),
        ),
    ),
    Flaw(
        spoil=set_to(KenhNop=["QUAY", "MANG"]),
        findings=(Finding("mapping.not_a_value", "KenhNop", "KenhThucHien"),),
    ),
    Flaw(
        spoil=set_to(GiayTo={"@id": "1", "@daXoa": "co", "Ten": "Điều lệ"}),
        findings=(Finding("mapping.code_unknown", "GiayTo.@daXoa", "TaiLieuNop[1].IsDeleted"),),
    ),
    Flaw(
        spoil=set_to(LienHe={"@dienThoai": "0900000999 " * 6}),
        findings=(Finding("mapping.too_long", "LienHe.@dienThoai", "SoDienThoai"),),
    ),
    Flaw(
        spoil=set_to(NgayTiepNhan="0225-03-05T08:15:00+07:00", NhanKetQua="EMAIL"),
        findings=(
            Finding("mapping.date_implausible", "NgayTiepNhan", "NgayTiepNhan"),
            Finding("mapping.code_unknown", "NhanKetQua", "HinhThuc"),
        ),
    ),
    Flaw(
        spoil=set_to(NgayHenTra="ba ngày làm việc"),
        findings=(Finding("mapping.date_invalid", "NgayHenTra", "NgayHenTra"),),
    ),
    Flaw(
        spoil=set_to(TrangThai="", NgayTiepNhan=""),
        findings=(
            Finding("mapping.field_missing", "NgayTiepNhan", "NgayTiepNhan"),
            Finding("mapping.field_missing", "TrangThai.@ma", "TrangThaiHoSo"),
        ),
    ),
)

BUSINESS = Shape(
    agency="business-registration",
    file_name="business-registration.xml",
    tell=_tell,
    key="@maHoSo",
    flaws=_FLAWS,
    write=_write,
)
