"""The one-stop software iGate: nested JSON with files, fees and the steps done so far."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_FIELDS = ("Hộ tịch", "Chứng thực", "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)")
_UNITS = ("H29.14", "H29.14.01", "H29.14.02")
_STEPS = (
    (2, "Tiếp nhận hồ sơ"),
    (4, "Chuyển xử lý &amp; thẩm định"),
    (9, "Ký kết quả"),
    (10, "Trả kết quả"),
)


def _make(random: Random, number: int) -> list[Record]:
    procedure = random.choice(procedures(*_FIELDS))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    submitted = received - timedelta(minutes=random.randrange(5, 900), seconds=-number % 60)
    steps = _STEPS[: random.randrange(1, len(_STEPS) + 1)]
    status = steps[-1][0]
    record: Record = {
        "IdHoSo": 100_000 + number,
        "MaSuKien": f"sk-{number:07d}-{len(steps)}",
        "MaHoSo": f"H29.14-{received:%y%m%d}-{number:05d}",
        "MaTTHC": procedure.code,
        "MaDichVuCong": f"{procedure.code}.01",
        "TenLinhVuc": procedure.field,
        "HinhThucTiepNhan": random.randrange(1, 4),
        "ChuHoSo": person.name,
        "LoaiDoiTuong": 2 if "kinh doanh" in procedure.field else random.randrange(2),
        "MaDonViTiepNhan": random.choice(_UNITS),
        "TrichYeu": f"<p>{procedure.title[:200]} &ndash; nộp bởi <b>{person.name}</b></p>",
        "NgayNop": submitted.strftime("%Y-%m-%d %H:%M:%S"),
        "NgayTiepNhan": received.strftime("%Y%m%d%H%M%S"),
        "NgayHenTra": (received + timedelta(days=5)).strftime("%Y%m%d170000"),
        "NgayTra": _moment_of(len(steps), received) if status == 10 else "",
        "TrangThaiHoSo": status,
        "HinhThucTraKetQua": random.randrange(2),
        "CoSoHoa": random.random() < 0.5,
        "ThongTinNguoiNop": _applicant(random, person),
        "ThanhPhanHoSo": [
            {"MaThanhPhanHoSo": "", "TenThanhPhanHoSo": name, "SoLuong": 1, "LoaiBan": kind}
            for kind, name in enumerate(("Tờ khai", "Giấy tờ kèm theo"))
        ],
        "TepDinhKem": _files(random, number),
        "DanhSachLePhi": _fees(random),
        "TienTrinh": [_step(number, order, received) for order in range(1, len(steps) + 1)],
    }
    return [record]


def _moment_of(order: int, received: datetime) -> str:
    return (received + timedelta(hours=20 * (order - 1))).strftime("%Y%m%d%H%M%S")


def _applicant(random: Random, person: Person) -> Record:
    nine_digits = f"000000{person.identity[-3:]}"
    return {
        "SoGiayTo": random.choice((person.identity, person.identity, nine_digits, "")),
        "NgaySinh": "19900120000000",
        "DienThoai": person.phone,
        "Email": person.email,
        "MaTinh": "79",
    }


def _files(random: Random, number: int) -> list[Record]:
    return [
        {
            "IdGiayTo": f"t{number}-{order}",
            "TenGiayTo": f"GiayTo-{order}.pdf",
            "MaThanhPhanHoSo": None,
            "DuongDan": f"https://hoso.example.vn/tep/{number}/{order}" if order < 4 else None,
            "DaXoa": order == 3,
        }
        for order in range(1, random.randrange(1, 6))
    ]


def _fees(random: Random) -> list[Record]:
    fee: Record = {
        "TenPhiLePhi": "Lệ phí giải quyết hồ sơ",
        "MaPhiLePhi": "1",
        "HinhThucThu": "1",
        "Gia": random.choice((8000, 15000, 100000)),
        "LoaiPhiLePhi": "1",
    }
    return [fee] if random.random() < 0.6 else []


def _step(number: int, order: int, received: datetime) -> Record:
    """Return one step; odd ones are written in local time, even ones in UTC."""
    status, text = _STEPS[order - 1]
    when = received + timedelta(hours=20 * (order - 1), milliseconds=250)
    if order % 2:
        written = when.isoformat(timespec="milliseconds")
    else:
        written = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.250Z")
    return {
        "Id": number * 10 + order,
        "NguoiXuLy": f"Cán bộ mẫu {order}",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": written,
        "PhongBanXuLy": "Bộ phận một cửa",
        "NoiDungXuLy": text,
        "TrangThai": status,
    }


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    return write_page(path, entries, records="data", around={"code": 200, "message": "OK"})


def _spoil_first_step(record: Record) -> Record:
    steps = record["TienTrinh"]
    assert isinstance(steps, list)
    return record | {"TienTrinh": [steps[0] | {"NguoiXuLy": "", "TrangThai": 99}, *steps[1:]]}


_FLAWS = (
    Flaw(
        spoil=set_to(NgayTiepNhan="20260231081500"),
        findings=(Finding("mapping.date_invalid", "NgayTiepNhan", "NgayTiepNhan"),),
    ),
    Flaw(spoil=lambda _: 42, findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(TrangThaiHoSo=12),
        findings=(Finding("mapping.code_unknown", "TrangThaiHoSo", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=_spoil_first_step,
        findings=(
            Finding("mapping.field_missing", "TienTrinh[0].NguoiXuLy", "NguoiXuLy"),
            Finding("mapping.code_unknown", "TienTrinh[0].TrangThai", "TrangThai"),
        ),
    ),
    Flaw(
        spoil=set_to(TrangThaiHoSo=7, GhiChu="Gửi trùng", MaSuKien="sk-trung"),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(MaHoSo=None, TienTrinh=[]),
        findings=(Finding("mapping.field_missing", "MaHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaTTHC="9.999999"),
        findings=(Finding("mapping.lookup_unknown", "MaTTHC", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(LoaiDoiTuong=7),
        findings=(Finding("mapping.code_unknown", "LoaiDoiTuong", "LoaiDoiTuong"),),
    ),
    Flaw(
        spoil=set_to(DanhSachLePhi=[{"TenPhiLePhi": "Lệ phí", "Gia": "tám nghìn"}]),
        findings=(
            Finding("mapping.number_invalid", "DanhSachLePhi[0].Gia", "DanhSachLePhi[1].Gia"),
        ),
    ),
    Flaw(
        spoil=set_to(ChuHoSo="Lê\x01Thị Mai (mẫu)"),
        findings=(Finding("mapping.value_refused", "ChuHoSo", "ChuHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaHoSo={"so": 1}, TienTrinh=[]),
        findings=(Finding("mapping.not_a_value", "MaHoSo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(MaDonViTiepNhan="H29.99", NgayNop="06/07/2025"),
        findings=(
            Finding("mapping.date_invalid", "NgayNop", "NgayNopHoSo"),
            Finding("mapping.code_unknown", "MaDonViTiepNhan", "DonViXuLy"),
        ),
    ),
)

IGATE = Shape(
    agency="igate-one-stop",
    file_name="igate-one-stop.json",
    make=_make,
    key="MaHoSo",
    flaws=_FLAWS,
    write=_write,
)
