"""
Alerts in the store: what is known, what is to be told, and who does it.

Several processes may look and send. One at a time looks, because whoever changes what is known
holds the row of that turn; one at a time sends by a channel, because what it sends is lent to it.
A process that is killed between a mail server's answer and the commit leaves its lease to end, and
the mail is sent again: at least once, and once as a rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, distinct, func, or_, select, update

from lienthong.alerting import Known, Notice, Severity
from lienthong.ids import make_ids
from lienthong.store.bulk import insert_rows
from lienthong.store.database import insert_into
from lienthong.store.tables import alert_notices, alert_turns, alerts, in_slices
from schemas.problem import Text  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from lienthong.alerting import Judged, Key
    from lienthong.store.work import Work

LOOKING = "looking"
LEASE = timedelta(minutes=10)
"""Longer than sending one mail may take."""
MOST = 1_000
"""Notices that go together at most."""
KEPT = timedelta(days=30)
"""How long what was sent is kept, and what cannot be sent is tried."""
_BACKOFF_FIRST, _BACKOFF_LONGEST = timedelta(minutes=1), timedelta(minutes=15)


class _Detail(msgspec.Struct, forbid_unknown_fields=True):
    """What of an alert is not looked for."""

    severity: Severity
    hold_seconds: float
    words: Text
    step: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Notices that this process may send by one channel now."""

    channel: str
    ids: tuple[str, ...]
    notices: tuple[Notice, ...]
    until: datetime
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What could not be sent by a channel yet."""

    count: int
    oldest: datetime


def take_turn(work: Work, name: str, *, every: timedelta = timedelta(0)) -> bool:
    """Return whether this process has a turn now; nobody else has it until the commit."""
    long_ago = work.at - every - timedelta(days=1)
    insertion = insert_into(work.connection, alert_turns).values(name=name, at=long_ago)
    work.connection.execute(insertion.on_conflict_do_nothing())
    taken = work.connection.execute(
        update(alert_turns)
        .where(
            alert_turns.c.name == name,
            # A clock that was put back must not stop everything.
            or_(alert_turns.c.at <= work.at - every, alert_turns.c.at > work.at),
        )
        .values(at=work.at)
    )
    return taken.rowcount == 1


def read_known(connection: Connection) -> dict[Key, Known]:
    """Return what was found when somebody looked last."""
    found = {}
    for row in connection.execute(select(alerts).order_by(alerts.c.rule, alerts.c.subject)):
        detail = msgspec.json.decode(row.detail, type=_Detail)
        found[row.rule, row.subject] = Known(
            since=row.since,
            seen_at=row.seen_at,
            fired_at=row.fired_at,
            gone_at=row.gone_at,
            told_at=row.told_at,
            silenced_until=row.silenced_until,
            severity=detail.severity,
            hold=timedelta(seconds=detail.hold_seconds),
            words=detail.words,
            step=detail.step,
        )
    return found


def write_judged(
    work: Work, judged: Judged, *, channels: Sequence[str], tells: Callable[[Notice], bool]
) -> None:
    """Write down what is known from now on, and what is to be told by every channel."""
    # There are few: all of them are written anew.
    work.connection.execute(delete(alerts))
    if judged.known:
        insert_rows(
            work.connection, alerts, [_row(key, known) for key, known in judged.known.items()]
        )
    write_notices(work, [one for one in judged.notices if tells(one)], channels=channels)


def write_notices(work: Work, notices: Sequence[Notice], *, channels: Sequence[str]) -> None:
    """Have notices told by every channel."""
    if not (notices and channels):
        return
    ids = make_ids(work.at, count=len(notices) * len(channels))
    told = [(notice, channel) for notice in notices for channel in channels]
    insert_rows(
        work.connection,
        alert_notices,
        [
            {
                "id": id_,
                "channel": channel,
                "detail": msgspec.json.encode(notice).decode(),
                "made_at": work.at,
                "due_at": work.at,
                "tries": 0,
            }
            for id_, (notice, channel) in zip(ids, told, strict=True)
        ],
    )


def lend(work: Work, channel: str, *, per_hour: int | None = None) -> Lent | None:
    """
    Lend everything that is to be told by a channel, or None where it is nothing, or not yet.

    Args:
        work: The transaction.
        channel: By which.
        per_hour: How often something may be sent by it; None: as often as something is to be told.
    """
    take_turn(work, channel)
    mine = alert_notices.c.channel == channel
    unsent = select(alert_notices).where(mine, alert_notices.c.sent_at.is_(None))
    rows = work.connection.execute(unsent.order_by(alert_notices.c.id).limit(MOST)).all()
    if not rows or any(row.lease_until is not None and row.lease_until > work.at for row in rows):
        return None
    # After a failure everything waits for the same next try.
    if max(row.due_at for row in rows) > work.at:
        return None
    if per_hour is not None:
        sent = select(func.count(distinct(alert_notices.c.sent_at))).where(
            mine, alert_notices.c.sent_at > work.at - timedelta(hours=1)
        )
        if work.connection.execute(sent).scalar_one() >= per_hour:
            return None
    until = work.at + LEASE
    ids = tuple(row.id for row in rows)
    _change(work, ids, {"lease_until": until})
    return Lent(
        channel=channel,
        ids=ids,
        notices=tuple(msgspec.json.decode(row.detail, type=Notice) for row in rows),
        until=until,
        tries=max(row.tries for row in rows),
    )


def settle(work: Work, lent: Lent, *, is_sent: bool) -> bool:
    """Write down how it went; False where somebody else sends by this channel by now."""
    if is_sent:
        values: dict[str, Any] = {"sent_at": work.at, "lease_until": None}
    else:
        pause = min(_BACKOFF_FIRST * 2 ** min(lent.tries, 10), _BACKOFF_LONGEST)
        values = {
            "due_at": work.at + pause,
            "tries": lent.tries + 1,
            "lease_until": None,
        }
    return _change(work, lent.ids, values, lease=lent.until) == len(lent.ids)


def forget(work: Work, *, channels: Sequence[str]) -> int:
    """Remove what was sent long ago, is too old, or is for nobody; return how many were unsent."""
    is_old = alert_notices.c.made_at <= work.at - KEPT
    is_for_nobody = alert_notices.c.channel.not_in(list(channels))
    unsent = work.connection.execute(
        delete(alert_notices).where(alert_notices.c.sent_at.is_(None), is_old | is_for_nobody)
    )
    work.connection.execute(delete(alert_notices).where(is_old))
    return unsent.rowcount


def read_waiting(connection: Connection) -> dict[str, Waiting]:
    """Return by channel what is still to be told."""
    rows = connection.execute(
        select(alert_notices.c.channel, func.count(), func.min(alert_notices.c.made_at))
        .where(alert_notices.c.sent_at.is_(None))
        .group_by(alert_notices.c.channel)
    )
    return {channel: Waiting(count=count, oldest=oldest) for channel, count, oldest in rows}


def count_fired(connection: Connection) -> dict[str, int]:
    """Return how many alerts hold that somebody was told of, by rule."""
    rows = connection.execute(
        select(alerts.c.rule, func.count().label("fired"))
        .where(alerts.c.fired_at.is_not(None))
        .group_by(alerts.c.rule)
    )
    return {row.rule: row.fired for row in rows}


def silence(work: Work, rule: str, *, until: datetime) -> int:
    """Have no reminders of what a rule finds now before `until`; return of how many."""
    take_turn(work, LOOKING)
    changed = work.connection.execute(
        update(alerts)
        .where(alerts.c.rule == rule, alerts.c.fired_at.is_not(None))
        .values(silenced_until=until)
    )
    if changed.rowcount:
        work.note("alerts.silenced", rule, until=until.isoformat(), count=changed.rowcount)
    return changed.rowcount


def _row(key: Key, known: Known) -> Mapping[str, Any]:
    detail = _Detail(
        severity=known.severity,
        hold_seconds=known.hold.total_seconds(),
        words=known.words,
        step=known.step,
    )
    return {
        "rule": key[0],
        "subject": key[1],
        "since": known.since,
        "seen_at": known.seen_at,
        "fired_at": known.fired_at,
        "gone_at": known.gone_at,
        "told_at": known.told_at,
        "silenced_until": known.silenced_until,
        "detail": msgspec.json.encode(detail).decode(),
    }


def _change(
    work: Work, ids: Sequence[str], values: Mapping[str, Any], *, lease: datetime | None = None
) -> int:
    changed = 0
    for part in in_slices(ids):
        query = update(alert_notices).where(alert_notices.c.id.in_(part))
        if lease is not None:
            query = query.where(alert_notices.c.lease_until == lease)
        changed += work.connection.execute(query.values(**values)).rowcount
    return changed
