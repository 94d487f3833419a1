"""A ministry's profiles over LGSP: snake_case JSON, dates with the year first, booleans as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import company_name, identity, portal_time
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from lienthong.samples.catalogue import Procedure
    from lienthong.samples.expectations import PortalValues
    from lienthong.samples.people import Person
    from lienthong.samples.shapes import Entry
    from schemas.problem import Place

_UNIT = "000.00.00.G14"
_UNIT_NAME = "Bộ Thông tin và Truyền thông (hệ thống mẫu)"
_FIELD = "Đảm bảo an toàn thông tin, an ninh mạng"
# The message's word, the portal's code.
_STATES = (
    ("TIEPNHAN", "2"),
    ("CAPNHAT", "4"),
    ("CAPNHAT", "5"),
    ("THANHTOAN", "6"),
    ("RUT", "7"),
    ("TUCHOI", "3"),
    ("KETQUA", "9"),
    ("KETQUA", "10"),
)
_CITIZEN = "1"
# Local type, the portal's type.
_TYPES = ((_CITIZEN, "1"), (_CITIZEN, "1"), ("2", "2"), ("3", "4"), ("4", "4"), ("", "1"))


class _Paper(NamedTuple):
    name: str
    kind: str
    address: str
    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    owner: str
    owner_id: str
    """Twelve digits of a person, or ten of a taxpayer."""
    type: tuple[str, str]
    state: tuple[str, str]
    created: datetime
    accepted: datetime
    due: datetime | None
    papers: tuple[_Paper, ...]
    fee: int | None

    @property
    def local_code(self) -> str:
        return f"TS-{self.created:%y}-{self.number:05d}"

    @property
    def code(self) -> str:
        return f"{_UNIT}-{self.created:%y%m%d}-{self.number:05d}"


def _imagine(random: Random, number: int) -> _Case:
    person = make_person(random, number=number)
    kind = random.choice(_TYPES)
    is_person = kind[1] == "1"
    created = moment(random, first_day="2025-07-07", days=300)
    accepted = created + timedelta(minutes=random.randrange(5, 4000), seconds=number % 60)
    return _Case(
        number=number,
        procedure=random.choice(procedures(_FIELD)),
        person=person,
        owner=person.name if is_person else company_name(random, number),
        owner_id=person.identity if is_person else f"0000{number:06d}",
        type=kind,
        state=random.choice(_STATES),
        created=created,
        accepted=accepted,
        due=accepted + timedelta(days=10) if random.random() < 0.8 else None,
        papers=tuple(
            _Paper(
                name=f"{name}.{kind}",
                kind=kind,
                address=f"https://hoso.example.vn/bo/{number}/{order}",
                is_deleted=random.random() < 0.15,
            )
            for order, (name, kind) in enumerate((("Đơn đề nghị", "pdf"), ("Phụ lục", "docx")))
        )[: random.randrange(3)],
        fee=random.choice((None, 0, 1_250_000)),
    )


def _record(case: _Case) -> Record:
    word, status = case.state
    return {
        "status": word,
        "type": "profile",
        "source_id": case.local_code,
        "ref_code": f"{case.number:032x}",
        "procedures_code": case.procedure.code,
        "profiles_status": status,
        "is_update": "false" if status == "2" else "true",
        "creation_date": _year_first(case.created),
        "accept_date": _year_first(case.accepted),
        "appointment_date": _year_first(case.due),
        "time_of_process": _year_first(case.accepted),
        "applicants_type": case.type[0],
        "applicants_id": case.owner_id,
        "org_impl_code": _UNIT,
        "from_unit_code": _UNIT,
        "to_unit_code": ["000.00.00.H29"],
        "is_request_payment": "true" if status == "6" else "false",
        "total_amount": case.fee or 0,
        "process_officials": "Cán bộ mẫu 2",
        "profileOwner": {
            "name": case.owner,
            "address": f"Số {case.number} đường mẫu số 11",
            "tel": case.person.phone,
        },
        "profileApplicant": {
            "name": case.person.name,
            "email": case.person.email if case.number % 2 else "",
            "tel": "0900000000",
            "identify": case.person.identity,
        },
        "profileAttachments": [
            {
                "content_type": paper.kind,
                "attachment_name": paper.name,
                "is_verified": 0,
                "is_deleted": int(paper.is_deleted),
                "attachment_file_url": paper.address,
            }
            for paper in case.papers
        ],
        "profileDocFees": []
        if case.fee is None
        else [{"fee_name": "Phí thẩm định", "fee_type": 2, "price": case.fee}],
        "data_eform": '{"form": "mẫu"}',
    }


def _year_first(when: datetime | None) -> str:
    return when.strftime("%Y/%m/%d %H:%M:%S") if when else ""


def _values(case: _Case) -> PortalValues:
    fee = {
        "TenPhiLePhi": "Phí thẩm định",
        "Gia": str(case.fee),
        "MaPhiLePhi": None,
        "HinhThucThu": None,
        "LoaiPhiLePhi": None,
    }
    return {
        "MaHoSo": case.code,
        "SoBienNhan": case.local_code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": "G14-AT01",
        "TenLinhVuc": _FIELD,
        "KenhThucHien": None,
        "ChuHoSo": case.owner,
        "LoaiDoiTuong": case.type[1],
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.number % 2 else None,
        "TrichYeuHoSo": None,
        "NgayNopHoSo": portal_time(case.created),
        "NgayTiepNhan": portal_time(case.accepted),
        "NgayHenTra": portal_time(case.due),
        "TrangThaiHoSo": case.state[1],
        "HinhThuc": "0",
        "DonViXuLy": _UNIT_NAME,
        "GhiChu": None,
        "TaiLieuNop": [
            {
                "TepDinhKemId": None,
                "TenTepDinhKem": paper.name,
                "IsDeleted": str(paper.is_deleted),
                "DuongDanTaiTepTin": paper.address,
            }
            for paper in case.papers
        ]
        or None,
        "DanhSachLePhi": None if case.fee is None else [fee],
        **identity(case.owner_id),
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    return write_page(path, entries, records="profileOutmodel", around={})


def _with_owner(**values: object) -> Callable[[Record], Record]:
    """Return a `spoil` that puts `values` into the owner."""

    def spoil(record: Record) -> Record:
        owner = record["profileOwner"]
        assert isinstance(owner, dict)
        return record | {"profileOwner": owner | values}

    return spoil


_FLAWS = (
    Flaw(
        spoil=set_to(accept_date="2026/02/30 08:15:00"),
        findings=(Finding("mapping.date_invalid", "accept_date", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(profiles_status="11"),
        findings=(Finding("mapping.code_unknown", "profiles_status", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(profiles_status="", status="TIEPNHAN"),
        findings=(Finding("mapping.field_missing", "profiles_status", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: "done", findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(profileAttachments=[], profileOwner={"name": "Gửi trùng (mẫu)"}),
        findings=(Finding("dossier.duplicate", None, "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(source_id="TS-42"),
        findings=(Finding("mapping.value_refused", "source_id", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(source_id=None),
        findings=(Finding("mapping.field_missing", "source_id", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(procedures_code="9.999999"),
        findings=(Finding("mapping.lookup_unknown", "procedures_code", "TenTTHC"),),
    ),
    Flaw(
        spoil=set_to(
            profileAttachments=[
                {
                    "attachment_name": "don.pdf",
                    "is_deleted": 2,
                    "attachment_file_url": "https://hoso.example.vn/bo/x",
                }
            ]
        ),
        findings=(
            Finding(
                "mapping.code_unknown",
                "profileAttachments[0].is_deleted",
                "TaiLieuNop[1].IsDeleted",
            ),
        ),
    ),
    Flaw(
        spoil=set_to(
            profileDocFees=[
                {"fee_name": "Phí", "fee_type": 1, "price": 1000},
                {"fee_name": "Lệ phí", "fee_type": 1, "price": "1.000 đ"},
            ]
        ),
        findings=(
            Finding("mapping.number_invalid", "profileDocFees[1].price", "DanhSachLePhi[2].Gia"),
        ),
    ),
    Flaw(
        spoil=_with_owner(tel="0900000999 / " * 5, name="Công\x02ty (mẫu)"),
        findings=(
            Finding("mapping.value_refused", "profileOwner.name", "ChuHoSo"),
            Finding("mapping.too_long", "profileOwner.tel", "SoDienThoai"),
        ),
    ),
    Flaw(
        spoil=set_to(applicants_type="citizen", appointment_date="31-12-2025"),
        findings=(
            Finding("mapping.code_unknown", "applicants_type", "LoaiDoiTuong"),
            Finding("mapping.date_invalid", "appointment_date", "NgayHenTra"),
        ),
    ),
)

MINISTRY = Shape(
    agency="ministry-profile",
    file_name="ministry-profile.json",
    tell=_tell,
    key="source_id",
    flaws=_FLAWS,
    write=_write,
)
