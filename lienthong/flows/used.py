"""
What was in use when: settings and mappings, written into the audit log when they change.

Whoever asks years later why a message looks as it does finds which mapping made it, and since when
this machine worked with it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.store.database import reading
from lienthong.store.tables import audit
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.audit import Entry
    from lienthong.store.database import Store


def note_used(store: Store, entries: Sequence[Entry], *, clock: Callable[[], datetime]) -> int:
    """
    Write down those that are not what was last written of their subject; return how many.

    Args:
        store: The store.
        entries: One for each action and subject.
        clock: Tells the time where the database does not.
    """
    with reading(store) as connection:
        changed = [entry for entry in entries if _last(connection, entry) != dict(entry.detail)]
    if changed:
        with begin(store, at=clock) as work:
            for entry in changed:
                work.note(entry.action, entry.subject, **entry.detail)
    return len(changed)


def _last(connection: Connection, entry: Entry) -> object:
    query = (
        select(audit.c.detail)
        .where(audit.c.subject == entry.subject, audit.c.action == entry.action)
        .order_by(audit.c.id.desc())
        .limit(1)
    )
    detail = connection.execute(query).scalar()
    return None if detail is None else json.loads(detail)
