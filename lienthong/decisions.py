"""
What follows from an attempt or a look-up: plain functions of values, no I/O.

The rules are P3 and P7 of the design. What a look-up proves, how long an empty answer does not
count, and what happens to a progress row that cannot be proven are settings of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lienthong.channels.port import Found, LookUp, Outcome, Packet
from lienthong.delivery_causes import DeliveryCause
from lienthong.states import State

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Wait(Enum):
    """When a message that did not end is taken up again."""

    NOW = "now"
    BACKOFF = "backoff"
    QUIET = "quiet"
    """When the target's quiet period is over."""
    PERSON = "person"
    """Not by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The state that follows, when to go on, and what was learnt about the dossier."""

    state: State
    wait: Wait = Wait.NOW
    portal_has_dossier: bool | None = None
    """True or False where the answer settled it, else None."""
    reason: str = ""
    cause: DeliveryCause | None = None
    """Of what went wrong; None where nothing did, or where it goes on as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFate:
    """What is known of a message whose fate is open."""

    packet: Packet
    was_update: bool
    document_digest: str
    """Hex SHA-256 of the signed document."""
    unknown_since: datetime
    failures: int = 1
    """Attempts and look-ups in a row that settled nothing, the lost answer included."""


NOTHING_DONE = {
    Outcome.BUSY: "the portal is busy",
    Outcome.NOT_SENT: "the portal cannot be reached",
    Outcome.WITHHELD: "nothing was sent for a reason of our own; its last attempt says which",
    Outcome.TARGET: "the portal refuses us as a whole: login, certificate or address",
}
"""Outcomes after which the same message may go again, in words."""
_CAUSES = {
    Outcome.BUSY: DeliveryCause.BUSY,
    Outcome.NOT_SENT: DeliveryCause.UNREACHABLE,
    Outcome.WITHHELD: DeliveryCause.WITHHELD,
    Outcome.TARGET: DeliveryCause.LOCKED_OUT,
}


def after_send(
    outcome: Outcome,
    *,
    packet: Packet,
    was_update: bool,
    target_is_suspect: bool = False,
    rows: int = 1,
) -> Next:
    """
    Return what follows from one attempt.

    Args:
        outcome: Of the attempt.
        packet: That was sent.
        was_update: Whether it was sent as an update.
        target_is_suspect: Whether answers never seen before came several in a row: they are then
            the target's trouble, and quarantining every message would need a person for each.
        rows: How many messages the call held. That it was refused says of none which was meant.
    """
    if outcome is Outcome.DELIVERED:
        return Next(state=State.DELIVERED, portal_has_dossier=True)
    if rows > 1 and outcome in (Outcome.REJECTED, Outcome.EXISTS, Outcome.MISSING):
        return Next(state=State.RETRYING, reason="refused together with others: it goes alone")
    if outcome is Outcome.EXISTS:
        if packet is Packet.DOSSIER and not was_update:
            return Next(
                state=State.RETRYING, portal_has_dossier=True, reason="the portal has it: update"
            )
        return Next(
            state=State.QUARANTINED,
            wait=Wait.PERSON,
            reason="the portal says 'exists' to something that was not an add",
            cause=DeliveryCause.EXISTS,
        )
    if outcome is Outcome.MISSING:
        return _after_missing(is_update=packet is Packet.DOSSIER and was_update)
    if outcome is Outcome.REJECTED:
        return Next(
            state=State.PARKED,
            wait=Wait.PERSON,
            reason="refused by the portal",
            cause=DeliveryCause.REFUSED,
        )
    if outcome is Outcome.UNSENDABLE:
        return Next(
            state=State.PARKED,
            wait=Wait.PERSON,
            reason="the portal does not take its values; nothing was sent, the attempt says which",
            cause=DeliveryCause.UNSENDABLE,
        )
    if outcome is Outcome.UNRECOGNISED and target_is_suspect:
        # Its effect is as open as after no answer. Not at once: the target is left alone first.
        return Next(
            state=State.UNKNOWN,
            wait=Wait.BACKOFF,
            reason="answers never seen before, several in a row: the portal is asked",
            cause=DeliveryCause.STRANGE_ANSWERS,
        )
    if rows > 1 and outcome is Outcome.UNRECOGNISED:
        # It may mean one row, and the others may be there: neither sent again nor stopped at once.
        return Next(
            state=State.UNKNOWN,
            reason="an answer never seen before, to several rows: the portal is asked",
            cause=DeliveryCause.UNRECOGNISED,
        )
    if outcome is Outcome.UNRECOGNISED:
        return Next(
            state=State.QUARANTINED,
            wait=Wait.PERSON,
            reason="an answer never seen before",
            cause=DeliveryCause.UNRECOGNISED,
        )
    if outcome is Outcome.UNKNOWN:
        return Next(
            state=State.UNKNOWN,
            reason="no usable answer: the portal is asked",
            cause=DeliveryCause.NO_ANSWER,
        )
    return Next(
        state=State.RETRYING,
        wait=Wait.BACKOFF,
        reason=NOTHING_DONE[outcome],
        cause=_CAUSES[outcome],
    )


def _after_missing(*, is_update: bool) -> Next:
    if is_update:
        return Next(
            state=State.RETRYING,
            wait=Wait.BACKOFF,
            portal_has_dossier=False,
            reason="the portal does not have it: add",
        )
    return Next(
        state=State.QUARANTINED,
        wait=Wait.PERSON,
        reason="the portal says 'does not exist' to something that was not an update",
        cause=DeliveryCause.MISSING,
    )


_TO_AGENCY = {
    "refused by the portal": "refused by the agency",
    "an answer never seen before": "an internal error while it was handed over; see the log",
    "no usable answer: the portal is asked": "whether it arrived is not known: it goes again",
    "not there after the quiet period: it goes again": "it is safe to send again, under its own id",
    "the portal is busy": "the agency does not take it now",
    "the portal cannot be reached": "the agency cannot be reached",
    "the portal refuses us as a whole: login, certificate or address": (
        "the agency refuses us as a whole: login, certificate or address"
    ),
}


def reason_to_agency(reason: str) -> str:
    """Return how a reason is said of what goes to an agency."""
    return _TO_AGENCY.get(reason, reason)


def not_before_retry_after(
    due_at: datetime | None, *, retry_after: timedelta | None, now: datetime
) -> datetime | None:
    """Return `due_at`, or the later moment that the target asked for; None stays None."""
    if due_at is None or retry_after is None:
        return due_at
    return max(due_at, now + retry_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpRules:
    """What a target's look-up proves; part of the target's profile."""

    shows_content: bool
    """True when the look-up shows the digest of what is in effect."""
    quiet_period: timedelta
    """Longer than the portal's slowest commit: before it ends, an absence proves nothing."""
    resend_unproven_progress: bool
    """True when an unprovable progress row is sent again; False leaves it to a person."""


def after_look_up(answer: LookUp, *, fate: OpenFate, rules: LookUpRules, now: datetime) -> Next:
    """Return what a look-up says about a message whose fate is open."""
    if answer.found is Found.WITHHELD:
        return Next(
            state=State.UNKNOWN,
            wait=Wait.BACKOFF,
            reason="the portal was not asked for a reason of our own; the last look-up says which",
            cause=DeliveryCause.LOOK_UP_WITHHELD,
        )
    if answer.found is Found.FAILED:
        return Next(
            state=State.UNKNOWN,
            wait=Wait.BACKOFF,
            reason="the look-up failed",
            cause=DeliveryCause.LOOK_UP_FAILED,
        )
    if fate.packet is Packet.PROGRESS:
        return _after_progress_look_up(answer, fate=fate, rules=rules, now=now)
    if answer.found is Found.ABSENT:
        return _after_absence(fate, rules=rules, now=now, portal_has_dossier=False)
    if answer.digest is not None:
        if answer.digest == fate.document_digest:
            return Next(
                state=State.DELIVERED, portal_has_dossier=True, reason="the portal shows it"
            )
        return _after_absence(fate, rules=rules, now=now, portal_has_dossier=True)
    if fate.was_update:
        return Next(
            state=State.READY,
            # Once at once; a portal that keeps dropping answers is not asked in a tight circle.
            wait=Wait.NOW if fate.failures <= 1 else Wait.BACKOFF,
            portal_has_dossier=True,
            reason="existence does not prove an update: the same snapshot goes again",
        )
    return Next(state=State.DELIVERED, portal_has_dossier=True, reason="existence settles the add")


def _after_progress_look_up(
    answer: LookUp, *, fate: OpenFate, rules: LookUpRules, now: datetime
) -> Next:
    if fate.document_digest in answer.progress_digests:
        return Next(state=State.DELIVERED, reason="the portal shows the progress row")
    if rules.shows_content or rules.resend_unproven_progress:
        return _after_absence(fate, rules=rules, now=now, portal_has_dossier=None)
    return Next(
        state=State.UNKNOWN,
        wait=Wait.PERSON,
        reason="the portal's look-up cannot prove a progress row",
        cause=DeliveryCause.UNPROVEN,
    )


def _after_absence(
    fate: OpenFate, *, rules: LookUpRules, now: datetime, portal_has_dossier: bool | None
) -> Next:
    if now - fate.unknown_since < rules.quiet_period:
        return Next(
            state=State.UNKNOWN, wait=Wait.QUIET, reason="not there yet, and may still arrive"
        )
    return Next(
        state=State.READY,
        # As above: without a quiet period nothing else slows the circle down.
        wait=Wait.NOW if fate.failures <= 1 or rules.quiet_period else Wait.BACKOFF,
        portal_has_dossier=portal_has_dossier,
        reason="not there after the quiet period: it goes again",
    )
