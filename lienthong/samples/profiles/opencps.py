"""OpenCPS: JSON with epoch milliseconds, local status words and sub-statuses, files by kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_page
from lienthong.samples.people import make_person
from lienthong.samples.portal import ENDED, RETURNED, company_name, portal_time
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

# Local word, local sub-status, the portal's code.
_STATES = (
    ("new", "", "2"),
    ("receiving", "", "1"),
    ("processing", "", "4"),
    ("processing", "processing_signed", "9"),
    ("waiting", "", "5"),
    ("waiting", "waiting_tax", "6"),
    ("paying", "", "6"),
    ("releasing", "", "9"),
    ("done", "", "10"),
    ("denied", "", "3"),
    ("unresolved", "", "8"),
    ("cancelled", "", "7"),
)
_ORIGINALITY = {"1": 3, "2": 2}
_POSTAL = ((0, "0"), (1, "0"), (2, "1"), (None, "0"))
_NAMED_UNITS = ("Bộ phận một cửa Phường Tân Định", "Ủy ban nhân dân Phường Tân Định")


class _File(NamedTuple):
    id: int
    kind: int
    """0 neither, 1 submitted, 2 result."""
    part: str
    name: str
    is_stored: bool

    @property
    def address(self) -> str:
        return f"https://hoso.example.vn/documents/{self.id}/{self.part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    local_end: str
    person: Person
    company: str | None
    is_contact_named: bool
    account: str | None
    """Of the portal's sign-on."""
    channel: str
    postal: int | None
    form: str
    state: tuple[str, str, str]
    unit: str
    received: datetime
    due: datetime
    released: datetime | None
    finished: datetime | None
    files: tuple[_File, ...]

    @property
    def code(self) -> str:
        return f"H29.18-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def owner(self) -> str:
        """Who is named as contact, else as applicant."""
        return self.person.name if self.is_contact_named else self.company or self.person.name


def _imagine(random: Random, number: int) -> _Case:
    received = moment(random, first_day="2025-07-07", days=300)
    state = random.choice(_STATES)
    due = received + timedelta(days=random.randrange(2, 15))
    postal, form = random.choice(_POSTAL)
    is_online = random.random() < 0.5
    return _Case(
        number=number,
        procedure=random.choice(procedures("Hộ tịch")),
        local_end=random.choice(("", ".H29", ".000.00.00.H29")),
        person=make_person(random, number=number),
        company=company_name(random, number) if random.random() < 0.2 else None,
        is_contact_named=random.random() < 0.8,
        account=f"techid-{number:06d}" if is_online and random.random() < 0.7 else None,
        channel="2" if is_online else "1",
        postal=postal,
        form=form,
        state=state,
        unit=random.choice(_NAMED_UNITS),
        received=received,
        due=due,
        released=due - timedelta(hours=3) if state[2] in ENDED else None,
        finished=due + timedelta(hours=1, seconds=number % 60) if state[2] == RETURNED else None,
        files=_files(random, number, has_result=state[2] in ENDED),
    )


def _files(random: Random, number: int, *, has_result: bool) -> tuple[_File, ...]:
    kinds = [random.choice((0, 1, 1)) for _ in range(random.randrange(4))]
    if has_result:
        kinds += [2] * random.randrange(1, 3)
    return tuple(
        _File(
            id=number * 10 + order,
            kind=kind,
            part=f"{'KQ' if kind == 2 else 'TP'}{order:02d}",
            name=f"{'Kết quả' if kind == 2 else 'Tờ khai'} {order}.pdf",
            is_stored=random.random() < 0.85,
        )
        for order, kind in enumerate(kinds, start=1)
    )


def _record(case: _Case) -> Record:
    status, sub_status, _ = case.state
    no_date = 0 if case.number % 2 else None
    account = {"mappingClassName": "dvcqg", "mappingClassPK": case.account}
    local_account = {"mappingClassName": "local", "mappingClassPK": f"{case.number}"}
    return {
        "dossierId": 200_000 + case.number,
        "referenceUid": f"00000000-0000-4000-8000-{case.number:012d}",
        "dossierNo": case.code,
        "serviceCode": case.procedure.code + case.local_end,
        "serviceName": case.procedure.title,
        "govAgencyCode": "H29.18",
        "govAgencyName": case.unit,
        "applicantName": case.company or case.person.name,
        "applicantIdType": "business" if case.company else ("citizen", "")[case.number % 5 == 0],
        "applicantIdNo": case.person.identity,
        "applicant": account if case.account else (None, local_account)[case.number % 2],
        "contactName": case.person.name if case.is_contact_named else "",
        "contactTelNo": case.person.phone,
        "contactEmail": case.person.email if case.number % 3 else "",
        "dossierName": f"Hồ sơ {case.procedure.title[:200]}",
        "dossierNote": "",
        "submitDate": _epoch(case.received - timedelta(minutes=30)),
        "receiveDate": _epoch(case.received),
        "dueDate": _epoch(case.due),
        "extendDate": no_date,
        "releaseDate": _epoch(case.released) if case.released else no_date,
        "finishDate": _epoch(case.finished) if case.finished else no_date,
        "cancellingDate": no_date,
        "correctingDate": no_date,
        "dossierStatus": status,
        "dossierSubStatus": sub_status,
        "viaPostal": case.postal,
        "originality": _ORIGINALITY[case.channel],
        "systemId": 0,
        "originDossierId": 0,
        "dossierFiles": [_file_record(file, sent=case.received) for file in case.files],
    }


def _epoch(when: datetime) -> int:
    return int(when.timestamp()) * 1000


def _file_record(file: _File, *, sent: datetime) -> Record:
    return {
        "dossierFileId": file.id,
        "partNo": file.part,
        "partType": file.kind,
        "displayName": file.name,
        "fileEntryId": file.id + 7_000_000 if file.is_stored else 0,
        # The address carries the time of asking, so it is another one at every call.
        "fileUrl": f"{file.address}?t={_epoch(sent)}" if file.is_stored else None,
    }


def _values(case: _Case) -> PortalValues:
    submitted = [file for file in case.files if file.kind == 1 and file.is_stored]
    results = [file for file in case.files if file.kind == 2 and file.is_stored]
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": "G15-TP08",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": case.channel,
        "ChuHoSo": case.owner,
        "LoaiDoiTuong": "2" if case.company else "1",
        "MaDoiTuong": case.account,
        "SoDienThoai": case.person.phone,
        "Email": case.person.email if case.number % 3 else None,
        "Fax": None,
        "TrichYeuHoSo": f"Hồ sơ {case.procedure.title[:200]}".strip(),
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayKetThucXuLy": portal_time(case.released),
        "NgayTra": portal_time(case.finished),
        "TrangThaiHoSo": case.state[2],
        "HinhThuc": case.form,
        "DonViXuLy": case.unit,
        "GhiChu": None,
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(file.id),
                "TenTepDinhKem": file.name,
                "IsDeleted": "False",
                "MaThanhPhanHoSo": file.part,
                "DuongDanTaiTepTin": file.address,
            }
            for file in submitted
        ]
        or None,
        "DanhSachGiayToKetQua": [
            {
                "TenGiayTo": file.name,
                "MaThanhPhanHoSo": file.part,
                "GiayToId": str(file.id),
                "DuongDanTepTinKetQua": file.address,
            }
            for file in results
        ]
        or None,
    }


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case))]


def _write(path: Path, entries: Sequence[Entry]) -> list[Place]:
    return write_page(path, entries, records="data", around={"total": len(entries)})


_FLAWS = (
    Flaw(
        spoil=set_to(receiveDate="07/07/2025 08:15"),
        findings=(Finding("mapping.date_invalid", "receiveDate", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(dossierStatus="pausing", dossierSubStatus=""),
        findings=(Finding("mapping.code_unknown", "dossierStatus", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(dossierStatus="waiting", dossierSubStatus="waiting_docs"),
        findings=(Finding("mapping.code_unknown", "dossierSubStatus", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: None, findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(dossierName="Gửi trùng", govAgencyName=_NAMED_UNITS[0]),
        findings=(Finding("dossier.duplicate", "dossierNo", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(dossierNo=None),
        findings=(Finding("mapping.field_missing", "dossierNo", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(serviceCode="9.999999.000.00.00.H29"),
        findings=(Finding("mapping.lookup_unknown", "serviceCode", "TenTTHC"),),
    ),
    # Seconds where milliseconds belong: a day of January 1970.
    Flaw(
        spoil=set_to(receiveDate=1_751_850_900),
        findings=(Finding("mapping.date_implausible", "receiveDate", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(originality=0, viaPostal=7),
        findings=(
            Finding("mapping.code_unknown", "originality", "KenhThucHien"),
            Finding("mapping.code_unknown", "viaPostal", "HinhThuc"),
        ),
    ),
    Flaw(
        spoil=set_to(contactTelNo="0900000999 / " * 5),
        findings=(Finding("mapping.too_long", "contactTelNo", "SoDienThoai"),),
    ),
    Flaw(
        spoil=set_to(contactName="Lê\x01Thị Mai (mẫu)"),
        findings=(Finding("mapping.value_refused", "contactName", "ChuHoSo"),),
    ),
    Flaw(
        spoil=set_to(receiveDate=None, govAgencyName=" "),
        findings=(
            Finding("mapping.field_missing", "receiveDate", "NgayTiepNhan"),
            Finding("mapping.field_missing", "govAgencyName", "DonViXuLy"),
        ),
    ),
    Flaw(
        spoil=set_to(applicantIdType="organization", dossierStatus="posting", dossierSubStatus=""),
        findings=(
            Finding("mapping.code_unknown", "applicantIdType", "LoaiDoiTuong"),
            Finding("mapping.code_unknown", "dossierStatus", "TrangThaiHoSo"),
        ),
    ),
)

OPENCPS = Shape(
    agency="opencps-one-stop",
    file_name="opencps-one-stop.json",
    tell=_tell,
    key="dossierNo",
    flaws=_FLAWS,
    write=_write,
)
