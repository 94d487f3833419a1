"""The Retry-After header: how long a target wants to be left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,15}", re.ASCII)


def parse_retry_after(
    value: str | None, *, date: str | None, now: datetime, longest: timedelta
) -> timedelta | None:
    """
    Return how long to wait from now on, more than zero and at most `longest`, or None.

    Args:
        value: The header: seconds, or a date of HTTP; anything else says nothing.
        date: The Date header of the same answer. A date to wait for is measured from it, so that
            it does not matter whose clock is wrong.
        now: Taken instead where there is no such header.
        longest: A longer wait is cut to it: a portal that errs must not stop us for a year.

    Source: RFC 9110, section 10.2.3.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        seconds = min(int(text), longest.total_seconds())
        return timedelta(seconds=seconds) if seconds else None
    until = _parse_date(text)
    if until is None:
        return None
    wait = min(until - (_parse_date(date or "") or now), longest)
    return wait if wait > timedelta(0) else None


def _parse_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is in UTC, as all dates of HTTP are.
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
