"""The health department: JSON of a WCF service with /Date()/, numeric ids and '1'-or-null flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import portal_time, summary
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_UNIT = "Sở Y tế"
_MEDICINES = (7, "Dược phẩm", "G16-YT01")
_TREATMENT = (8, "Khám bệnh, chữa bệnh", "G16-YT02")


class _Procedure(NamedTuple):
    id: int
    field: tuple[int, str, str]
    """Number and name as the department has them, and the portal's code."""
    title: str
    code: str
    """As the portal has it."""


# The packaged catalogue has no procedures of the health sector: ids, titles and codes are samples.
_PROCEDURES = (
    _Procedure(131, _MEDICINES, "Cấp Chứng chỉ hành nghề dược", "1.004616"),
    _Procedure(132, _MEDICINES, "Cấp lại Chứng chỉ hành nghề dược", "1.004604"),
    _Procedure(140, _MEDICINES, "Cấp Giấy chứng nhận đủ điều kiện kinh doanh dược", "1.004593"),
    _Procedure(
        141, _MEDICINES, "Điều chỉnh Giấy chứng nhận đủ điều kiện kinh doanh dược", "1.004585"
    ),
    _Procedure(150, _TREATMENT, "Cấp giấy phép hoạt động khám bệnh, chữa bệnh", "1.003848"),
)
_NO_DATE = "/Date(-62135596800000)/"
_DONE = 8
_STATES = {1: "1", 2: "2", 3: "4", 4: "4", 5: "5", 7: "9", _DONE: "10"}
"""The department's numbers to the portal's; samples, as nobody has published them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: _Procedure
    person: Person
    received: datetime
    due: datetime
    state: int
    received_offset: str
    no_date: str | None
    """How "not returned" is written."""
    sex: int
    born: str | None
    mail: str | None
    is_online: bool
    is_posted: bool
    fee: int
    papers: range

    @property
    def code(self) -> str:
        return f"000.00.15.H29-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def receipt(self) -> str:
        return f"{self.number:04d}/SYT-NVD"

    @property
    def returned(self) -> datetime | None:
        return self.due if self.state == _DONE else None


def _imagine(random: Random, number: int) -> _Case:
    procedure = random.choice(_PROCEDURES)
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-02-03", days=380)
    due = received + timedelta(days=random.randrange(10, 30))
    state = random.choice((1, 2, 3, 4, 5, 7, _DONE, _DONE))
    return _Case(
        number=number,
        procedure=procedure,
        person=person,
        received=received,
        due=due,
        state=state,
        received_offset=random.choice(("+0700", "")),
        no_date=None if state == _DONE else random.choice((_NO_DATE, None)),
        sex=random.randrange(1, 3),
        born=random.choice(("1985", "20/01/1990", None)),
        mail=random.choice((person.email, "", None)),
        is_online=random.choice((True, False)),
        is_posted=random.choice((True, False)),
        fee=random.choice((0, 500_000, 1_000_000)),
        papers=range(1, random.randrange(1, 4)),
    )


def _record(case: _Case) -> Record:
    return {
        "RowNo": case.number,
        "HoSoID": 55_000 + case.number,
        "SoBienNhan": case.receipt,
        "MaHoSoMotCua": case.code,
        "NgayNhan": _wcf(case.received, case.received_offset),
        "NgayHenTra": _wcf(case.due, "+0700"),
        "NgayTra": _wcf(case.returned, "") if case.returned else case.no_date,
        "LinhVucID": case.procedure.field[0],
        "TenLinhVuc": case.procedure.field[1],
        "ThuTucID": case.procedure.id,
        "TenThuTuc": case.procedure.title,
        "HoTenNguoiNop": case.person.name,
        "GioiTinhID": case.sex,
        "NgaySinh": case.born,
        "SoGiayTo": case.person.identity,
        "Phone": case.person.phone,
        "Email": case.mail,
        "TrangThaiHoSoID": case.state,
        "QuaTrinhXuLyHienTaiID": 9_000_000 + case.number,
        "NopQuaMang": "1" if case.is_online else None,
        "TraQuaBuuDien": "1" if case.is_posted else None,
        "LePhi": case.fee,
        "GhiChu": None,
        "lstChungTuKemTheo": [
            {
                "ChungTuID": case.number * 10 + order,
                "AttachOriginalName": f"ChungTu{order}.pdf",
                "AttachUrl": _address(case, order),
            }
            for order in case.papers
        ],
    }


def _address(case: _Case, order: int) -> str:
    return f"https://hoso.example.vn/syt/{case.number}/{order}"


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "SoBienNhan": case.receipt,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": case.procedure.field[2],
        "TenLinhVuc": case.procedure.field[1],
        "KenhThucHien": "2" if case.is_online else "1",
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": "1",
        "SoDienThoai": case.person.phone,
        "Email": case.mail or None,
        "TrichYeuHoSo": summary(f"{case.procedure.title} - {case.person.name}"),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayTra": portal_time(case.returned),
        "TrangThaiHoSo": _STATES[case.state],
        "HinhThuc": "1" if case.is_posted else "0",
        "DonViXuLy": _UNIT,
        "GhiChu": None,
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(case.number * 10 + order),
                "TenTepDinhKem": f"ChungTu{order}.pdf",
                "IsDeleted": "False",
                "DuongDanTaiTepTin": _address(case, order),
            }
            for order in case.papers
        ]
        or None,
        "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": str(case.fee)}] if case.fee else None,
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _wcf(when: datetime, offset: str) -> str:
    """Return the wire form: milliseconds since 1970 in UTC; the offset is only decoration."""
    return f"/Date({int(when.timestamp()) * 1000}{offset})/"


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    around: Record = {"PageIndex": 1, "PageSize": len(entries), "TotalItems": len(entries)}
    return write_page(path, entries, records="Data", around=around)


_FLAWS = (
    Flaw(
        spoil=set_to(NgayNhan="05/03/2025"),
        findings=(Finding("mapping.date_invalid", "NgayNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=77),
        findings=(Finding("mapping.code_unknown", "TrangThaiHoSoID", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(ThuTucID=999),
        findings=(Finding("mapping.code_unknown", "ThuTucID", "MaTTHC"),),
    ),
    Flaw(spoil=lambda _: None, findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=6, GhiChu="Ghi trùng"),
        findings=(Finding("dossier.duplicate", "MaHoSoMotCua", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaHoSoMotCua="0421/SYT-NVD"),
        findings=(Finding("mapping.value_refused", "MaHoSoMotCua", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(NgayNhan=_NO_DATE),
        findings=(Finding("mapping.date_implausible", "NgayNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(LePhi="500 nghìn"),
        findings=(Finding("mapping.number_invalid", "LePhi", "DanhSachLePhi[1].Gia"),),
    ),
    Flaw(
        spoil=set_to(HoTenNguoiNop="Võ\x00Văn Long (mẫu)"),
        findings=(Finding("json.nul", "HoTenNguoiNop", None),),
    ),
    Flaw(
        spoil=set_to(NopQuaMang=True),
        findings=(Finding("mapping.code_unknown", "NopQuaMang", "KenhThucHien"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoID=9),
        findings=(Finding("mapping.code_not_valid", "TrangThaiHoSoID", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(LinhVucID=None, TenThuTuc=None),
        findings=(
            Finding("mapping.field_missing", "TenThuTuc", "TenTTHC"),
            Finding("mapping.field_missing", "LinhVucID", "MaLinhVuc"),
        ),
    ),
)

HEALTH = Shape(
    agency="health-department",
    file_name="health-department.json",
    tell=_tell,
    key="MaHoSoMotCua",
    flaws=_FLAWS,
    write=_write,
)
