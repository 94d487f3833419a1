"""What the HTTP status or the code of an answer says, whatever protocol is spoken over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Outcome
from lienthong.channels.profile import says
from lienthong.channels.retry_after import parse_retry_after

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.wire import Reply

REFUSED_STATUSES = {
    301: "redirects: the endpoint has moved",
    302: "redirects: the endpoint has moved",
    303: "redirects: the endpoint has moved",
    307: "redirects: the endpoint has moved",
    308: "redirects: the endpoint has moved",
    401: "wants a login",
    403: "forbids us",
    404: "has no such address",
    405: "takes no POST at this address",
    407: "wants a login at a proxy",
}
"""Statuses with which a target refuses us as a whole, whatever the message."""


def judge_status(
    status: int, *, has_body: bool, profile: TargetProfile
) -> tuple[Outcome, str] | None:
    """
    Return what the status settles, in words; None where the body has to be read.

    Args:
        status: None of REFUSED_STATUSES.
        has_body: Whether the body is an answer in the target's protocol.
        profile: Of the target.
    """
    if status in profile.busy_statuses and not has_body:
        return Outcome.BUSY, f"HTTP {status}: turned away"
    if status == 200:
        return None
    if status >= 500 or status < 200 or status == 408:
        # A gateway that gave up (502, 504), or a server that failed: either may have let the
        # request through first.
        return Outcome.UNKNOWN, f"HTTP {status}: the request may have taken effect"
    return Outcome.UNRECOGNISED, f"HTTP {status}"


def judge_refusal(code: str | None, message: str, *, profile: TargetProfile) -> Outcome:
    """Return what a code that is none of success means; a text tells two uses of one code apart."""
    by_text = (
        (profile.exists_codes, profile.exists_texts, Outcome.EXISTS),
        (profile.missing_codes, profile.missing_texts, Outcome.MISSING),
    )
    for codes, texts, outcome in by_text:
        if code in codes and (not texts or says(message, texts=texts)):
            return outcome
    if code in profile.rejected_codes:
        return Outcome.REJECTED
    if code in profile.busy_codes:
        return Outcome.BUSY
    return Outcome.UNRECOGNISED


def read_retry_after(reply: Reply, *, profile: TargetProfile, now: datetime) -> timedelta | None:
    """Return for how long the target wants to be left alone, within the profile's limit."""
    # Elsewhere the header is not defined, or is about a new address: RFC 9110, section 10.2.3.
    if reply.status not in profile.busy_statuses:
        return None
    return parse_retry_after(
        reply.retry_after, date=reply.date, now=now, longest=profile.retry_after_limit
    )
