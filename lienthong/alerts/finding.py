"""
What rules look at, and how each finds what is wrong: plain functions of values.

No dossier, person or secret is named: agencies, holders of keys, workers and sources are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.pacing import Pace
from lienthong.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from lienthong.metrics.certificates import Ends
    from lienthong.metrics.measures import Measures

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that rules look at, at one moment."""

    now: datetime
    measures: Measures
    ends: Ends
    exchange: bool
    """Whether the exchange answers."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Holders whose key cannot sign, and the code of why."""
    stopped_jobs: tuple[str, ...] = ()
    """Ids of bulk replays that stopped by themselves."""
    disk_free_percent: int = 100
    disk_least_percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing for which a rule holds."""

    subject: str = ""
    """What tells it from the rule's other cases; empty where there is only one."""
    named: Mapping[str, str] = field(default_factory=dict)
    """For the words."""


def duration(time: timedelta) -> str:
    """Return a length of time as `humanizeDuration` of Prometheus writes it, to the minute."""
    total = abs(int(time.total_seconds()))
    days, hours, minutes = total // 86_400, total // 3600 % 24, total // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "m")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    sign = "-" if time < timedelta(0) else ""
    return sign + " ".join(f"{count}{unit}" for count, unit in parts)


def counted(counts: Mapping[str, int]) -> Iterator[Case]:
    """Find every agency of which there is at least one."""
    for agency, count in sorted(counts.items()):
        if count > 0:
            yield Case(subject=agency, named={"agency": agency, "value": str(count)})


def only(count: int) -> Iterator[Case]:
    """Find whether there is at least one."""
    if count > 0:
        yield Case(named={"value": str(count)})


def since(at: datetime | None, facts: Facts, limit: timedelta) -> Iterator[Case]:
    """Find whether something has waited for longer than the limit."""
    if at is not None and facts.now - at > limit:
        yield Case(named={"value": duration(facts.now - at)})


def standing(facts: Facts, states: tuple[State, ...], limit: timedelta) -> Iterator[Case]:
    """Find messages whose oldest has been in one of these states for longer than the limit."""
    for which, at in sorted(facts.measures.since.items(), key=lambda item: str(item[0])):
        if which.state in states and facts.now - at > limit:
            subject = f"{which.agency} {which.direction} {which.state.value}"
            named = {"agency": which.agency, "state": which.state.value}
            yield Case(subject=subject, named=named | {"value": duration(facts.now - at)})


def stuck(facts: Facts) -> Iterator[Case]:
    """Find messages that are parked or quarantined."""
    found: dict[tuple[str, str], int] = {}
    for which, count in facts.measures.messages.items():
        if which.state in (State.PARKED, State.QUARANTINED) and count:
            key = which.agency, which.direction
            found[key] = found.get(key, 0) + count
    for (agency, direction), count in sorted(found.items()):
        named = {"agency": agency, "value": str(count)}
        yield Case(subject=f"{agency} {direction}", named=named)


def broken(facts: Facts) -> Iterator[Case]:
    """Find workers whose breaker is open."""
    for one in facts.measures.flow.workers:
        if one.pace in (Pace.OPEN, Pace.PROBING):
            yield Case(subject=one.worker, named={"worker": one.worker})


def undelivered(facts: Facts) -> Iterator[Case]:
    """Find whether messages are due while no worker delivers."""
    flow = facts.measures.flow
    return only(0 if flow.workers else flow.backlog)


def unexpanded(facts: Facts) -> Iterator[Case]:
    """Find submissions that were received half an hour ago and are not expanded."""
    for side, queued in sorted(facts.measures.queued.items()):
        waited = facts.now - queued.oldest
        if waited > timedelta(minutes=30):
            named = {"agency": side.agency, "value": duration(waited)}
            yield Case(subject=f"{side.agency} {side.direction}", named=named)


def held(facts: Facts) -> Iterator[Case]:
    """Find submissions that wait for a key or a mapping."""
    for side, queued in sorted(facts.measures.queued.items()):
        if queued.held:
            named = {"agency": side.agency, "value": str(queued.held)}
            yield Case(subject=f"{side.agency} {side.direction}", named=named)


def keys_end(facts: Facts, within: timedelta) -> Iterator[Case]:
    """Find holders whose last key ends soon."""
    for holder, at in sorted(facts.ends.keys.items()):
        if at - facts.now < within:
            named = {"holder": holder, "value": duration(at - facts.now)}
            yield Case(subject=holder, named=named)


def trust_ends(facts: Facts) -> Iterator[Case]:
    """Find trusted certificates that end within 60 days."""
    for (use, name, fingerprint), at in sorted(facts.ends.trust.items()):
        if at - facts.now < 60 * DAY:
            named = {"use": use, "certificate": name, "value": duration(at - facts.now)}
            yield Case(subject=f"{use} {fingerprint}", named=named)


def stamps(facts: Facts, *, is_due: bool) -> Iterator[Case]:
    """Find whether the time-stamp of the audit log is late, or past its limit."""
    lack = facts.measures.sealed.countdown
    if lack is not None and facts.now > (lack.due_by if is_due else lack.warned_at):
        yield Case()


def discrepancies(facts: Facts) -> Iterator[Case]:
    """Find what the last comparisons with the portal left open, by agency."""
    counts: dict[str, int] = {}
    for run in facts.measures.compared:
        counts[run.agency] = counts.get(run.agency, 0) + sum(run.found.values())
    return counted(counts)


def uncompared(facts: Facts) -> Iterator[Case]:
    """Find whether the last comparison is longer ago than two days."""
    latest = max((run.ended_at for run in facts.measures.compared), default=None)
    return since(latest, facts, 2 * DAY)


def unread(facts: Facts) -> Iterator[Case]:
    """Find sources that cannot be read."""
    for one in facts.measures.pulled:
        if one.is_in_trouble:
            yield Case(subject=one.source, named={"source": one.source})


def forgotten_pauses(facts: Facts) -> Iterator[Case]:
    """Find pauses of more than a day that nobody gave an end."""
    for one in facts.measures.pauses:
        held = facts.now - one.since
        if one.until is None and held > DAY:
            named = {"of": one.subject, "what": one.what.value, "value": duration(held)}
            yield Case(subject=f"{one.subject} {one.what.value}", named=named)


def disk(facts: Facts) -> Iterator[Case]:
    """Find whether too little of the disk is free."""
    if facts.disk_free_percent < facts.disk_least_percent:
        yield Case(named={"value": str(facts.disk_free_percent)})
