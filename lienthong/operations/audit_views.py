"""What operations show of a check of the audit log."""

from __future__ import annotations

from datetime import datetime

from lienthong.evidence.telling import Tone
from lienthong.operations.views import View, Words


class FaultView(View):
    """One thing that is not as it was written; either number says where."""

    code: str
    row: int | None
    seal: int | None
    words: Words


class WitnessView(View):
    """What comparing with one witness gave."""

    name: str
    seals: int
    newest: int | None
    trouble: Words | None
    """Why it could not be asked."""


class ToldView(View):
    """One sentence of what was found."""

    words: Words
    tone: Tone


class CheckedView(View):
    """What a walk over the whole log found."""

    at: datetime
    """When it began."""
    is_whole: bool
    """Nothing was changed."""
    rows: int
    seals: int
    unsealed: int
    """Rows after the last seal, of which one that is deleted is not noticed."""
    erased: int
    """Rows whose detail was erased, with their proof whole."""
    untagged: int
    stamps: int
    stamped_seal: int | None
    """Everything up to this seal was there when it was time-stamped."""
    stamped_at: datetime | None
    witnesses: list[WitnessView]
    faults: list[FaultView]
    """The first position first; at most 100."""
    more_faults: int
    words: list[ToldView]
    """The same as `lienthong audit verify` says it."""
