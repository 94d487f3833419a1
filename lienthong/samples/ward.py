"""The civil status book of a ward: a workbook with title rows, mixed dates and leading zeros."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.catalogue import procedures, wards
from lienthong.samples.delimited import column_label
from lienthong.samples.people import make_person
from lienthong.samples.portal import portal_day, portal_time, summary
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, put
from lienthong.samples.workbook import CellError, write_workbook
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.catalogue import Procedure, Ward
    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from lienthong.samples.workbook import Cell

SHEET = "Hộ tịch"
HEADER_ROW = 4
COLUMNS = (
    "STT", "Số hồ sơ", "Mã thủ tục", "Tên thủ tục", "Lĩnh vực", "Ngày tiếp nhận", "Ngày hẹn trả",
    "Người nộp", "Số giấy tờ", "Điện thoại", "Thư điện tử", "Mã phường/xã", "Kênh nộp",
    "Hình thức trả", "Lệ phí (đồng)", "Trạng thái", "Ngày trả", "Ghi chú",
)  # fmt: skip
_FILE = "ward-civil-status.xlsx"
_UNIT = "Ủy ban nhân dân Phường Sài Gòn"
_FIELDS = {"Hộ tịch": "G15-TP08", "Chứng thực": "G15-TP09"}
"""Names to codes; samples."""
_DONE = ("Đã trả kết quả", "10")
_OPEN = (
    ("Mới đăng ký", "1"),
    ("Đã tiếp nhận", "2"),
    ("Đang xử lý", "4"),
    ("Chờ bổ sung", "5"),
    ("Có kết quả", "9"),
)
"""Words of the book and the portal's statuses."""
_CHANNELS = {"Trực tiếp": "1", "Trực tuyến": "2", "TRỰC TIẾP": "1", "Bưu chính": "3"}
_FORMS = {"Trực tiếp": "0", "Bưu điện": "1"}
_FEES = ((None, 0), (0, 0), (8000, 8000), (15000, 15000), ("75.000", 75000))
"""What stands in the cell, and the amount in đồng."""
_DAY = "%d/%m/%Y"
_MINUTE = "%d/%m/%Y %H:%M"


class _Written(NamedTuple):
    """A moment as a clerk enters it."""

    when: datetime
    form: str | None
    """None: a real date cell."""

    @property
    def cell(self) -> datetime | str:
        return self.when.strftime(self.form) if self.form else self.when

    @property
    def portal(self) -> str | None:
        """What the portal gets: of a day that was typed without a time, the day."""
        return portal_day(self.when) if self.form == _DAY else portal_time(self.when)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    received_on: datetime
    is_done: bool
    local_end: str
    received: _Written
    due: _Written
    has_mail: bool
    ward: Ward
    channel: str
    form: str
    fee: tuple[int | str | None, int]
    state: tuple[str, str]
    returned: _Written | None
    note: str | None

    @property
    def code(self) -> str:
        return f"000.26.79.H29-{self.received_on:%y%m%d}-{self.number:04d}"


def _imagine(random: Random, number: int) -> _Case:
    procedure = random.choice(procedures(*_FIELDS))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    due = received + timedelta(days=random.randrange(1, 6))
    is_done = random.random() < 0.6
    return _Case(
        number=number,
        procedure=procedure,
        person=person,
        received_on=received,
        is_done=is_done,
        local_end=random.choice(("", ".H29", ".000.00.00.H29")),
        received=_written(random, received),
        due=_written(random, due),
        has_mail=random.random() < 0.5,
        ward=random.choice(wards()),
        channel=random.choice(tuple(_CHANNELS)),
        form=random.choice(tuple(_FORMS)),
        fee=random.choice(_FEES),
        state=_DONE if is_done else random.choice(_OPEN),
        returned=_written(random, due) if is_done else None,
        note=random.choice((None, None, "Nhận thay theo giấy ủy quyền", "Miễn lệ phí")),
    )


def _written(random: Random, when: datetime) -> _Written:
    """Return a real date cell, or the text that a clerk types."""
    if random.random() < 0.5:
        return _Written(when, None)
    return _Written(when, random.choice((_MINUTE, _DAY)))


def _record(case: _Case) -> Record:
    return {
        "STT": case.number,
        "Số hồ sơ": case.code,
        "Mã thủ tục": case.procedure.code + case.local_end,
        "Tên thủ tục": case.procedure.title,
        "Lĩnh vực": case.procedure.field,
        "Ngày tiếp nhận": case.received.cell,
        "Ngày hẹn trả": case.due.cell,
        "Người nộp": case.person.name,
        "Số giấy tờ": case.person.identity,
        "Điện thoại": case.person.phone,
        "Thư điện tử": case.person.email if case.has_mail else None,
        "Mã phường/xã": case.ward.code,
        "Kênh nộp": case.channel,
        "Hình thức trả": case.form,
        "Lệ phí (đồng)": case.fee[0],
        "Trạng thái": case.state[0],
        "Ngày trả": case.returned.cell if case.returned else None,
        "Ghi chú": case.note,
    }


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": _FIELDS[case.procedure.field],
        "TenLinhVuc": case.procedure.field,
        "KenhThucHien": _CHANNELS[case.channel],
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": "1",
        "ThongTinKhac": case.ward.name,
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.has_mail else None,
        "TrichYeuHoSo": summary(f"{case.procedure.title} - {case.person.name}"),
        "NgayTiepNhan": case.received.portal,
        "NgayHenTra": case.due.portal,
        "NgayTra": case.returned.portal if case.returned else None,
        "TrangThaiHoSo": case.state[1],
        "HinhThuc": _FORMS[case.form],
        "DonViXuLy": _UNIT,
        "GhiChu": case.note,
        "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": str(case.fee[1])}]
        if case.fee[1]
        else None,
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    head: list[list[Cell]] = [
        ["ỦY BAN NHÂN DÂN PHƯỜNG SÀI GÒN"],
        ["SỔ THEO DÕI HỒ SƠ HỘ TỊCH (dữ liệu mẫu)"],
        [],
        list(COLUMNS),
    ]
    write_workbook(path, sheet=SHEET, rows=[*head, *(_cells(entry) for entry in entries)])
    return [
        Place(file=path.name, sheet=SHEET, row=HEADER_ROW + number)
        for number in range(1, len(entries) + 1)
    ]


def _cells(entry: Entry) -> list[Cell]:
    record = entry.content
    assert isinstance(record, dict)
    return [record[column] for column in COLUMNS]


_RECEIVED = "Ngày tiếp nhận"
_STATUS = "Trạng thái"
_FLAWS = (
    Flaw(
        spoil=put({_RECEIVED: "31/02/2026"}),
        findings=(Finding("mapping.date_invalid", _RECEIVED, "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=put({_STATUS: "Đang sử lý"}),
        findings=(Finding("mapping.code_unknown", _STATUS, "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=put({"Số hồ sơ": None}),
        findings=(Finding("mapping.field_missing", "Số hồ sơ", "MaHoSo"),),
    ),
    Flaw(
        spoil=lambda record: record | {"Trạng thái": "Xin rút", "Ghi chú": "Ghi trùng số hồ sơ"},
        findings=(Finding("dossier.duplicate", "Số hồ sơ", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=put({"Mã thủ tục": "9.999999.H29"}),
        findings=(Finding("mapping.lookup_unknown", "Mã thủ tục", "TenTTHC"),),
    ),
    Flaw(
        spoil=put({_RECEIVED: CellError("#N/A")}),
        findings=(Finding("xlsx.cell_error", _RECEIVED, None),),
    ),
    Flaw(
        spoil=put({"Mã phường/xã": "00000"}),
        findings=(Finding("mapping.lookup_unknown", "Mã phường/xã", "ThongTinKhac"),),
    ),
    Flaw(
        spoil=put({"Lệ phí (đồng)": "tám nghìn"}),
        findings=(Finding("mapping.number_invalid", "Lệ phí (đồng)", "DanhSachLePhi[1].Gia"),),
    ),
    Flaw(
        spoil=put({"Điện thoại": "0900000999 / " * 5}),
        findings=(Finding("mapping.too_long", "Điện thoại", "SoDienThoai"),),
    ),
    Flaw(
        spoil=put({_RECEIVED: "05/03/0225", "Hình thức trả": "Chuyển khoản"}),
        findings=(
            Finding("mapping.date_implausible", _RECEIVED, "NgayTiepNhan"),
            Finding("mapping.code_unknown", "Hình thức trả", "HinhThuc"),
        ),
    ),
    Flaw(
        spoil=put({_STATUS: None, _RECEIVED: None}),
        findings=(
            Finding("mapping.field_missing", _RECEIVED, "NgayTiepNhan"),
            Finding("mapping.field_missing", _STATUS, "TrangThaiHoSo"),
        ),
    ),
    Flaw(
        spoil=put({"Ngày hẹn trả": "30-02-2026"}),
        findings=(Finding("mapping.date_invalid", "Ngày hẹn trả", "NgayHenTra"),),
    ),
)

WARD = Shape(
    agency="ward-civil-status",
    file_name=_FILE,
    tell=_tell,
    key="Số hồ sơ",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)
