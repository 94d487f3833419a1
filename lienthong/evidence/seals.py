"""
What a seal says, and what makes one believed.

A seal covers a batch of rows of the audit log by the root of their Merkle tree, and everything
before them by the digest of the seal before it. Its body is canonical JSON; a key that is not in
the database signs those very bytes. Seals are therefore checked alone, one after the other, by
anybody who has the body and trusts the certificate.

    leaf = row number (8 bytes, signed, big end first) · digest of the row
    body = {"at", "entries", "first", "last", "log", "number", "previous", "root", "total", "type"}
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lienthong.evidence.merkle import HASH_BYTES, hash_leaf

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "lienthong-seal/1"
FIRST_SEAL = "00" * HASH_BYTES
"""What the first seal names as the seal before it."""
_BEYOND = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class SealBody:
    """What is signed; digests in lower-case hexadecimal."""

    type: str = TYPE
    log: str
    """Which log: a name made with its first seal."""
    number: int
    """From 1, without gaps."""
    at: str
    """UTC, as the sealer's clock said: 2026-03-02T08:00:00.000000Z."""
    entries: int
    first: int
    """Lowest and highest number of its rows; others may lie between, which committed later."""
    last: int
    total: int
    """Rows in this seal and all before it."""
    root: str
    previous: str
    """Digest of the body of the seal before."""

    def write(self) -> str:
        """Return the canonical JSON, ASCII."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class SignedSeal:
    """A seal as it is kept and handed on."""

    body: str
    signature: bytes
    signer: str
    """SHA-256 of the certificate, lower-case hexadecimal."""

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return sha256(self.body.encode()).digest()

    @cached_property
    def content(self) -> SealBody:
        """
        The body, read.

        Raises:
            ValueError: it is not the canonical JSON of a seal.
        """
        return read_body(self.body)


def read_body(text: str) -> SealBody:
    """
    Read the body of a seal.

    Raises:
        ValueError: it is not the canonical JSON of a seal.
    """
    try:
        values: Mapping[str, Any] = json.loads(text)
        body = SealBody(**values)
        is_right = body.write() == text and body.type == TYPE and _has_right_types(body)
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a seal") from error
    if not is_right:
        raise ValueError("not a seal")
    return body


def _has_right_types(body: SealBody) -> bool:
    numbers = (body.number, body.entries, body.first, body.last, body.total)
    texts = (body.log, body.at, body.root, body.previous)
    # What no database counts to is no number of a row or a seal.
    return all(type(one) is int and -_BEYOND <= one < _BEYOND for one in numbers) and all(
        type(one) is str for one in texts
    )


def hash_row(number: int, digest: bytes) -> bytes:
    """Return the leaf's hash of the audit row `number`."""
    return hash_leaf(number.to_bytes(8, signed=True) + digest)


def write_moment(at: datetime) -> str:
    """Return `at` as a seal states it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_moment(text: str) -> datetime:
    """Return the moment that a seal states; ValueError if it is none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
