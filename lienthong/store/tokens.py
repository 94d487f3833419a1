"""
The tokens that open the HTTP door: made once, shown once, kept as digests.

A token is its id and 256 random bits, so its plain SHA-256 is safe to keep: there is nothing to
guess. The id finds the row, the digest decides, compared in constant time. Making and revoking are
in the audit log; the token is nowhere but with the agency.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from lienthong.store.tables import door_tokens
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.store.work import Work

_TOKEN = re.compile(r"(?P<kind>[a-z]{2,3})_(?P<id>[0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODY = hashlib.sha256(b"").digest()
_DOOR = "lt"


@dataclass(frozen=True, slots=True)
class Secret:
    """A token that was just made: the only time that it is whole."""

    id: str
    token: str
    digest: bytes


def new_secret(kind: str) -> Secret:
    """Make a token of a kind, which it begins with."""
    token_id = secrets.token_hex(8)
    token = f"{kind}_{token_id}_{secrets.token_urlsafe(32)}"
    return Secret(token_id, token, _digest(token))


def id_in(presented: str, *, kind: str) -> str | None:
    """Return the id in what looks like a token of a kind, else None."""
    found = _TOKEN.fullmatch(presented)
    return found["id"] if found is not None and found["kind"] == kind else None


def is_its_digest(presented: str, digest: bytes | None) -> bool:
    """Tell in constant time whether a digest is that of a token; None is nobody's."""
    return hmac.compare_digest(_digest(presented), digest or _NOBODY) and digest is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of one token."""

    id: str
    agency: str
    made_at: datetime
    made_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it opens the door at a moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def make_token(work: Work, agency: str, *, expires_at: datetime | None) -> str:
    """Make a token of an agency and return it; it cannot be had again."""
    secret = new_secret(_DOOR)
    work.connection.execute(
        insert(door_tokens).values(
            id=secret.id,
            agency=agency,
            digest=secret.digest,
            made_at=work.at,
            made_by=work.actor,
            expires_at=expires_at,
        )
    )
    until = None if expires_at is None else expires_at.isoformat()
    work.note("token.made", secret.id, agency=agency, expires_at=until)
    return secret.token


def find_token(connection: Connection, presented: str, *, now: datetime) -> Token | None:
    """Return the token that was presented, or None when it opens nothing."""
    token_id = id_in(presented, kind=_DOOR)
    if token_id is None:
        return None
    row = connection.execute(select(door_tokens).where(door_tokens.c.id == token_id)).first()
    if not is_its_digest(presented, None if row is None else row.digest) or row is None:
        return None
    token = _token(row)
    return token if token.is_valid(now) else None


def list_tokens(connection: Connection, *, agency: str | None = None) -> list[Token]:
    """Return the tokens, those of one agency together, the earliest first."""
    query = select(door_tokens).order_by(
        door_tokens.c.agency, door_tokens.c.made_at, door_tokens.c.id
    )
    if agency is not None:
        query = query.where(door_tokens.c.agency == agency)
    return [_token(row) for row in connection.execute(query)]


def revoke_token(work: Work, token_id: str) -> None:
    """
    End a token now; one that is revoked already stays as it is.

    Raises:
        InputError: there is no such token.
    """
    row = work.connection.execute(select(door_tokens).where(door_tokens.c.id == token_id)).first()
    if row is None:
        raise token_not_found(token_id, listed_by="lienthong doors token list")
    if row.revoked_at is None:
        work.connection.execute(
            update(door_tokens).where(door_tokens.c.id == token_id).values(revoked_at=work.at)
        )
        work.note("token.revoked", token_id, agency=row.agency)


def token_not_found(token_id: str, *, listed_by: str) -> InputError:
    """Return the error for a token that does not exist."""
    return InputError(
        Problem(
            code="token.not_found",
            message=Text(vi=f"Không có mã truy cập {token_id}", en=f"No token {token_id}"),
            suggestion=Text(vi=f"Xem danh sách: {listed_by}", en=f"List them: {listed_by}"),
        )
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        agency=row.agency,
        made_at=row.made_at,
        made_by=row.made_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
