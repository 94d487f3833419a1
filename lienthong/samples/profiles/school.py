"""School enrolment: JSON lines; no dossier code, so it is put together from three keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_lines
from lienthong.samples.people import make_person
from lienthong.samples.portal import identity, portal_time
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person

_FIELDS = ("Giáo dục Mầm non", "Giáo dục Tiểu học", "Giáo dục Trung học")


class _Service(NamedTuple):
    local: str
    code: str
    field: str
    """Code of the field, known from the province that publishes these services."""
    unit: str
    unit_name: str


_KINDERGARTEN = ("000.08.15.H29", "Trường Mầm non Mẫu số 8")
_PRIMARY = ("000.07.15.H29", "Trường Tiểu học Mẫu số 7")
_SECONDARY = ("000.09.15.H29", "Trường Trung học Mẫu số 9")
_SERVICES = (
    _Service("TS_mamnon", "2.002493", "G03-GD06", *_KINDERGARTEN),
    _Service("TS_lop1", "2.002492", "G03-GD09", *_PRIMARY),
    _Service("TS_lop6", "3.000182", "G03-GD10", *_SECONDARY),
    _Service("TS_lop10", "3.000181", "G03-GD10", *_SECONDARY),
)
_STATES = (("DA_TIEPNHAN", "2"), ("DANG_XULY", "4"), ("DA_TRAKQ", "10"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    service: _Service
    person: Person
    paper: str
    state: tuple[str, str]
    opinion: str | None
    created: datetime

    @property
    def code(self) -> str:
        return f"{self.service.unit}-{self.created:%y%m%d}-{self.number:06d}"


def _imagine(random: Random, number: int) -> _Case:
    person = make_person(random, number=number)
    return _Case(
        number=number,
        service=random.choice(_SERVICES),
        person=person,
        paper=random.choice((person.identity, person.identity, f"000000{number % 1000:03d}", "")),
        state=random.choice(_STATES),
        opinion=random.choice((None, "", "Đủ điều kiện", "Bổ sung giấy khai sinh")),
        created=moment(random, first_day="2025-06-01", days=60) + timedelta(seconds=number % 60),
    )


def _record(case: _Case) -> Record:
    is_done = case.state[1] == "10"
    return {
        "FCode": f"TS-{case.created:%Y}-{case.number:06d}",
        "MaDichVu": f"{case.service.local}.000.00.00.H29",
        "HoTenNguoiNop": case.person.name,
        "SoGiayTo": case.paper,
        "FCreateTime": case.created.strftime("%Y-%m-%dT%H:%M:%S"),
        "MaDonVi": case.service.unit,
        "TrangThaiHS": case.state[0],
        "NoiDungYKien": case.opinion,
        "TrungTuyen": case.number % 2 if is_done else None,
    }


def _values(case: _Case) -> PortalValues:
    catalogue = {procedure.code: procedure for procedure in procedures(*_FIELDS)}
    procedure = catalogue[case.service.code]
    return {
        "MaHoSo": case.code,
        "MaTTHC": procedure.code,
        "TenTTHC": procedure.title,
        "MaLinhVuc": case.service.field,
        "TenLinhVuc": procedure.field,
        "KenhThucHien": "2",
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": "1",
        "SoDienThoai": None,
        "Email": None,
        "TrichYeuHoSo": None,
        "NgayTiepNhan": portal_time(case.created),
        "NgayNopHoSo": portal_time(case.created),
        "NgayHenTra": None,
        "NgayTra": None,
        "TrangThaiHoSo": case.state[1],
        "HinhThuc": "0",
        "DonViXuLy": case.service.unit_name,
        "GhiChu": case.opinion or None,
        **identity(case.paper),
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


_UNKNOWN_SERVICE = tuple(
    Finding("mapping.code_unknown", "MaDichVu", field)
    for field in ("MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc")
)
_WRONG_TIME = tuple(
    Finding("mapping.date_invalid", "FCreateTime", field)
    for field in ("NgayTiepNhan", "NgayNopHoSo")
)


def _late(record: Record) -> Record:
    """Return the record of an hour that no day has; the day stays, and the code with it."""
    return record | {"FCreateTime": f"{record['FCreateTime']}"[:10] + "T24:15:00"}


_FLAWS = (
    Flaw(spoil=_late, findings=_WRONG_TIME),
    Flaw(spoil=set_to(MaDichVu="TS_lop2.000.00.00.H29"), findings=_UNKNOWN_SERVICE),
    Flaw(
        spoil=set_to(TrangThaiHS="DA_TRA_KQ"),
        findings=(Finding("mapping.code_unknown", "TrangThaiHS", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=lambda _: '{"FCode": "TS-2025-000998", "FCode": "TS-2025-000999"}',
        findings=(Finding("jsonl.key_repeated", "FCode", None),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHS="DANG_XULY", NoiDungYKien="Gửi trùng"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(FCode="TS-2025-số 412"),
        findings=(Finding("mapping.value_refused", "FCode", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(FCode=""),
        findings=(Finding("mapping.field_missing", "FCode", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaDonVi="000.01.15.H29"),
        findings=(Finding("mapping.code_unknown", "MaDonVi", "DonViXuLy"),),
        recode=lambda code: "000.01.15.H29" + code[len("000.01.15.H29") :],
    ),
    Flaw(
        spoil=set_to(HoTenNguoiNop="Hồ\x00Thị Khánh (mẫu)"),
        findings=(Finding("jsonl.nul", "HoTenNguoiNop", None),),
    ),
    Flaw(
        spoil=set_to(NoiDungYKien="Ý kiến quá dài. " * 130),
        findings=(Finding("mapping.too_long", "NoiDungYKien", "GhiChu"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHS=None, MaDichVu=""),
        findings=(
            *(finding._replace(code="mapping.field_missing") for finding in _UNKNOWN_SERVICE),
            Finding("mapping.field_missing", "TrangThaiHS", "TrangThaiHoSo"),
        ),
    ),
    # A line that was cut off, as a full disk leaves it.
    Flaw(
        spoil=lambda _: '{"FCode": "TS-2025-000999", "MaDichVu": "TS_l',
        findings=(Finding("jsonl.syntax", None, None),),
    ),
)

SCHOOL = Shape(
    agency="school-enrolment",
    file_name="school-enrolment.jsonl",
    tell=_tell,
    key="FCode",
    flaws=_FLAWS,
    write=write_lines,
    narrow=lambda place, key: place.at(path=key),
)
