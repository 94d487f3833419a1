"""
What Lienthong states about a hand-over of an agency, as XML: `BienNhanTiepNhan`.

It stands beside the portal's `BienNhan` and not in its schema: that one is replaced by the portal's
official one some day, and this one is ours, whatever portal there is. Its own XSD is `receipt.xsd`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lxml import etree

from schemas.errors import InputError
from schemas.parser import parse_xml
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:lienthong:receipt:1"
ELEMENT = (NAMESPACE, "BienNhanTiepNhan")
"""Namespace and local name."""
LONGEST = 1_000
"""Characters of one value."""
MOST_CODES = 100
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\t\n\r]")
"""What XML cannot hold, or would not hold as it is."""


class Statement(Enum):
    """What is stated; the values are stored, shown and published."""

    RECEIVED = "received"
    """These bytes are durable here."""
    REFUSED = "refused"
    """They are, and as a whole they cannot be read; codes say why."""


_PREFIXES = {Statement.RECEIVED: "tn", Statement.REFUSED: "tc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionReceipt:
    """One statement about one hand-over."""

    installation: str
    agency: str
    """Name of its mapping."""
    agency_code: str | None
    """None: its mapping could not be read when the receipt was made."""
    door: str
    sender: str
    """As it was authenticated."""
    submission_id: str
    digest: str
    """Lower-case hex SHA-256 of the bytes received."""
    size: int
    """Bytes."""
    received_at: datetime
    statement: Statement
    codes: tuple[str, ...] = ()
    """Of the findings for which it was refused."""


def build_submission_receipt(receipt: SubmissionReceipt) -> bytes:
    """
    Return the unsigned document in canonical form.

    What XML cannot hold becomes a replacement character: a strange name keeps nobody waiting.
    """
    moment = receipt.received_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    code = "" if receipt.agency_code is None else _element("MaDonVi", receipt.agency_code)
    return (
        f'<BienNhanTiepNhan xmlns="{NAMESPACE}"'
        f' Id="{_PREFIXES[receipt.statement]}-{receipt.submission_id}">'
        f"{_element('HeThong', receipt.installation)}{_element('CoQuan', receipt.agency)}{code}"
        f"{_element('Cua', receipt.door)}{_element('NguoiGui', receipt.sender)}"
        f"{_element('MaLanGui', receipt.submission_id)}{_element('GiaTriBam', receipt.digest)}"
        f"{_element('KichThuoc', str(receipt.size))}{_element('ThoiDiemNhan', moment)}"
        f"{_element('KetQua', receipt.statement.value)}"
        f"{''.join(_element('MaLoi', code) for code in receipt.codes[:MOST_CODES])}"
        "</BienNhanTiepNhan>"
    ).encode()


def read_submission_receipt(element: _Element) -> SubmissionReceipt:
    """
    Return the statement in a `BienNhanTiepNhan` element, signed or not.

    Raises:
        InputError: it is not of the shape of `receipt.xsd`.
    """
    schema = etree.XMLSchema(parse_xml(files("schemas").joinpath("receipt.xsd").read_bytes()))
    if not schema.validate(element):
        raise _wrong("; ".join(error.message for error in schema.error_log)[:500])
    texts: dict[str, list[str]] = {}
    for child in element:
        texts.setdefault(etree.QName(child).localname, []).append(child.text or "")
    one = {name: values[0] for name, values in texts.items()}
    statement = Statement(one["KetQua"])
    if element.get("Id") != f"{_PREFIXES[statement]}-{one['MaLanGui']}":
        raise _wrong("Id")
    received_at = datetime.fromisoformat(one["ThoiDiemNhan"].strip())
    if received_at.tzinfo is None:
        raise _wrong("ThoiDiemNhan")
    return SubmissionReceipt(
        installation=one["HeThong"],
        agency=one["CoQuan"],
        agency_code=one.get("MaDonVi"),
        door=one["Cua"],
        sender=one["NguoiGui"],
        submission_id=one["MaLanGui"],
        digest=one["GiaTriBam"],
        size=int(one["KichThuoc"]),
        received_at=received_at,
        statement=statement,
        codes=tuple(texts.get("MaLoi", ())),
    )


def _element(name: str, value: str) -> str:
    clean = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)[:LONGEST]
    return f"<{name}>{escape(clean) or '-'}</{name}>"


def _wrong(what: str) -> InputError:
    return InputError(
        Problem(
            code="receipt.shape",
            message=Text(
                vi=f"Không phải biên nhận tiếp nhận đúng lược đồ: {what}",
                en=f"Not a receipt of its schema: {what}",
            ),
            place=Place(),
            suggestion=Text(
                vi="Dùng đúng tệp biên nhận đã nhận, không ghi lại bằng chương trình khác",
                en="Use the receipt as it was given, not written anew by another program",
            ),
        )
    )
