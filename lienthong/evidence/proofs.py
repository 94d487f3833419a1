"""
Proofs for some rows of the audit log: their paths to seals, and how seals follow each other.

    rows    one JSON line each: the row, and "seal", "index", "path" (None where it has no seal)
    seals   those of these rows, and the newest: body, signature, signer
    chain   from the first of them to the newest: first its whole body, then of each further seal
            [at, entries, first, last, root]; the rest of its body follows from the one before

So a chain costs 70 bytes a seal once packed, and nothing in it needs a signature: a seal that is
signed, or that a witness has, stands for all before it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.evidence.exporting import row_values
from lienthong.evidence.merkle import path_of
from lienthong.evidence.sealing import as_seal
from lienthong.evidence.seals import hash_row
from lienthong.store.spans import spans_have
from lienthong.store.tables import audit, in_slices, seal_signers, seals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Row

AT_ONCE = 1_000
"""Rows in memory."""
LONGEST_CHAIN = 100_000
"""Seals that a pack holds unless more are asked for: some 7 MB."""


@dataclass(slots=True, kw_only=True)
class Proven:
    """What was written of the log."""

    rows: int = 0
    unsealed: int = 0
    seals: set[int] = field(default_factory=set)
    """That rows are in."""


class Prover:
    """Reads rows with their proofs; of one moment of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Rows of one dossier are often in the same few seals.
        self._leaves = lru_cache(maxsize=16)(self._read_leaves)
        self._erasures: list[tuple[int, str, dict[str, Any]]] | None = None

    def rows(self, subjects: Sequence[str], proven: Proven) -> Iterator[dict[str, Any]]:
        """Give the rows about `subjects` with their proofs, in the order of their numbers."""
        numbers: list[int] = []
        for part in in_slices(sorted(set(subjects))):
            query = select(audit.c.id).where(audit.c.subject.in_(part))
            numbers += self._connection.execute(query).scalars()
        for slice_ in in_slices(sorted(numbers)):
            query_of_rows = select(audit).where(audit.c.id.in_(slice_)).order_by(audit.c.id)
            for row in self._connection.execute(query_of_rows).all():
                proven.rows += 1
                if row.seal_id is None:
                    proven.unsealed += 1
                else:
                    proven.seals.add(row.seal_id)
                yield row_values(row) | self._proof(row) | self._erasure(row)

    def _proof(self, row: Row[Any]) -> dict[str, Any]:
        if row.seal_id is None:
            return {"seal": None}
        numbers, leaves = self._leaves(row.seal_id)
        index = numbers.index(row.id)
        path = [one.hex() for one in path_of(index, leaves)]
        return {"seal": row.seal_id, "index": index, "path": path}

    def _erasure(self, row: Row[Any]) -> dict[str, Any]:
        """Return who erased the detail of a row, and why, as far as that was written down."""
        if row.detail is not None:
            return {}
        if self._erasures is None:
            query = select(audit.c.id, audit.c.actor, audit.c.detail)
            erased = (audit.c.subject == "audit", audit.c.action == "audit.erased")
            found = self._connection.execute(query.where(*erased).order_by(audit.c.id)).all()
            self._erasures = [
                (one.id, one.actor, json.loads(one.detail)) for one in found if one.detail
            ]
        for number, actor, detail in self._erasures:
            if spans_have(str(detail.get("numbers", "")), row.id):
                return {"erased_by": actor, "erased_why": detail.get("reason"), "erased_in": number}
        return {}

    def _read_leaves(self, seal: int) -> tuple[list[int], list[bytes]]:
        query = select(audit.c.id, audit.c.digest).where(audit.c.seal_id == seal)
        rows = self._connection.execute(query.order_by(audit.c.id)).all()
        return [row.id for row in rows], [hash_row(row.id, row.digest) for row in rows]

    def newest(self) -> int | None:
        """Return the number of the last seal."""
        return self._connection.execute(select(func.max(seals.c.id))).scalar()

    def seals(self, numbers: Sequence[int], signer_of: Callable[[str], object]) -> Iterator[bytes]:
        """Give the lines of these seals; `signer_of` is told each fingerprint."""
        for part in in_slices(sorted(numbers)):
            query = select(seals).where(seals.c.id.in_(part)).order_by(seals.c.id)
            for row in self._connection.execute(query).all():
                seal = as_seal(row)
                signer_of(seal.signer)
                yield write_line(
                    {
                        "body": seal.body,
                        "signature": b64encode(seal.signature).decode(),
                        "signer": seal.signer,
                    }
                )

    def chain(self, first: int, last: int) -> Iterator[bytes]:
        """Give the lines of the chain from one seal to another, both included."""
        query = select(seals).where(seals.c.id.between(first, last)).order_by(seals.c.id)
        is_first = True
        for row in self._connection.execute(query.execution_options(yield_per=AT_ONCE)):
            if is_first:
                is_first = False
                yield write_line({"body": row.body})
                continue
            body = as_seal(row).content
            yield write_line([body.at, body.entries, body.first, body.last, body.root])

    def stamps(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return, for each of these seals, the first time-stamp over it or a later one."""
        found: dict[int, bytes] = {}
        for number in sorted(numbers):
            if any(one >= number for one in found):
                continue
            query = select(seals.c.id, seals.c.stamp).where(
                seals.c.id >= number, seals.c.stamp.is_not(None)
            )
            row = self._connection.execute(query.order_by(seals.c.id).limit(1)).first()
            if row is None:
                break
            found[row.id] = row.stamp
        return sorted(found.items())

    def certificates(self, fingerprints: Sequence[str]) -> dict[str, str]:
        """Return the PEM of who signed seals."""
        query = select(seal_signers).where(seal_signers.c.fingerprint.in_(sorted(fingerprints)))
        return {row.fingerprint: row.certificates for row in self._connection.execute(query)}


def write_line(values: object) -> bytes:
    """Return one line of a file of JSON lines."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
