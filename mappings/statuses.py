"""Which status of a dossier follows which: what was seen and a cautious guess, nothing official."""

from __future__ import annotations

from functools import cache

from mappings.tables import load_rows


@cache
def known_transitions() -> frozenset[tuple[str, str]]:
    """Return the pairs (from, to) of TrangThaiHoSo that are known."""
    return frozenset((row["from"], row["to"]) for row in load_rows("status_transitions"))


def is_known(before: str, after: str) -> bool:
    """Return whether `after` may follow `before`; the same status again may."""
    return before == after or (before, after) in known_transitions()
