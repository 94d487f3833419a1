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
from lienthong.attachments.summing import FileLimits, FileSum
from lienthong.attachments.words import FileWrong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.attachments.inspecting import FoundFile
    from mappings.attachments import DeclaredFile
    from schemas.problem import Problem

_ENCODER = msgspec.json.Encoder(order="sorted")
__all__ = [
    "FileLimits",
    "PreparedFile",
    "digest_of",
    "encode_manifest",
    "entry_of",
    "prepare_files",
]


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
    known = FileSum(limits)
    for one in declared:
        if one.way != "data":
            known.add(one, one.size)
            files.append(PreparedFile(declared=one))
            continue
        try:
            found = inspect_inline(one, limit=limits.file_bytes)
        except FileWrong as error:
            problems.append(error.problem)
            continue
        known.add(one, found.size)
        files.append(PreparedFile(declared=replace(one, source=""), found=found))
    too_much = known.find_too_much()
    if too_much is not None:
        problems.append(too_much)
    return tuple(files), tuple(problems)


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
