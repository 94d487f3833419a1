"""
One packet of edXML by itself: what is in it, what is wrong with it, what its signature is worth.

Nothing of a signature is believed here that the policy `edxml-legacy` does not prove. One that is
in the namespace of QCVN 102 can be proven by nobody: what its libraries digested is not published,
and a guess that happens to fit would prove nothing of the guesses after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.edxml_files import unpack_files
from adapters.options import EdxmlOptions
from lienthong.documents import DocumentFindings
from mappings.file_names import make_name, safe_part
from schemas.edxml.answering import relate
from schemas.edxml.judging import judge_fields
from schemas.edxml.names import Packet
from schemas.edxml.reading import ReadPacket, SignatureKind, read_packet
from schemas.errors import InputError
from schemas.problem import Place, Problem, Severity, Text
from signing import inspect_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from adapters.edxml_files import AttachedFile
    from signing import VerificationPolicy

MAX_BYTES = 64 * 1024 * 1024
"""Of a file that somebody looks at by hand."""
_LIMITS = EdxmlOptions(max_record_bytes=MAX_BYTES, max_unpacked_bytes=4 * MAX_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFindings:
    """One file, looked at."""

    packet: ReadPacket
    files: tuple[AttachedFile, ...]
    problems: tuple[Problem, ...]
    """Everything wrong with its structure, fields, manifest and attachments."""
    of_files: tuple[Problem, ...]
    """Of these what is wrong with the manifest and the attachments, or hides some."""

    @property
    def is_good(self) -> bool:
        """Whether nothing stops it."""
        return all(one.severity is Severity.WARNING for one in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFindings:
    """What the signature of a packet is worth."""

    kind: SignatureKind
    document: DocumentFindings | None
    """Of a signature that can be verified."""

    @property
    def is_good(self) -> bool:
        """Whether it is right and trusted, or there is none."""
        if self.document is not None:
            return self.document.is_good
        return self.kind is SignatureKind.NONE

    @property
    def is_there(self) -> bool:
        """Whether there is one, whatever it is worth."""
        return self.kind is not SignatureKind.NONE

    @property
    def words(self) -> Text:
        """What it is worth, in one sentence."""
        if self.document is None:
            return _UNSIGNED if self.kind is SignatureKind.NONE else _UNOFFICIAL
        return _VERIFIED if self.is_good else _NOT_VERIFIED


def examine_packet(
    data: bytes, *, file_name: str, namespaces: Sequence[str], answers: bytes | None = None
) -> PacketFindings:
    """
    Return what is in a file and everything that is wrong with it.

    Args:
        data: The file.
        file_name: In places.
        namespaces: In which its elements may stand.
        answers: Of a status: the document that it should be of.

    Raises:
        InputError: it is no packet at all.
    """
    packet = read_packet(data, file_name=file_name, namespaces=namespaces, max_bytes=MAX_BYTES)
    files, of_files = unpack_files(packet, limits=_LIMITS)
    of_fields = judge_fields(packet.packet, packet.fields, place_at=packet.place_at)
    problems = [*packet.problems, *of_fields, *of_files]
    if answers is not None:
        problems += _answered(packet, answers, namespaces)
    hiding = tuple(one for one in packet.problems if one.code in _OF_FILES)
    return PacketFindings(
        packet=packet, files=files, problems=_once(problems), of_files=(*hiding, *of_files)
    )


def examine_signature(
    data: bytes,
    packet: ReadPacket,
    *,
    load_policy: Callable[[], VerificationPolicy],
    at: datetime,
) -> SignatureFindings:
    """
    Return what the signature of a packet is worth.

    Args:
        data: The file.
        packet: Read from it.
        load_policy: Called only where there is something that can be verified.
        at: Aware; when the signer's certificate must have been valid.
    """
    if packet.signature is not SignatureKind.STANDARD:
        return SignatureFindings(kind=packet.signature, document=None)
    found = inspect_plain(data, policy=load_policy(), at=at)
    document = DocumentFindings(inspection=found, faults=None)
    return SignatureFindings(kind=packet.signature, document=document)


def safe_names(files: Sequence[AttachedFile]) -> list[str]:
    """Return a name for each file that is safe on every file system, none of them twice."""
    taken: set[str] = set()
    made = []
    for number, one in enumerate(files, start=1):
        stem, suffix = Path(one.name).stem, Path(one.name).suffix[:16]
        name = make_name([safe_part(stem), safe_part(suffix) if suffix else ""]) or "_"
        # File systems that do not tell small letters from capitals would write one over the other.
        while name.casefold() in taken:
            name = f"{number}-{name}"
        taken.add(name.casefold())
        made.append(name)
    return made


def needs_document(packet: ReadPacket) -> None:
    """Raise InputError for what is no document and so cannot be answered."""
    if packet.packet is Packet.DOCUMENT:
        return
    text = Text(
        vi="đây là gói trạng thái, không phải văn bản: không trả lời được",
        en="this is a status and no document: it cannot be answered",
    )
    raise InputError(
        Problem(
            code="edxml.not_a_document",
            message=text,
            place=packet.place,
            suggestion=Text(vi="đưa tệp của chính văn bản", en="give the document's own file"),
        )
    )


def _answered(packet: ReadPacket, answers: bytes, namespaces: Sequence[str]) -> list[Problem]:
    document = read_packet(answers, file_name=_DOCUMENT, namespaces=namespaces, max_bytes=MAX_BYTES)
    needs_document(document)
    if packet.packet is Packet.STATUS:
        return list(relate(packet, document))
    text = Text(vi="đây là văn bản, không phải gói trạng thái", en="this is no status")
    return [
        Problem(
            code="edxml.not_a_status",
            message=text,
            place=packet.place,
            suggestion=Text(vi="bỏ --document", en="leave --document out"),
        )
    ]


def _once(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Leave out what reading and judging say of one place in the same code."""
    seen: dict[tuple[str, Place, Text], Problem] = {}
    for one in problems:
        seen.setdefault((one.code, one.place, one.message), one)
    return tuple(seen.values())


_DOCUMENT = "--document"
_OF_FILES = frozenset(
    f"edxml.{one}"
    for one in (
        "attachment_misplaced",
        "attachment_shape",
        "attachments_many",
        "element_repeated",
        "namespace_foreign",
        "reference_unclear",
    )
)
_UNSIGNED = Text(vi="không có chữ ký", en="not signed")
_UNOFFICIAL = Text(
    vi="không kiểm tra được: chữ ký loại không chính thức (không thuộc không gian tên XMLDSig của "
    "W3C); coi như không có chữ ký",
    en="cannot be verified: signature of an unofficial kind (not in W3C's XMLDSig namespace); "
    "worth no more than none",
)
_VERIFIED = Text(
    vi="đúng và tin cậy, trên cả tài liệu", en="right and trusted, of the whole document"
)
_NOT_VERIFIED = Text(vi="kiểm tra không đạt", en="did not verify")
