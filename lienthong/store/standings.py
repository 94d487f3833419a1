"""What of each dossier the portal should have, as far as the store knows; read page by page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, distinct, func, select, true

from lienthong.admission import Ledger
from lienthong.channels.port import Packet
from lienthong.states import State
from lienthong.store.bulk import among
from lienthong.store.ledgers import SAID, known_from
from lienthong.store.tables import dossiers, messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from lienthong.admission import Known

_DOSSIERS = select(dossiers.c.code, dossiers.c.agency, dossiers.c.acknowledged).where(
    among(dossiers.c.code, "_codes")
)
_MESSAGES = (
    select(
        messages.c.id,
        messages.c.agency,
        messages.c.dossier_code,
        messages.c.packet,
        messages.c.state,
        messages.c.proof,
        messages.c.sequence,
        messages.c.version,
        messages.c.submission_id,
        messages.c.record,
        messages.c.document_digest,
        messages.c.content_digest,
        messages.c.status,
        messages.c.awaits_files,
        messages.c.source_digest,
        messages.c.updated_at,
        *SAID,
    )
    .where(among(messages.c.dossier_code, "_codes"), messages.c.packet != Packet.INBOUND.value)
    .order_by(messages.c.sequence, messages.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which dossiers are compared."""

    agency: str | None = None
    since: datetime | None = None
    """Only those of which something moved since."""

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition that a message makes its dossier one of them."""
        return and_(
            messages.c.dossier_code.is_not(None),
            messages.c.packet != Packet.INBOUND.value,
            true() if self.agency is None else messages.c.agency == self.agency,
            true() if self.since is None else messages.c.updated_at >= self.since,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One message that the portal took."""

    message_id: str
    digest: str | None
    """Of its document."""
    status: str | None
    """TrangThaiHoSo of a snapshot, where it was kept."""
    at: datetime
    is_last: bool
    """Nothing that was reissued since."""


@dataclass(slots=True, kw_only=True)
class Ours:
    """What the store knows of one dossier."""

    code: str
    agency: str
    snapshots: list[Delivered] = field(default_factory=list)
    """In their order; the last one should be in effect."""
    progress: list[Delivered] = field(default_factory=list)
    turn: Known | None = None
    """The message whose turn it is, where one has not ended."""
    latest: Known | None = None
    """The latest snapshot that was accepted."""

    @property
    def last_delivery(self) -> datetime | None:
        """Return when the portal took the latest of it."""
        return max((one.at for one in (*self.snapshots, *self.progress)), default=None)


def count_codes(connection: Connection, scope: Scope) -> int:
    """Return how many dossiers there are to compare."""
    query = select(func.count(distinct(messages.c.dossier_code))).where(scope.condition)
    return int(connection.execute(query).scalar_one())


def read_codes(connection: Connection, scope: Scope, *, after: str, limit: int) -> list[str]:
    """Return the next codes after one, in their order."""
    query = (
        select(messages.c.dossier_code)
        .where(scope.condition, messages.c.dossier_code > after)
        .group_by(messages.c.dossier_code)
        .order_by(messages.c.dossier_code)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def read_ours(connection: Connection, codes: Sequence[str]) -> dict[str, Ours]:
    """Return what the store has of these dossiers; of one that nobody sent, nothing."""
    if not codes:
        return {}
    known = {row.code: row for row in connection.execute(_DOSSIERS, {"_codes": sorted(codes)})}
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_MESSAGES, {"_codes": sorted(codes)}):
        rows[row.dossier_code].append(row)
    return {code: _ours(code, known.get(code), of_code) for code, of_code in rows.items()}


def _ours(code: str, dossier: Any, rows: Sequence[Any]) -> Ours:
    # Without a row of its own nothing of the dossier was ever accepted.
    agency = rows[-1].agency if dossier is None else dossier.agency
    own = [row for row in rows if row.agency == agency]
    every = [known_from(row) for row in own]
    turn: Known | None = every[-1]
    if dossier is not None:
        taken = Ledger(code=code, agency=agency, acknowledged=dossier.acknowledged, messages=every)
        turn = taken.next_to_go()
    ours = Ours(code=code, agency=agency, turn=turn)
    for row in own:
        _add(ours, row)
    return ours


def _add(ours: Ours, row: Any) -> None:
    is_snapshot = row.packet == Packet.DOSSIER.value
    accepted = row.content_digest is not None and row.state not in _ENDED_UNSENT
    if is_snapshot and accepted:
        ours.latest = known_from(row)
    was_delivered = row.state == State.DELIVERED.value
    # What was made anew after it had been delivered is in effect until the new one is.
    if not was_delivered and (row.state != State.REISSUED.value or row.proof is None):
        return
    delivered = Delivered(
        message_id=row.id,
        digest=row.document_digest,
        status=row.status,
        at=row.updated_at,
        is_last=was_delivered,
    )
    (ours.snapshots if is_snapshot else ours.progress).append(delivered)


_ENDED_UNSENT = (State.DISCARDED.value, State.REISSUED.value, State.SUPERSEDED.value)
