"""
Pauses in the store, for every process and across restarts; and what is left of a drain.

One row for each thing that is stopped. One whose time is over stops nothing from that moment on;
its row goes with the next sweep, or when the same is stopped again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, func, or_, select, update

from lienthong.channels.port import Packet
from lienthong.pauses import TARGET, Pause, Pauses, What
from lienthong.states import UNFINISHED
from lienthong.store.database import insert_into
from lienthong.store.tables import messages, pauses, submissions
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.work import Work


OVER = "its time is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What has not come to its end of what was taken in."""

    submissions: int
    """Not expanded to the end."""
    moving: int
    """Messages that go on by themselves."""
    waiting: int
    """Messages that do not: they stand behind others of their dossier, or need a person."""

    @property
    def is_drained(self) -> bool:
        """Tell whether nothing moves any more."""
        return not self.submissions and not self.moving


def read_pauses(connection: Connection, *, now: datetime) -> Pauses:
    """Return what is stopped at `now`, the longest first."""
    rows = connection.execute(
        select(pauses)
        .where(or_(pauses.c.until.is_(None), pauses.c.until > now))
        .order_by(pauses.c.since, pauses.c.subject, pauses.c.what)
    )
    return Pauses(in_force=tuple(_pause(row) for row in rows))


def read_endless(connection: Connection) -> Pauses:
    """Return what stays stopped until somebody ends it."""
    rows = connection.execute(select(pauses).where(pauses.c.until.is_(None)))
    return Pauses(in_force=tuple(_pause(row) for row in rows))


def make_pause(
    work: Work, subject: str, what: What, *, reason: str, until: datetime | None
) -> Pause:
    """
    Stop something, or say again why and how long it is stopped; what is so already is left alone.

    Raises:
        InputError: it would be over already.
    """
    if until is not None and until <= work.at:
        raise _is_past()
    until = None if until is None else until.astimezone(UTC)
    wanted = Pause(
        subject=subject, what=what, reason=reason, by=work.actor, since=work.at, until=until
    )
    row = {"reason": reason, "made_by": work.actor, "since": work.at, "until": until}
    insertion = insert_into(work.connection, pauses).values(subject=subject, what=what.value, **row)
    # Not by the count of rows, which not every driver knows.
    making = insertion.on_conflict_do_nothing().returning(pauses.c.subject)
    while work.connection.execute(making).first() is None:
        for known in _locked(work, subject, (what,)):
            return _change(work, known, wanted)
        # Somebody ended it between the two.
    _note(work, "pause.made", wanted)
    return wanted


def _change(work: Work, known: Pause, wanted: Pause) -> Pause:
    if _is_over(known, work.at):
        action = "pause.made"
        _note_end(work, known, reason=OVER)
    elif (known.reason, known.until) == (wanted.reason, wanted.until):
        return known
    else:
        action = "pause.changed"
        wanted = replace(wanted, since=known.since)
    work.connection.execute(
        update(pauses)
        .where(*_is_one(wanted.subject, wanted.what))
        .values(reason=wanted.reason, made_by=wanted.by, since=wanted.since, until=wanted.until)
    )
    _note(work, action, wanted)
    return wanted


def end_pauses(
    work: Work, subject: str, whats: Collection[What], *, reason: str
) -> tuple[Pause, ...]:
    """Let go on what is stopped of these; return what was, nothing where nothing was."""
    found = _locked(work, subject, whats)
    for pause in found:
        work.connection.execute(delete(pauses).where(*_is_one(subject, pause.what)))
        _note_end(work, pause, reason=reason)
    return tuple(one for one in found if not _is_over(one, work.at))


def sweep_pauses(work: Work) -> int:
    """Remove pauses whose time is over; return how many."""
    over = work.connection.execute(
        select(pauses).where(pauses.c.until <= work.at).with_for_update()
    ).all()
    for pause in map(_pause, over):
        work.connection.execute(delete(pauses).where(*_is_one(pause.subject, pause.what)))
        _note_end(work, pause, reason=OVER)
    return len(over)


def count_left(connection: Connection, subject: str) -> Left:
    """Return what is left of an agency in both directions, or of everything for the portal."""
    is_target = subject == TARGET
    of_files = submissions.c.service.is_(None) if is_target else submissions.c.agency == subject
    if is_target:
        of_messages = messages.c.packet != Packet.INBOUND.value
    else:
        of_messages = messages.c.agency == subject
    files = select(func.count()).select_from(submissions)
    moves = or_(messages.c.due_at.is_not(None), messages.c.awaits_files.is_not(None))
    found = connection.execute(
        select(func.count(), func.coalesce(func.sum(case((moves, 1), else_=0)), 0)).where(
            of_messages, messages.c.state.in_([state.value for state in UNFINISHED])
        )
    ).one()
    return Left(
        submissions=connection.execute(
            files.where(submissions.c.due_at.is_not(None), of_files)
        ).scalar_one(),
        moving=found[1],
        waiting=found[0] - found[1],
    )


def _locked(work: Work, subject: str, whats: Collection[What]) -> list[Pause]:
    rows = work.connection.execute(
        select(pauses)
        .where(pauses.c.subject == subject, pauses.c.what.in_([what.value for what in whats]))
        .order_by(pauses.c.what)
        .with_for_update()
    )
    return [_pause(row) for row in rows]


def _is_over(pause: Pause, at: datetime) -> bool:
    return pause.until is not None and pause.until <= at


def _is_one(subject: str, what: What) -> tuple[Any, ...]:
    return pauses.c.subject == subject, pauses.c.what == what.value


def _note(work: Work, action: str, pause: Pause) -> None:
    work.note(
        action,
        pause.subject,
        what=pause.what.value,
        reason=pause.reason,
        until=None if pause.until is None else pause.until.isoformat(),
    )


def _note_end(work: Work, pause: Pause, *, reason: str) -> None:
    work.note(
        "pause.ended",
        pause.subject,
        what=pause.what.value,
        reason=reason,
        since=pause.since.isoformat(),
    )


def _pause(row: Any) -> Pause:
    return Pause(
        subject=row.subject,
        what=What(row.what),
        reason=row.reason,
        by=row.made_by,
        since=row.since,
        until=row.until,
    )


def _is_past() -> InputError:
    return InputError(
        Problem(
            code="pause.until_past",
            message=Text(
                vi="Thời điểm tự tiếp tục (`until`) đã qua",
                en="The moment at which it would resume by itself (`until`) is past",
            ),
            suggestion=Text(
                vi="Cho một thời điểm sau này, hoặc bỏ `until`",
                en="Give a moment to come, or leave `until` out",
            ),
        )
    )
