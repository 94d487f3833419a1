"""Everything wrong with one submission, as far as is known now: of the file, its records, the
files that they wait for, and the portal's refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.portal_answers import load_words, portal_problems
from lienthong.store.problems import open_problems
from lienthong.store.sealed import problems_context, submission_problems_context
from lienthong.store.submissions import SubmissionState
from lienthong.store.tables import messages, submissions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from lienthong.store.database import Store
    from lienthong.store.portal_answers import Columns
    from schemas.problem import Problem

PAGE = 500
_REFUSED = (State.PARKED.value, State.QUARANTINED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One submission whose errors are asked for."""

    id: str
    agency: str
    file_name: str
    size: int
    is_read: bool
    """Whether its records were all read, as far as they can be."""
    is_erased: bool
    """Whether its bytes are gone, as its retention says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding and what it is about."""

    record: int | None
    is_portals: bool
    """Said by the portal: its column is a name, for nobody saw the header then."""
    problem: Problem


def find_submitted(connection: Connection, submission_id: str, *, agency: str) -> Submitted | None:
    """Return one submission of an agency, or None when it has none of that id."""
    row = connection.execute(
        select(submissions).where(
            submissions.c.id == submission_id,
            submissions.c.agency == agency,
            # What came down for the agency it did not hand over.
            submissions.c.service.is_(None),
        )
    ).first()
    if row is None:
        return None
    return Submitted(
        id=row.id,
        agency=row.agency,
        file_name=row.file_name,
        size=row.size,
        is_read=row.state in (SubmissionState.EXPANDED.value, SubmissionState.REFUSED.value),
        is_erased=row.erased_at is not None,
    )


def submission_findings(store: Store, submission_id: str, *, columns: Columns) -> Iterator[Finding]:
    """
    Yield what is wrong with a submission: the file first, then record by record.

    Raises:
        SealBroken: what was stored of it cannot be opened.
    """
    query = select(submissions.c.problems).where(submissions.c.id == submission_id)
    with reading(store) as connection:
        sealed = connection.execute(query).scalar()
    context = submission_problems_context(submission_id)
    for problem in open_problems(store.vault, sealed, context=context):
        yield Finding(record=None, is_portals=False, problem=problem)
    after = (0, -1)
    while page := _page(store, submission_id, after, columns=columns):
        for _, found in page:
            yield from found
        after = page[-1][0]


def _page(
    store: Store, submission_id: str, after: tuple[int, int], *, columns: Columns
) -> list[tuple[tuple[int, int], list[Finding]]]:
    """Return the findings of the next messages that have some, each with its place in the file."""
    record, item = after
    query = (
        select(messages)
        .where(
            messages.c.submission_id == submission_id,
            or_(
                messages.c.record > record,
                and_(messages.c.record == record, messages.c.item > item),
            ),
            or_(
                messages.c.state.in_((State.REJECTED.value, *_REFUSED)),
                # It waits for a file that cannot be had now; "" where nobody has looked yet.
                and_(
                    messages.c.state == State.HELD.value,
                    messages.c.awaits_files.is_not(None),
                    messages.c.reason != "",
                ),
            ),
        )
        .order_by(messages.c.record, messages.c.item)
        .limit(PAGE)
    )
    with reading(store) as connection:
        rows = connection.execute(query).all()
        words = load_words(connection, [row.id for row in rows if row.state in _REFUSED])
    page = []
    for row in rows:
        own = open_problems(store.vault, row.problems, context=problems_context(row.id))
        said: tuple[Problem, ...] = ()
        if row.id in words:
            said = portal_problems(words[row.id], message=row, vault=store.vault, columns=columns)
        found = [
            Finding(
                record=row.record,
                is_portals=is_portals,
                problem=problem.about(row.dossier_code),
            )
            for is_portals, problems in ((False, own), (True, said))
            for problem in problems
        ]
        page.append(((row.record, row.item), found))
    return page
