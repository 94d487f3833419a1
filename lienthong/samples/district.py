"""A district's PortalQH: UTF-16 with tabs, Vietnamese letters as numeric character references."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.delimited import column_label, lay_out
from lienthong.samples.people import make_person
from lienthong.samples.portal import portal_day, summary
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

COLUMNS = (
    "TINHTHANH", "SOBIENNHAN", "HOTEN", "DIACHI", "NGAYNHAN", "NGAYHENTRA", "LOAIHOSO",
    "MATINHTRANG", "TENTINHTRANG", "GHICHU", "MAHOSO",
)  # fmt: skip
_UNIT = "Ủy ban nhân dân Quận 1"


class _Kind(NamedTuple):
    code: str
    """The four characters of the field and the two of the kind of dossier."""
    name: str
    procedure: str
    """National code, a sample."""
    field: tuple[str, str]
    """Code and name, samples."""


_BUILDING = ("G17-XD01", "Hoạt động xây dựng")
_TRADE = ("G07-KH02", "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)")
_KINDS = (
    _Kind("CPXDXM", "Cấp phép xây dựng nhà ở", "1.013225", _BUILDING),
    _Kind("CPXDSC", "Cấp phép sửa chữa, cải tạo nhà ở", "1.013229", _BUILDING),
    _Kind("CPXDGH", "Gia hạn giấy phép xây dựng", "1.013227", _BUILDING),
    _Kind("CPKTDK", "Đăng ký thành lập hộ kinh doanh", "1.001612", _TRADE),
    _Kind("CPKTTD", "Thay đổi nội dung đăng ký hộ kinh doanh", "2.000720", _TRADE),
)
_STATES = (
    ("DTN", "Đã tiếp nhận", "2"),
    ("CCV", "Chuyển chuyên viên", "4"),
    ("DTDP", "Đang thẩm định", "4"),
    ("YBS", "Yêu cầu bổ sung", "5"),
    ("TDXP", "Đã trả kết quả", "10"),
    ("HUY", "Hủy hồ sơ", "8"),
)
"""Code, name, and the portal's status (reference, §2.9)."""


def references(text: str) -> str:
    """Return `text` with every letter beyond ASCII as a decimal character reference."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    person: Person
    received: datetime
    kind: _Kind
    state: tuple[str, str, str]
    street: str
    note: str

    @property
    def code(self) -> str:
        return f"000.00.30.H29-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def receipt(self) -> str:
        return f"{self.received:%Y}{self.kind.code}{self.number:010d}"

    @property
    def due(self) -> datetime:
        return self.received + timedelta(days=21)


def _imagine(random: Random, number: int) -> _Case:
    return _Case(
        number=number,
        person=make_person(random, number=number),
        received=moment(random, first_day="2025-01-06", days=140),
        kind=random.choice(_KINDS),
        state=random.choice(_STATES),
        street=f"{random.randrange(1, 200)}/{random.randrange(1, 30)} đường mẫu số 7, Quận 1",
        note=random.choice(("", "Nhà 3 tầng & sân thượng", 'Bản vẽ "mẫu A"')),
    )


def _record(case: _Case) -> Record:
    return {
        "TINHTHANH": "79",
        "SOBIENNHAN": case.receipt,
        "HOTEN": references(case.person.name),
        "DIACHI": references(case.street),
        "NGAYNHAN": case.received.strftime("%d/%m/%Y"),
        "NGAYHENTRA": case.due.strftime("%d/%m/%Y"),
        "LOAIHOSO": references(case.kind.name),
        "MATINHTRANG": case.state[0],
        "TENTINHTRANG": references(case.state[1]),
        "GHICHU": references(case.note),
        "MAHOSO": case.code,
    }


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "SoBienNhan": case.receipt,
        "MaTTHC": case.kind.procedure,
        "TenTTHC": case.kind.name,
        "MaLinhVuc": case.kind.field[0],
        "TenLinhVuc": case.kind.field[1],
        "KenhThucHien": "1",
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": "1",
        "ThongTinKhac": case.street,
        "TrichYeuHoSo": summary(f"{case.kind.name} - {case.person.name}"),
        "NgayTiepNhan": portal_day(case.received),
        "NgayHenTra": portal_day(case.due),
        "TrangThaiHoSo": case.state[2],
        "HinhThuc": "0",
        "DonViXuLy": _UNIT,
        "GhiChu": case.note or None,
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    text, places = lay_out(
        entries, columns=COLUMNS, delimiter="\t", file_name=path.name, quotes=False
    )
    # The byte order is named, so that the same file comes out on every machine.
    path.write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    return places


def _with_extra_cell(record: Record) -> list[str]:
    """Return the cells of a row in which someone typed a tab."""
    return [str(record[column]) for column in COLUMNS] + [references("chuyển sang")]


_FLAWS = (
    Flaw(
        spoil=set_to(NGAYNHAN="29/02/2025"),
        findings=(Finding("mapping.date_invalid", "NGAYNHAN", "NgayTiepNhan"),),
    ),
    Flaw(spoil=_with_extra_cell, findings=(Finding("csv.ragged", None, None),)),
    Flaw(
        spoil=set_to(MATINHTRANG="XYZ"),
        findings=(Finding("mapping.code_unknown", "MATINHTRANG", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(MATINHTRANG="HUYP", GHICHU=references("Nhập lại")),
        findings=(Finding("dossier.duplicate", "MAHOSO", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(LOAIHOSO=""),
        findings=(Finding("mapping.field_missing", "LOAIHOSO", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(SOBIENNHAN="42/CPXD/2025"),
        findings=(
            Finding("mapping.text_no_match", "SOBIENNHAN", "MaTTHC"),
            Finding("mapping.text_no_match", "SOBIENNHAN", "MaLinhVuc"),
            Finding("mapping.text_no_match", "SOBIENNHAN", "TenLinhVuc"),
        ),
    ),
    Flaw(
        spoil=set_to(SOBIENNHAN="2025CPXDZZ0000009999"),
        findings=(Finding("mapping.code_unknown", "SOBIENNHAN", "MaTTHC"),),
    ),
    Flaw(
        spoil=set_to(GHICHU="Ghi ch&#250; qu&#225; d&#224;i. " * 130),
        findings=(Finding("mapping.too_long", "GHICHU", "GhiChu"),),
    ),
    Flaw(
        spoil=set_to(DIACHI="12/3 &#273;\x01&#432;&#7901;ng s&#7889; 5"),
        findings=(Finding("mapping.value_refused", "DIACHI", "ThongTinKhac"),),
    ),
    Flaw(
        spoil=set_to(NGAYHENTRA="00/00/0000"),
        findings=(Finding("mapping.date_invalid", "NGAYHENTRA", "NgayHenTra"),),
    ),
    Flaw(
        spoil=set_to(NGAYNHAN="", MATINHTRANG=""),
        findings=(
            Finding("mapping.field_missing", "NGAYNHAN", "NgayTiepNhan"),
            Finding("mapping.field_missing", "MATINHTRANG", "TrangThaiHoSo"),
        ),
    ),
    Flaw(
        spoil=set_to(MAHOSO="", SOBIENNHAN=""),
        findings=(
            Finding("mapping.field_missing", "MAHOSO", "MaHoSo"),
            Finding("mapping.field_missing", "SOBIENNHAN", "MaTTHC"),
            Finding("mapping.field_missing", "SOBIENNHAN", "MaLinhVuc"),
            Finding("mapping.field_missing", "SOBIENNHAN", "TenLinhVuc"),
        ),
    ),
)

DISTRICT = Shape(
    agency="district-portalqh",
    file_name="district-portalqh.txt",
    tell=_tell,
    key="MAHOSO",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)
