"""Which status of a dossier follows which: what was seen and a cautious guess, nothing official."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mappings.tables import load_rows
from schemas.problem import Problem, Severity, Text

if TYPE_CHECKING:
    from schemas.problem import Place

FIELD = "TrangThaiHoSo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a snapshot says of its dossier's status, and where the agency says so."""

    code: str
    """Of the portal."""
    place: Place
    value: str | None
    """The agency's own word at that place."""


@cache
def known_transitions() -> frozenset[tuple[str, str]]:
    """Return the pairs (from, to) of TrangThaiHoSo that are known."""
    return frozenset((row["from"], row["to"]) for row in load_rows("status_transitions"))


def is_known(before: str, after: str) -> bool:
    """Return whether `after` may follow `before`; the same status again may."""
    return before == after or (before, after) in known_transitions()


def unseen_transition(before: str | None, status: Status | None) -> Problem | None:
    """
    Return a warning where a snapshot's status was never seen to follow the one before it.

    Args:
        before: Of the snapshot before it; None where that is not known, and nothing is said then.
        status: Of the snapshot.
    """
    if before is None or status is None or is_known(before, status.code):
        return None
    return Problem(
        code="value.status_transition",
        severity=Severity.WARNING,
        field=FIELD,
        place=status.place,
        value=status.value,
        message=Text(
            vi=f"trạng thái {before} của bản trước → {status.code} của bản này chưa từng gặp",
            en=f"status {before} of the snapshot before → {status.code} of this one was never seen",
        ),
        suggestion=Text(
            vi="kiểm tra trạng thái tại nguồn; có thể thiếu một bản ở giữa hoặc sai thứ tự",
            en="check the status at the source; a snapshot between may be missing or out of order",
        ),
    )
