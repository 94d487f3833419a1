"""LGSP documents (MSyncDocument): local time labelled Z, dates of zeros, papers as base64."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.catalogue import procedures
from lienthong.samples.documents import write_array
from lienthong.samples.expectations import Attachment
from lienthong.samples.people import make_person
from lienthong.samples.portal import ENDED, RETURNED, identity, portal_time
from lienthong.samples.shapes import Finding, Flaw, Record, Shape, Told, moment, set_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from lienthong.samples.catalogue import Procedure
    from lienthong.samples.expectations import Item, PortalValues
    from lienthong.samples.people import Person

_FIELD = "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)"
_UNIT = "Ủy ban nhân dân Quận 1"
_NO_DATE = "0000-00-00T00:00:00.000+0700"
_TYPES = ((1, "1"), (1, "1"), (2, "2"), (3, "4"), (4, "4"))
_SUPPLEMENT = "5"
_OFFICER = "Cán bộ mẫu 1"


class _Paper(NamedTuple):
    id: int
    name: str
    content: bytes
    is_deleted: bool


class _Round(NamedTuple):
    """One request for more papers, answered or open."""

    id: int
    asked: datetime
    answered: datetime | None
    old_due: datetime
    new_due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    number: int
    procedure: Procedure
    person: Person
    type: tuple[int, str]
    status: str
    is_posted: bool
    note: str
    received: datetime
    due: datetime
    papers: tuple[_Paper, ...]
    fees: tuple[tuple[float, str], ...]
    """As a number, and as the portal gets it."""
    rounds: tuple[_Round, ...]

    @property
    def code(self) -> str:
        return f"H29.30-{self.received:%y%m%d}-{self.number:04d}"

    @property
    def succeeded(self) -> datetime | None:
        return self.due - timedelta(hours=5) if self.status in ENDED else None

    @property
    def returned(self) -> datetime | None:
        return self.due - timedelta(hours=1) if self.status == RETURNED else None

    @property
    def return_note(self) -> str:
        return "Đã giao tận tay" if self.returned else ""


def _imagine(random: Random, number: int) -> _Case:
    received = moment(random, first_day="2025-01-06", days=140)
    due = (received + timedelta(days=5)).replace(hour=17, minute=0)
    status = random.choice(("4", _SUPPLEMENT, "9", RETURNED))
    return _Case(
        number=number,
        procedure=random.choice(procedures(_FIELD)),
        person=make_person(random, number=number),
        type=random.choice(_TYPES),
        status=status,
        is_posted=random.random() < 0.3,
        note=random.choice(("", "Hồ sơ nộp thay", "Nhận kết quả buổi chiều")),
        received=received,
        due=due,
        papers=_papers(random, number),
        fees=random.choice(((), ((100_000.0, "100000"),), ((7500.5, "7500.5"), (0.0, "0")))),
        rounds=_rounds(random, number, received, due, is_open=status == _SUPPLEMENT),
    )


def _papers(random: Random, number: int) -> tuple[_Paper, ...]:
    return tuple(
        _Paper(
            id=number * 10 + order,
            name=f"{name}.pdf",
            content=f"%PDF-1.4 (mẫu {number}/{order})\n".encode() * random.randrange(1, 9),
            is_deleted=random.random() < 0.1,
        )
        for order, name in enumerate(("Giấy đề nghị", "Hợp đồng thuê", "Ủy quyền"), start=1)
    )[: random.randrange(1, 4)]


def _rounds(
    random: Random, number: int, received: datetime, due: datetime, *, is_open: bool
) -> tuple[_Round, ...]:
    rounds = []
    if random.random() < 0.3:
        asked = received + timedelta(hours=3)
        answered = received + timedelta(days=1)
        rounds.append(_Round(number * 10 + 1, asked, answered, due - timedelta(days=1), due))
    if is_open:
        asked = received + timedelta(days=2)
        rounds.append(_Round(number * 10 + 2, asked, None, due, None))
    return tuple(rounds)


def _record(case: _Case) -> Record:
    is_done = case.status in ENDED
    is_returned = case.status == RETURNED
    # The schema says text, the sender writes a boolean; both are about.
    written = str(is_returned).lower() if case.number % 4 == 0 else is_returned
    record: Record = {
        "DocTypeCode": case.procedure.code,
        "DocTypeName": case.procedure.title,
        "DocCode": case.code,
        "CitizenName": case.person.name,
        "ApplicantsId": case.person.identity,
        "ApplicantsType": case.type[0],
        "Address": f"Số {case.number} đường mẫu số 3",
        "Email": case.person.email if case.number % 2 else "",
        "Phone": case.person.phone,
        "Compendium": f"Hồ sơ mẫu số {case.number}" if case.number % 3 else None,
        "DateReceived": _labelled(case.received),
        "DateAppointed": _labelled(case.due),
        "IsSuccess": is_done,
        "SuccessDate": _labelled(case.succeeded) if case.succeeded else _NO_DATE,
        "IsReturned": written,
        # Before it is returned this is the due date once more.
        "ReturnedDate": _labelled(case.returned or case.due),
        "ReturnNote": case.return_note,
        "ReturnedType": int(case.is_posted),
        "Status": 2 if is_done else 1,
        "ProcessingOrganName": _UNIT,
        "HasSupplementary": case.status == _SUPPLEMENT,
        "Note": case.note,
        "Attachments": [_paper_record(case, paper) for paper in case.papers],
        "DocFees": [
            {"FeeName": f"Lệ phí {order}", "FeeType": 4, "Price": price}
            for order, (price, _) in enumerate(case.fees, start=1)
        ],
        "DocPapers": [{"PaperName": "Giấy đề nghị", "Amount": 2, "PaperType": 1}],
        "Supplementaries": [_round_record(turn) for turn in case.rounds],
        "OrganInchargeIdLevel1": "H29.30",
        "OrganInchargeName": _UNIT,
    }
    return record


def _labelled(when: datetime) -> str:
    """Return local time with the Z that does not belong there."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.000Z"


def _paper_record(case: _Case, paper: _Paper) -> Record:
    # The schema misspells the key with a small L; senders' code does not.
    key = "Attachmentld" if case.number % 5 == 0 else "AttachmentId"
    return {
        key: paper.id,
        "AttachmentName": paper.name,
        "IsDeleted": paper.is_deleted,
        "Base64": base64.b64encode(paper.content).decode("ascii"),
        "IsVerified": True,
    }


def _round_record(turn: _Round) -> Record:
    return {
        "SupplementaryId": turn.id,
        "SendUser": _OFFICER,
        "SendComment": "Bổ sung giấy tờ",
        "SendDate": _labelled(turn.asked),
        "ReceivedUser": _OFFICER if turn.answered else None,
        "ReceivedComment": "Đã nhận đủ" if turn.answered else "",
        "ReceivedDate": _labelled(turn.answered) if turn.answered else _NO_DATE,
        "IsReceived": turn.answered is not None,
        "Papers": [],
        "Fees": [],
        "OldDateAppointed": _labelled(turn.old_due),
        "NewDateAppointed": _labelled(turn.new_due) if turn.new_due else None,
    }


def _values(case: _Case) -> PortalValues:
    return {
        "MaHoSo": case.code,
        "MaTTHC": case.procedure.code,
        "TenTTHC": case.procedure.title,
        "MaLinhVuc": "G07-KH02",
        "TenLinhVuc": _FIELD,
        "KenhThucHien": None,
        "ChuHoSo": case.person.name,
        "LoaiDoiTuong": case.type[1],
        "Email": case.person.email if case.number % 2 else None,
        "SoDienThoai": case.person.phone,
        "TrichYeuHoSo": f"Hồ sơ mẫu số {case.number}" if case.number % 3 else None,
        "NgayTiepNhan": portal_time(case.received),
        "NgayHenTra": portal_time(case.due),
        "NgayNopHoSo": None,
        "NgayKetThucXuLy": portal_time(case.succeeded),
        "NgayTra": portal_time(case.returned),
        "ThongTinTra": case.return_note or None,
        "TrangThaiHoSo": case.status,
        "HinhThuc": "1" if case.is_posted else "0",
        "DonViXuLy": _UNIT,
        "GhiChu": case.note or None,
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(paper.id),
                "TenTepDinhKem": paper.name,
                "IsDeleted": str(paper.is_deleted),
                "DuongDanTaiTepTin": None,
            }
            for paper in case.papers
        ],
        "DanhSachLePhi": [
            {
                "TenPhiLePhi": f"Lệ phí {order}",
                "Gia": price,
                "MaPhiLePhi": None,
                "HinhThucThu": None,
                "LoaiPhiLePhi": None,
            }
            for order, (_, price) in enumerate(case.fees, start=1)
        ]
        or None,
        "DanhSachTepDinhKemKhac": [
            {"TenGiayTo": "Giấy đề nghị", "SoLuong": "2", "LoaiGiayTo": "1"}
        ],
        "DanhSachHoSoBoSung": [_round_values(turn) for turn in case.rounds] or None,
        **identity(case.person.identity),
    }


def _round_values(turn: _Round) -> Item:
    return {
        "HoSoBoSungId": str(turn.id),
        "NguoiYeuCauBoSung": _OFFICER,
        "NoiDungBoSung": "Bổ sung giấy tờ",
        "NgayBoSung": portal_time(turn.asked),
        "NguoiTiepNhanBoSung": _OFFICER if turn.answered else None,
        "ThongTinTiepNhan": "Đã nhận đủ" if turn.answered else None,
        "NgayTiepNhanBoSung": portal_time(turn.answered),
        "TrangThaiBoSung": "True" if turn.answered else "False",
        "NgayHenTraTruoc": portal_time(turn.old_due),
        "NgayHenTraMoi": portal_time(turn.new_due),
    }


def _manifest(case: _Case) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            name=paper.name,
            size=len(paper.content),
            sha256=hashlib.sha256(paper.content).hexdigest(),
        )
        for paper in case.papers
    )


def _tell(random: Random, number: int) -> list[Told]:
    case = _imagine(random, number)
    return [Told(record=_record(case), values=_values(case), attachments=_manifest(case))]


def _without(key: str) -> Callable[[Record], Record]:
    """Return a `spoil` that leaves `key` out."""
    return lambda record: {name: record[name] for name in record if name != key}


_OPEN = {"Status": 1, "IsSuccess": False, "IsReturned": False, "HasSupplementary": False}
_FLAWS = (
    # Senders leave the date out when it is 0, although it is mandatory.
    Flaw(
        spoil=_without("DateReceived"),
        findings=(Finding("mapping.field_missing", "DateReceived", "NgayTiepNhan"),),
    ),
    Flaw(
        spoil=set_to(DateAppointed="2025-02-29T17:00:00.000Z"),
        findings=(Finding("mapping.date_invalid", "DateAppointed", "NgayHenTra"),),
    ),
    # Returned, but neither finished nor ready: nobody can say what that is.
    Flaw(
        spoil=set_to(**_OPEN | {"IsReturned": True, "SuccessDate": _NO_DATE}),
        findings=(Finding("mapping.code_unknown", "Status", "TrangThaiHoSo"),),
    ),
    Flaw(spoil=lambda _: [1], findings=(Finding("json.not_object", None, None),)),
    Flaw(
        spoil=set_to(Note="Gửi trùng", ReturnNote="Gửi trùng"),
        findings=(Finding("dossier.duplicate", "DocCode", "MaHoSo"),),
        repeats=True,
    ),
    Flaw(
        spoil=set_to(DocCode=None),
        findings=(Finding("mapping.field_missing", "DocCode", "MaHoSo"),),
    ),
    Flaw(
        spoil=set_to(ApplicantsType=5),
        findings=(Finding("mapping.code_unknown", "ApplicantsType", "LoaiDoiTuong"),),
    ),
    Flaw(
        spoil=set_to(DocFees=[{"FeeName": "Lệ phí", "FeeType": 4, "Price": "tám nghìn"}]),
        findings=(Finding("mapping.number_invalid", "DocFees[0].Price", "DanhSachLePhi[1].Gia"),),
    ),
    Flaw(
        spoil=set_to(
            Attachments=[
                {
                    "AttachmentId": 1,
                    "AttachmentName": "a.pdf",
                    "IsDeleted": False,
                    "Base64": "YQ==",
                },
                {"AttachmentId": 2, "AttachmentName": "b.pdf", "IsDeleted": "co", "Base64": "Yg=="},
            ]
        ),
        findings=(
            Finding("mapping.code_unknown", "Attachments[1].IsDeleted", "TaiLieuNop[2].IsDeleted"),
        ),
    ),
    Flaw(
        spoil=set_to(**_OPEN | {"IsReturned": None}),
        findings=(Finding("mapping.field_missing", "IsReturned", "TrangThaiHoSo"),),
    ),
    Flaw(
        spoil=set_to(ReturnedType=3, DocTypeName="", ApplicantsType=None),
        findings=(
            Finding("mapping.field_missing", "DocTypeName", "TenTTHC"),
            Finding("mapping.field_missing", "ApplicantsType", "LoaiDoiTuong"),
            Finding("mapping.code_unknown", "ReturnedType", "HinhThuc"),
        ),
    ),
    Flaw(
        spoil=set_to(
            Supplementaries=[
                {"SupplementaryId": 1, "SendDate": "2025-13-01T08:00:00.000Z", "IsReceived": True}
            ]
        ),
        findings=(
            Finding(
                "mapping.date_invalid",
                "Supplementaries[0].SendDate",
                "DanhSachHoSoBoSung[1].NgayBoSung",
            ),
        ),
    ),
    Flaw(
        spoil=set_to(CitizenName="Trương\x01Thị Mai (mẫu)"),
        findings=(Finding("mapping.value_refused", "CitizenName", "ChuHoSo"),),
    ),
)

LGSP = Shape(
    agency="lgsp-documents",
    file_name="lgsp-documents.json",
    tell=_tell,
    key="DocCode",
    flaws=_FLAWS,
    write=write_array,
)
