"""One problem: failures of one cause as they are counted, and what a person decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from lienthong.problem_states import standing

if TYPE_CHECKING:
    from datetime import datetime

    from lienthong.failures import Cause
    from lienthong.problem_states import GroupState, Standing


class Counts(NamedTuple):
    """What stands in a group now."""

    affected: int
    """Messages."""
    dossiers: int
    """Of these messages; those without a code are not counted."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Failures of one cause."""

    id: str
    cause: Cause
    first_at: datetime
    last_at: datetime
    """When a message last failed so."""
    last_message: str
    """Which did."""
    counts: Counts
    decided: GroupState
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    version: int
    """How often somebody decided about it."""

    @cached_property
    def standing(self) -> Standing:
        """Where it stands."""
        affected = self.counts.affected
        return standing(
            self.decided, decided_at=self.decided_at, last_at=self.last_at, affected=affected
        )
