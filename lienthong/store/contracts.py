"""
The contracts of targets in the store: what was learnt, and the drifts that were found, once each.

Several processes learn and find at the same time: a contract's row is locked while it is changed,
and a drift's id says what has changed, so that the second who finds it finds it there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, update

from lienthong.drifts import Drift, Ending, Event, Kind, Touched
from lienthong.store.database import insert_into
from lienthong.store.tables import contracts, drifts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.drifts import Fingerprint
    from lienthong.store.work import Work

MOST_OPEN = 200
"""Drifts of one subject that are open at once; one that changes with every answer has told enough
by then, and must not silence the others."""
SHOWN = 500
"""Characters of what has changed that the audit log keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What was learnt of one subject."""

    fingerprint: Fingerprint
    answers: int
    is_settled: bool
    seen_at: datetime | None
    """None: nothing is known yet."""


NOTHING = Contract(fingerprint={}, answers=0, is_settled=False, seen_at=None)


def read_contract(
    connection: Connection, target: str, subject: str, *, lock: bool = False
) -> Contract:
    """Return what is known of a subject; with `lock` nobody else changes it meanwhile."""
    query = select(contracts).where(contracts.c.target == target, contracts.c.subject == subject)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return NOTHING
    return Contract(
        fingerprint=json.loads(row.fingerprint),
        answers=row.answers,
        is_settled=row.settled_at is not None,
        seen_at=row.seen_at,
    )


def write_contract(
    work: Work,
    target: str,
    subject: str,
    *,
    fingerprint: Fingerprint,
    answers: int,
    settle: bool,
) -> None:
    """Write down what is known of a subject."""
    row = {
        "fingerprint": json.dumps(dict(fingerprint), ensure_ascii=False, sort_keys=True),
        "answers": answers,
        "settled_at": work.at if settle else None,
        "seen_at": work.at,
    }
    insertion = insert_into(work.connection, contracts).values(
        target=target, subject=subject, **row
    )
    work.connection.execute(
        insertion.on_conflict_do_update(
            index_elements=[contracts.c.target, contracts.c.subject], set_=row
        )
    )


def note_looked(work: Work, target: str, subject: str) -> None:
    """Note that a subject was looked at now."""
    work.connection.execute(
        update(contracts)
        .where(contracts.c.target == target, contracts.c.subject == subject)
        .values(seen_at=work.at)
    )


def settle_all(work: Work, target: str) -> list[str]:
    """Take what was learnt so far as it is; return the subjects that were still being learnt."""
    is_learning = and_(contracts.c.target == target, contracts.c.settled_at.is_(None))
    found = list(work.connection.scalars(select(contracts.c.subject).where(is_learning)))
    work.connection.execute(update(contracts).where(is_learning).values(settled_at=work.at))
    for subject in found:
        work.note("drift.learnt", target, part=subject)
    return sorted(found)


def are_open(connection: Connection, target: str, found: Sequence[Drift]) -> set[Drift]:
    """Return those of some drifts that are open already."""
    ids = {drift.id_for(target): drift for drift in found}
    query = select(drifts.c.id).where(drifts.c.id.in_(ids), drifts.c.ending == Ending.OPEN.value)
    return {ids[id_] for id_ in connection.scalars(query)}


def raise_drifts(work: Work, target: str, found: Mapping[Drift, Sequence[Touched]]) -> list[Event]:
    """
    Write down drifts that were just seen; return those that are new, or are back.

    Args:
        work: The transaction.
        target: Whose.
        found: All of what was seen, with the mappings that each concerns.
    """
    raised = []
    for drift, touched in found.items():
        id_ = drift.id_for(target)
        row = work.connection.execute(select(drifts.c.ending).where(drifts.c.id == id_)).first()
        if row is not None and row.ending == Ending.OPEN.value:
            _set(work, id_, seen_at=work.at)
            continue
        if count_open(work.connection, target, [drift.subject]) >= MOST_OPEN:
            # Those behind it may be open already, and were just seen.
            continue
        event = Event(
            id=id_,
            target=target,
            drift=drift,
            touched=tuple(touched),
            ending=Ending.OPEN,
            found_at=work.at,
            seen_at=work.at,
            ended_at=None,
            ended_by=None,
            reason=None,
        )
        if not _insert(work, event):
            continue
        raised.append(event)
        work.note(
            "drift.found",
            id_,
            target=target,
            part=drift.subject,
            kind=drift.kind.value,
            place=drift.place[:SHOWN],
            before=drift.before[:SHOWN],
            after=drift.after[:SHOWN],
            mappings=len(event.touched),
        )
    return raised


def close_returned(
    work: Work, target: str, subjects: Collection[str], *, before: datetime
) -> list[str]:
    """End the open drifts of subjects that were last seen before a moment; return their ids."""
    query = select(drifts.c.id).where(
        drifts.c.target == target,
        drifts.c.subject.in_(subjects),
        drifts.c.ending == Ending.OPEN.value,
        drifts.c.seen_at < before,
    )
    found = list(work.connection.scalars(query))
    for id_ in found:
        _set(work, id_, ending=Ending.RETURNED.value, ended_at=work.at, ended_by=work.actor)
        work.note("drift.returned", id_)
    return found


def accept(work: Work, event: Event, *, reason: str) -> None:
    """Make a drift part of the contract, and end it."""
    drift = event.drift
    known = read_contract(work.connection, event.target, drift.subject, lock=True)
    patched = {**known.fingerprint}
    for name, value in drift.patch.items():
        if value is None:
            patched.pop(name, None)
        else:
            patched[name] = value
    write_contract(
        work,
        event.target,
        drift.subject,
        fingerprint=patched,
        answers=known.answers,
        settle=known.is_settled,
    )
    _set(
        work,
        event.id,
        ending=Ending.ACCEPTED.value,
        ended_at=work.at,
        ended_by=work.actor,
        reason=reason,
    )
    work.note("drift.accepted", event.id, reason=reason)


def count_open(
    connection: Connection, target: str | None = None, subjects: Collection[str] = ()
) -> int:
    """Return how many drifts are open, of one target or of all, of some subjects or of all."""
    query = select(func.count()).where(drifts.c.ending == Ending.OPEN.value)
    if target is not None:
        query = query.where(drifts.c.target == target)
    if subjects:
        query = query.where(drifts.c.subject.in_(subjects))
    return int(connection.execute(query).scalar_one())


def list_events(connection: Connection, *, only_open: bool, limit: int = 1_000) -> list[Event]:
    """Return drifts, the latest first."""
    query = select(drifts).order_by(drifts.c.found_at.desc(), drifts.c.id).limit(limit)
    if only_open:
        query = query.where(drifts.c.ending == Ending.OPEN.value)
    return [_event(row) for row in connection.execute(query)]


def find_events(connection: Connection, start: str) -> list[Event]:
    """Return the drifts whose id begins so."""
    query = select(drifts).where(drifts.c.id.startswith(start, autoescape=True))
    return [_event(row) for row in connection.execute(query.order_by(drifts.c.id))]


def _insert(work: Work, event: Event) -> bool:
    """Write an event down, or open it again; False where somebody else just did."""
    drift = event.drift
    opened = {
        "ending": Ending.OPEN.value,
        "found_at": event.found_at,
        "seen_at": event.seen_at,
        "ended_at": None,
        "ended_by": None,
        "reason": None,
        "patch": json.dumps(dict(drift.patch), ensure_ascii=False, sort_keys=True),
        "touched": json.dumps(
            [{"mapping": one.mapping, "fields": one.fields} for one in event.touched],
            ensure_ascii=False,
        ),
    }
    insertion = insert_into(work.connection, drifts).values(
        id=event.id,
        target=event.target,
        subject=drift.subject,
        kind=drift.kind.value,
        place=drift.place,
        before=drift.before,
        after=drift.after,
        **opened,
    )
    done = work.connection.execute(
        insertion.on_conflict_do_update(
            index_elements=[drifts.c.id],
            set_=opened,
            # Two processes found it at once: the second one waits here, and changes nothing.
            where=drifts.c.ending != Ending.OPEN.value,
        ).returning(drifts.c.id)
    )
    return done.first() is not None


def _set(work: Work, id_: str, **values: Any) -> None:
    work.connection.execute(update(drifts).where(drifts.c.id == id_).values(**values))


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        target=row.target,
        drift=Drift(
            subject=row.subject,
            kind=Kind(row.kind),
            place=row.place,
            before=row.before,
            after=row.after,
            patch=json.loads(row.patch),
        ),
        touched=tuple(
            Touched(mapping=one["mapping"], fields=tuple(one["fields"]))
            for one in json.loads(row.touched)
        ),
        ending=Ending(row.ending),
        found_at=row.found_at,
        seen_at=row.seen_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        reason=row.reason,
    )
