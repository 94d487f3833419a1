"""
What our own checks found wrong with our evidence, kept in the audit log until it is right again.

Both are rows of the log under one subject, so they are found quickly, told once, and sealed like
everything else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.store.tables import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lienthong.store.work import Work

SUBJECT = "evidence"
FOUND = "evidence.fault_found"
GONE = "evidence.fault_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that does not hold; where, as far as that is known."""

    code: str
    """Of the check: "row.changed"."""
    row: int | None = None
    """Of the audit log."""
    seal: int | None = None
    message: str | None = None
    """Of the dossier whose pack does not verify."""

    def __str__(self) -> str:
        named = ("row", self.row), ("seal", self.seal), ("message", self.message)
        return ", ".join([self.code, *(f"{name} {one}" for name, one in named if one is not None)])


def open_alarms(connection: Connection) -> list[Alarm]:
    """Return what is wrong as far as is known, the longest known first."""
    rows = connection.execute(
        select(audit.c.action, audit.c.detail)
        .where(audit.c.subject == SUBJECT, audit.c.action.in_((FOUND, GONE)))
        .order_by(audit.c.id)
    )
    found: dict[Alarm, None] = {}
    for action, detail in rows:
        alarm = _read(detail)
        if alarm is None:
            continue
        if action == FOUND:
            found[alarm] = None
        else:
            found.pop(alarm, None)
    return list(found)


def _read(detail: object) -> Alarm | None:
    """Return what a row says; one that was erased, or put in by somebody, may say nothing."""
    try:
        alarm = Alarm(**json.loads(detail))  # type: ignore[arg-type]
        hash(alarm)
    except (TypeError, ValueError):
        return None
    return alarm


def note_found(work: Work, alarm: Alarm) -> None:
    """Have it written down that something does not hold."""
    work.note(FOUND, SUBJECT, **asdict(alarm))


def note_gone(work: Work, alarm: Alarm) -> None:
    """Have it written down that it holds again."""
    work.note(GONE, SUBJECT, **asdict(alarm))
