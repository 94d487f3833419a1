"""A provincial portal's rows, as Thanh Hoá's: CSV, types in words, paths joined by ##."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.delimited import column_label, lay_out
from lienthong.samples.people import make_person
from lienthong.samples.portal import ENDED, RETURNED, identity, portal_time
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

COLUMNS = (
    "MaHoSo", "MaHoSoKhac", "MaTTHC", "MaLinhVuc", "TenLinhVuc", "KenhThucHien", "ChuHoSo",
    "LoaiDoiTuong", "UyQuyen", "EmailChuHoSo", "EmailUyQuyen", "SoDienThoaiChuHoSo",
    "SoDienThoaiUyQuyen", "SoGiayToChuHoSo", "TrichYeuHoSo", "NgayTiepNhan", "NgayHenTra",
    "NgayTra", "NgayTuChoi", "NgayYeuCauBoSung", "NgayKetThucXuLy", "TrangThaiHoSoId",
    "HinhThucTra", "DonViId", "DinhKemKetQua", "SoDinhDanh", "LaHoSoChungThuc", "ViTriDeHoSo",
    "TrangThaiDongBoDVC",
)  # fmt: skip
_FIELDS = {"Hộ tịch": "G15-TP08", "Chứng thực": "G15-TP09"}
_TYPES = (
    ("Công dân", "1"),
    ("Doanh nghiệp", "2"),
    ("Cơ quan nhà nước", "3"),
    ("Tổ chức", "4"),
    ("Khác", "4"),
    ("", "1"),
)
_UNITS = (
    ("101", "Ủy ban nhân dân Phường Sài Gòn"),
    ("102", "Ủy ban nhân dân Phường Bến Thành"),
    ("103", "Sở Tư pháp Thành phố"),
)
_SITE = "https://hoso.example.vn"
_REFUSED, _WAITING = "3", "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    local_end: str
    person: Person
    proxy: Person | None
    paper: str
    """Number of the owner's paper, "" where none is known."""
    local_code: str | None
    """The portal's own number, where it lacks the province code."""
    channel: str
    type: tuple[str, str]
    unit: tuple[str, str]
    form: str
    status: str
    summary: str
    received: datetime
    due: datetime | None
    results: tuple[str, ...]

    @property
    def code(self) -> str:
        if self.local_code is None:
            return f"H29.14-{self.received:%y%m%d}-{self.number:04d}"
        return f"H29.14-{self.received:%y%m%d}-{self.number + 10_000:05d}"

    @property
    def finished(self) -> datetime | None:
        return self.received + timedelta(days=2) if self.status in ENDED else None

    @property
    def returned(self) -> datetime | None:
        return self.received + timedelta(days=3) if self.status == RETURNED else None

    @property
    def refused(self) -> datetime | None:
        return self.received + timedelta(hours=2) if self.status == _REFUSED else None


def _imagine(random: Random, number: int) -> _Case:
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    status = str(random.randrange(1, 11))
    count = random.randrange(4) if status in ENDED else 0
    return _Case(
        number=number,
        procedure=random.choice(procedures(*_FIELDS)),
        local_end=random.choice((".H29", ".H29", ".000.00.00.H29", "")),
        person=person,
        proxy=make_person(random, number=number + 500) if random.random() < 0.2 else None,
        paper=random.choice((person.identity, person.identity, f"000000{number % 1000:03d}", "")),
        local_code=f"TP-{received:%y%m%d}-{number:04d}" if random.random() < 0.2 else None,
        channel=random.choice(("1", "2", "3")),
        type=random.choice(_TYPES),
        unit=random.choice(_UNITS),
        form=random.choice(("0", "1", "")),
        status=status,
        summary=random.choice(("", "Nộp bản chính; kèm bản sao", 'Ghi "khẩn" trên đơn')),
        received=received + timedelta(seconds=number % 60, milliseconds=457),
        due=received + timedelta(days=5) if random.random() < 0.9 else None,
        results=tuple(
            f"/ketqua/{received:%Y%m}/{number}/KetQua-{order}.pdf" for order in range(count)
        ),
    )


def _record(case: _Case) -> Record:
    proxy = case.proxy
    return {
        "MaHoSo": case.local_code or case.code,
        "MaHoSoKhac": case.code if case.local_code else "",
        "MaTTHC": case.procedure.code + case.local_end,
        "MaLinhVuc": _FIELDS[case.procedure.field],
        "TenLinhVuc": case.procedure.field,
        "KenhThucHien": case.channel,
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": case.type[0],
        "UyQuyen": proxy.name if proxy else "",
        "EmailChuHoSo": case.person.email if case.number % 2 else "",
        "EmailUyQuyen": proxy.email if proxy else "",
        "SoDienThoaiChuHoSo": case.person.phone,
        "SoDienThoaiUyQuyen": proxy.phone if proxy else "",
        "SoGiayToChuHoSo": case.paper,
        "TrichYeuHoSo": case.summary,
        "NgayTiepNhan": _sql(case.received),
        "NgayHenTra": _sql(case.due),
        "NgayTra": _sql(case.returned),
        "NgayTuChoi": _sql(case.refused),
        "NgayYeuCauBoSung": _sql(case.received if case.status == _WAITING else None),
        "NgayKetThucXuLy": _sql(case.finished),
        "TrangThaiHoSoId": case.status,
        "HinhThucTra": case.form,
        "DonViId": case.unit[0],
        "DinhKemKetQua": "##".join(case.results),
        "SoDinhDanh": case.paper,
        "LaHoSoChungThuc": str(int(case.procedure.field == "Chứng thực")),
        "ViTriDeHoSo": f"Kệ {case.number % 9 + 1}",
        "TrangThaiDongBoDVC": "0",
    }


def _sql(when: datetime | None) -> str:
    """Return a datetime as an export of SQL Server writes it."""
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d}" if when else ""


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": _FIELDS[case.procedure.field],
        "TenLinhVuc": case.procedure.field,
        "KenhThucHien": case.channel,
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": case.type[1],
        "MaDoiTuong": None,
        "Email": case.person.email if case.number % 2 else None,
        "SoDienThoai": case.person.phone,
        "TrichYeuHoSo": case.summary or None,
        "NgayTiepNhan": portal_time(case.received),
        "NgayNopHoSo": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayTra": portal_time(case.returned),
        "NgayTuChoi": portal_time(case.refused),
        "NgayKetThucXuLy": portal_time(case.finished),
        "TrangThaiHoSo": case.status,
        "HinhThuc": "1" if case.form == "1" else "0",
        "DonViXuLy": case.unit[1],
        "GhiChu": None,
        "NoiNopHoSo": "2",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "TaiLieuNop": None,
        "DanhSachGiayToKetQua": [
            {"TenGiayTo": f"KetQua-{order}.pdf", "DuongDanTepTinKetQua": f"{_SITE}{path}"}
            for order, path in enumerate(case.results)
        ]
        or None,
        **identity(case.paper),
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    text, places = lay_out(entries, columns=COLUMNS, delimiter=";", file_name=path.name)
    path.write_bytes(text.encode("utf-8-sig"))
    return places


def _with_extra_cell(record: Record) -> list[str]:
    """Return the cells of a row one longer than the header."""
    return [str(record[column]) for column in COLUMNS] + ["1"]


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="2025-02-31 08:15:00.000"),
        findings=(
            Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),
            Finding("mapping.date_invalid", "NgayTiepNhan", "NgayNopHoSo"),
        ),
    ),
    Flaw(spoil=_with_extra_cell, findings=(Finding("csv.ragged", None, None),)),
    Flaw(
        spoil=set_to(LoaiDoiTuong="Cộng đồng dân cư"),
        findings=(Finding("mapping.code_unknown", "LoaiDoiTuong", "LoaiDoiTuong"),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoId="11"),
        findings=(Finding("mapping.code_unknown", "TrangThaiHoSoId", "TrangThaiHoSo"),),
    ),
    # A number without the province code, and none of the other kind to use in its place.
    Flaw(
        spoil=set_to(MaHoSo="TP-250707-0042", MaHoSoKhac=""),
        findings=(Finding("mapping.value_refused", "MaHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(TrichYeuHoSo="Nhập trùng", KenhThucHien="1"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaTTHC="9.999999.H29"),
        findings=(Finding("mapping.lookup_unknown", "MaTTHC", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(DonViId="999", HinhThucTra="2"),
        findings=(
            Finding("mapping.code_unknown", "HinhThucTra", "HinhThuc"),
            Finding("mapping.code_unknown", "DonViId", "DonViXuLy"),
        ),
    ),
    Flaw(
        spoil=set_to(NgayHenTra="31/04/2026"),
        findings=(Finding("mapping.date_invalid", "NgayHenTra", "NgayHenTra"),),
    ),
    Flaw(
        spoil=set_to(SoDienThoaiChuHoSo="0900000999 / " * 5),
        findings=(Finding("mapping.too_long", "SoDienThoaiChuHoSo", "SoDienThoai"),),
    ),
    Flaw(
        spoil=set_to(ChuHoSo="Trần\x00Thị Lan (mẫu)"),
        findings=(Finding("csv.nul", "ChuHoSo", None),),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSoId="", TenLinhVuc="", KenhThucHien="4"),
        findings=(
            Finding("mapping.field_missing", "TenLinhVuc", "TenLinhVuc"),
            Finding("mapping.code_unknown", "KenhThucHien", "KenhThucHien"),
            Finding("mapping.field_missing", "TrangThaiHoSoId", "TrangThaiHoSo"),
        ),
    ),
    Flaw(
        spoil=set_to(NgayKetThucXuLy="0001-01-01 00:00:00.000"),
        findings=(Finding("mapping.date_implausible", "NgayKetThucXuLy", "NgayKetThucXuLy"),),
    ),
)

PROVINCIAL = Shape(
    agency="provincial-portal-td",
    file_name="provincial-portal-td.csv",
    tell=_tell,
    key="MaHoSo",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)
