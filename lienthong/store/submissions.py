"""What came through a door, and its place among its agency's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lienthong.store.bulk import insert_rows
from lienthong.store.database import insert_into
from lienthong.store.tables import agencies, in_slices, submissions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.work import Work


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
    """Bytes."""
    received_at: datetime
    key: str | None = None
    """The sender's own id of this hand-over; unique per agency."""


def take_places(work: Work, counts: dict[str, int]) -> dict[str, int]:
    """
    Reserve places in the rows of agencies, for the rest of this transaction in nobody else's way.

    Returns:
        The first of each agency's places. They are taken in the order in which transactions
        commit, whatever the clocks of several machines say.
    """
    first = {}
    for agency in sorted(counts):
        insertion = insert_into(work.connection, agencies).values(name=agency)
        work.connection.execute(insertion.on_conflict_do_nothing())
        after: int = work.connection.execute(
            update(agencies)
            .where(agencies.c.name == agency)
            .values(next_arrival=agencies.c.next_arrival + counts[agency])
            .returning(agencies.c.next_arrival)
        ).scalar_one()
        first[agency] = after - counts[agency]
    return first


def find_keys(
    connection: Connection, agency: str, keys: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return, per hand-over key of the agency that came before, submission id and SHA-256."""
    found: dict[str, tuple[str, str]] = {}
    for part in in_slices(sorted(keys)):
        rows = connection.execute(
            select(submissions.c.key, submissions.c.id, submissions.c.sha256).where(
                submissions.c.agency == agency, submissions.c.key.in_(part)
            )
        )
        found |= {row.key: (row.id, row.sha256) for row in rows}
    return found


def insert_submissions(work: Work, offered: Sequence[tuple[Submission, int]]) -> None:
    """Write submissions down, each with its place in its agency's row, due at once."""
    rows = [
        {
            "id": submission.id,
            "agency": submission.agency,
            "arrival": arrival,
            "door": submission.door,
            "key": submission.key,
            "sender": submission.sender,
            "file_name": submission.file_name,
            "sha256": submission.sha256,
            "size": submission.size,
            "state": SubmissionState.RECEIVED.value,
            "received_at": submission.received_at,
            "due_at": submission.received_at,
            "receipt_due_at": submission.received_at,
        }
        for submission, arrival in offered
    ]
    insert_rows(work.connection, submissions, rows)


def note_received(work: Work, submission: Submission) -> None:
    """Have it written down, and its agency told, that a submission was taken over."""
    work.note(
        "submission.received",
        submission.id,
        agency=submission.agency,
        door=submission.door,
        sha256=submission.sha256,
        size=submission.size,
    )
    work.tell(submission.agency, "received", submission_id=submission.id)
