"""The one-stop software iGate: nested JSON with files, fees and the steps done so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import identity, portal_time, summary
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

_FIELDS = {
    "Hộ tịch": "G15-TP08",
    "Chứng thực": "G15-TP09",
    "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)": "G07-KH02",
}
"""Names to codes; samples."""
_UNITS = {
    "H29.14": "Bộ phận một cửa Phường Bến Thành",
    "H29.14.01": "Công chức Tư pháp - Hộ tịch Phường Bến Thành",
    "H29.14.02": "Phòng Kinh tế Phường Bến Thành",
}
"""Codes to names; samples."""
_TYPES = {0: "1", 1: "2", 2: "4"}
"""Citizen, business, household business, which is no enterprise, to the portal's types."""
_PAPERS = ("Tờ khai", "Giấy tờ kèm theo")
_DEPARTMENT = "Bộ phận một cửa"
_TITLE = "Chuyên viên"
_STEPS = (
    (2, "Tiếp nhận hồ sơ"),
    (4, "Chuyển xử lý & thẩm định"),
    (9, "Ký kết quả"),
    (10, "Trả kết quả"),
)
"""Statuses, which are the portal's own, and what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    received: datetime
    submitted: datetime
    steps: int
    """How many of the steps are done."""
    channel: int
    type: int
    unit: str
    form: int
    is_digitised: bool
    paper: str
    """Number of the applicant's paper: twelve digits, nine, or nothing."""
    files: int
    fee: int | None

    @property
    def code(self) -> str:
        return f"H29.14-{self.received:%y%m%d}-{self.number:05d}"

    @property
    def due(self) -> datetime:
        return (self.received + timedelta(days=5)).replace(hour=17, minute=0, second=0)

    @property
    def status(self) -> int:
        return _STEPS[self.steps - 1][0]

    @property
    def returned(self) -> datetime | None:
        return self.moment_of(self.steps) if self.status == 10 else None

    def moment_of(self, order: int) -> datetime:
        """Return when a step was done, but for thousandths."""
        return self.received + timedelta(hours=20 * (order - 1))


def _imagine(random: Random, number: int) -> _Case:
    procedure = random.choice(procedures(*_FIELDS))
    person = make_person(random, number=number)
    received = moment(random, first_day="2025-07-07", days=300)
    nine_digits = f"000000{person.identity[-3:]}"
    return _Case(
        number=number,
        procedure=procedure,
        person=person,
        received=received,
        submitted=received - timedelta(minutes=random.randrange(5, 900), seconds=-number % 60),
        steps=random.randrange(1, len(_STEPS) + 1),
        channel=random.randrange(1, 4),
        type=2 if "kinh doanh" in procedure.field else random.randrange(2),
        unit=random.choice(tuple(_UNITS)),
        form=random.randrange(2),
        is_digitised=random.random() < 0.5,
        paper=random.choice((person.identity, person.identity, nine_digits, "")),
        files=random.randrange(1, 6) - 1,
        fee=_fee(random),
    )


def _fee(random: Random) -> int | None:
    fee = random.choice((8000, 15000, 100000))
    return fee if random.random() < 0.6 else None


def _record(case: _Case) -> Record:
    title = case.procedure.title[:200]
    return {
        "IdHoSo": 100_000 + case.number,
        "MaSuKien": f"sk-{case.number:07d}-{case.steps}",
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "MaDichVuCong": f"{case.procedure.code}.01",
        "TenLinhVuc": case.procedure.field,
        "HinhThucTiepNhan": case.channel,
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": case.type,
        "MaDonViTiepNhan": case.unit,
        "TrichYeu": f"<p>{title} &ndash; nộp bởi <b>{case.person.name}</b></p>",
        "NgayNop": case.submitted.strftime("%Y-%m-%d %H:%M:%S"),
        "NgayTiepNhan": case.received.strftime("%Y%m%d%H%M%S"),
        "NgayHenTra": case.due.strftime("%Y%m%d%H%M%S"),
        "NgayTra": case.returned.strftime("%Y%m%d%H%M%S") if case.returned else "",
        "TrangThaiHoSo": case.status,
        "HinhThucTraKetQua": case.form,
        "CoSoHoa": case.is_digitised,
        "ThongTinNguoiNop": {
            "SoGiayTo": case.paper,
            "NgaySinh": "19900120000000",
            "DienThoai": case.person.phone,
            "Email": case.person.email,
            "MaTinh": "79",
        },
        "ThanhPhanHoSo": [
            {"MaThanhPhanHoSo": "", "TenThanhPhanHoSo": name, "SoLuong": 1, "LoaiBan": kind}
            for kind, name in enumerate(_PAPERS)
        ],
        "TepDinhKem": [
            {
                "IdGiayTo": f"t{case.number}-{order}",
                "TenGiayTo": f"GiayTo-{order}.pdf",
                "MaThanhPhanHoSo": None,
                "DuongDan": _address(case, order),
                "DaXoa": order == 3,
            }
            for order in range(1, case.files + 1)
        ],
        "DanhSachLePhi": [_fee_record(case.fee)] if case.fee else [],
        "TienTrinh": [_step(case, order) for order in range(1, case.steps + 1)],
    }


def _address(case: _Case, order: int) -> str | None:
    """Return where a file is; the fourth of a dossier is nowhere."""
    return f"https://hoso.example.vn/tep/{case.number}/{order}" if order < 4 else None


def _fee_record(fee: int) -> Record:
    return {
        "TenPhiLePhi": "Lệ phí giải quyết hồ sơ",
        "MaPhiLePhi": "1",
        "HinhThucThu": "1",
        "Gia": fee,
        "LoaiPhiLePhi": "1",
    }


def _step(case: _Case, order: int) -> Record:
    """Return one step; odd ones are written in local time, even ones in UTC."""
    status, text = _STEPS[order - 1]
    when = case.moment_of(order) + timedelta(milliseconds=250)
    if order % 2:
        written = when.isoformat(timespec="milliseconds")
    else:
        written = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.250Z")
    return {
        "Id": case.number * 10 + order,
        "NguoiXuLy": _officer(order),
        "ChucDanh": _TITLE,
        "ThoiDiemXuLy": written,
        "PhongBanXuLy": _DEPARTMENT,
        "NoiDungXuLy": text.replace("&", "&amp;"),
        "TrangThai": status,
    }


def _officer(order: int) -> str:
    return f"Cán bộ mẫu {order}"


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": _FIELDS[case.procedure.field],
        "TenLinhVuc": case.procedure.field,
        "KenhThucHien": str(case.channel),
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": _TYPES[case.type],
        "SoDienThoai": case.person.phone,
        "Email": case.person.email,
        # As a reader of the page sees it.
        "TrichYeuHoSo": summary(
            f"{case.procedure.title[:200]} \N{EN DASH} nộp bởi {case.person.name}"
        ),
        "NgayNopHoSo": portal_time(case.submitted),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayTra": portal_time(case.returned),
        "TrangThaiHoSo": str(case.status),
        "HinhThuc": str(case.form),
        "DonViXuLy": _UNITS[case.unit],
        "NoiNopHoSo": "2",
        "HoSoCoThanhPhanSoHoa": "1" if case.is_digitised else "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "TaiLieuNop": [
            {
                "TepDinhKemId": f"t{case.number}-{order}",
                "TenTepDinhKem": f"GiayTo-{order}.pdf",
                "IsDeleted": str(order == 3),
                "MaThanhPhanHoSo": None,
                "DuongDanTaiTepTin": _address(case, order),
            }
            for order in range(1, case.files + 1)
            if _address(case, order)
        ]
        or None,
        "DanhSachLePhi": [
            {
                "TenPhiLePhi": "Lệ phí giải quyết hồ sơ",
                "MaPhiLePhi": "1",
                "HinhThucThu": "1",
                "Gia": str(case.fee),
                "LoaiPhiLePhi": "1",
            }
        ]
        if case.fee
        else None,
        "DanhSachTepDinhKemKhac": [{"TenGiayTo": name, "SoLuong": "1"} for name in _PAPERS],
        **identity(case.paper),
    }


def _progress(case: _Case) -> tuple[PortalValues, ...]:
    return tuple(
        {
            "MaHoSo": case.code,
            "NguoiXuLy": _officer(order),
            "ChucDanh": _TITLE,
            "ThoiDiemXuLy": portal_time(case.moment_of(order)),
            "PhongBanXuLy": _DEPARTMENT,
            "NoiDungXuLy": text,
            "TrangThai": str(status),
        }
        for order, (status, text) in enumerate(_STEPS[: case.steps], start=1)
    )


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case), progress=_progress(case))]


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
        findings=(Finding("dossier.duplicate", "MaHoSo", "MaHoSo"),),
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
    tell=_tell,
    key="MaHoSo",
    flaws=_FLAWS,
    write=_write,
)
