"""
Which document a status is of, and the status that answers a document.

A document is known by its DocumentId, "OrganId,yyyy/MM/dd,number/notation", or by these three
apart. Both ways must lead to the same: a status that says two things is of no document.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.edxml import names
from schemas.edxml.findings import finding
from schemas.edxml.judging import texts_at
from schemas.edxml.model import load_statuses
from schemas.edxml.names import Packet
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from schemas.edxml.names import Values
    from schemas.edxml.reading import ReadPacket
    from schemas.problem import Problem

PARTS = ("OrganId", "PromulgationDate", "Code")
"""Of a DocumentId, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKey:
    """What a document is known by; "" for what nobody says."""

    organ_id: str
    date: str
    """yyyy/MM/dd."""
    code: str
    """Number and notation: "12/QĐ-UBND"."""
    document_id: str = ""

    @property
    def composed(self) -> str:
        """The DocumentId of the three parts, "" where one is missing."""
        parts = (self.organ_id, self.date, self.code)
        return ",".join(parts) if all(parts) else ""


def key_of_document(fields: Values) -> DocumentKey:
    """Return what a document says of itself."""
    number, notation = (texts_at(fields, f"Code.{one}") for one in ("CodeNumber", "CodeNotation"))
    return DocumentKey(
        organ_id=texts_at(fields, "From.OrganId"),
        date=texts_at(fields, "PromulgationInfo.PromulgationDate"),
        code=f"{number}/{notation}" if number and notation else "",
        document_id=texts_at(fields, "DocumentId"),
    )


def key_answered(fields: Values) -> DocumentKey:
    """Return what a status says of the document that it is of."""
    return DocumentKey(
        organ_id=texts_at(fields, "ResponseFor.OrganId"),
        date=texts_at(fields, "ResponseFor.PromulgationDate"),
        code=texts_at(fields, "ResponseFor.Code"),
        document_id=texts_at(fields, "ResponseFor.DocumentId"),
    )


def split_document_id(text: str) -> DocumentKey | None:
    """Return the parts of a DocumentId; None: it has not three."""
    parts = [part.strip() for part in text.split(",", 2)]
    if len(parts) != len(PARTS) or not all(parts):
        return None
    return DocumentKey(organ_id=parts[0], date=parts[1], code=parts[2], document_id=text)


def with_document_id(fields: Values) -> Values:
    """Return the fields of a document with the DocumentId that its parts make, if it has none."""
    key = key_of_document(fields)
    if key.document_id or not key.composed:
        return fields
    return {**fields, "DocumentId": key.composed}


def relate(status: ReadPacket, document: ReadPacket) -> tuple[Problem, ...]:
    """Return why a status is not of a document; empty: it is."""
    asked, own = key_answered(status.fields), key_of_document(document.fields)
    pairs = [
        ("DocumentId", asked.document_id, own.document_id or own.composed),
        *zip(
            PARTS,
            (asked.organ_id, asked.date, asked.code),
            (own.organ_id, own.date, own.code),
            strict=True,
        ),
    ]
    found = [
        finding(
            "answers_another",
            _differs(name, said, known),
            place=status.place_at(f"ResponseFor.{name}"),
            value=said,
            suggestion=_OTHER,
        )
        for name, said, known in pairs
        if said and _plain(said) != _plain(known)
    ]
    if not asked.document_id and not asked.composed:
        place = status.place_at("ResponseFor")
        found.append(finding("answers_nothing", _NOTHING, place=place))
    return tuple(found)


def judge_order(code: str, *, after: str) -> Text | None:
    """Return what is unusual about a status that comes after another; None: nothing, or unknown."""
    statuses = load_statuses()
    one, before = statuses.get(code), statuses.get(after)
    if one is None or before is None or not one.usually_after or after in one.usually_after:
        return None
    return Text(
        vi=f"trạng thái {code} ({one.meaning.vi}) thường không đến sau {after} "
        f"({before.meaning.vi})",
        en=f"status {code} ({one.meaning.en}) does not usually come after {after} "
        f"({before.meaning.en})",
    )


def answer(
    document: Values,
    *,
    code: str,
    sender: Mapping[str, str],
    at: datetime,
    description: str = "",
    staff: Mapping[str, str] | None = None,
) -> Values:
    """
    Return the fields of the status that answers a document.

    Args:
        document: Fields of the document.
        code: Of `load_statuses`; another is for whoever judges the fields to refuse.
        sender: Fields of `From`: who answers.
        at: Aware; written on the clock that it has.
        description: By default the meaning of the code, in Vietnamese.
        staff: Fields of `StaffInfo`.
    """
    key = key_of_document(document)
    known = load_statuses().get(code)
    return {
        "ResponseFor": {
            "OrganId": key.organ_id,
            "Code": key.code,
            "PromulgationDate": key.date,
            "DocumentId": key.document_id or key.composed,
        },
        "From": dict(sender),
        "StatusCode": code,
        "Description": description or (known.meaning.vi if known is not None else ""),
        "Timestamp": at.strftime(names.TIME),
        **({"StaffInfo": dict(staff)} if staff else {}),
    }


def is_status(packet: ReadPacket) -> bool:
    """Return whether a packet is a status and no document."""
    return packet.packet is Packet.STATUS


def _plain(text: str) -> str:
    """Return a key without what programs write differently: spaces and forms of letters."""
    return "".join(unicodedata.normalize("NFC", text).split())


def _differs(name: str, said: str, known: str) -> Text:
    return Text(
        vi=f"{name}: trạng thái trả lời văn bản '{said[:120]}', văn bản này là '{known[:120]}'",
        en=f"{name}: the status answers '{said[:120]}', the document is '{known[:120]}'",
    )


_OTHER = Text(vi="tìm đúng văn bản được trả lời", en="find the document that is answered")
_NOTHING = Text(
    vi="trạng thái không cho biết trả lời văn bản nào: cần DocumentId, hoặc OrganId, Code và "
    "PromulgationDate",
    en="the status does not say which document it answers: expected DocumentId, or OrganId, Code "
    "and PromulgationDate",
)
