"""
One column: its values vote, together, for what they were misread from.

A value votes with its evidence for every encoding that makes all its words Vietnamese, if it is
not right as it stands. Nothing of the values is kept but the sums.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from adapters.doctor.diagnosis import ENOUGH, Diagnosis, diagnose
from adapters.doctor.misreading import Misreading
from adapters.doctor.weighing import readings, weigh

_MARGIN = 3.0
_MOST_EXPLAINED = 0.6
"""Share of the values that are not right which one encoding must explain."""
_PLAIN_WORDS = 3
"""Values in plain ASCII for each in VIQR that a column of VIQR may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a column was judged to be."""

    misreadings: tuple[Misreading, ...]
    """Empty: right as it stands, or nothing that agrees."""
    is_pure: bool
    """Whether no value proves to be right as it stands."""
    values: int
    """Values that had something to judge by."""
    evidence: float
    """Nats, for `misreadings`."""

    def diagnose(self, text: str, *, font: str | None = None) -> Diagnosis:
        """Return what is wrong with one value of this column."""
        return diagnose(text, column=self.misreadings, is_pure=self.is_pure, font=font)


RIGHT_COLUMN = Judgement(misreadings=(), is_pure=False, values=0, evidence=0.0)
"""Of which nothing is known: each value is looked at alone."""


class ColumnVote:
    """Values of one column, as they come."""

    def __init__(self) -> None:
        self._evidence: defaultdict[tuple[Misreading, ...], float] = defaultdict(float)
        self._explained: Counter[tuple[Misreading, ...]] = Counter()
        self._values = self._proven = self._wrong = self._plain = 0
        self._oddity = 0.0

    def add(self, text: str) -> None:
        """Let one value vote."""
        as_it_is = weigh(text)
        if text.isascii() and not as_it_is.oddity:
            self._plain += any(map(str.isalpha, text))
            return
        self._values += 1
        self._proven += as_it_is.is_proven
        if as_it_is.is_right:
            return
        self._wrong += 1
        for reading in readings(text):
            if reading.net > 0:
                self._evidence[reading.misreadings] += reading.net
                self._explained[reading.misreadings] += 1
        self._oddity += as_it_is.oddity

    def judge(self) -> Judgement:
        """Return what the votes say so far."""
        chosen: tuple[Misreading, ...] = ()
        evidence = 0.0
        for misreadings, found in sorted(self._evidence.items(), key=lambda e: -e[1])[:1]:
            rivals = [other for kind, other in self._evidence.items() if kind != misreadings]
            is_clear = found - max(rivals, default=0.0) >= _MARGIN
            explains = self._explained[misreadings] >= _MOST_EXPLAINED * self._wrong
            if is_clear and explains and found + self._oddity >= ENOUGH:
                chosen, evidence = misreadings, found + self._oddity
        return Judgement(
            misreadings=chosen,
            is_pure=self._proven == 0 and not self._is_hardly_typed(chosen),
            values=self._values,
            evidence=evidence,
        )

    def _is_hardly_typed(self, chosen: tuple[Misreading, ...]) -> bool:
        """Whether so little of a column is VIQR that its plain words may be just that."""
        return chosen == (Misreading.VIQR,) and self._plain > _PLAIN_WORDS * self._explained[chosen]
