"""In which spans submissions were received: asked for only where traces are on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.store.tables import in_slices, messages, submissions
from lienthong.traces.context import Origin, parse_traceparent
from lienthong.traces.recording import TRACES

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMessage:
    """What is known of the trace of a message."""

    submission_id: str
    record: int
    origin: Origin | None


def origins_of_submissions(
    connection: Connection, submission_ids: Collection[str | None]
) -> dict[str, Origin]:
    """Return, of those that have one, the span in which each was received."""
    ids = sorted({one for one in submission_ids if one is not None}) if TRACES.is_on else []
    found = {}
    for part in in_slices(ids):
        rows = connection.execute(
            select(submissions.c.id, submissions.c.trace, submissions.c.received_at).where(
                submissions.c.id.in_(part), submissions.c.trace.is_not(None)
            )
        )
        for row in rows:
            context = parse_traceparent(row.trace)
            if context is not None:
                found[row.id] = Origin(context=context, at=row.received_at)
    return found


def traces_of_messages(
    connection: Connection, message_ids: Collection[str]
) -> dict[str, TracedMessage]:
    """Return of each message where its trace began; nothing where traces are off."""
    if not (TRACES.is_on and message_ids):
        return {}
    rows = [
        row
        for part in in_slices(sorted(message_ids))
        for row in connection.execute(
            select(messages.c.id, messages.c.submission_id, messages.c.record).where(
                messages.c.id.in_(part)
            )
        )
    ]
    origins = origins_of_submissions(connection, {row.submission_id for row in rows})
    return {
        row.id: TracedMessage(
            submission_id=row.submission_id,
            record=row.record,
            origin=origins.get(row.submission_id),
        )
        for row in rows
    }
