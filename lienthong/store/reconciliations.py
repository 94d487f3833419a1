"""
Comparisons in the store: how far each has got, what it found, and who works on it.

They are here and not in a file of one machine, because any machine may go on with what another
one began, and every machine's `status` tells of them. A comparison is a lease with a fence, like
everything that one process at a time does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, func, or_, select, update

from lienthong.discrepancies import BY_ASKING, Discrepancy, FieldDifference, Kind
from lienthong.ids import make_id
from lienthong.store.database import insert_into
from lienthong.store.standings import Scope
from lienthong.store.tables import discrepancies, in_slices, reconciliations
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from lienthong.store.work import Work

COMPARING = "comparing"
CONFIRMING = "confirming"
DONE = "done"
PAGE = 500
"""Findings that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One comparison."""

    id: str
    scope: Scope
    source: str | None
    """SHA-256 of the agency's list; None: without one."""
    occasion: str | None
    phase: str
    after: str
    """Of the present phase: where it goes on."""
    total: int
    compared: int
    asked: int
    """Look-ups at the portal."""
    present: int
    """Of these: it was there."""
    unreadable: int
    """Records of the list."""
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    fence: int

    @property
    def is_done(self) -> bool:
        """Tell whether it has ended."""
        return self.phase == DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be compared."""

    scope: Scope
    source: str | None = None
    occasion: str | None = None
    """What it is done for by itself, once."""


class LeaseLost(InputError):
    """Another process works on this comparison now."""


def begin_run(work: Work, wanted: Wanted, *, total: int, lease: timedelta) -> Run | None:
    """Begin a comparison; None where one was begun for that occasion already."""
    run_id = make_id(work.at)
    row = {
        "id": run_id,
        "occasion": wanted.occasion,
        "agency": wanted.scope.agency,
        "since": wanted.scope.since,
        "source": wanted.source,
        "phase": COMPARING,
        "total": total,
        "started_at": work.at,
        "started_by": work.actor,
        "lease_until": work.at + lease,
        "fence": 1,
    }
    insertion = insert_into(work.connection, reconciliations).values(row)
    made = work.connection.execute(
        insertion.on_conflict_do_nothing(index_elements=[reconciliations.c.occasion]).returning(
            reconciliations.c.id
        )
    )
    if made.first() is None:
        return None
    work.note(
        "reconcile.begun",
        run_id,
        agency=wanted.scope.agency,
        since=None if wanted.scope.since is None else wanted.scope.since.isoformat(),
        source=wanted.source,
        total=total,
    )
    return read_run(work.connection, run_id)


def claim_run(work: Work, run_id: str, *, lease: timedelta) -> Run:
    """
    Go on with a comparison.

    Raises:
        InputError: another process works on it.
    """
    claimed = work.connection.execute(
        update(reconciliations)
        .where(
            reconciliations.c.id == run_id,
            or_(
                reconciliations.c.lease_until.is_(None),
                reconciliations.c.lease_until <= work.at,
            ),
        )
        .values(lease_until=work.at + lease, fence=reconciliations.c.fence + 1)
    )
    if not claimed.rowcount:
        raise InputError(_busy(run_id))
    return read_run(work.connection, run_id)


def read_run(connection: Connection, run_id: str) -> Run:
    """Return one comparison."""
    query = select(reconciliations).where(reconciliations.c.id == run_id)
    return _run(connection.execute(query).one())


def last_run(
    connection: Connection, *, wanted: Wanted | None = None, ended: bool = False
) -> Run | None:
    """
    Return the comparison that was begun last, or None.

    Args:
        connection: Reading.
        wanted: Only of the same scope and list.
        ended: Only one that has ended.
    """
    query = select(reconciliations)
    if wanted is not None:
        query = query.where(
            reconciliations.c.agency.is_not_distinct_from(wanted.scope.agency),
            reconciliations.c.since.is_not_distinct_from(wanted.scope.since),
            reconciliations.c.source.is_not_distinct_from(wanted.source),
        )
    if ended:
        query = query.where(reconciliations.c.ended_at.is_not(None))
    row = connection.execute(
        query.order_by(reconciliations.c.started_at.desc(), reconciliations.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _run(row)


def find_occasion(connection: Connection, occasion: str) -> Run | None:
    """Return the comparison that was begun for an occasion, or None."""
    query = select(reconciliations).where(reconciliations.c.occasion == occasion)
    row = connection.execute(query).first()
    return None if row is None else _run(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was done since the last time."""

    after: str
    compared: int = 0
    asked: int = 0
    present: int = 0
    unreadable: int = 0
    found: Sequence[Discrepancy] = ()
    gone: Collection[tuple[str, Kind]] = ()
    """Findings, by dossier and kind, that are not so any more."""


def keep_progress(work: Work, run: Run, progress: Progress, *, lease: timedelta) -> Run:
    """
    Write down how far a comparison has got, and what it found.

    Raises:
        LeaseLost: another process works on it; nothing was written.
    """
    columns = reconciliations.c
    _change(
        work,
        run,
        after=progress.after,
        compared=columns.compared + progress.compared,
        asked=columns.asked + progress.asked,
        present=columns.present + progress.present,
        unreadable=columns.unreadable + progress.unreadable,
        lease_until=work.at + lease,
    )
    _forget(work, run.id, progress.gone)
    keep_findings(work, run.id, progress.found)
    return read_run(work.connection, run.id)


def _forget(work: Work, run_id: str, gone: Collection[tuple[str, Kind]]) -> None:
    for kind in {kind for _, kind in gone}:
        for part in in_slices([code for code, each in gone if each is kind]):
            work.connection.execute(
                delete(discrepancies).where(
                    discrepancies.c.run == run_id,
                    discrepancies.c.dossier_code.in_(part),
                    discrepancies.c.kind == kind.value,
                )
            )


def enter_phase(work: Work, run: Run, phase: str) -> Run:
    """Go on to the next phase. Raises LeaseLost."""
    ends = {"ended_at": work.at, "lease_until": None} if phase == DONE else {}
    _change(work, run, phase=phase, after="", **ends)
    if phase == DONE:
        counts = count_findings(work.connection, run.id)
        work.note(
            "reconcile.ended",
            run.id,
            compared=run.compared,
            asked=run.asked,
            unreadable=run.unreadable,
            **{kind.value: count for kind, count in counts.items()},
        )
    return read_run(work.connection, run.id)


def let_go(work: Work, run: Run) -> None:
    """End the lease, so that anybody may go on at once; nothing where it was lost."""
    work.connection.execute(
        update(reconciliations)
        .where(reconciliations.c.id == run.id, reconciliations.c.fence == run.fence)
        .values(lease_until=None)
    )


def _change(work: Work, run: Run, **columns: Any) -> None:
    changed = work.connection.execute(
        update(reconciliations)
        .where(reconciliations.c.id == run.id, reconciliations.c.fence == run.fence)
        .values(columns)
    )
    if not changed.rowcount:
        raise LeaseLost(_busy(run.id))


def keep_findings(work: Work, run_id: str, found: Sequence[Discrepancy]) -> None:
    """Write findings down; one that is there already is replaced, but was found when it was."""
    for one in found:
        row = {
            "agency": one.agency,
            "message_id": one.message_id,
            "fields": msgspec.json.encode(one.fields).decode(),
            "detail": one.detail,
            "times": one.times,
            "sent_at": one.sent_at,
        }
        insertion = insert_into(work.connection, discrepancies).values(
            run=run_id,
            dossier_code=one.dossier_code,
            kind=one.kind.value,
            found_at=one.found_at,
            **row,
        )
        keys = [discrepancies.c.run, discrepancies.c.dossier_code, discrepancies.c.kind]
        work.connection.execute(insertion.on_conflict_do_update(index_elements=keys, set_=row))


def latest_results(connection: Connection) -> list[tuple[Run, dict[Kind, int]]]:
    """Return the last comparison that ended, of each agency or all, with what is still open."""
    rows = connection.execute(
        select(reconciliations)
        .where(reconciliations.c.ended_at.is_not(None), reconciliations.c.source.is_(None))
        .order_by(reconciliations.c.started_at, reconciliations.c.id)
    )
    latest = {row.agency: _run(row) for row in rows}
    return [(run, count_findings(connection, run.id, are_open=True)) for run in latest.values()]


def count_findings(
    connection: Connection, run_id: str, *, are_open: bool = False
) -> dict[Kind, int]:
    """
    Return how many dossiers there are of each kind; only those that there are.

    Args:
        connection: Reading.
        run_id: Of which comparison.
        are_open: Without those that were let go again since.
    """
    query = (
        select(discrepancies.c.kind, func.count())
        .where(discrepancies.c.run == run_id)
        .group_by(discrepancies.c.kind)
    )
    if are_open:
        query = query.where(discrepancies.c.sent_at.is_(None))
    found = {Kind(kind): count for kind, count in connection.execute(query)}
    return {kind: found[kind] for kind in Kind if kind in found}


def read_findings(
    connection: Connection,
    run_id: str,
    *,
    kinds: Collection[Kind] = tuple(Kind),
    after: tuple[str, str] = ("", ""),
    limit: int | None = None,
) -> Iterator[Discrepancy]:
    """
    Give findings by dossier, a page in memory at a time.

    Args:
        connection: Reading.
        run_id: Of which comparison.
        kinds: Only these.
        after: A dossier and a kind; those behind it.
        limit: At most so many.
    """
    left = limit
    while left is None or left > 0:
        code, kind = after
        size = PAGE if left is None else min(PAGE, left)
        rows = connection.execute(
            select(discrepancies)
            .where(
                discrepancies.c.run == run_id,
                discrepancies.c.kind.in_([one.value for one in kinds]),
                or_(
                    discrepancies.c.dossier_code > code,
                    (discrepancies.c.dossier_code == code) & (discrepancies.c.kind > kind),
                ),
            )
            .order_by(discrepancies.c.dossier_code, discrepancies.c.kind)
            .limit(size)
        ).all()
        yield from map(_discrepancy, rows)
        if len(rows) < size:
            return
        after = rows[-1].dossier_code, rows[-1].kind
        left = None if left is None else left - len(rows)


def findings_about(
    connection: Connection, dossier_code: str, *, agency: str, limit: int
) -> list[Discrepancy]:
    """Return what the comparisons that are kept found about one dossier, the latest first."""
    rows = connection.execute(
        select(discrepancies)
        .where(discrepancies.c.dossier_code == dossier_code, discrepancies.c.agency == agency)
        .order_by(discrepancies.c.found_at.desc())
        .limit(limit)
    )
    return [_discrepancy(row) for row in rows]


def read_to_confirm(
    connection: Connection, run_id: str, *, after: str, limit: int
) -> list[Discrepancy]:
    """Return the next findings that the portal must say once more."""
    rows = connection.execute(
        select(discrepancies)
        .where(
            discrepancies.c.run == run_id,
            discrepancies.c.kind.in_([one.value for one in BY_ASKING]),
            discrepancies.c.dossier_code > after,
        )
        .order_by(discrepancies.c.dossier_code)
        .limit(limit)
    )
    return [_discrepancy(row) for row in rows]


def note_sent(work: Work, run_id: str, codes: Collection[str]) -> None:
    """Note which missing dossiers were let go again."""
    for part in in_slices(sorted(codes)):
        work.connection.execute(
            update(discrepancies)
            .where(
                discrepancies.c.run == run_id,
                discrepancies.c.kind == Kind.MISSING.value,
                discrepancies.c.dossier_code.in_(part),
            )
            .values(sent_at=work.at)
        )


def forget_runs(work: Work, *, before: datetime) -> None:
    """Remove comparisons that began before; the audit log still has what each counted."""
    old = select(reconciliations.c.id).where(
        reconciliations.c.started_at < before,
        or_(reconciliations.c.lease_until.is_(None), reconciliations.c.lease_until < work.at),
    )
    ids = list(work.connection.execute(old).scalars())
    for part in in_slices(ids):
        work.connection.execute(delete(discrepancies).where(discrepancies.c.run.in_(part)))
        work.connection.execute(delete(reconciliations).where(reconciliations.c.id.in_(part)))


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        scope=Scope(agency=row.agency, since=row.since),
        source=row.source,
        occasion=row.occasion,
        phase=row.phase,
        after=row.after,
        total=row.total,
        compared=row.compared,
        asked=row.asked,
        present=row.present,
        unreadable=row.unreadable,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        fence=row.fence,
    )


def _discrepancy(row: Any) -> Discrepancy:
    return Discrepancy(
        dossier_code=row.dossier_code,
        agency=row.agency,
        kind=Kind(row.kind),
        message_id=row.message_id,
        fields=msgspec.json.decode(row.fields, type=tuple[FieldDifference, ...]),
        detail=row.detail,
        times=row.times,
        found_at=row.found_at,
        sent_at=row.sent_at,
    )


def said_again(one: Discrepancy, before: Discrepancy) -> Discrepancy:
    """Return what the portal said again, with how often and since when."""
    if one.kind is not before.kind:
        return one
    return replace(one, times=before.times + 1, found_at=before.found_at)


def _busy(run_id: str) -> Problem:
    return Problem(
        code="reconcile.busy",
        message=Text(
            vi=f"Tiến trình khác đang thực hiện lần đối soát {run_id}",
            en=f"Another process works on the reconciliation {run_id}",
        ),
        suggestion=Text(
            vi="Chờ nó xong (lienthong status), hoặc sau vài phút nếu nó đã bị ngắt",
            en="Wait until it ends (lienthong status), or a few minutes if it was killed",
        ),
    )
