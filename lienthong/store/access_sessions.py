"""
People who are signed in: sessions, made anew at each login, kept as digests.

A session ends by itself when it was not used for a while, and after half a day whatever happens.
When it was last used is written down once a minute, so it may end that much earlier.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from lienthong.store.accounts import Account, lock_account, read_account
from lienthong.store.database import reading
from lienthong.store.tables import sessions
from lienthong.store.tokens import id_in, is_its_digest, new_secret
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.database import Store
    from lienthong.store.work import Work

KIND = "lts"
"""What these tokens begin with."""
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimes:
    """How long sessions last."""

    longest: timedelta
    idle: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One person who is signed in."""

    id: str
    account: Account
    totp_done: bool
    made_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that was just made: the only time that its token is whole."""

    id: str
    token: str = field(repr=False)
    expires_at: datetime


def make_session(
    work: Work, account: Account, *, times: SessionTimes, totp_done: bool
) -> NewSession:
    """Sign somebody in, and forget sessions that are over."""
    work.connection.execute(delete(sessions).where(sessions.c.expires_at <= work.at))
    secret = new_secret(KIND)
    expires_at = work.at + times.longest
    work.connection.execute(
        insert(sessions).values(
            id=secret.id,
            digest=secret.digest,
            account_id=account.id,
            totp_done=totp_done,
            made_at=work.at,
            seen_at=work.at,
            expires_at=expires_at,
        )
    )
    return NewSession(id=secret.id, token=secret.token, expires_at=expires_at)


def find_session(
    store: Store,
    presented: str,
    *,
    clock: Callable[[], datetime],
    times: SessionTimes,
    is_used: bool = True,
) -> Session | None:
    """
    Return the session whose token was presented, or None when it is none (any more).

    Unless it `is_used` by somebody, it ends as soon as if nobody had asked.
    """
    with reading(store) as connection:
        found = _find(connection, presented)
    now = clock()
    if found is None or not _lasts(found, now, times):
        return None
    if is_used and now - found.seen_at >= SEEN_EVERY:
        with begin(store, at=clock, actor=found.account.name) as work:
            which = (sessions.c.id == found.id) & (sessions.c.seen_at < work.at)
            work.connection.execute(update(sessions).where(which).values(seen_at=work.at))
    return found


def finish_session(work: Work, session_id: str) -> None:
    """Write down that whoever is signed in has shown a code of their app."""
    which = sessions.c.id == session_id
    work.connection.execute(update(sessions).where(which).values(totp_done=True))


def end_session(work: Work, session_id: str) -> None:
    """Sign somebody out; a session that is over stays so."""
    which = sessions.c.id == session_id
    row = work.connection.execute(select(sessions.c.account_id).where(which)).first()
    if row is None:
        return
    account = lock_account(work, row.account_id)
    if work.connection.execute(delete(sessions).where(which)).rowcount:
        work.note("access.logout", account.id, name=account.name)


def form_secret(token: str) -> str:
    """
    Return what a page of this session puts into its forms, so that no other site can send them.

    It follows from the token and says nothing about it, so it is kept nowhere.
    """
    return hmac.new(token.encode(), b"lienthong forms", "sha256").hexdigest()


def _find(connection: Connection, presented: str) -> Session | None:
    session_id = id_in(presented, kind=KIND)
    if session_id is None:
        return None
    row = connection.execute(select(sessions).where(sessions.c.id == session_id)).first()
    if not is_its_digest(presented, None if row is None else row.digest) or row is None:
        return None
    account = read_account(connection, row.account_id)
    return Session(
        id=row.id,
        account=account,
        totp_done=row.totp_done,
        made_at=row.made_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def _lasts(session: Session, now: datetime, times: SessionTimes) -> bool:
    is_over = now >= session.expires_at or now >= session.seen_at + times.idle
    return not is_over and session.account.can_sign_in
