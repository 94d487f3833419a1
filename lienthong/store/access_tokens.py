"""
The tokens that open the operators' HTTP API: made once, shown once, kept as digests.

As tokens of the HTTP door (`lienthong.store.tokens`), but what one may do are roles, each for some
agencies or for all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from lienthong.access.names import account_not_found, name_taken, normal_name
from lienthong.access.rights import Grant, Role
from lienthong.store.tables import access_tokens, accounts
from lienthong.store.tokens import id_in, is_its_digest, new_secret, token_not_found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.store.work import Work

KIND = "lto"
"""What these tokens begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What is known of one token."""

    id: str
    name: str
    grants: tuple[Grant, ...]
    made_at: datetime
    made_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it opens the API at a moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def make_access_token(
    work: Work,
    name: str,
    *,
    grants: Sequence[Grant],
    expires_at: datetime | None,
    for_account: bool = False,
) -> str:
    """
    Make a token for somebody and return it; it cannot be had again.

    Args:
        work: The transaction.
        name: Who uses it, as the audit log calls them.
        grants: What it may do.
        expires_at: None: not by itself.
        for_account: It is for the account of this name; it opens nothing while that is disabled.

    Raises:
        InputError: the name is that of an account and the token is not for it, or the reverse.
    """
    _check_name(work, name, for_account=for_account)
    # One person has one name in the audit log, by whatever they come in.
    name = normal_name(name) if for_account else name
    secret = new_secret(KIND)
    kept = written_grants(grants)
    work.connection.execute(
        insert(access_tokens).values(
            id=secret.id,
            name=name,
            digest=secret.digest,
            grants=kept,
            made_at=work.at,
            made_by=work.actor,
            expires_at=expires_at,
        )
    )
    until = None if expires_at is None else expires_at.isoformat()
    work.note("access.token_made", secret.id, name=name, grants=kept, expires_at=until)
    return secret.token


def find_access_token(
    connection: Connection, presented: str, *, now: datetime
) -> AccessToken | None:
    """Return the token that was presented, or None when it opens nothing."""
    token_id = id_in(presented, kind=KIND)
    if token_id is None:
        return None
    query = select(access_tokens).where(access_tokens.c.id == token_id)
    row = connection.execute(query).first()
    if not is_its_digest(presented, None if row is None else row.digest) or row is None:
        return None
    token = _token(row)
    is_open = token.is_valid(now) and not _is_of_disabled(connection, token.name)
    return token if is_open else None


def list_access_tokens(connection: Connection) -> list[AccessToken]:
    """Return the tokens, those of one name together, the earliest first."""
    query = select(access_tokens).order_by(
        access_tokens.c.name, access_tokens.c.made_at, access_tokens.c.id
    )
    return [_token(row) for row in connection.execute(query)]


def revoke_access_token(work: Work, token_id: str) -> None:
    """
    End a token now; one that is revoked already stays as it is.

    Raises:
        InputError: there is no such token.
    """
    which = access_tokens.c.id == token_id
    row = work.connection.execute(select(access_tokens).where(which)).first()
    if row is None:
        raise token_not_found(token_id, listed_by="lienthong access token list")
    if row.revoked_at is None:
        work.connection.execute(update(access_tokens).where(which).values(revoked_at=work.at))
        work.note("access.token_revoked", token_id, name=row.name)


def written_grants(grants: Sequence[Grant]) -> str:
    """Return grants as the store keeps them."""
    return json.dumps(
        [
            {
                "role": grant.role.value,
                "agencies": None if grant.agencies is None else sorted(grant.agencies),
            }
            for grant in grants
        ]
    )


def read_grants(kept: str) -> tuple[Grant, ...]:
    """Return grants as `written_grants` wrote them."""
    return tuple(
        Grant(
            role=Role(each["role"]),
            agencies=None if each["agencies"] is None else frozenset(each["agencies"]),
        )
        for each in json.loads(kept)
    )


def _check_name(work: Work, name: str, *, for_account: bool) -> None:
    query = select(accounts.c.id).where(accounts.c.name == normal_name(name))
    is_an_accounts = work.connection.execute(query).first() is not None
    if is_an_accounts and not for_account:
        raise name_taken()
    if for_account and not is_an_accounts:
        raise account_not_found()


def _is_of_disabled(connection: Connection, name: str) -> bool:
    query = select(accounts.c.disabled_at).where(accounts.c.name == normal_name(name))
    return connection.execute(query).scalar() is not None


def _token(row: Row[Any]) -> AccessToken:
    return AccessToken(
        id=row.id,
        name=row.name,
        grants=read_grants(row.grants),
        made_at=row.made_at,
        made_by=row.made_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
