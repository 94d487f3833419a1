"""
The land registration office: a table in TCVN3 with semicolons, and a way to make it very large.

TCVN3 has no bytes for most accented capitals; as the fonts of its time did, they are written as
small letters.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from adapters.charsets import encode
from lienthong.samples.catalogue import procedures
from lienthong.samples.delimited import column_label, lay_out
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Entry, Finding, Flaw, Record, Shape, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.problem import Place

COLUMNS = (
    "SoBienNhan", "MaHoSoMotCua", "LanCapNhat", "MaThuTuc", "KenhNop", "HoTen", "LoaiDoiTuong",
    "SoChungMinh", "SoDienThoai", "Email", "SoThuTuThua", "SoHieuBanDo", "DienTich",
    "DiaChiTaiSan", "NgayTiepNhan", "NgayHenTra", "TrangThai", "NgayKetThuc", "NgayTra",
    "TraQuaBuuDien", "LePhi", "PhiThamDinh", "SoGCN1", "TepGCN1", "SoGCN2", "TepGCN2", "GhiChu",
)  # fmt: skip
DELIMITER = ";"
CHARSET = "tcvn3"
_NO_LETTER = "\x02"
"""Stands for a byte that has no letter in TCVN3 until the text is encoded."""
_DONE = "Đã trả kết quả"
_OPEN = ("Mới tiếp nhận", "Đang xử lý", "Đang thẩm tra", "Chờ bổ sung", "Chờ nộp thuế")
_NOTES = (
    "",
    "",
    "Hồ sơ gửi kèm bản vẽ; đã đối chiếu",
    'Chủ sử dụng ghi tên trên giấy là "ông Ưng"',
    "Dòng ghi chú thứ nhất\ndòng ghi chú thứ hai",
)


def _make(random: Random, number: int) -> list[Record]:
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-01-06", days=420)
    due = received + timedelta(days=random.randrange(10, 40))
    is_done = random.random() < 0.5
    papers = random.randrange(1, 3) if is_done else 0
    record: Record = {
        "SoBienNhan": f"{received:%y%m%d}/TĐ/{number:04d}",
        "MaHoSoMotCua": f"000.15.29.H29-{received:%y%m%d}-{number:04d}",
        "LanCapNhat": str(random.randrange(1, 5)),
        "MaThuTuc": f"{random.choice(procedures('Đất đai')).code}.000.00.00.H29",
        "KenhNop": random.choice(("TT", "OL", "BC", "")),
        "HoTen": person.name,
        "LoaiDoiTuong": random.choice(("Cá nhân", "Hộ gia đình", "Doanh nghiệp", "Tổ chức")),
        "SoChungMinh": person.identity,
        "SoDienThoai": person.phone,
        "Email": random.choice(("", person.email)),
        "SoThuTuThua": str(random.randrange(1, 900)),
        "SoHieuBanDo": f"{random.randrange(1, 80):02d}",
        "DienTich": f"{random.randrange(200, 9000) / 10:.1f}".replace(".", ","),
        "DiaChiTaiSan": f"Số {random.randrange(1, 300)}/{random.randrange(1, 40)} đường mẫu số 5",
        "NgayTiepNhan": received.strftime("%d/%m/%Y %H:%M"),
        "NgayHenTra": due.strftime("%d/%m/%Y"),
        "TrangThai": _DONE if is_done else random.choice(_OPEN),
        "NgayKetThuc": due.strftime("%d/%m/%Y") if is_done else "01/01/1900",
        "NgayTra": due.strftime("%d/%m/%Y") if is_done else "01/01/1900",
        "TraQuaBuuDien": random.choice(("0", "1", "")),
        "LePhi": random.choice(("", "25.000", "50.000")),
        "PhiThamDinh": random.choice(("", "650.000", "1.250.000")),
        "GhiChu": random.choice(_NOTES),
    }
    for paper in range(1, papers + 1):
        record[f"SoGCN{paper}"] = f"MAU {number:05d}{paper}"
        record[f"TepGCN{paper}"] = f"https://hoso.example.vn/gcn/{number:05d}{paper}.pdf"
    return [record]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    text, places = lay_out(entries, columns=COLUMNS, delimiter=DELIMITER, file_name=path.name)
    data = encode(text, CHARSET, fold_capitals=True)
    path.write_bytes(data.replace(_NO_LETTER.encode(), b"\xc0"))
    return places


def _ragged(record: Record) -> list[str]:
    """Return the cells of a row whose last three were lost."""
    return [str(record.get(column, "")) for column in COLUMNS[:-3]]


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="31/02/2025"),
        findings=(Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),),
    ),
    Flaw(spoil=_ragged, findings=(Finding("csv.ragged", None, None),)),
    Flaw(
        spoil=set_to(TrangThai="Đang sử lý"),
        findings=(Finding("mapping.code_unknown", "TrangThai", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(TrangThai="Rút hồ sơ", GhiChu="Nhập trùng"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaHoSoMotCua=""),
        findings=(Finding("mapping.field_missing", "MaHoSoMotCua", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaThuTuc="9.999999.000.00.00.H29"),
        findings=(Finding("mapping.lookup_unknown", "MaThuTuc", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(GhiChu="Ghi chú quá dài. " * 130),
        findings=(Finding("mapping.too_long", "GhiChu", "GhiChu"),),
    ),
    Flaw(
        spoil=set_to(LePhi="miễn thu"),
        findings=(Finding("mapping.number_invalid", "LePhi", "DanhSachLePhi[1].Gia"),),
    ),
    Flaw(
        spoil=set_to(HoTen="Nguyễn\x01Văn An (mẫu)"),
        findings=(Finding("mapping.value_refused", "HoTen", "ChuHoSo"),),
    ),
    Flaw(
        spoil=set_to(HoTen="Trần\x00Thị Lan (mẫu)"),
        findings=(Finding("csv.nul", "HoTen", None),),
    ),
    Flaw(
        spoil=set_to(NgayTiepNhan="05/03/0225", LoaiDoiTuong="Cộng đồng"),
        findings=(
            Finding("mapping.code_unknown", "LoaiDoiTuong", "LoaiDoiTuong"),
            Finding("mapping.date_implausible", "NgayTiepNhan", "NgayTiepNhan"),
        ),
    ),
    Flaw(
        spoil=set_to(HoTen=f"Lê{_NO_LETTER}Thị Vân (mẫu)"),
        findings=(Finding("csv.undecodable", "HoTen", None),),
    ),
)

LAND = Shape(
    agency="land-registration",
    file_name="land-registration.csv",
    make=_make,
    key="MaHoSoMotCua",
    flaws=_FLAWS,
    write=_write,
    narrow=lambda place, key: place.at(column=column_label(COLUMNS, key)),
)

_TEMPLATES = 512


def generate_large_csv(path: Path, *, size_bytes: int, seed: int = 2020) -> int:
    """
    Write a land registration table of at least `size_bytes` bytes, every dossier code its own.

    The rows repeat 512 made-up ones under new codes, so that writing costs little more than the
    disk does. The last row is whole.

    Returns:
        The number of rows, without the header.
    """
    halves = _halves(Random(seed))  # noqa: S311 - not a secret
    written = rows = 0
    with path.open("wb") as file:
        written += file.write(encode(DELIMITER.join(COLUMNS) + "\r\n", CHARSET))
        while written < size_bytes:
            before, after = halves[rows % _TEMPLATES]
            rows += 1
            written += file.write(b"%b%07d%b" % (before, rows, after))
    return rows


def _halves(random: Random) -> list[tuple[bytes, bytes]]:
    """Return encoded rows cut in two where the order number of the dossier code stands."""
    cut = []
    for number in range(1, _TEMPLATES + 1):
        record = _make(random, number)[0]
        code = str(record["MaHoSoMotCua"])
        record["MaHoSoMotCua"] = code[: -len(f"{number:04d}")] + "\x00"
        entry = Entry(content=record, dossier=None)
        text, _ = lay_out([entry], columns=COLUMNS, delimiter=DELIMITER, file_name="")
        row = text.split("\r\n", 1)[1]
        before, after = row.split("\x00")
        cut.append(
            (
                encode(before, CHARSET, fold_capitals=True),
                encode(after, CHARSET, fold_capitals=True),
            )
        )
    return cut
