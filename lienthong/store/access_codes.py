"""
Codes by which a password is set once: of a new or reset account, and of the very first one.

Kept as digests, as tokens are. There is one code of each account at most, and one of the first;
a newer one takes the place of an older.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from lienthong.store.tables import access_codes
from lienthong.store.tokens import id_in, is_its_digest, new_secret

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.work import Work

KIND = "ltc"
"""What these codes begin with."""
LASTS = timedelta(hours=24)
FIRST_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was just made: the only time that it is whole."""

    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code that was presented and counts."""

    id: str
    account_id: str | None
    """Whose password it sets; None: it makes the first account."""


def make_code(work: Work, account_id: str | None) -> Code:
    """Make a code of an account, or of the first one, and return it; it cannot be had again."""
    table = access_codes
    work.connection.execute(
        delete(table).where(table.c.account_id.is_not_distinct_from(account_id))
    )
    work.connection.execute(delete(table).where(table.c.expires_at <= work.at))
    secret = new_secret(KIND)
    expires_at = work.at + (FIRST_LASTS if account_id is None else LASTS)
    work.connection.execute(
        insert(table).values(
            id=secret.id, digest=secret.digest, account_id=account_id, expires_at=expires_at
        )
    )
    work.note("access.code_made", account_id or "first", expires_at=expires_at.isoformat())
    return Code(secret.token, expires_at)


def find_code(connection: Connection, presented: str, *, at: datetime) -> FoundCode | None:
    """Return the code that was presented, or None where it is none that counts."""
    code_id = id_in(presented, kind=KIND)
    if code_id is None:
        return None
    row = connection.execute(select(access_codes).where(access_codes.c.id == code_id)).first()
    if not is_its_digest(presented, None if row is None else row.digest) or row is None:
        return None
    return FoundCode(row.id, row.account_id) if at < row.expires_at else None


def use_code(work: Work, code: FoundCode) -> bool:
    """Use a code up; tell whether nobody has before."""
    which = (access_codes.c.id == code.id) & (access_codes.c.expires_at > work.at)
    return work.connection.execute(delete(access_codes).where(which)).rowcount == 1
