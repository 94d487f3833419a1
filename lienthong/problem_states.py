"""
Where a problem stands: what a person decided about it, and what has happened since.

Only decisions are stored. Nothing is changed when a message fails or ends: that a resolved problem
is open again, or that one has settled itself, follows from the failures that there are.

Rule 1. Without a decision a problem is open while messages stand in it, then resolved by itself.
Rule 2. Acknowledged is the same, but known: new failures do not open it.
Rule 3. A resolved one is open again with the first failure after the decision, also when it is the
        failure of a message that had failed before; then rule 1 holds again.
Rule 4. An ignored one stays so, whatever comes; its messages are counted all the same.
Rule 5. One that a person reopened stays open until a person decides otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class GroupState(Enum):
    """Where a problem stands; the values are stored and shown."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class Act(Enum):
    """What a person decides; the values are those of the API and the command line."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    IGNORE = "ignore"
    REOPEN = "reopen"


_G = GroupState

AFTER: dict[Act, GroupState] = {
    Act.ACKNOWLEDGE: _G.ACKNOWLEDGED,
    Act.RESOLVE: _G.RESOLVED,
    Act.IGNORE: _G.IGNORED,
    Act.REOPEN: _G.OPEN,
}
ALLOWED: dict[Act, frozenset[GroupState]] = {
    Act.ACKNOWLEDGE: frozenset({_G.OPEN}),
    Act.RESOLVE: frozenset({_G.OPEN, _G.ACKNOWLEDGED}),
    Act.IGNORE: frozenset({_G.OPEN, _G.ACKNOWLEDGED, _G.RESOLVED}),
    Act.REOPEN: frozenset({_G.ACKNOWLEDGED, _G.RESOLVED, _G.IGNORED}),
}
EVENTS: dict[Act, str] = {
    Act.ACKNOWLEDGE: "problem.acknowledged",
    Act.RESOLVE: "problem.resolved",
    Act.IGNORE: "problem.ignored",
    Act.REOPEN: "problem.reopened",
}
"""Names of rows of the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a problem stands now."""

    state: GroupState
    is_reopened: bool
    """It failed again after a person had resolved it."""
    is_by_itself: bool
    """It is resolved because no message stands in it any more; no person said so."""


def standing(
    decided: GroupState, *, decided_at: datetime | None, last_at: datetime, affected: int
) -> Standing:
    """
    Return where a problem stands.

    Args:
        decided: What the last decision made it; open where there was none.
        decided_at: When; None where there was none.
        last_at: When a message last failed so.
        affected: How many messages stand in it.
    """
    is_reopened = decided is _G.RESOLVED and decided_at is not None and last_at > decided_at
    by_person = decided_at is not None and not is_reopened
    if decided is _G.IGNORED or (by_person and decided in (_G.OPEN, _G.RESOLVED)):
        return Standing(state=decided, is_reopened=False, is_by_itself=False)
    if not affected:
        return Standing(state=_G.RESOLVED, is_reopened=is_reopened, is_by_itself=True)
    state = _G.OPEN if is_reopened else decided
    return Standing(state=state, is_reopened=is_reopened, is_by_itself=False)
