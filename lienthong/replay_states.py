"""
The states of a bulk replay, and every change between them that may ever happen.

Theory. A job is a frozen list of messages and one verb. It *waits for a second person* (asked), it
*acts* (running), it *rests* (paused by a person, stopped by itself), or it has *ended*.

Rule 1. Nothing is acted on before another person has approved exactly what was frozen: the digest
        that they saw is computed anew from the messages and mappings as they are then, and a job
        of which anything differs is stale for good. Whoever still wants it asks again.
Rule 2. Only the runner that holds the lease acts, and only in `running`; what it did and what
        became of the item are one transaction, in which the job is still `running` under its fence.
Rule 3. A person may let a job rest and end at any time, also one that nobody approved yet.
Rule 4. A job that fails too often stops by itself, and goes on only by a person's word; from then
        on it is judged anew.
Rule 5. Ends are final. What a job has done it never takes back.
"""

from __future__ import annotations

from enum import Enum

from lienthong.states import MAY_DISCARD, MAY_REISSUE, MAY_RESEND, State

JUDGED_AFTER = 20
"""Messages that were acted on; fewer say nothing about the others."""


class Verb(Enum):
    """What can be done to a message; the values are those of the API."""

    RESEND = "resend"
    """The same signed document goes again, under the same id."""
    REISSUE = "reissue"
    """A new message is made of the same source, by the mapping as it is now."""
    DISCARD = "discard"
    """It ends without being sent."""


ALLOWED: dict[Verb, frozenset[State]] = {
    Verb.RESEND: MAY_RESEND,
    Verb.REISSUE: MAY_REISSUE,
    Verb.DISCARD: MAY_DISCARD,
}
"""In which states of a message it may be done."""


class JobState(Enum):
    """Where a job stands; the values are stored, shown and published."""

    ASKED = "asked"
    """Frozen; nobody has decided."""
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    """By itself: too many of its messages failed."""
    DECLINED = "declined"
    STALE = "stale"
    """What was frozen was not so any more when it was to be approved."""
    CANCELLED = "cancelled"
    DONE = "done"
    """Every item was acted on or refused."""


_J = JobState

JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _J.ASKED: frozenset({_J.RUNNING, _J.DECLINED, _J.STALE, _J.CANCELLED}),
    _J.RUNNING: frozenset({_J.PAUSED, _J.STOPPED, _J.CANCELLED, _J.DONE}),
    _J.PAUSED: frozenset({_J.RUNNING, _J.CANCELLED}),
    _J.STOPPED: frozenset({_J.RUNNING, _J.CANCELLED}),
    _J.DECLINED: frozenset(),
    _J.STALE: frozenset(),
    _J.CANCELLED: frozenset(),
    _J.DONE: frozenset(),
}
JOB_ENDS = frozenset(state for state, next_ in JOB_TRANSITIONS.items() if not next_)
