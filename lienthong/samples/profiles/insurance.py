"""Social insurance: a JSON list whose ids are floats, with local procedure codes and no owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.portal import portal_time
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_UNIT = "000.00.79.H29"
_FIELD = "Thu BHXH, BHYT, BHTN, BH tai nạn lao động, BNN"
# Local code, local name, national code; only 600 is known, the others are samples.
_PROCEDURES = (
    ("600", "Báo tăng lao động", "1.002051"),
    ("600", "Báo giảm lao động", "1.002051"),
    ("610", "Cấp thẻ bảo hiểm y tế (mẫu)", "1.001939"),
    ("620", "Đóng tự nguyện (mẫu)", "1.002179"),
)
_OFFICES = (
    ("07906", "Bảo hiểm xã hội cơ sở Mẫu số 6"),
    ("07911", "Bảo hiểm xã hội cơ sở Mẫu số 11"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: tuple[str, str, str]
    office: tuple[str, str]
    status: int
    turn: int
    created: datetime
    sent: datetime | None
    has_number: bool

    @property
    def id(self) -> int:
        return 88_000 + self.number

    @property
    def code(self) -> str:
        return f"{_UNIT}-{self.created:%y%m%d}-{self.id}"

    @property
    def local_number(self) -> str | None:
        return f"{self.number:05d}/{self.created:%Y}/{self.office[0]}" if self.has_number else None


def _imagine(random: Random, number: int) -> _Case:
    created = moment(random, first_day="2025-07-07", days=300) + timedelta(seconds=number % 60)
    is_sent = random.random() < 0.6
    return _Case(
        number=number,
        procedure=random.choice(_PROCEDURES),
        office=random.choice(_OFFICES),
        status=random.choice((2, 4)),
        turn=random.randrange(1, 5),
        created=created,
        sent=created + timedelta(minutes=17) if is_sent else None,
        has_number=is_sent,
    )


def _record(case: _Case) -> Record:
    return {
        "id": float(case.id),
        "ngayTao": case.created.strftime("%Y-%m-%dT%H:%M:%S"),
        "status": case.status,
        "maCoQuan": case.office[0],
        "maThuTuc": case.procedure[0],
        "tenCoQuan": case.office[1],
        "kyKeKhai": case.created.strftime("%m%Y"),
        "dot": case.turn,
        "soHoSo": case.local_number,
        "tenThuTuc": case.procedure[1],
        "ngayGui": case.sent.strftime("%Y-%m-%dT%H:%M:%S") if case.sent else None,
    }


def _values(case: _Case) -> PortalValues:
    titles = {procedure.code: procedure.title for procedure in procedures(_FIELD)}
    _, name, code = case.procedure
    return {
        "MaHoSo": case.code,
        "SoBienNhan": case.local_number,
        "MaTTHC": code,
        "TenTTHC": titles[code],
        "MaLinhVuc": "G24-BH01",
        "TenLinhVuc": _FIELD,
        "KenhThucHien": "2",
        "ChuHoSo": None,
        "LoaiDoiTuong": "2",
        "SoDienThoai": None,
        "Email": None,
        "TrichYeuHoSo": f"{name}, kỳ kê khai {case.created:%m%Y}, đợt {case.turn}",
        "NgayTiepNhan": portal_time(case.created),
        "NgayNopHoSo": portal_time(case.sent),
        "NgayHenTra": None,
        "TrangThaiHoSo": str(case.status),
        "HinhThuc": "0",
        "DonViXuLy": case.office[1],
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    around: Record = {"TotalRecords": float(len(entries))}
    return write_page(path, entries, records="DSThuTuc", around=around)


def _late(record: Record) -> Record:
    """Return the record of an hour that no day has; the day stays, and the code with it."""
    return record | {"ngayTao": f"{record['ngayTao']}"[:10] + "T24:15:00"}


_FLAWS = (
    Flaw(
        spoil=_late,
        findings=(Finding("mapping.date_invalid", "ngayTao", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(maThuTuc="999"),
        findings=(
            Finding("mapping.code_unknown", "maThuTuc", "MaTTHC"),
            Finding("mapping.code_unknown", "maThuTuc", "TenTTHC"),
        ),
    ),
    Flaw(
        spoil=set_to(status=3),
        findings=(Finding("mapping.code_unknown", "status", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: 88412.0, findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(dot=9, tenCoQuan="Bảo hiểm xã hội cơ sở Mẫu số 99"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(id=None),
        findings=(Finding("mapping.field_missing", "id", "MaHoSo"),),
    ),
    # An id with a fraction is no id: cutting it off would hit another dossier.
    Flaw(
        spoil=set_to(id=88412.5),
        findings=(Finding("mapping.value_refused", "id", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(ngayGui="hôm qua"),
        findings=(Finding("mapping.date_invalid", "ngayGui", "NgayNopHoSo"),),
    ),
    Flaw(
        spoil=set_to(tenCoQuan=None, status=None),
        findings=(
            Finding("mapping.field_missing", "status", "TrangThaiHoSo"),
            Finding("mapping.field_missing", "tenCoQuan", "DonViXuLy"),
        ),
    ),
    Flaw(
        spoil=set_to(soHoSo={"so": "03706", "nam": 2026}),
        findings=(Finding("mapping.not_a_value", "soHoSo", "SoBienNhan"),),
    ),
    # The zero is lost where somebody made a number of the code; nobody guesses it back.
    Flaw(
        spoil=set_to(maThuTuc=60, tenThuTuc="Báo tăng\x0blao động"),
        findings=(
            Finding("mapping.code_unknown", "maThuTuc", "MaTTHC"),
            Finding("mapping.code_unknown", "maThuTuc", "TenTTHC"),
            Finding("mapping.value_refused", "tenThuTuc", "TrichYeuHoSo"),
        ),
    ),
    Flaw(
        spoil=set_to(tenThuTuc="Báo tăng lao động " * 60),
        findings=(Finding("mapping.too_long", "tenThuTuc", "TrichYeuHoSo"),),
    ),
)

INSURANCE = Shape(
    agency="social-insurance",
    file_name="social-insurance.json",
    tell=_tell,
    key="id",
    flaws=_FLAWS,
    write=_write,
)
