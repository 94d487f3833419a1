"""What came through a door, and its place among its agency's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lienthong.ids import SEPARATOR
from lienthong.store.bulk import insert_rows
from lienthong.store.database import insert_into
from lienthong.store.tables import agencies, in_slices, submissions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.work import Work


PORTAL_DOORS = ("portal-soap", "portal-json")
"""Through which peers send to the agencies."""


SHARING_DOOR = "sharing"
"""Through which what one agency shares comes to another."""


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
    """The sender's own id of this hand-over; unique in its line."""
    service: str | None = None
    """Of a message of a peer to the agency, as it is published; None: from the agency itself."""
    proof: Mapping[str, str] = field(default_factory=dict)
    """What shows whose it is, for the audit log."""
    trace: str | None = None
    """`traceparent` of its receiving; None: not traced."""

    @property
    def line(self) -> str:
        """In which it is expanded."""
        return line_of(self.agency, service=self.service, sender=self.sender)


def line_of(agency: str, *, service: str | None, sender: str) -> str:
    """
    Return in which line a submission stands: its agency's, or that of one peer to that agency.

    In a line of their own neither waits for the other, nor do their senders' keys meet.
    """
    return agency if service is None else f"{agency}{SEPARATOR}{sender}"


def agency_of(line: str) -> str:
    """Return the agency whose line it is, or to which the messages in it go."""
    return line.partition(SEPARATOR)[0]


def take_places(work: Work, counts: Mapping[str, int]) -> dict[str, int]:
    """
    Reserve places in lines, for the rest of this transaction in nobody else's way.

    Returns:
        The first of each line's places. They are taken in the order in which transactions
        commit, whatever the clocks of several machines say.
    """
    first = {}
    for line in sorted(counts):
        insertion = insert_into(work.connection, agencies).values(name=line)
        work.connection.execute(insertion.on_conflict_do_nothing())
        after: int = work.connection.execute(
            update(agencies)
            .where(agencies.c.name == line)
            .values(next_arrival=agencies.c.next_arrival + counts[line])
            .returning(agencies.c.next_arrival)
        ).scalar_one()
        first[line] = after - counts[line]
    return first


def find_keys(
    connection: Connection, line: str, keys: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return, per hand-over key of the line that came before, submission id and SHA-256."""
    found: dict[str, tuple[str, str]] = {}
    for part in in_slices(sorted(keys)):
        rows = connection.execute(
            select(submissions.c.key, submissions.c.id, submissions.c.sha256).where(
                submissions.c.line == line, submissions.c.key.in_(part)
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
            "receipt_due_at": submission.received_at if submission.service is None else None,
            "line": submission.line,
            "service": submission.service,
            "trace": submission.trace,
        }
        for submission, arrival in offered
    ]
    insert_rows(work.connection, submissions, rows)


def note_received(work: Work, submission: Submission) -> None:
    """Have it written down, and its agency told, that a submission was taken over."""
    came_down: Mapping[str, str] = {}
    if submission.service is not None:
        came_down = {"service": submission.service, "sender": submission.sender}
    work.note(
        "submission.received",
        submission.id,
        agency=submission.agency,
        door=submission.door,
        sha256=submission.sha256,
        size=submission.size,
        **came_down,
        **submission.proof,
    )
    if submission.service is None:
        work.tell(submission.agency, "received", submission_id=submission.id)
