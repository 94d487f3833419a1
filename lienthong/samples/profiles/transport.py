"""Transport (HoSoBGTVT): JSON, channels counted from 0, times with slashes, a misspelt key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import STATUS_NAMES, portal_time
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.catalogue import Procedure
    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_FIELDS = {"Đường bộ": "G06-GT01", "Đăng kiểm": "G06-GT02"}
_UNITS = (("H29.22", "Sở Giao thông vận tải"), ("H29.22.01", "Phòng Quản lý vận tải (mẫu)"))
_CHANNELS = {"1": "0", "2": "1", None: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    has_mail: bool
    account: str | None
    channel: str | None
    """As the portal counts."""
    unit: tuple[str, str]
    status: str
    summary: str
    sent: datetime
    received: datetime
    due: datetime | None

    @property
    def code(self) -> str:
        return f"H29.22-{self.received:%y%m%d}-{self.number:04d}"


def _imagine(random: Random, number: int) -> _Case:
    received = moment(random, first_day="2025-07-07", days=300) + timedelta(seconds=number % 60)
    channel = random.choice(("1", "2", None))
    return _Case(
        number=number,
        procedure=random.choice(procedures(*_FIELDS)),
        person=make_person(random, number=number),
        has_mail=random.random() < 0.5,
        account=f"techid-{number:06d}" if channel == "2" else None,
        channel=channel,
        unit=random.choice(_UNITS),
        status=str(random.randrange(1, 11)),
        summary=random.choice(("", "Đề nghị cấp mới", "Đề nghị cấp lại do mất")),
        sent=received - timedelta(minutes=random.randrange(1, 3000)),
        received=received,
        due=received + timedelta(days=7) if random.random() < 0.9 else None,
    )


def _record(case: _Case) -> Record:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "TenLinhVuc": case.procedure.field,
        "TrichYeuHoSo": case.summary,
        "KenhThucHien": _CHANNELS[case.channel],
        "DonViXuLy": case.unit[1],
        "MaDonViXuLy": case.unit[0],
        "MaDoiTuong": case.account,
        "ChuHoSo": case.person.name,
        "SoDienThoai": case.person.phone,
        "NgayGuiHoSo": _slashed(case.sent),
        "NgayTiepNhan": _slashed(case.received),
        "NgayHenTra": _slashed(case.due),
        "TrangThaiHoSo": case.status,
        "TenTrangThaiHoSo": STATUS_NAMES[case.status],
        "EmaiNguoiNop": case.person.email if case.has_mail else "",
    }


def _slashed(when: datetime | None) -> str:
    return when.strftime("%d/%m/%Y %H:%M:%S") if when else ""


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": _FIELDS[case.procedure.field],
        "TenLinhVuc": case.procedure.field,
        "KenhThucHien": case.channel,
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": "1",
        "MaDoiTuong": case.account,
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.has_mail else None,
        "TrichYeuHoSo": case.summary or None,
        "NgayNopHoSo": portal_time(case.sent),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayTra": None,
        "TrangThaiHoSo": case.status,
        "HinhThuc": "0",
        "DonViXuLy": case.unit[1],
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    return write_page(path, entries, records="result", around={"error_code": "0"})


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="29/02/2026 08:15:00"),
        findings=(Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),),
    ),
    # The national number of a channel that this format does not count.
    Flaw(
        spoil=set_to(KenhThucHien="2"),
        findings=(Finding("mapping.code_unknown", "KenhThucHien", "KenhThucHien"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSo="Đang xử lý"),
        findings=(Finding("mapping.code_unknown", "TrangThaiHoSo", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: "HoSo", findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(TrichYeuHoSo="Gửi trùng", MaDonViXuLy="H29.22"),
        findings=(Finding("dossier.duplicate", "MaHoSo", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaHoSo="H29.22/250707/0301"),
        findings=(Finding("mapping.value_refused", "MaHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaTTHC="TTHC-1"),
        findings=(Finding("mapping.value_refused", "MaTTHC", "MaTTHC"),),
    ),
    Flaw(
        spoil=set_to(TenLinhVuc="Hàng không"),
        findings=(Finding("mapping.code_unknown", "TenLinhVuc", "MaLinhVuc"),),
    ),
    Flaw(
        spoil=set_to(NgayGuiHoSo="07/13/2025 08:00:00", NgayHenTra="12/07/2025"),
        findings=(
            Finding("mapping.date_invalid", "NgayHenTra", "NgayHenTra"),
            Finding("mapping.date_invalid", "NgayGuiHoSo", "NgayNopHoSo"),
        ),
    ),
    Flaw(
        spoil=set_to(EmaiNguoiNop="mau." * 25 + "@example.vn"),
        findings=(Finding("mapping.too_long", "EmaiNguoiNop", "Email"),),
    ),
    Flaw(
        spoil=set_to(TenTTHC="", TenLinhVuc=None, DonViXuLy=""),
        findings=(
            Finding("mapping.field_missing", "TenTTHC", "TenTTHC"),
            Finding("mapping.field_missing", "TenLinhVuc", "MaLinhVuc"),
            Finding("mapping.field_missing", "TenLinhVuc", "TenLinhVuc"),
            Finding("mapping.field_missing", "DonViXuLy", "DonViXuLy"),
        ),
    ),
    Flaw(
        spoil=set_to(ChuHoSo=["Bùi Văn Nam (mẫu)", "Bùi Thị Nga (mẫu)"]),
        findings=(Finding("mapping.not_a_value", "ChuHoSo", "ChuHoSo"),),
    ),
)

TRANSPORT = Shape(
    agency="transport",
    file_name="transport.json",
    tell=_tell,
    key="MaHoSo",
    flaws=_FLAWS,
    write=_write,
)
