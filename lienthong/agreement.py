"""Whether the store and a sandbox portal agree, dossier by dossier: plain functions of values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lienthong.sandbox import Ledger
    from lienthong.store.queries import DeliveredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a comparison found; every list is empty when both agree."""

    dossiers: int
    """Dossiers with something delivered or in effect."""
    missing: tuple[str, ...]
    """Messages delivered according to us, without an effect at the portal."""
    unannounced: tuple[str, ...]
    """Messages in effect at the portal that we do not call delivered."""
    doubled: tuple[str, ...]
    """Messages that took effect more than once."""
    differing: tuple[str, ...]
    """Messages whose document in effect is not the one we keep."""
    disordered: tuple[str, ...]
    """Dossiers whose effects did not happen in our order."""
    repeats: int
    """Deliveries at the portal that were not the first of their message."""
    fates: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """What the portal answered to each delivery of a repeated message, and how often."""

    @property
    def holds(self) -> bool:
        """Nothing is missing, doubled, different or out of order."""
        return not (
            self.missing or self.unannounced or self.doubled or self.differing or self.disordered
        )


def compare(delivered: Sequence[DeliveredEvent], ledger: Ledger) -> Agreement:
    """
    Compare what we call delivered with what took effect at the portal.

    Args:
        delivered: Per dossier in our order.
        ledger: The sandbox's own record.
    """
    ours = {event.message_id: event for event in delivered}
    theirs: dict[str, str] = {effect.message_id: effect.digest for effect in ledger.effects}
    both = ours.keys() & theirs.keys()
    sequence = {event.message_id: event.sequence for event in delivered}
    disordered = [
        code
        for code, effects in ledger.effects_by_dossier.items()
        if not _rises([sequence[e.message_id] for e in effects if e.message_id in sequence])
    ]
    repeated = {key: rows for key, rows in ledger.arrivals_by_message.items() if len(rows) > 1}
    codes = {event.dossier_code for event in delivered} | set(ledger.effects_by_dossier)
    return Agreement(
        dossiers=len(codes),
        missing=tuple(sorted(ours.keys() - theirs.keys())),
        unannounced=tuple(sorted(theirs.keys() - ours.keys())),
        doubled=ledger.doubled_effects,
        differing=tuple(sorted(key for key in both if ours[key].document_digest != theirs[key])),
        disordered=tuple(sorted(disordered)),
        repeats=ledger.repeats,
        fates=Counter(tuple(row.outcome for row in rows) for rows in repeated.values()),
    )


def _rises(numbers: Sequence[int]) -> bool:
    return all(earlier <= later for earlier, later in pairwise(numbers))
