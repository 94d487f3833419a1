"""What the answer to a login means for a delivery that waits for it: nothing of it has left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Outcome
from lienthong.channels.statuses import REFUSED_STATUSES, judge_status, read_retry_after

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.wire import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a login gave."""

    value: str = field(repr=False)
    lifetime: timedelta | None = None
    """None: what the target's profile says."""


def judge_login(reply: Reply | Answer, *, profile: TargetProfile, now: datetime) -> Reply | Answer:
    """Return a reply whose body is to be read, or what its failure amounts to for a delivery."""
    if isinstance(reply, Answer):
        # Whatever became of the login, nothing of the message has left.
        is_target = reply.outcome is Outcome.TARGET
        outcome = Outcome.TARGET if is_target else Outcome.NOT_SENT
        return replace(reply, outcome=outcome, detail=f"login: {reply.detail}")
    if reply.status in REFUSED_STATUSES:
        return refused_login(f"HTTP {reply.status}: {REFUSED_STATUSES[reply.status]}", reply)
    by_status = judge_status(reply.status, has_body=False, profile=profile)
    if by_status is not None and by_status[0] in (Outcome.BUSY, Outcome.UNKNOWN):
        outcome = Outcome.BUSY if by_status[0] is Outcome.BUSY else Outcome.NOT_SENT
        return Answer(
            outcome=outcome,
            detail=f"login: HTTP {reply.status}, nothing was sent",
            http_status=reply.status,
            raw=reply.body,
            retry_after=read_retry_after(reply, profile=profile, now=now),
        )
    return reply


def refused_login(why: str, reply: Reply, *, may_keep: bool = True) -> Answer:
    """Return what a login or session that was refused amounts to: nothing of the message left."""
    return Answer(
        outcome=Outcome.TARGET,
        detail=f"login: {why}; nothing was sent",
        http_status=reply.status,
        # An answer with a session in it is no evidence, but a key.
        raw=reply.body if may_keep else None,
    )
