"""Criminal records (lý lịch tư pháp): nested JSON, names in capitals, two kinds of certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import ENDED, identity, portal_day
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_PROCEDURES = {1: "3.000333", 2: "3.000335"}
"""Kind of certificate (loaiPhieu) to the national code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    person: Person
    proxy: Person | None
    paper: str
    kind: int
    channel: int | None
    status: str
    received: datetime

    @property
    def code(self) -> str:
        return f"000.00.20.H29-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def issued(self) -> datetime | None:
        return self.received + timedelta(days=9) if self.status in ENDED else None

    @property
    def result_number(self) -> str:
        return f"{self.number:05d}/MAU-LLTP"


def _imagine(random: Random, number: int) -> _Case:
    person = make_person(random, number=number)
    return _Case(
        number=number,
        person=person,
        proxy=make_person(random, number=number + 500) if random.random() < 0.2 else None,
        paper=random.choice((person.identity, person.identity, f"000000{number % 1000:03d}")),
        kind=random.choice((1, 1, 2)),
        channel=random.choice((1, 2, None)),
        status=random.choice(("2", "2", "9", "10")),
        received=moment(random, first_day="2025-07-07", days=300),
    )


def _record(case: _Case) -> Record:
    record: Record = {
        "maTinh": "79",
        "tenTinh": "Thành phố Hồ Chí Minh",
        "maHoSoMCDT": case.code,
        "ngayTiepNhan": case.received.strftime("%d/%m/%Y"),
        "nguonDangKy": case.channel,
        "toKhai": _form(case),
    }
    if case.issued is not None:
        record["trangThaiXuLy"] = int(case.status)
        record["ketQuaXuLy"] = {
            "soPhieuLLTP": case.result_number,
            "ngayCapPhieu": case.issued.strftime("%d/%m/%Y"),
            "phieuLLTP": "JVBERi0xLjQgKG3huqt1KQo=",
        }
    return record


def _form(case: _Case) -> Record:
    proxy = case.proxy
    return {
        "loaiPhieu": case.kind,
        "yeuCauCDNCV": 0,
        "maMucDich": "1",
        "soLuongCap": 1,
        "nycHoTen": case.person.name.upper(),
        "nycGioiTinh": "0",
        "nycNgaySinh": "20/10/1990",
        "nycThuongTru": {"maTinhThanh": "79", "dcChiTiet": f"Số {case.number} đường mẫu số 9"},
        "nycLoaiGiayTo": "1",
        "nycSoGiayTo": case.paper,
        "nycQuocTich": "3106",
        "nycDanToc": "55305",
        "uyQuyen": 1 if proxy else 0,
        "thongTinUyQuyen": {"nuqHoTen": proxy.name.upper()} if proxy else None,
        "quaTrinhCTNNNLV": [{"tuThangNam": "09/2008", "denThangNam": "06/2012"}],
        "giayToDinhKem": [],
    }


def _values(case: _Case) -> PortalValues:
    result = {
        "TenGiayTo": f"Phiếu lý lịch tư pháp số {case.result_number}",
        "GiayToId": case.result_number,
        "DuongDanTepTinKetQua": None,
    }
    titles = {procedure.code: procedure.title for procedure in procedures("Lý lịch tư pháp")}
    return {
        "MaHoSo": case.code,
        "MaTTHC": _PROCEDURES[case.kind],
        "TenTTHC": titles[_PROCEDURES[case.kind]],
        "MaLinhVuc": "G15-TP12",
        "TenLinhVuc": "Lý lịch tư pháp",
        "KenhThucHien": {1: "1", 2: "2", None: None}[case.channel],
        "ChuHoSo": case.person.name.upper(),
        "LoaiDoiTuong": "1",
        "SoDienThoai": None,
        "Email": None,
        "TrichYeuHoSo": None,
        "NgayTiepNhan": portal_day(case.received),
        "NgayHenTra": None,
        "NgayNopHoSo": None,
        "NgayKetThucXuLy": portal_day(case.issued),
        "TrangThaiHoSo": case.status,
        "HinhThuc": "0",
        "DonViXuLy": "Sở Tư pháp Thành phố Hồ Chí Minh",
        "GhiChu": None,
        "DanhSachGiayToKetQua": [result] if case.issued else None,
        **identity(case.paper),
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    return write_page(path, entries, records="data", around={})


def _in_form(**values: object) -> Callable[[Record], Record]:
    """Return a `spoil` that puts `values` into the declaration."""

    def spoil(record: Record) -> Record:
        form = record["toKhai"]
        assert isinstance(form, dict)
        return record | {"toKhai": form | values}

    return spoil


_FLAWS = (
    Flaw(
        spoil=set_to(ngayTiepNhan="31/02/2026"),
        findings=(Finding("mapping.date_invalid", "ngayTiepNhan", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=_in_form(loaiPhieu=3),
        findings=(
            Finding("mapping.code_unknown", "toKhai.loaiPhieu", "MaTTHC"),
            Finding("mapping.code_unknown", "toKhai.loaiPhieu", "TenTTHC"),
        ),
    ),
    Flaw(
        spoil=set_to(trangThaiXuLy=8),
        findings=(Finding("mapping.code_unknown", "trangThaiXuLy", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: [], findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(trangThaiXuLy=None, ngayTiepNhan="01/07/2025", ketQuaXuLy=None),
        findings=(Finding("dossier.duplicate", "maHoSoMCDT", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(maHoSoMCDT="LLTP-0042"),
        findings=(Finding("mapping.value_refused", "maHoSoMCDT", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(toKhai="1"),
        findings=(
            Finding("mapping.not_an_object", "toKhai", "MaTTHC"),
            Finding("mapping.not_an_object", "toKhai", "TenTTHC"),
            Finding("mapping.not_an_object", "toKhai", "ChuHoSo"),
            Finding("mapping.not_an_object", "toKhai", "SoGiayToChuHoSo"),
        ),
    ),
    Flaw(
        spoil=_in_form(nycHoTen="LÊ\x01THỊ MAI (MẪU)"),
        findings=(Finding("mapping.value_refused", "toKhai.nycHoTen", "ChuHoSo"),),
    ),
    Flaw(
        spoil=_in_form(nycHoTen="VÕ\x00VĂN LONG (MẪU)"),
        findings=(Finding("json.nul", "toKhai.nycHoTen", None),),
    ),
    Flaw(
        spoil=set_to(
            trangThaiXuLy=9,
            ketQuaXuLy={"soPhieuLLTP": "00000/MAU-LLTP", "ngayCapPhieu": "20/10/1890"},
        ),
        findings=(
            Finding("mapping.date_implausible", "ketQuaXuLy.ngayCapPhieu", "NgayKetThucXuLy"),
        ),
    ),
    Flaw(
        spoil=set_to(maHoSoMCDT=None, ngayTiepNhan="", nguonDangKy=5),
        findings=(
            Finding("mapping.field_missing", "maHoSoMCDT", "MaHoSo"),
            Finding("mapping.code_unknown", "nguonDangKy", "KenhThucHien"),
            Finding("mapping.field_missing", "ngayTiepNhan", "NgayTiepNhan"),
        ),
    ),
    Flaw(
        spoil=_in_form(nycHoTen={"ho": "VÕ", "ten": "LONG (MẪU)"}),
        findings=(Finding("mapping.not_a_value", "toKhai.nycHoTen", "ChuHoSo"),),
    ),
)

CRIMINAL = Shape(
    agency="criminal-record",
    file_name="criminal-record.json",
    tell=_tell,
    key="maHoSoMCDT",
    flaws=_FLAWS,
    write=_write,
)
