"""
How far each source was read: its mark, and the rows of the overlap that were taken over.

One worker at a time has a source's lease; its fence tells what is written under an older one. Of
rows only digests are kept, salted per source, and only for as long as the row may be read again.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from lienthong.pull import marks
from lienthong.store.bulk import insert_rows
from lienthong.store.database import insert_into
from lienthong.store.sealed import salt_context
from lienthong.store.tables import in_slices, pull_seen, pulls

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from lienthong.pull.marks import Mark
    from lienthong.store.work import Work

SALT_BYTES = 32
DIGEST_BYTES = 16


class PullClaimLost(Exception):
    """The lease ended and somebody else reads the source; nothing of this transaction may stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullClaim:
    """The right to read one source until the lease ends, and how far it was read."""

    source: str
    fence: int
    mark: Mark | None
    """None before the first row."""
    salt: bytes

    def digest(self, content: bytes) -> bytes:
        """Return the salted digest of a row, or of what names it."""
        return hmac.digest(self.salt, content, "sha256")[:DIGEST_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """One row that is being taken over, as it is remembered."""

    name: bytes
    """Digest of its mark and key."""
    digest: bytes
    """Of all its values."""
    place: int
    """Of its mark; see `marks.place_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullState:
    """One source, for people."""

    source: str
    mark: Mark | None
    due_at: datetime
    tried_at: datetime | None
    read_at: datetime | None
    rows: int
    trouble: str | None


def claim(
    work: Work, source: str, *, lease: timedelta, even_if_not_due: bool = False
) -> PullClaim | None:
    """Return the right to read a source, or None: it is not due, or somebody reads it."""
    insertion = insert_into(work.connection, pulls).values(
        source=source,
        salt=work.vault.seal(os.urandom(SALT_BYTES), context=salt_context(source)),
        due_at=work.at,
        fence=0,
        rows=0,
    )
    work.connection.execute(insertion.on_conflict_do_nothing())
    statement = (
        update(pulls)
        .where(
            pulls.c.source == source,
            (pulls.c.lease_until.is_(None)) | (pulls.c.lease_until <= work.at),
        )
        .values(fence=pulls.c.fence + 1, lease_until=work.at + lease)
        .returning(pulls.c.fence, pulls.c.mark, pulls.c.salt)
    )
    if not even_if_not_due:
        statement = statement.where(pulls.c.due_at <= work.at)
    row = work.connection.execute(statement).one_or_none()
    if row is None:
        return None
    return PullClaim(
        source=source,
        fence=row.fence,
        mark=None if row.mark is None else marks.decode(row.mark),
        salt=work.vault.open(row.salt, context=salt_context(source)),
    )


def find_seen(connection: Connection, source: str, names: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the digests under which rows were taken over, of those that were."""
    found: dict[bytes, bytes] = {}
    for part in in_slices(sorted(names)):
        query = select(pull_seen.c.name, pull_seen.c.digest).where(
            pull_seen.c.source == source, pull_seen.c.name.in_(part)
        )
        found |= {line.name: line.digest for line in connection.execute(query)}
    return found


def move_on(
    work: Work,
    held: PullClaim,
    *,
    mark: Mark | None,
    taken: Sequence[SeenRow],
    forget_before: int | None,
    lease: timedelta,
) -> None:
    """
    Write down that rows were taken over; in the transaction in which they become durable.

    Args:
        work: That transaction.
        held: The right to do so.
        mark: Up to where the source was read; None: as far as before.
        taken: Rows that were taken over.
        forget_before: The place before which no row is read again; None: nobody can say.
        lease: From now on.

    Raises:
        PullClaimLost: somebody else has the source by now.
    """
    values = {"rows": pulls.c.rows + len(taken), "lease_until": work.at + lease}
    _change(work, held, values | ({} if mark is None else {"mark": marks.encode(mark)}))
    remember(work, held.source, taken)
    if forget_before is None:
        return
    work.connection.execute(
        delete(pull_seen).where(
            pull_seen.c.source == held.source, pull_seen.c.place < forget_before
        )
    )


def keep(work: Work, held: PullClaim, *, lease: timedelta) -> None:
    """Prolong the right to read a source. Raises PullClaimLost as `move_on` does."""
    _change(work, held, {"lease_until": work.at + lease})


def forget_others(
    work: Work, held: PullClaim, names: Collection[bytes], *, lease: timedelta
) -> None:
    """Forget what was taken over but what has one of `names`. Raises as `move_on` does."""
    keep(work, held, lease=lease)
    query = select(pull_seen.c.name).where(pull_seen.c.source == held.source)
    others = set(work.connection.execute(query).scalars()) - set(names)
    forget(work, held.source, others)


def forget(work: Work, source: str, names: Collection[bytes]) -> None:
    """Forget what was taken over under `names`."""
    for part in in_slices(sorted(names)):
        work.connection.execute(
            delete(pull_seen).where(pull_seen.c.source == source, pull_seen.c.name.in_(part))
        )


def remember(work: Work, source: str, taken: Iterable[SeenRow]) -> None:
    """Remember rows, in place of what was remembered of them before."""
    lines = [
        {"source": source, "name": seen.name, "digest": seen.digest, "place": seen.place}
        for seen in taken
    ]
    for part in in_slices(lines):
        work.connection.execute(
            delete(pull_seen).where(
                pull_seen.c.source == source,
                pull_seen.c.name.in_([line["name"] for line in part]),
            )
        )
        insert_rows(work.connection, pull_seen, part)


def let_go(
    work: Work, held: PullClaim, *, due_at: datetime, whole: bool, trouble: str | None
) -> None:
    """
    Give the source back.

    Args:
        work: A transaction.
        held: The right to read it.
        due_at: When it is read next.
        whole: Whether it was read to its end.
        trouble: The code of what kept it from that.

    Raises:
        PullClaimLost: somebody else has the source by now.
    """
    values = {"lease_until": None, "due_at": due_at, "tried_at": work.at, "trouble": trouble}
    _change(work, held, values | ({"read_at": work.at} if whole else {}))


def rewind(work: Work, source: str, *, to: Mark | None) -> bool:
    """
    Set the mark of a source, by somebody's word; what it was told to forget is read anew.

    Returns:
        False, with nothing changed: the source was never read, or is being read now.
    """
    changed = work.connection.execute(
        update(pulls)
        .where(
            pulls.c.source == source,
            (pulls.c.lease_until.is_(None)) | (pulls.c.lease_until <= work.at),
        )
        .values(mark=None if to is None else marks.encode(to), due_at=work.at)
    )
    if not changed.rowcount:
        return False
    work.connection.execute(delete(pull_seen).where(pull_seen.c.source == source))
    work.note("pull.rewound", source, to=None if to is None else marks.encode(to))
    return True


def list_pulls(connection: Connection) -> Mapping[str, PullState]:
    """Return how far every source was read that ever was, by name."""
    return {
        row.source: PullState(
            source=row.source,
            mark=None if row.mark is None else marks.decode(row.mark),
            due_at=row.due_at,
            tried_at=row.tried_at,
            read_at=row.read_at,
            rows=row.rows,
            trouble=row.trouble,
        )
        for row in connection.execute(select(pulls).order_by(pulls.c.source))
    }


def _change(work: Work, held: PullClaim, values: Mapping[str, object]) -> None:
    changed = work.connection.execute(
        update(pulls)
        .where(pulls.c.source == held.source, pulls.c.fence == held.fence)
        .values(**values)
    )
    if not changed.rowcount:
        raise PullClaimLost
