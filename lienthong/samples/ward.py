"""The civil status book of a ward: a workbook with title rows, mixed dates and leading zeros."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures, wards
from lienthong.samples.delimited import column_label
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, moment, put
from lienthong.samples.workbook import CellError, write_workbook
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

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
_DONE = "Đã trả kết quả"
_OPEN = ("Mới đăng ký", "Đã tiếp nhận", "Đang xử lý", "Chờ bổ sung", "Có kết quả")


def _make(random: Random, number: int) -> list[Record]:
    procedure = random.choice(procedures("Hộ tịch", "Chứng thực"))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    due = received + timedelta(days=random.randrange(1, 6))
    is_done = random.random() < 0.6
    record: Record = {
        "STT": number,
        "Số hồ sơ": f"000.26.79.H29-{received:%y%m%d}-{number:04d}",
        "Mã thủ tục": procedure.code + random.choice(("", ".H29", ".000.00.00.H29")),
        "Tên thủ tục": procedure.title,
        "Lĩnh vực": procedure.field,
        "Ngày tiếp nhận": _written(random, received),
        "Ngày hẹn trả": _written(random, due),
        "Người nộp": person.name,
        "Số giấy tờ": person.identity,
        "Điện thoại": person.phone,
        "Thư điện tử": person.email if random.random() < 0.5 else None,
        "Mã phường/xã": random.choice(wards()).code,
        "Kênh nộp": random.choice(("Trực tiếp", "Trực tuyến", "TRỰC TIẾP", "Bưu chính")),
        "Hình thức trả": random.choice(("Trực tiếp", "Bưu điện")),
        "Lệ phí (đồng)": random.choice((None, 0, 8000, 15000, "75.000")),
        "Trạng thái": _DONE if is_done else random.choice(_OPEN),
        "Ngày trả": _written(random, due) if is_done else None,
        "Ghi chú": random.choice((None, None, "Nhận thay theo giấy ủy quyền", "Miễn lệ phí")),
    }
    return [record]


def _written(random: Random, when: datetime) -> datetime | str:
    """Return a real date cell, or the text that a clerk types."""
    if random.random() < 0.5:
        return when
    return when.strftime(random.choice(("%d/%m/%Y %H:%M", "%d/%m/%Y")))


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
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
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
    make=_make,
    key="Số hồ sơ",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)
