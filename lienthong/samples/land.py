"""
The land registration office: a table in TCVN3 with semicolons, and a way to make it very large.

TCVN3 has no bytes for most accented capitals; as the fonts of its time did, they are written as
small letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from adapters.charsets import encode
from lienthong.samples.catalogue import procedures
from lienthong.samples.delimited import column_label, lay_out
from lienthong.samples.people import make_person
from lienthong.samples.portal import portal_day, portal_time, summary
from lienthong.samples.shapes import Entry, Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from lienthong.samples.catalogue import Procedure
    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
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
_FIELD = "Đất đai"
_UNIT = "Văn phòng Đăng ký đất đai"
_DONE = ("Đã trả kết quả", "10")
_OPEN = (
    ("Mới tiếp nhận", "2"),
    ("Đang xử lý", "4"),
    ("Đang thẩm tra", "4"),
    ("Chờ bổ sung", "5"),
    ("Chờ nộp thuế", "6"),
)
"""Words of the office and the portal's statuses."""
_CHANNELS = {"TT": "1", "OL": "2", "BC": "3", "": None}
_TYPES = {"Cá nhân": "1", "Hộ gia đình": "1", "Doanh nghiệp": "2", "Tổ chức": "4"}
_FORMS = {"0": "0", "1": "1", "": "0"}
_NOTES = (
    "",
    "",
    "Hồ sơ gửi kèm bản vẽ; đã đối chiếu",
    'Chủ sử dụng ghi tên trên giấy là "ông Ưng"',
    "Dòng ghi chú thứ nhất\ndòng ghi chú thứ hai",
)
_CAPITALS = frozenset("ĂÂĐÊÔƠƯ")
"""The accented capitals that the charset has."""


class _Certificate(NamedTuple):
    number: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    person: Person
    received: datetime
    due: datetime
    is_done: bool
    papers: int
    version: int
    procedure: Procedure
    channel: str
    type: str
    has_mail: bool
    parcel: str
    sheet: str
    area: str
    street: str
    state: tuple[str, str]
    form: str
    fee: int | None
    appraisal_fee: int | None
    note: str

    @property
    def code(self) -> str:
        return f"000.15.29.H29-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def receipt(self) -> str:
        return f"{self.received:%y%m%d}/TĐ/{self.number:04d}"

    @property
    def ended(self) -> datetime | None:
        return self.due if self.is_done else None

    @property
    def certificates(self) -> tuple[_Certificate, ...]:
        return tuple(
            _Certificate(
                number=f"MAU {self.number:05d}{paper}",
                address=f"https://hoso.example.vn/gcn/{self.number:05d}{paper}.pdf",
            )
            for paper in range(1, self.papers + 1)
        )


def _imagine(random: Random, number: int) -> _Case:
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-01-06", days=420)
    due = received + timedelta(days=random.randrange(10, 40))
    is_done = random.random() < 0.5
    return _Case(
        number=number,
        person=person,
        received=received,
        due=due,
        is_done=is_done,
        papers=random.randrange(1, 3) if is_done else 0,
        version=random.randrange(1, 5),
        procedure=random.choice(procedures(_FIELD)),
        channel=random.choice(tuple(_CHANNELS)),
        type=random.choice(tuple(_TYPES)),
        has_mail=random.choice((False, True)),
        parcel=str(random.randrange(1, 900)),
        sheet=f"{random.randrange(1, 80):02d}",
        area=f"{random.randrange(200, 9000) / 10:.1f}".replace(".", ","),
        street=f"Số {random.randrange(1, 300)}/{random.randrange(1, 40)} đường mẫu số 5",
        state=_DONE if is_done else random.choice(_OPEN),
        form=random.choice(tuple(_FORMS)),
        fee=random.choice((None, 25_000, 50_000)),
        appraisal_fee=random.choice((None, 650_000, 1_250_000)),
        note=random.choice(_NOTES),
    )


def _record(case: _Case) -> Record:
    record: Record = {
        "SoBienNhan": case.receipt,
        "MaHoSoMotCua": case.code,
        "LanCapNhat": str(case.version),
        "MaThuTuc": f"{case.procedure.code}.000.00.00.H29",
        "KenhNop": case.channel,
        "HoTen": case.person.name,
        "LoaiDoiTuong": case.type,
        "SoChungMinh": case.person.identity,
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.has_mail else "",
        "SoThuTuThua": case.parcel,
        "SoHieuBanDo": case.sheet,
        "DienTich": case.area,
        "DiaChiTaiSan": case.street,
        "NgayTiepNhan": case.received.strftime("%d/%m/%Y %H:%M"),
        "NgayHenTra": case.due.strftime("%d/%m/%Y"),
        "TrangThai": case.state[0],
        "NgayKetThuc": _day(case.ended),
        "NgayTra": _day(case.ended),
        "TraQuaBuuDien": case.form,
        "LePhi": _amount(case.fee),
        "PhiThamDinh": _amount(case.appraisal_fee),
        "GhiChu": case.note,
    }
    for number, paper in enumerate(case.certificates, start=1):
        record[f"SoGCN{number}"] = paper.number
        record[f"TepGCN{number}"] = paper.address
    return record


def _day(when: datetime | None) -> str:
    return when.strftime("%d/%m/%Y") if when else "01/01/1900"


def _amount(amount: int | None) -> str:
    return f"{amount:,}".replace(",", ".") if amount else ""


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "SoBienNhan": case.receipt,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": "G10-DD01",
        "TenLinhVuc": _FIELD,
        "KenhThucHien": _CHANNELS[case.channel],
        "ChuHoSo": _typed(case.person.name),
        "LoaiDoiTuong": _TYPES[case.type],
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.has_mail else None,
        "TrichYeuHoSo": summary(
            f"Thửa đất số {case.parcel}, tờ bản đồ số {case.sheet}, diện tích {case.area} m2,"
            f" {case.street}"
        ),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_day(case.due),
        "NgayKetThucXuLy": portal_day(case.ended),
        "NgayTra": portal_day(case.ended),
        "TrangThaiHoSo": case.state[1],
        "HinhThuc": _FORMS[case.form],
        "DonViXuLy": _UNIT,
        "GhiChu": case.note or None,
        "DanhSachLePhi": [{"TenPhiLePhi": name, "Gia": str(amount)} for name, amount in _fees(case)]
        or None,
        "DanhSachGiayToKetQua": [
            {
                "TenGiayTo": f"Giấy chứng nhận số {paper.number}",
                "GiayToId": paper.number,
                "DuongDanTepTinKetQua": paper.address,
            }
            for paper in case.certificates
        ]
        or None,
    }


def _fees(case: _Case) -> list[tuple[str, int]]:
    named = (
        ("Lệ phí cấp giấy chứng nhận", case.fee),
        ("Phí thẩm định hồ sơ", case.appraisal_fee),
    )
    return [(name, amount) for name, amount in named if amount]


def _typed(text: str) -> str:
    """Return `text` as the charset can hold it: accented capitals that it lacks are small."""
    return "".join(
        letter if letter.isascii() or letter in _CAPITALS else letter.lower() for letter in text
    )


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


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
        findings=(Finding("dossier.duplicate", "MaHoSoMotCua", "MaHoSo"),),
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
    tell=_tell,
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
    halves = _halves(seed)
    written = rows = 0
    with path.open("wb") as file:
        written += file.write(encode(DELIMITER.join(COLUMNS) + "\r\n", CHARSET))
        while written < size_bytes:
            before, after = halves[rows % _TEMPLATES]
            rows += 1
            written += file.write(b"%b%07d%b" % (before, rows, after))
    return rows


@cache
def _halves(seed: int) -> list[tuple[bytes, bytes]]:
    """Return encoded rows cut in two where the order number of the dossier code stands."""
    random = Random(seed)  # noqa: S311 - not a secret
    cut = []
    for number in range(1, _TEMPLATES + 1):
        record = _record(_imagine(random, number))
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
