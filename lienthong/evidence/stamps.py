"""
Time-stamps of the audit log: which seals have one, and for how long the newest rows have none.

A time-stamp is over the body of a seal, whose digest it carries; each seal names the one before
by its digest, so one time-stamp proves that everything up to its seal was there at its time.
Seals without one are covered by the next that gets one.

That a seal was stamped is a row of the log itself, so that a time-stamp that goes missing is
noticed; these rows alone are no reason to ask for another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lienthong.evidence.sealing import as_seal
from lienthong.store.tables import audit, seals
from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from lienthong.evidence.seals import SignedSeal
    from lienthong.store.work import Work
    from signing.timestamps import Timestamp

NOTED = "audit.stamped"
"""The action of the row that a time-stamp leaves in the log; its subject is the seal's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StampRules:
    """How often a time-stamp is asked for, and how long rows may be without one."""

    every: timedelta
    warn_after: timedelta
    within: timedelta


class Lack(Enum):
    """How bad it is that rows have no time-stamp."""

    USUAL = "usual"
    """The next one is not due yet, or only just."""
    LATE = "late"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """Sealed rows that no time-stamp covers yet."""

    since: datetime
    """When the first of them was written."""
    rows: int
    seals: int
    warned_at: datetime
    due_by: datetime
    lack: Lack

    @property
    def words(self) -> Text:
        """What an operator reads."""
        since, warned, due = (
            f"{one:%Y-%m-%d %H:%M:%S} UTC" for one in (self.since, self.warned_at, self.due_by)
        )
        is_warned = self.lack is not Lack.USUAL
        return Text(
            vi=f"Chưa có dấu thời gian từ {since}: {self.rows} dòng trong {self.seals} niêm phong; "
            f"{'đã cảnh báo' if is_warned else 'cảnh báo'} lúc {warned}, phải có trước {due}. Dấu "
            "thời gian tới sẽ bao trùm tất cả, vì mỗi niêm phong nối với niêm phong trước",
            en=f"Without time-stamp since {since}: {self.rows} rows in {self.seals} seals; "
            f"{'warned' if is_warned else 'warning'} at {warned}, must be by {due}. The next "
            "time-stamp covers them all, for each seal links to the one before",
        )


def read_countdown(connection: Connection, *, rules: StampRules, now: datetime) -> Countdown | None:
    """Return which sealed rows have no time-stamp yet, or None when there are none."""
    stamped = newest_stamped(connection)
    covered, total = (0, 0) if stamped is None else (stamped[0].content.number, _total(stamped[0]))
    since = connection.execute(
        select(audit.c.at)
        .where(audit.c.seal_id > covered, audit.c.action != NOTED)
        .order_by(audit.c.seal_id, audit.c.id)
        .limit(1)
    ).scalar()
    newest = connection.execute(select(seals).order_by(seals.c.id.desc()).limit(1)).first()
    if since is None or newest is None:
        return None
    warned_at, due_by = since + rules.warn_after, since + rules.within
    lack = Lack.USUAL if now < warned_at else Lack.LATE if now < due_by else Lack.OVERDUE
    return Countdown(
        since=since,
        rows=_total(as_seal(newest)) - total,
        seals=newest.id - covered,
        warned_at=warned_at,
        due_by=due_by,
        lack=lack,
    )


def newest_stamped(connection: Connection) -> tuple[SignedSeal, bytes] | None:
    """Return the newest seal that has a time-stamp, and that; whether it is right is not said."""
    query = select(seals).where(seals.c.stamp.is_not(None)).order_by(seals.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (as_seal(row), row.stamp)


def keep_stamp(work: Work, seal: SignedSeal, stamp: Timestamp) -> bool:
    """Put a time-stamp beside its seal and into the log; return False if it has one already."""
    number = seal.content.number
    without = (seals.c.id == number) & (seals.c.digest == seal.digest)
    kept = work.connection.execute(
        update(seals).where(without, seals.c.stamp.is_(None)).values(stamp=stamp.token)
    )
    if kept.rowcount == 0:
        return False
    work.note(
        NOTED,
        str(number),
        sha256=sha256(stamp.token).hexdigest(),
        at=stamp.at.isoformat(),
        authority=stamp.authority.fingerprint,
    )
    return True


def _total(seal: SignedSeal) -> int:
    return seal.content.total
