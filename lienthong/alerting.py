"""
From what is found now and what was known before: who is to be told of what. No store, no network.

As in Prometheus, something must be found again and again for the rule's time before anybody is
told, and once it is told, it must be gone for as long before it counts as ended: what flaps is one
alert. A pause in looking begins the time anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta  # msgspec reads the annotations
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from schemas.problem import Text  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

Key: TypeAlias = "tuple[str, str]"
"""Rule and subject."""
SHORTEST_CALM = timedelta(minutes=5)
"""What was told must be gone for so long at least before it is told that it ended."""


class Severity(Enum):
    """How soon somebody must act; the values are Prometheus' labels."""

    WARNING = "warning"
    CRITICAL = "critical"


class Kind(Enum):
    """What somebody is told of an alert; the values are published."""

    BEGAN = "began"
    REMINDER = "reminder"
    ENDED = "ended"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule finds now."""

    severity: Severity
    hold: timedelta
    words: Text
    step: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was found before."""

    since: datetime
    """Since when it has been found without a pause."""
    seen_at: datetime
    """When it was found last."""
    fired_at: datetime | None
    """When somebody was told first; None: not yet."""
    gone_at: datetime | None
    """Since when it has not been found, after it was told."""
    told_at: datetime | None
    """When somebody was told last that it holds."""
    silenced_until: datetime | None
    severity: Severity
    hold: timedelta
    words: Text
    step: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that somebody is told."""

    kind: Kind
    rule: str
    subject: str
    severity: Severity
    since: datetime
    words: Text
    step: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is known from now on, and what is to be told."""

    known: dict[Key, Known]
    notices: list[Notice]


def judge(
    known: Mapping[Key, Known],
    found: Mapping[Key, Found],
    *,
    now: datetime,
    gap: timedelta,
    remind: timedelta,
) -> Judged:
    """
    Return what is known from now on, and what is to be told.

    Args:
        known: What was found before.
        found: What is found now, by every rule that is looked at.
        now: The present moment.
        gap: After so long without a look, what nobody was told of yet begins anew.
        remind: After so long, what still holds is told again.
    """
    kept: dict[Key, Known] = {}
    notices: list[Notice] = []
    for key in sorted(known.keys() | found.keys()):
        before, here = known.get(key), found.get(key)
        after, kind = _judge_one(before, here, now=now, gap=gap, remind=remind)
        told = after or before
        if after is not None:
            kept[key] = after
        if kind is not None and told is not None:
            notices.append(_notice(kind, key, told))
    return Judged(known=kept, notices=notices)


def _judge_one(
    before: Known | None, here: Found | None, *, now: datetime, gap: timedelta, remind: timedelta
) -> tuple[Known | None, Kind | None]:
    if here is not None:
        return _holds(before, here, now=now, gap=gap, remind=remind)
    assert before is not None, "it is found now, or was before"
    return _is_gone(before, now=now)


def _holds(
    before: Known | None, here: Found, *, now: datetime, gap: timedelta, remind: timedelta
) -> tuple[Known, Kind | None]:
    is_new = before is None or (before.fired_at is None and now - before.seen_at > gap)
    one = Known(
        since=now if is_new or before is None else before.since,
        seen_at=now,
        fired_at=None if before is None else before.fired_at,
        gone_at=None,
        told_at=None if before is None else before.told_at,
        silenced_until=None if before is None else before.silenced_until,
        severity=here.severity,
        hold=here.hold,
        words=here.words,
        step=here.step,
    )
    if one.fired_at is None:
        if now - one.since < one.hold:
            return one, None
        return replace(one, fired_at=now, told_at=now), Kind.BEGAN
    is_silenced = one.silenced_until is not None and now < one.silenced_until
    if is_silenced or (one.told_at is not None and now - one.told_at < remind):
        return one, None
    return replace(one, told_at=now), Kind.REMINDER


def _is_gone(before: Known, *, now: datetime) -> tuple[Known | None, Kind | None]:
    if before.fired_at is None:
        return None, None
    if before.gone_at is None:
        return replace(before, gone_at=now), None
    if now - before.gone_at < max(before.hold, SHORTEST_CALM):
        return before, None
    return None, Kind.ENDED


def _notice(kind: Kind, key: Key, known: Known) -> Notice:
    rule, subject = key
    return Notice(
        kind=kind,
        rule=rule,
        subject=subject,
        severity=known.severity,
        since=known.since,
        words=known.words,
        step=known.step,
    )
