"""
Requests of the operators' HTTP API that a caller may repeat: the first answer is given again.

A request is claimed under the caller's own key before anything is done and its answer is kept
after; what breaks off between the two is never done again by itself, because nobody knows how far
it came. Answers hold no personal data.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from lienthong.store.tables import api_requests

if TYPE_CHECKING:
    from lienthong.store.work import Work

KEPT = timedelta(days=7)
"""How long a repeat is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """A request that was made before under the same key."""

    is_same: bool
    """Whether it asked for the same."""
    answer: str | None
    """None: it broke off, or is under way."""


def claim_request(work: Work, principal: str, key: str, *, asked: bytes) -> KnownRequest | None:
    """
    Take a key for a request; return what is known of it where it was taken before.

    Args:
        work: A transaction of its own.
        principal: Who asks.
        key: The caller's.
        asked: Everything that the request says.
    """
    work.connection.execute(delete(api_requests).where(api_requests.c.made_at < work.at - KEPT))
    query = select(api_requests).where(
        api_requests.c.principal == principal, api_requests.c.key == key
    )
    row = work.connection.execute(query).first()
    if row is not None:
        is_same = hmac.compare_digest(sha256(row.salt + asked).digest(), row.digest)
        return KnownRequest(is_same=is_same, answer=row.answer)
    salt = secrets.token_bytes(16)
    work.connection.execute(
        insert(api_requests).values(
            principal=principal,
            key=key,
            salt=salt,
            digest=sha256(salt + asked).digest(),
            made_at=work.at,
        )
    )
    return None


def keep_answer(work: Work, principal: str, key: str, *, answer: str) -> None:
    """Keep what a request was answered."""
    work.connection.execute(
        update(api_requests)
        .where(api_requests.c.principal == principal, api_requests.c.key == key)
        .values(answer=answer)
    )


def forget_request(work: Work, principal: str, key: str) -> None:
    """Give a key back: nothing was done."""
    work.connection.execute(
        delete(api_requests).where(api_requests.c.principal == principal, api_requests.c.key == key)
    )
