"""The finding that a text was read right after a repair: it asks for nothing to be mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.doctor.misreading import Misreading
from schemas.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

REPAIRED = "text.repaired"
"""Its code, by which it is known where only the code was kept."""
_MISREADINGS = frozenset(misreading.value for misreading in Misreading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair(Problem):
    """One text that was repaired."""

    encoding: str
    """What it was misread from, else the first of the other steps, for example "references"."""


def encoding_of(steps: Sequence[str]) -> str:
    """Return what stands for the steps of one repair where repairs are counted."""
    return next((step for step in steps if step in _MISREADINGS), steps[0])
