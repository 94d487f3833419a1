"""
Working days: Monday to Friday, without public holidays, with the days that were swapped.

The days come from the packaged table `holidays`, which gives for each how sure it is. The first day
is not counted (Civil Code 2015 art. 147). Where a term touches a day that is not confirmed, or a
year whose holidays are not all known, the deadline is told to be uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from mappings.tables import load_rows

MAX_DAYS = 2_000
_OFF = frozenset({"holiday", "makeup", "swap_off"})
_MANY = 8
"""Holidays that a year has at least when all are known (Labour Code 2019 art. 112 names eleven)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Where a term ends."""

    day: date
    is_certain: bool
    """False where a day on the way may or may not have been worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked."""

    off: frozenset[date]
    worked: frozenset[date]
    """Saturdays and Sundays worked instead of another day."""
    doubtful: frozenset[date]
    years: frozenset[int]
    """Whose holidays are known."""

    def is_working(self, day: date) -> bool:
        """Return whether offices work on `day`."""
        if day in self.worked:
            return True
        return day.weekday() < 5 and day not in self.off

    def add_working_days(self, start: date, days: int) -> Deadline:
        """
        Return the last of `days` working days after `start`, 0 to 2,000; `start` is not counted.

        Raises:
            ValueError: too many days.
        """
        if not 0 <= days <= MAX_DAYS:
            raise ValueError(f"{days} days are not within 0..{MAX_DAYS}")
        day, is_certain = start, True
        while days:
            day += timedelta(days=1)
            is_certain = is_certain and day.year in self.years and day not in self.doubtful
            days -= self.is_working(day)
        return Deadline(day=day, is_certain=is_certain)


@cache
def load_calendar() -> Calendar:
    """Return the packaged calendar."""
    rows = [(date.fromisoformat(row["date"]), row) for row in load_rows("holidays")]
    off = frozenset(day for day, row in rows if row["kind"] in _OFF)
    return Calendar(
        off=off,
        worked=frozenset(day for day, row in rows if row["kind"] == "swap_work"),
        doubtful=frozenset(day for day, row in rows if row["status"].startswith("NOT")),
        years=frozenset(
            year
            for year in {day.year for day in off}
            if sum(day.year == year for day in off) >= _MANY
        ),
    )
