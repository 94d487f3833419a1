"""One portal document by itself: checking it, signing it, saying what its signature is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lienthong.receipt_findings import ReceiptFindings, other_content
from schemas.errors import InputError
from schemas.model import version_names, version_of_namespace
from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Language, Place, Problem, Text
from schemas.receipts import ELEMENT as RECEIPT
from schemas.receipts import read_submission_receipt
from schemas.validation import Validator
from signing.errors import in_one_line

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lxml.etree import _Element

    from schemas.model import SchemaVersion
    from signing import Inspection, PlainSigner, XadesSigner
    from signing.timestamps import Timestamp


def check_document(document: bytes, *, file_name: str) -> tuple[str, list[Problem]]:
    """
    Check one document against the version that its namespace names.

    Returns:
        The name of the version, and every fault (none for a valid document).

    Raises:
        InputError: it is no XML, or of no version known here.
    """
    version = _version_of(_parse(document, file_name), file_name)
    place = Place(file=file_name)
    return version.name, [
        problem.moved_to(Place(file=file_name, line=problem.place.line, path=problem.place.path))
        if problem.place != Place()
        else problem.moved_to(place)
        for problem in Validator(version).problems(document)
    ]


def sign_document(
    document: bytes, *, file_name: str, agency_code: str, signer: XadesSigner, now: datetime
) -> bytes:
    """
    Sign one valid, unsigned document.

    Raises:
        InputError: it is not valid, has a signature already, or names another agency.
        signing.KeyUnusable: the key cannot sign now.
    """
    _check_signable(document, file_name=file_name, agency_code=agency_code)
    return signer.sign(document, signed_at=now)


def sign_document_plainly(
    document: bytes, *, file_name: str, agency_code: str, signer: PlainSigner, now: datetime
) -> bytes:
    """Sign it without XAdES. Raises as `sign_document` does."""
    _check_signable(document, file_name=file_name, agency_code=agency_code)
    return signer.sign(document, at=now)


def _check_signable(document: bytes, *, file_name: str, agency_code: str) -> None:
    root = _parse(document, file_name)
    version = _version_of(root, file_name)
    faults = Validator(version).problems(document)
    if faults:
        raise InputError(faults[0].moved_to(Place(file=file_name, path=faults[0].place.path)))
    if any(str(child.tag).endswith("}Signature") for child in root):
        raise InputError(
            _refusal(
                "document.signed_already",
                Text(vi="Tài liệu đã có chữ ký", en="The document has a signature already"),
                file_name,
            )
        )
    named = root.findtext(f"{{{version.namespace}}}MaDonVi")
    if named != agency_code:
        raise InputError(_other_agency(str(named), agency_code, file_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFindings:
    """What `verify` says about one document."""

    inspection: Inspection
    faults: tuple[Problem, ...] | None
    """Of its schema; a signature says nothing about them. None: it has no schema of ours."""
    signed: str | None = None
    """Name of the file that a detached signature is of."""
    receipt: ReceiptFindings | None = None
    """Of a receipt of ours: what it states."""

    @property
    def is_good(self) -> bool:
        """Signed, intact, trusted and valid."""
        return not self.inspection.reasons and not self.faults

    @property
    def covered(self) -> str | None:
        """What the signature covers, whole; None when it covers nothing."""
        if self.signed is not None:
            return self.signed if self.inspection.intact else None
        element = self.inspection.element
        return element[1] if element is not None and self.inspection.intact else None

    def lines(self, language: Language) -> list[tuple[str, str]]:
        """Return labels and values for a reader."""
        found = self.inspection
        signer = found.signer
        yes, no = ("có", "không") if language is Language.VI else ("yes", "no")
        rows = [
            (Text(vi="Phần được ký", en="Signed"), self.covered or "-"),
            (Text(vi="Mã thông điệp", en="Id"), found.id or "-"),
            (Text(vi="Người ký", en="Signer"), (signer and signer.common_name) or "-"),
            (Text(vi="Mã cơ quan", en="Agency code"), (signer and signer.agency_code) or "-"),
            (Text(vi="Thời điểm ký", en="Signed at"), str(found.signed_at or "-")),
            (Text(vi="Dấu thời gian", en="Time-stamp"), _stamp_text(found.timestamp)),
            (Text(vi="Nguyên vẹn", en="Intact"), yes if found.intact else no),
            (Text(vi="Tin cậy", en="Trusted"), yes if found.trusted else no),
        ]
        if self.faults is not None:
            rows.append((Text(vi="Đúng lược đồ", en="Valid"), no if self.faults else yes))
        # Who signed may be a forger's word, which makes no lines of its own here.
        lines = [(label.say(language), in_one_line(value)) for label, value in rows]
        if self.receipt is not None:
            lines += self.receipt.lines(language)
        why = Text(vi="Lý do", en="Why").say(language)
        lines += [
            (why, reason.vi if language is Language.VI else reason.en) for reason in found.reasons
        ]
        note = Text(vi="Lưu ý", en="Note").say(language)
        lines += [(note, one.vi if language is Language.VI else one.en) for one in found.notices]
        lines += [(why, fault.message.say(language)) for fault in self.faults or ()]
        return lines

    def values(self, language: Language) -> dict[str, Any]:
        """Return the same for machines."""
        found = self.inspection
        signer = found.signer
        return {
            "signed": self.covered,
            "id": found.id,
            "signer": None
            if signer is None
            else {
                "name": signer.common_name,
                "organization": signer.organization,
                "agency_code": signer.agency_code,
                "serial": signer.serial,
                "not_after": signer.not_after.isoformat(),
            },
            "signed_at": found.signed_at.isoformat() if found.signed_at else None,
            "timestamp": None
            if found.timestamp is None
            else {
                "at": found.timestamp.at.isoformat(),
                "authority": found.timestamp.authority.common_name,
            },
            "intact": found.intact,
            "trusted": found.trusted,
            "valid": None if self.faults is None else not self.faults,
            "reasons": [
                {
                    "code": reason.code,
                    "message": reason.vi if language is Language.VI else reason.en,
                }
                for reason in found.reasons
            ],
            "notices": [
                {"code": one.code, "message": one.vi if language is Language.VI else one.en}
                for one in found.notices
            ],
            "errors": [fault.message.say(language) for fault in self.faults or ()],
            "receipt": self.receipt.values() if self.receipt else None,
        }


def _stamp_text(stamp: Timestamp | None) -> str:
    return "-" if stamp is None else f"{stamp.at} ({stamp.authority.common_name or '-'})"


def inspect_document(document: bytes, *, inspection: Inspection) -> DocumentFindings:
    """Say what is signed, by whom, trusted or not and why, and whether the document is valid."""
    try:
        root = _parse(document, "")
        if inspection.element == RECEIPT:
            receipt = ReceiptFindings(receipt=read_submission_receipt(root))
            return DocumentFindings(inspection=inspection, faults=(), receipt=receipt)
        version = _version_of(root, "")
    except InputError as error:
        return DocumentFindings(inspection=inspection, faults=(error.problem,))
    faults = Validator(version).problems(document)
    signer = inspection.signer
    named = root.findtext(f"{{{version.namespace}}}MaDonVi")
    if signer is not None and named is not None and signer.agency_code != named:
        faults.append(_other_agency(named, signer.agency_code or "-", ""))
    return DocumentFindings(inspection=inspection, faults=tuple(faults))


def hold_against(findings: DocumentFindings, content: Path) -> DocumentFindings:
    """
    Return what `verify` says of a receipt when it is held against the file that was sent.

    Raises:
        InputError: the file cannot be read.
    """
    if findings.receipt is None:
        return findings
    found = findings.receipt.held_against(content)
    faults = () if found.is_same else (other_content(found.receipt),)
    return replace(findings, receipt=found, faults=(*(findings.faults or ()), *faults))


def _other_agency(named: str, certified: str, file_name: str) -> Problem:
    return _refusal(
        "document.other_agency",
        Text(
            vi=f"Tài liệu ghi mã đơn vị {named}, còn chứng thư là của {certified}",
            en=f"The document names agency {named}, the certificate is of {certified}",
        ),
        file_name,
    )


def _parse(document: bytes, file_name: str) -> _Element:
    try:
        return parse_xml(document)
    except XmlRefused as error:
        raise InputError(
            Problem(
                code=error.code,
                message=Text(vi=error.vi, en=error.en),
                place=Place(file=file_name or None, line=error.line),
                suggestion=Text(
                    vi="Đưa một tài liệu XML đúng cú pháp, mã UTF-8, không có DOCTYPE",
                    en="Give one well-formed XML document in UTF-8 without a DOCTYPE",
                ),
            )
        ) from error


def _version_of(root: _Element, file_name: str) -> SchemaVersion:
    namespace = str(root.tag).rpartition("}")[0].removeprefix("{")
    version = version_of_namespace(namespace)
    if version is None:
        known = ", ".join(version_names())
        raise InputError(
            _refusal(
                "document.unknown_schema",
                Text(
                    vi=f"Không gian tên «{namespace}» không thuộc phiên bản nào đã biết ({known})",
                    en=f"Namespace '{namespace}' belongs to no version known here ({known})",
                ),
                file_name,
            )
        )
    return version


_REMEDIES = {
    "document.signed_already": Text(
        vi="Ký từ bản chưa có chữ ký; xem chữ ký đang có bằng: verify",
        en="Sign the document as it was before; see the signature it has with: verify",
    ),
    "document.other_agency": Text(
        vi="Dùng khóa của cơ quan nêu trong tài liệu, hoặc sửa mã đơn vị trong ánh xạ",
        en="Use the key of the agency that the document names, or mend the code in the mapping",
    ),
    "document.unknown_schema": Text(
        vi="Kiểm tra phiên bản lược đồ của tài liệu",
        en="Check which version of the schema the document is meant for",
    ),
}


def _refusal(code: str, message: Text, file_name: str) -> Problem:
    place = Place(file=file_name or None)
    return Problem(code=code, message=message, place=place, suggestion=_REMEDIES[code])
