"""
The files in a packet of edXML: out of their base64 and ZIP, held against the manifest, and back.

A file stands alone in a ZIP; some implementations do not zip. The name is the one that is declared:
those inside ZIPs are written in whatever character set, and none of them is ever a path.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.archive import Archive, Wording
from adapters.source import ZIP_MAGIC
from schemas.edxml.findings import finding
from schemas.errors import InputError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.archive import Limits
    from schemas.edxml.reading import Enclosed, ReadPacket, Reference
    from schemas.problem import Place, Problem

_ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})
_ZIPS = (".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".kmz", ".epub")
"""Endings of files that are ZIPs themselves, perhaps of one file."""
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP can say, so that the same file always gives the same bytes."""
_UNIX = 3
_CHUNK_BYTES = 64 * 1024
_WORDING = Wording(
    code="edxml.zip",
    name=Text(vi="tệp ZIP đính kèm", en="attached archive"),
    remedy=Text(
        vi="đính kèm lại tệp này rồi gửi lại văn bản",
        en="attach this file again, and send the document again",
    ),
)
_AGAIN = _WORDING.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """One file of a packet."""

    name: str
    """As declared, without folders."""
    type: str
    """As the manifest declares it, or the attachment where that says nothing."""
    description: str
    content_id: str
    data: bytes
    place: Place

    @property
    def sha256(self) -> str:
        """Of the file itself, in small hex digits."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """What may still be unpacked."""

    max_unpacked_bytes: int
    max_ratio: int


def unpack_files(
    packet: ReadPacket, *, limits: Limits
) -> tuple[tuple[AttachedFile, ...], tuple[Problem, ...]]:
    """
    Return the files of a packet in their order, and everything that is wrong with them.

    Args:
        packet: As it was read.
        limits: Of all files together, unpacked; the ratio is that of each.
    """
    problems = list(_held_against(packet.references, packet.enclosed))
    declared = {one.content_id: one for one in packet.references}
    files: list[AttachedFile] = []
    left = limits.max_unpacked_bytes
    for one in packet.enclosed:
        try:
            # A limit of nothing would refuse an archive for its size where it is damaged.
            rest = _Left(max_unpacked_bytes=max(left, 1), max_ratio=limits.max_ratio)
            data = _content(one, limits=rest)
        except InputError as error:
            problems.append(error.problem)
            continue
        left -= len(data)
        name = plain_name(one.name)
        if name != one.name:
            text = _path(name)
            problems.append(finding("attachment_path", text, place=one.place, is_warning=True))
        files.append(
            AttachedFile(
                name=name,
                type=_type_of(one, declared.get(one.content_id)),
                description=one.description,
                content_id=one.content_id,
                data=data,
                place=one.place,
            )
        )
    return tuple(files), tuple(problems)


def plain_name(name: str) -> str:
    """Return a file's name without folders and without what is not printed; never empty."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    base = "".join(letter if letter.isprintable() else "_" for letter in base).strip()
    return "_" if base.strip(".") == "" else base


def pack_file(name: str, data: bytes) -> str:
    """Return the base64 of a ZIP with the file alone; the same file always gives the same."""
    out = io.BytesIO()
    # Stored: what a compressor writes differs between its versions.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(name.replace("/", "_").replace("\\", "_"), _FIRST_MOMENT)
        info.create_system = _UNIX
        info.external_attr = 0o644 << 16
        archive.writestr(info, data)
    return base64.b64encode(out.getvalue()).decode()


def _held_against(references: Sequence[Reference], enclosed: Sequence[Enclosed]) -> list[Problem]:
    """Return where the manifest and the attachments do not say the same."""
    found = [*_unclear_ids(references), *_unclear_ids(enclosed)]
    there = {one.content_id: one for one in enclosed}
    declared = {one.content_id: one for one in references}
    found += [
        finding("attachment_missing", _missing(one.name, one.content_id), place=one.place)
        for one in references
        if one.content_id and one.content_id not in there
    ]
    for attachment in enclosed:
        reference = declared.get(attachment.content_id)
        if not attachment.content_id:
            continue
        if reference is None:
            text = _undeclared(attachment.name, attachment.content_id)
            found.append(finding("attachment_undeclared", text, place=attachment.place))
        elif reference.name and attachment.name and reference.name != attachment.name:
            text = _other_name(reference.name, attachment.name)
            found.append(finding("manifest_differs", text, place=reference.place))
    return found


def _unclear_ids(entries: Sequence[Reference] | Sequence[Enclosed]) -> Iterator[Problem]:
    seen: set[str] = set()
    for one in entries:
        if not one.content_id:
            yield finding("content_id_missing", _no_id(one.name), place=one.place)
        elif one.content_id in seen:
            yield finding("content_id_repeated", _repeated(one.content_id), place=one.place)
        seen.add(one.content_id)


def _content(one: Enclosed, *, limits: Limits) -> bytes:
    if not one.name:
        raise InputError(finding("attachment_unnamed", _NO_NAME, place=one.place))
    try:
        packed = base64.b64decode("".join(one.encoded.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _wrong("attachment_base64", _not_base64(one.name), one) from exc
    data = _unzipped(packed, one, limits=limits)
    if not data:
        raise _wrong("attachment_empty", _empty(one.name), one)
    if len(data) > limits.max_unpacked_bytes:
        raise _wrong("attachments_large", _large(one.name), one, remedy=_RAISE)
    return data


def _unzipped(packed: bytes, one: Enclosed, *, limits: Limits) -> bytes:
    """Return the file in the ZIP, or the bytes themselves where they are no ZIP around one."""
    says_zip = one.content_type.lower() in _ZIP_TYPES
    is_archive_itself = one.name.lower().endswith(".zip")
    own = next((suffix for suffix in _ZIPS if one.name.lower().endswith(suffix)), "")
    if not packed.startswith(ZIP_MAGIC):
        if says_zip and packed and not is_archive_itself:
            raise _wrong("attachment_no_zip", _no_zip(one.name), one)
        return packed
    with Archive(io.BytesIO(packed), place=one.place, limits=limits, wording=_WORDING) as archive:
        members = archive.names()
        if len(members) == 1 and members[0].lower().endswith(own):
            return _member(archive, members[0])
        # A .docx is a ZIP, too: it came as it is.
        if says_zip and not is_archive_itself and len(members) != 1:
            raise _wrong("attachment_several", _several(one.name, len(members)), one)
        return packed


def _member(archive: Archive, name: str) -> bytes:
    pieces: list[bytes] = []
    with archive.open(name) as part:
        while chunk := part.read(_CHUNK_BYTES):
            pieces.append(chunk)
    return b"".join(pieces)


def _type_of(one: Enclosed, reference: Reference | None) -> str:
    said = reference.content_type if reference is not None else ""
    return said or ("" if one.content_type.lower() in _ZIP_TYPES else one.content_type)


def _wrong(code: str, text: Text, one: Enclosed, *, remedy: Text = _AGAIN) -> InputError:
    return InputError(finding(code, text, place=one.place, suggestion=remedy))


_NO_NAME = Text(vi="tệp đính kèm không có AttachmentName", en="an attachment has no AttachmentName")
_RAISE = Text(
    vi="gửi các tệp lớn bằng đường khác; nếu văn bản đúng là lớn như vậy, tăng max_unpacked_bytes",
    en="send large files in another way; if the document really is that large, raise "
    "max_unpacked_bytes",
)


def _not_base64(name: str) -> Text:
    return Text(
        vi=f"nội dung của '{name[:120]}' không phải base64, có thể bị cắt cụt",
        en=f"the content of '{name[:120]}' is no base64, or was cut off",
    )


def _no_zip(name: str) -> Text:
    return Text(
        vi=f"'{name[:120]}' khai báo là ZIP nhưng nội dung không phải ZIP",
        en=f"'{name[:120]}' is declared as a ZIP, and its content is none",
    )


def _empty(name: str) -> Text:
    return Text(vi=f"'{name[:120]}' rỗng, không có byte nào", en=f"'{name[:120]}' is empty")


def _large(name: str) -> Text:
    return Text(
        vi=f"các tệp đính kèm đến '{name[:120]}' vượt giới hạn max_unpacked_bytes",
        en=f"the attachments up to '{name[:120]}' are larger than max_unpacked_bytes",
    )


def _several(name: str, count: int) -> Text:
    return Text(
        vi=f"ZIP của '{name[:120]}' có {count} tệp, cần đúng một",
        en=f"the ZIP of '{name[:120]}' holds {count} files, expected one",
    )


def _repeated(content_id: str) -> Text:
    return Text(
        vi=f"ContentId '{content_id[:80]}' có nhiều lần",
        en=f"ContentId '{content_id[:80]}' stands more than once",
    )


def _no_id(name: str) -> Text:
    return Text(
        vi=f"tệp '{name[:120]}' không có ContentId", en=f"file '{name[:120]}' has no ContentId"
    )


def _missing(name: str, content_id: str) -> Text:
    return Text(
        vi=f"thiếu tệp đính kèm '{name[:120]}' (ContentId '{content_id[:80]}')",
        en=f"the attachment '{name[:120]}' (ContentId '{content_id[:80]}') is missing",
    )


def _undeclared(name: str, content_id: str) -> Text:
    return Text(
        vi=f"tệp '{name[:120]}' (ContentId '{content_id[:80]}') không có trong edXMLManifest",
        en=f"file '{name[:120]}' (ContentId '{content_id[:80]}') is not in the edXMLManifest",
    )


def _other_name(declared: str, found: str) -> Text:
    return Text(
        vi=f"edXMLManifest ghi tên '{declared[:120]}', tệp đính kèm là '{found[:120]}'",
        en=f"the edXMLManifest says '{declared[:120]}', the attachment is '{found[:120]}'",
    )


def _path(name: str) -> Text:
    return Text(
        vi=f"tên tệp chứa thư mục hoặc ký tự lạ, chỉ lấy '{name[:120]}'",
        en=f"the file's name holds folders or strange characters, taken as '{name[:120]}'",
    )
