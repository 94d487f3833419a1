"""
The states of a message, and every change between them that may ever happen.

Theory. A message is one dossier event on its way to the portal. It *waits* (held, ready,
retrying), it is *out* (sending), its fate is *open* (unknown), it *needs somebody* (parked,
quarantined, rejected), or it has *ended* (delivered, reissued, discarded, superseded).

Rule 1. Everything that affects a state goes through `TRANSITIONS`; the store refuses the rest.
Rule 2. `sending` is written before the first byte leaves. A lease that ends in `sending` means
        the fate is open: the only way on is through `unknown`, never back to a waiting state.
        One whose worker died in `sending` again and again is parked from there once the portal
        has said that it has it not, and so is one whose stored document is damaged.
Rule 3. `unknown` is left only by asking the portal, or by a person who resends.
Rule 4. Nothing leaves `parked` or `quarantined` by itself, with one exception: a newer valid
        snapshot supersedes parked (and rejected) snapshots of its dossier, because the agency
        has corrected itself. It never supersedes one whose fate is open.
Rule 5. Ends are final. `delivered` may be followed by a reissue, which is a new message.
Rule 6. A held message is rejected when one of its files turns out to be wrong: it was never ready.
        One whose files cannot be had is superseded by a newer valid snapshot, like a rejected one.
Rule 7. One exception: what the portal was asked for twice, and does not have any more, a person may
        let go again. It is then ready, or held behind its dossier, like any other message.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a message stands; the values are stored, shown and published."""

    RECEIVED = "received"
    """Taken from its submission, not yet judged; exists only inside one transaction."""
    REJECTED = "rejected"
    """Its record cannot become a valid document; the agency must correct it."""
    HELD = "held"
    """Valid, but an earlier message of its dossier has not ended, or a file of it is not there."""
    READY = "ready"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    RETRYING = "retrying"
    PARKED = "parked"
    QUARANTINED = "quarantined"
    REISSUED = "reissued"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"


_S = State

TRANSITIONS: dict[State, frozenset[State]] = {
    _S.RECEIVED: frozenset({_S.REJECTED, _S.HELD, _S.READY, _S.SUPERSEDED}),
    _S.HELD: frozenset({_S.READY, _S.REJECTED, _S.DISCARDED, _S.SUPERSEDED}),
    _S.READY: frozenset({_S.SENDING, _S.DISCARDED, _S.PARKED}),
    _S.SENDING: frozenset({_S.DELIVERED, _S.UNKNOWN, _S.RETRYING, _S.PARKED, _S.QUARANTINED}),
    _S.RETRYING: frozenset({_S.SENDING, _S.DISCARDED, _S.PARKED}),
    _S.UNKNOWN: frozenset({_S.DELIVERED, _S.READY}),
    _S.PARKED: frozenset({_S.READY, _S.REISSUED, _S.DISCARDED, _S.SUPERSEDED}),
    _S.QUARANTINED: frozenset({_S.READY, _S.REISSUED, _S.DISCARDED}),
    _S.REJECTED: frozenset({_S.REISSUED, _S.DISCARDED, _S.SUPERSEDED}),
    _S.DELIVERED: frozenset({_S.REISSUED, _S.READY, _S.HELD}),
    _S.REISSUED: frozenset(),
    _S.DISCARDED: frozenset(),
    _S.SUPERSEDED: frozenset(),
}

UNFINISHED = frozenset(
    {
        _S.HELD,
        _S.READY,
        _S.SENDING,
        _S.RETRYING,
        _S.UNKNOWN,
        _S.PARKED,
        _S.QUARANTINED,
    }
)
"""A message in one of these keeps later messages of its dossier waiting."""

NEEDS_SOMEBODY = frozenset({_S.PARKED, _S.QUARANTINED, _S.REJECTED})
IN_TROUBLE = NEEDS_SOMEBODY | {_S.UNKNOWN, _S.RETRYING, _S.HELD}
"""In these a message that has failed still stands in what it failed of."""
MAY_RESEND = frozenset({_S.PARKED, _S.QUARANTINED, _S.UNKNOWN})
MAY_REISSUE = frozenset(state for state, next_ in TRANSITIONS.items() if _S.REISSUED in next_)
MAY_CORRECT = MAY_REISSUE & NEEDS_SOMEBODY
"""
Nothing of these is in effect at the portal. What was delivered is what the agency said, so that
only the agency may say otherwise; one whose fate is open may be in effect.
"""
MAY_DISCARD = frozenset(state for state, next_ in TRANSITIONS.items() if _S.DISCARDED in next_)


class ForbiddenTransition(Exception):
    """A bug: code tried a change that `TRANSITIONS` does not know."""


def check_transition(old: State, new: State) -> None:
    """Raise ForbiddenTransition unless a message may go from `old` to `new`."""
    if new not in TRANSITIONS[old]:
        raise ForbiddenTransition(f"a message may not go from {old.value} to {new.value}")
