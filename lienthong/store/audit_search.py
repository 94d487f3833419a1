"""Finding rows of the audit log: by dossier, subject, actor, event and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_, select, true

from lienthong.store.tables import audit, messages, problem_groups, submissions
from schemas.building import in_vietnam

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows; what is None does not matter."""

    dossier: str | None = None
    """Code of a dossier: rows about its messages."""
    with_submissions: bool = False
    """Also rows about the files that they came in, with others."""
    subject: str | None = None
    actor: str | None = None
    event: str | None = None
    """Name of an event, or its beginning up to and with a dot."""
    since: datetime | None = None
    """A time without a zone is that of Việt Nam."""
    until: datetime | None = None
    """Not included."""
    agencies: Collection[str] | None = None
    """Only rows about messages, files, problems and pauses of these; None: whatever they are
    about."""
    before: int | None = None
    """Only rows with lower numbers."""


def condition_of(wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition that a row is one of those."""
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.dossier is not None:
        of_dossier = messages.c.dossier_code == wanted.dossier
        is_about: ColumnElement[bool] = audit.c.subject.in_(select(messages.c.id).where(of_dossier))
        if wanted.with_submissions:
            files = select(messages.c.submission_id).where(of_dossier)
            is_about = or_(is_about, audit.c.subject.in_(files))
        conditions.append(is_about)
    if wanted.subject is not None:
        conditions.append(audit.c.subject == wanted.subject)
    if wanted.actor is not None:
        conditions.append(audit.c.actor == wanted.actor)
    if wanted.event is not None:
        is_group = wanted.event.endswith(".")
        conditions.append(
            audit.c.action.startswith(wanted.event, autoescape=True)
            if is_group
            else audit.c.action == wanted.event
        )
    if wanted.since is not None:
        conditions.append(audit.c.at >= in_vietnam(wanted.since))
    if wanted.until is not None:
        conditions.append(audit.c.at < in_vietnam(wanted.until))
    if wanted.before is not None:
        conditions.append(audit.c.id < wanted.before)
    if wanted.agencies is not None:
        conditions.append(_is_about(sorted(wanted.agencies)))
    return and_(*conditions)


def _is_about(agencies: Sequence[str]) -> ColumnElement[bool]:
    of_message = messages.c.agency.in_(agencies)
    of_file = submissions.c.agency.in_(agencies)
    of_problem = problem_groups.c.agency.in_(agencies)
    return or_(
        exists().where(messages.c.id == audit.c.subject, of_message),
        exists().where(submissions.c.id == audit.c.subject, of_file),
        exists().where(problem_groups.c.id == audit.c.subject, of_problem),
        and_(audit.c.subject.in_(agencies), audit.c.action.startswith("pause.")),
    )
