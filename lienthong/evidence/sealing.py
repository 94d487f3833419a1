"""
Sealing the audit log: one at a time, off the way of those who write rows.

Rows are found by not being sealed, never by their numbers: on PostgreSQL a row may be committed
after one with a higher number. A key that cannot sign leaves the rows where they are; they are
sealed when it can, and nothing else waits for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import delete, func, insert, select, update

from lienthong.evidence.merkle import root_of
from lienthong.evidence.seals import (
    FIRST_SEAL,
    SealBody,
    SignedSeal,
    hash_row,
    write_moment,
)
from lienthong.evidence.witnesses import WitnessAway, WitnessDisagrees
from lienthong.failpoints import Point, reached
from lienthong.store.as_found import columns_of, reading_any_text
from lienthong.store.tables import audit, in_slices, seal_signers, seals
from lienthong.tallies import TALLIES
from schemas.errors import LienthongError
from schemas.problem import Text
from signing import SigningError, is_signed_by, load_certificates, read_signer, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Engine, Row

    from lienthong.evidence.witnesses import Witness
    from signing import SigningKey

log = structlog.get_logger()

MOST_ENTRIES = 1_000
"""Rows in one seal: what is wrong somewhere is named by the rows of its seal."""
_DIGEST = next(one for one in columns_of(audit) if one.name == "digest")
_SEALER = 0x4C54_0001
"""Name of the sealers' lock on PostgreSQL; any number that nothing else there uses."""


class SealUnreadable(LienthongError):
    """The last seal was changed: nothing can follow it, and everything else goes on."""

    code = "seal.unreadable"

    def __init__(self, number: int) -> None:
        super().__init__(
            Text(
                vi=f"Niêm phong số {number} đã bị sửa, không niêm phong tiếp được. Giữ nguyên hiện "
                "trạng, chạy: lienthong audit verify",
                en=f"seal {number} was changed, and no other can follow it. Keep everything as it "
                "is, run: lienthong audit verify",
            )
        )


class SealOfStranger(LienthongError):
    """The last seal is of somebody else: none is built on it nor told, and the rest goes on."""

    code = "seal.of_stranger"

    def __init__(self, number: int, fingerprint: str) -> None:
        super().__init__(
            Text(
                vi=f"Niêm phong số {number} không phải do đơn vị vận hành ký (chứng thư "
                f"{fingerprint[:16]}…), không niêm phong tiếp. Nếu là chứng thư cũ của mình, đặt "
                "tệp .cert.pem của nó vào keys/operator/; nếu không, giữ nguyên hiện trạng, chạy: "
                "lienthong audit verify",
                en=f"seal {number} is not signed by the operator (certificate "
                f"{fingerprint[:16]}…), and no other follows it. If it is an earlier certificate "
                "of yours, put its .cert.pem into keys/operator/; if not, keep everything as it "
                "is, run: lienthong audit verify",
            )
        )


class Sealer:
    """Seals what there is to seal, and tells the witnesses; what goes wrong is logged, once."""

    def __init__(
        self,
        engine: Engine,
        *,
        key: Callable[[], SigningKey],
        witnesses: Sequence[Witness],
        clock: Callable[[], datetime],
        operators: Callable[[], frozenset[str] | None] = lambda: None,
    ) -> None:
        """
        Put it together.

        Args:
            engine: Of the store.
            key: Returns the operator's key; raises SigningError while there is none.
            witnesses: Are told of the newest seal.
            clock: Tells the time.
            operators: Returns the SHA-256 of certificates whose seals are followed; None: of any.
        """
        self._engine = engine
        self._key = key
        self._operators = operators
        self._witnesses = witnesses
        self._clock = clock
        self._told: dict[str, bytes] = {}
        self.troubles: dict[str, Text] = {}
        """What is wrong now, by the key or the witness concerned."""

    def step(self) -> int:
        """Seal every row that is there; return how many seals were made."""
        try:
            return self._step()
        finally:
            TALLIES.seals_trouble(frozenset(self.troubles))

    def _step(self) -> int:
        made = 0
        try:
            key = self._key()
            operators = self._operators()
            while seal_next(self._engine, key=key, now=self._clock(), operators=operators):
                made += 1
            self._is_well("key")
            self._is_well("log")
        except SigningError as error:
            self._is_in_trouble("key", error.code, Text(vi=error.vi, en=error.en))
        except (SealUnreadable, SealOfStranger) as error:
            self._is_in_trouble("log", error.code, error.text)
            return made
        try:
            self._tell()
        except (SealUnreadable, SealOfStranger) as error:
            self._is_in_trouble("log", error.code, error.text)
        return made

    def _tell(self) -> None:
        """Tell the witnesses of the newest seal; raises for one that is none, or not of ours."""
        with self._engine.connect() as connection:
            reading = connection.execution_options(lienthong_reading=True)
            newest = newest_seal(reading)
            if newest is None:
                return
            certificates = certificates_of(reading, newest.signer)
        # Nothing that somebody put in is carried to another place in our name.
        _check_ours(newest, certificates, operators=self._operators())
        for witness in self._witnesses:
            if self._told.get(witness.name) == newest.digest:
                continue
            try:
                witness.put(newest, certificates=certificates)
            except (WitnessAway, WitnessDisagrees) as error:
                self._is_in_trouble(witness.name, error.code, error.text)
            else:
                self._told[witness.name] = newest.digest
                self._is_well(witness.name)

    def _is_in_trouble(self, what: str, code: str, words: Text) -> None:
        if what not in self.troubles:
            log.error("seal.trouble", of=what, code=code, words=words.en)
        self.troubles[what] = words

    def _is_well(self, what: str) -> None:
        if self.troubles.pop(what, None) is not None:
            log.info("seal.well_again", of=what)


def seal_next(
    engine: Engine,
    *,
    key: SigningKey,
    now: datetime,
    operators: frozenset[str] | None = None,
) -> SignedSeal | None:
    """
    Seal the oldest rows that are not sealed, up to 1,000; return the seal, or None without rows.

    Args:
        engine: Of the store.
        key: Signs.
        now: Stands in the seal.
        operators: SHA-256 of certificates whose seals are followed, besides the key's own.

    Raises:
        signing.KeyUnusable: the certificate is not valid now; nothing was changed.
        SealUnreadable: the last seal was changed; nothing was changed by us.
        SealOfStranger: somebody else signed it; nothing was changed by us.
    """
    key.check_usable_at(now)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_SEALER)))
        # One whose digest is no bytes any more is sealed as it is, and `audit verify` names it.
        unsealed = select(audit.c.id, _DIGEST).where(audit.c.seal_id.is_(None))
        rows = connection.execute(unsealed.order_by(audit.c.id).limit(MOST_ENTRIES)).all()
        if not rows:
            return None
        if operators is not None:
            operators |= {read_signer(key.certificate).fingerprint}
        last = newest_seal(connection)
        if last is not None:
            _check_ours(last, certificates_of(connection, last.signer), operators=operators)
        made = _sign(_next_body(last, rows, now=now), key)
        body = made.content
        _remember_signer(connection, made.signer, key)
        connection.execute(
            insert(seals).values(
                id=body.number,
                at=now,
                entries=body.entries,
                digest=made.digest,
                body=made.body,
                signature=made.signature,
                signer=made.signer,
            )
        )
        for part in in_slices([row.id for row in rows]):
            of_this_seal = audit.c.id.in_(part)
            connection.execute(update(audit).where(of_this_seal).values(seal_id=body.number))
        reached(Point.SEAL_LINKED)
        return made


def newest_seal(connection: Connection) -> SignedSeal | None:
    """
    Return the last seal that was made.

    Raises:
        SealUnreadable: it is none any more.
    """
    newest = select(*columns_of(seals)).order_by(seals.c.id.desc()).limit(1)
    with reading_any_text(connection):
        row = connection.execute(newest).first()
    if row is None:
        return None
    found = as_seal(row)
    try:
        number = found.content.number
    except ValueError as error:
        raise SealUnreadable(row.id) from error
    if number != row.id:
        raise SealUnreadable(row.id)
    return found


def certificates_of(connection: Connection, fingerprint: str) -> str:
    """Return the certificates of who signed a seal, PEM; empty if they are not there."""
    query = select(seal_signers.c.certificates).where(seal_signers.c.fingerprint == fingerprint)
    found = connection.execute(query).scalar()
    return found if isinstance(found, str) else ""


def _check_ours(seal: SignedSeal, certificates: str, *, operators: frozenset[str] | None) -> None:
    """Raise if a seal is not signed, or by none of `operators`."""
    if not _is_signed(seal, certificates):
        raise SealUnreadable(seal.content.number)
    if operators is not None and seal.signer not in operators:
        raise SealOfStranger(seal.content.number, seal.signer)


def _is_signed(seal: SignedSeal, certificates: str) -> bool:
    """Tell whether a seal is signed with the key of the certificate that it names."""
    try:
        signer, *_ = load_certificates(certificates.encode())
    except ValueError:
        return False
    return read_signer(signer).fingerprint == seal.signer and is_signed_by(
        signer, seal.body.encode(), seal.signature
    )


def as_seal(row: Row[Any]) -> SignedSeal:
    """Return the seal of a row of the table of seals; what is of another kind is of no seal."""
    return SignedSeal(
        body=row.body if isinstance(row.body, str) else "",
        signature=row.signature or b"",
        signer=row.signer if isinstance(row.signer, str) else "",
    )


def _next_body(
    last: SignedSeal | None, rows: Sequence[Row[Any, Any]], *, now: datetime
) -> SealBody:
    before = None if last is None else last.content
    return SealBody(
        log=uuid4().hex if before is None else before.log,
        number=1 if before is None else before.number + 1,
        at=write_moment(now),
        entries=len(rows),
        first=rows[0].id,
        last=rows[-1].id,
        total=len(rows) + (0 if before is None else before.total),
        root=root_of([hash_row(row.id, row.digest or b"") for row in rows]).hex(),
        previous=FIRST_SEAL if last is None else last.digest.hex(),
    )


def _sign(body: SealBody, key: SigningKey) -> SignedSeal:
    text = body.write()
    return SignedSeal(
        body=text,
        signature=sign_bytes(key, text.encode()),
        signer=read_signer(key.certificate).fingerprint,
    )


def _remember_signer(connection: Connection, fingerprint: str, key: SigningKey) -> None:
    if certificates_of(connection, fingerprint):
        return
    chain = (key.certificate, *key.chain)
    text = "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)
    # What somebody put in its place is in the way of no seal.
    connection.execute(delete(seal_signers).where(seal_signers.c.fingerprint == fingerprint))
    connection.execute(insert(seal_signers).values(fingerprint=fingerprint, certificates=text))
