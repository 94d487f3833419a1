"""
The manifest of a dossier's files: what was declared, what was found, and the digest of all of it.

It is evidence of ours and never goes to the portal. Its digest stands in the audit log.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from lienthong.attachments.inline import inspect_inline
from lienthong.attachments.words import FileWrong
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lienthong.attachments.inspecting import FoundFile
    from mappings.attachments import DeclaredFile

_ENCODER = msgspec.json.Encoder(order="sorted")
GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """How large the files of one dossier may be, in bytes."""

    file_bytes: int = 4 * GIB
    dossier_bytes: int = 8 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFile:
    """One file of a record that was converted."""

    declared: DeclaredFile
    """Without the bytes of one that stood in the record."""
    found: FoundFile | None = None
    """None: it is to be fetched."""


def prepare_files(
    declared: Sequence[DeclaredFile], *, limits: FileLimits
) -> tuple[tuple[PreparedFile, ...], tuple[Problem, ...]]:
    """Return the files of a record, those inside it checked, and everything wrong with these."""
    files: list[PreparedFile] = []
    problems: list[Problem] = []
    for one in declared:
        if one.way != "data":
            files.append(PreparedFile(declared=one))
            continue
        try:
            found = inspect_inline(one, limit=limits.file_bytes)
        except FileWrong as error:
            problems.append(error.problem)
            continue
        files.append(PreparedFile(declared=replace(one, source=""), found=found))
    known = total_bytes((one.found.size if one.found else one.declared.size) for one in files)
    if known > limits.dossier_bytes and files:
        problems.append(too_much(known, limits.dossier_bytes, files[0].declared))
    return tuple(files), tuple(problems)


def total_bytes(sizes: Iterable[int | None]) -> int:
    """Return what is known of the size of all of them."""
    return sum(size or 0 for size in sizes)


def too_much(known: int, limit: int, first: DeclaredFile) -> Problem:
    """Return the finding for files that are too much together."""
    return Problem(
        code="attachment.too_much",
        message=Text(
            vi=f"Các tệp đính kèm của hồ sơ có {known} byte, giới hạn {limit}",
            en=f"The attachments of the dossier have {known} bytes, the limit is {limit}",
        ),
        place=first.place,
        field="attachments",
        suggestion=Text(
            vi="Giảm dung lượng tệp, hoặc báo người vận hành tăng giới hạn",
            en="Make the files smaller, or have the operator raise the limit",
        ),
    )


def entry_of(declared: DeclaredFile, found: FoundFile | None) -> dict[str, Any]:
    """Return the line of one file in a manifest."""
    return {
        "number": declared.number,
        "name": declared.name,
        "component": declared.component,
        "way": declared.way,
        "declared": {
            "size": declared.size,
            "sha256": declared.sha256,
            "type": declared.type,
        },
        "size": None if found is None else found.size,
        "sha256": None if found is None else found.sha256,
        "type": None if found is None else found.kind,
    }


def encode_manifest(entries: Sequence[dict[str, Any]]) -> bytes:
    """Return a manifest as canonical JSON, its lines by their numbers."""
    return _ENCODER.encode(sorted(entries, key=lambda entry: entry["number"]))


def digest_of(entries: Sequence[dict[str, Any]]) -> str:
    """Return the hex SHA-256 of a manifest, as the audit log has it."""
    return hashlib.sha256(encode_manifest(entries)).hexdigest()
