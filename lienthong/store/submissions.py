"""What came through a door: taken over durably, then expanded record by record, resumably."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import and_, exists, insert, or_, select, update

from lienthong.store.tables import in_slices, submissions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, FromClause

    from lienthong.store.work import Work
    from schemas.problem import Problem


class SubmissionState(Enum):
    """Where a submission stands."""

    RECEIVED = "received"
    EXPANDED = "expanded"
    HELD = "held"
    """It cannot be expanded now (no usable key, say); it goes on by itself."""
    REFUSED = "refused"
    """The file as a whole cannot be read; the agency must send another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One file or message body that an agency sent."""

    id: str
    agency: str
    door: str
    sender: str
    file_name: str
    sha256: str
    size: int
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionClaim:
    """The right to expand one submission until the lease ends."""

    submission_id: str
    agency: str
    file_name: str
    records_done: int
    fence: int


class ClaimLost(Exception):
    """The lease ended and somebody else has gone on; nothing of this transaction may stay."""


def insert_submission(work: Work, submission: Submission) -> None:
    """Write one submission down, due at once."""
    work.connection.execute(
        insert(submissions).values(
            id=submission.id,
            agency=submission.agency,
            door=submission.door,
            sender=submission.sender,
            file_name=submission.file_name,
            sha256=submission.sha256,
            size=submission.size,
            state=SubmissionState.RECEIVED.value,
            received_at=submission.received_at,
            due_at=submission.received_at,
            hinted_at=submission.received_at,
        )
    )
    work.note(
        "submission.received",
        submission.id,
        agency=submission.agency,
        door=submission.door,
        sha256=submission.sha256,
        size=submission.size,
    )


def known_submissions(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return those of `ids` that have a row."""
    found: set[str] = set()
    for part in in_slices(sorted(ids)):
        found |= set(
            connection.execute(select(submissions.c.id).where(submissions.c.id.in_(part))).scalars()
        )
    return found


def is_first_of_its_agency(rows: FromClause) -> ColumnElement[bool]:
    """Return the condition that no earlier submission of the agency is unfinished."""
    earlier = submissions.alias("earlier")
    came_before = or_(
        earlier.c.received_at < rows.c.received_at,
        and_(earlier.c.received_at == rows.c.received_at, earlier.c.id < rows.c.id),
    )
    return ~exists().where(
        earlier.c.due_at.is_not(None), earlier.c.agency == rows.c.agency, came_before
    )


def next_of_agency(connection: Connection, submission_id: str) -> str | None:
    """Return the first unfinished submission of the agency that sent `submission_id`, if any."""
    agency = select(submissions.c.agency).where(submissions.c.id == submission_id)
    first: str | None = connection.execute(
        select(submissions.c.id)
        .where(submissions.c.due_at.is_not(None), submissions.c.agency == agency.scalar_subquery())
        .order_by(submissions.c.received_at, submissions.c.id)
        .limit(1)
    ).scalar()
    return first


def claim_submission(
    connection: Connection, submission_id: str, *, now: datetime, lease: timedelta
) -> SubmissionClaim | None:
    """
    Return the right to expand the first unfinished submission of this one's agency.

    An agency's submissions are expanded one after the other, in the order of their arrival: a
    dossier that stands in two of them has its place in its row by that order.

    Returns:
        None when nothing of the agency is open, another worker is at it, or it waits its time.
    """
    first = next_of_agency(connection, submission_id)
    is_free = or_(submissions.c.lease_until.is_(None), submissions.c.lease_until <= now)
    may_go = or_(
        submissions.c.state == SubmissionState.RECEIVED.value,
        and_(submissions.c.state == SubmissionState.HELD.value, submissions.c.due_at <= now),
    )
    claimed = connection.execute(
        update(submissions)
        .where(submissions.c.id == first, may_go, is_free)
        .values(lease_until=now + lease, fence=submissions.c.fence + 1)
    )
    if claimed.rowcount == 0:
        return None
    row = connection.execute(select(submissions).where(submissions.c.id == first)).one()
    return SubmissionClaim(
        submission_id=row.id,
        agency=row.agency,
        file_name=row.file_name,
        records_done=row.records_done,
        fence=row.fence,
    )


def advance(
    work: Work, claim: SubmissionClaim, *, records_done: int, lease_until: datetime
) -> None:
    """
    Note how many records are done and keep the lease.

    Raises:
        ClaimLost: somebody else holds the submission by now.
    """
    _update_claimed(work.connection, claim, records_done=records_done, lease_until=lease_until)


def finish_expansion(
    work: Work,
    claim: SubmissionClaim,
    *,
    state: SubmissionState,
    problems: Sequence[Problem] = (),
    due_at: datetime | None = None,
) -> None:
    """
    End or suspend the expansion; `due_at` is set for a submission that goes on later.

    Raises:
        ClaimLost: somebody else holds the submission by now.
    """
    _update_claimed(
        work.connection,
        claim,
        state=state.value,
        problems=encode_problems(problems),
        expanded_at=work.at if due_at is None else None,
        due_at=due_at,
        lease_until=None,
    )
    codes = ",".join(sorted({problem.code for problem in problems}))
    work.note(f"submission.{state.value}", claim.submission_id, codes=codes)


def _update_claimed(
    connection: Connection, claim: SubmissionClaim, **columns: str | int | datetime | None
) -> None:
    changed = connection.execute(
        update(submissions)
        .where(submissions.c.id == claim.submission_id, submissions.c.fence == claim.fence)
        .values(**columns)
    )
    if changed.rowcount != 1:
        raise ClaimLost(claim.submission_id)


def encode_problems(problems: Sequence[Problem]) -> str:
    """Return problems as JSON text for a column."""
    return json.dumps([msgspec.to_builtins(problem) for problem in problems], ensure_ascii=False)
