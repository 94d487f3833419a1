"""What an agency may know of one of its submissions: where it stands, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.store.problems import open_problems
from lienthong.store.results import problem_values
from lienthong.store.sealed import submission_problems_context
from lienthong.store.tables import messages, repeats, submissions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.vault import Vault


def submission_values(
    connection: Connection, submission_id: str, *, agency: str, vault: Vault
) -> dict[str, Any] | None:
    """
    Return a submission of an agency as values for JSON, or None when it has none of that id.

    Raises:
        SealBroken: what is wrong with the file was stored and cannot be opened.
    """
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
    counted = connection.execute(
        select(messages.c.state, func.count())
        .where(messages.c.submission_id == submission_id)
        .group_by(messages.c.state)
        .order_by(messages.c.state)
    )
    again = connection.execute(
        select(func.count()).select_from(repeats).where(repeats.c.submission_id == submission_id)
    ).scalar_one()
    problems = open_problems(
        vault, row.problems, context=submission_problems_context(submission_id)
    )
    return {
        "submission": row.id,
        "agency": row.agency,
        "door": row.door,
        "key": row.key,
        "file": row.file_name,
        "sha256": row.sha256,
        "bytes": row.size,
        "state": row.state,
        "received_at": row.received_at.isoformat(),
        "expanded_at": _said(row.expanded_at),
        "records": row.records_done,
        "repeats": again,
        "left_out": row.left_out,
        "messages": dict(tuple(pair) for pair in counted),
        "errors": [problem_values(problem) for problem in problems],
    }


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
