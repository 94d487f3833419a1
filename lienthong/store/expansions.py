"""
Who expands what: the submissions of a line one after the other, in the order of their arrival.

An agency's own submissions are one line, what a peer sends to an agency is another. One worker at
a time has a line's lease; its fence tells what is written under an older one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, or_, select, update

from lienthong.store.bulk import update_rows
from lienthong.store.database import insert_into
from lienthong.store.problems import seal_problems
from lienthong.store.sealed import submission_problems_context
from lienthong.store.submission_receipts import refuse_in_receipt
from lienthong.store.submissions import SubmissionState
from lienthong.store.tables import agencies, expansions, submissions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, ScalarSelect

    from lienthong.store.work import Work
    from schemas.problem import Problem

_OPENED = (
    select(
        submissions.c.id,
        submissions.c.agency,
        submissions.c.arrival,
        submissions.c.file_name,
        submissions.c.size,
        submissions.c.records_done,
        submissions.c.due_at,
        submissions.c.received_at,
        submissions.c.tries,
        submissions.c.left_out,
        submissions.c.sender,
        submissions.c.key,
        submissions.c.service,
    )
    .where(
        submissions.c.line == bindparam("_line"),
        submissions.c.due_at.is_not(None),
        submissions.c.arrival > bindparam("_after"),
    )
    .order_by(submissions.c.arrival)
    .limit(bindparam("_limit"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One unfinished submission as its expansion finds it."""

    id: str
    agency: str
    arrival: int
    file_name: str
    size: int
    records_done: int
    due_at: datetime
    tries: int
    """How often its expansion was begun since it last got on, this time included."""
    left_out: int
    """Of `records_done`, by the mapping."""
    sender: str = ""
    key: str | None = None
    service: str | None = None
    """Of a message of a peer to the agency; None: from the agency itself."""
    received_at: datetime | None = None
    """None where it is only read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpansionClaim:
    """The right to expand the submissions of one line until the lease ends."""

    line: str
    fence: int
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ends, or suspends, the expansion of one submission."""

    submission: Opened
    records_done: int
    left_out: int
    state: SubmissionState
    problems: Sequence[Problem] = ()
    due_at: datetime | None = None
    """Set for a submission that goes on later."""


class ClaimLost(Exception):
    """The lease ended and somebody else has gone on; nothing of this transaction may stay."""


def due_lines(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Return lines whose first unfinished submission is due and which nobody expands."""
    first_due = (
        select(submissions.c.due_at)
        .where(submissions.c.line == agencies.c.name, submissions.c.due_at.is_not(None))
        .order_by(submissions.c.arrival)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(agencies.c.name)
        .outerjoin(expansions, expansions.c.agency == agencies.c.name)
        .where(
            or_(expansions.c.lease_until.is_(None), expansions.c.lease_until <= now),
            first_due <= now,
        )
        .order_by(agencies.c.name)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def claim_expansion(work: Work, line: str, *, lease: timedelta) -> ExpansionClaim | None:
    """Return the right to expand the submissions of a line, or None when another worker has it."""
    insertion = insert_into(work.connection, expansions).values(agency=line)
    work.connection.execute(insertion.on_conflict_do_nothing())
    until = work.at + lease
    fence = work.connection.execute(
        update(expansions)
        .where(
            expansions.c.agency == line,
            or_(expansions.c.lease_until.is_(None), expansions.c.lease_until <= work.at),
        )
        .values(lease_until=until, fence=expansions.c.fence + 1)
        .returning(expansions.c.fence)
    ).scalar()
    if fence is None:
        return None
    work.connection.execute(
        update(submissions)
        .where(submissions.c.id == _first_of(line))
        .values(tries=submissions.c.tries + 1)
    )
    return ExpansionClaim(line=line, fence=fence, lease_until=until)


def keep_claim(work: Work, claim: ExpansionClaim, *, lease_until: datetime | None) -> None:
    """
    Prolong a claim, or with None end it.

    Raises:
        ClaimLost: somebody else has the line by now.
    """
    kept = work.connection.execute(
        update(expansions)
        .where(
            expansions.c.agency == claim.line,
            expansions.c.fence == claim.fence,
            # A claim that was ended, by a commit whose answer got lost, is not taken up again.
            expansions.c.lease_until.is_not(None),
        )
        .values(lease_until=lease_until)
    )
    if kept.rowcount != 1:
        raise ClaimLost(claim.line)


def open_submissions(connection: Connection, line: str, *, after: int, limit: int) -> list[Opened]:
    """Return unfinished submissions of the line whose place is behind `after`, in order."""
    rows = connection.execute(_OPENED, {"_line": line, "_after": after, "_limit": limit})
    return [Opened(**row._mapping) for row in rows]  # noqa: SLF001 - the public name of a namedtuple


def advance(work: Work, done: Sequence[tuple[Opened, int, int]]) -> None:
    """
    Note how far submissions are; the claim is to be checked in the same transaction.

    Args:
        work: The transaction.
        done: Each with its records done, and how many of them are left out.
    """
    rows = [
        {"_id": submission.id, "records_done": records, "left_out": left_out, "tries": 0}
        for submission, records, left_out in done
    ]
    update_rows(work.connection, submissions, rows, by=("id",))


def finish_expansions(work: Work, ended: Sequence[Ended]) -> None:
    """End or suspend expansions; the claim is to be checked in the same transaction."""
    rows = []
    for end in ended:
        submission_id, state = end.submission.id, end.state
        context = submission_problems_context(submission_id)
        rows.append(
            {
                "_id": submission_id,
                "state": state.value,
                "records_done": end.records_done,
                "left_out": end.left_out,
                "tries": 0,
                "problems": seal_problems(work.vault, end.problems, context=context),
                "expanded_at": work.at if end.due_at is None else None,
                "due_at": end.due_at,
            }
        )
        codes = ",".join(sorted({problem.code for problem in end.problems}))
        work.note(f"submission.{state.value}", submission_id, codes=codes)
        is_told = end.submission.service is None and state is not SubmissionState.HELD
        if end.problems and is_told:
            kind = "refused" if state is SubmissionState.REFUSED else "broken_off"
            work.tell(end.submission.agency, kind, submission_id=submission_id)
    update_rows(work.connection, submissions, rows, by=("id",))
    refused = [
        end.submission.id
        for end in ended
        if end.state is SubmissionState.REFUSED and end.submission.service is None
    ]
    refuse_in_receipt(work, refused)


def take_tries_back(work: Work, tries: Mapping[str, int]) -> None:
    """
    Count fewer tries against the first unfinished submission of each line.

    Args:
        work: The transaction.
        tries: By line, how many of those that were counted say nothing against the submission.
    """
    # In the order of their names, as everybody takes several rows.
    for line, count in sorted(tries.items()):
        left = submissions.c.tries - count
        work.connection.execute(
            update(submissions)
            .where(submissions.c.id == _first_of(line))
            .values(tries=case((left > 0, left), else_=0))
        )


def _first_of(line: str) -> ScalarSelect[str]:
    return (
        select(submissions.c.id)
        .where(submissions.c.line == line, submissions.c.due_at.is_not(None))
        .order_by(submissions.c.arrival)
        .limit(1)
        .scalar_subquery()
    )
