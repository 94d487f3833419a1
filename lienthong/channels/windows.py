"""
Maintenance windows of a target: times in which no call is started and nothing counts as trouble.

A window is written as the portal announces it, in wall-clock time of the target's zone:

    Sun 22:00-04:00                        begins on Sunday, ends on Monday
    Mon-Fri 12:00-12:30                    also Sat-Mon, and lists: Mon,Thu
    daily 23:30-00:15                      24:00 is the end of a day
    2026-12-01T22:00/2026-12-02T04:00      once

The end is the first moment that is open again. Windows may overlap and follow each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
MINUTES_OF_WEEK = 7 * 24 * 60
LONGEST = timedelta(days=31)
"""Of a window that comes once: a longer one is rather a slip of the pen in its year or month."""

_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_WEEKLY = re.compile(rf"([a-z,\- ]+?) +{_CLOCK} ?- ?(?:{_CLOCK}|(24:00))", re.ASCII)
_ONCE = re.compile(rf"(\d{{4}}-\d\d-\d\dt{_CLOCK}) ?/ ?(\d{{4}}-\d\d-\d\dt{_CLOCK})", re.ASCII)
_FORMS = (
    "'Sun 22:00-04:00', 'Mon-Fri 12:00-12:30', 'daily 23:30-00:15', "
    "'2026-12-01T22:00/2026-12-02T04:00'"
)


class WrongWindow(ValueError):
    """A maintenance window, or all of them together, cannot be meant; mend the settings."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyWindow:
    """A window that comes every week, at most a day long."""

    days: frozenset[int]
    """On which it begins; 0 is Monday."""
    begins: time
    ends: time
    """Of the same day; not after `begins`: of the next."""

    @property
    def minutes(self) -> int:
        """How long it is by the wall clock; 1 to 1440."""
        return (_minute(self.ends) - _minute(self.begins) - 1) % 1440 + 1

    def end_at(self, now: datetime, *, zone: tzinfo) -> datetime | None:
        """Return the end of the window that covers `now`, or None."""
        today = now.astimezone(zone).date()
        for day in (today - DAY, today):
            if day.weekday() in self.days:
                last = day if self.begins < self.ends else day + DAY
                begins = datetime.combine(day, self.begins, zone).astimezone(UTC)
                ends = datetime.combine(last, self.ends, zone).astimezone(UTC)
                if begins <= now < ends:
                    return ends
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWindow:
    """A window that comes once."""

    begins: datetime
    """In the target's wall-clock time, without a zone."""
    ends: datetime

    def end_at(self, now: datetime, *, zone: tzinfo) -> datetime | None:
        """Return the end of the window if it covers `now`, or None."""
        ends = self.ends.replace(tzinfo=zone).astimezone(UTC)
        return ends if self.begins.replace(tzinfo=zone).astimezone(UTC) <= now < ends else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """All maintenance windows of one target."""

    each: tuple[WeeklyWindow | OneWindow, ...] = ()
    zone: tzinfo | None = None
    """Needed where there are windows."""

    def closed_until(self, now: datetime) -> datetime | None:
        """Return when the target may be called again, in UTC, or None when it may be now."""
        at = now
        while (end := self._end_at(at)) is not None:
            # Another window may begin before this one ends, or as it does.
            at = end
        return None if at is now else at

    def _end_at(self, at: datetime) -> datetime | None:
        if self.zone is None:
            return None
        ends = (window.end_at(at, zone=self.zone) for window in self.each)
        return max((end for end in ends if end is not None), default=None)


def parse_windows(texts: Iterable[str], *, zone: tzinfo) -> Windows:
    """
    Return the windows that are meant.

    Raises:
        WrongWindow: naming every text that is none, or that all together are always closed.
    """
    each: list[WeeklyWindow | OneWindow] = []
    wrong: list[Text] = []
    for text in texts:
        try:
            each.append(parse_window(text))
        except WrongWindow as error:
            wrong.append(error.text)
    if not wrong and _are_always_closed(each):
        wrong.append(
            Text(
                vi="các khung giờ bảo trì phủ kín cả tuần: sẽ không bao giờ gửi được gì",
                en="the maintenance windows cover the whole week: nothing would ever be sent",
            )
        )
    if wrong:
        raise WrongWindow(
            Text(vi="; ".join(one.vi for one in wrong), en="; ".join(one.en for one in wrong))
        )
    return Windows(each=tuple(each), zone=zone)


def parse_window(text: str) -> WeeklyWindow | OneWindow:
    """
    Return the window that `text` means.

    Raises:
        WrongWindow: with the text and the forms that are known.
    """
    plain = " ".join(text.split()).lower()
    if once := _ONCE.fullmatch(plain):
        return _parse_once(once[1], once[4], text=text)
    weekly = _WEEKLY.fullmatch(plain)
    days = _parse_days(weekly[1]) if weekly else None
    if weekly is None or days is None:
        raise _wrong(
            text, Text(vi=f"cần một trong các dạng {_FORMS}", en=f"expected a form like {_FORMS}")
        )
    begins = time(int(weekly[2]), int(weekly[3]))
    ends = time() if weekly[6] else time(int(weekly[4]), int(weekly[5]))
    if begins == ends and not weekly[6]:
        raise _wrong(
            text,
            Text(
                vi="bắt đầu và kết thúc trùng nhau; cả ngày thì ghi 00:00-24:00",
                en="it ends when it begins; a whole day is 00:00-24:00",
            ),
        )
    return WeeklyWindow(days=days, begins=begins, ends=ends)


def _parse_once(begins: str, ends: str, *, text: str) -> OneWindow:
    try:
        window = OneWindow(begins=datetime.fromisoformat(begins), ends=datetime.fromisoformat(ends))
    except ValueError:
        raise _wrong(
            text, Text(vi="không có ngày như vậy trong lịch", en="there is no such date")
        ) from None
    if not timedelta(0) < window.ends - window.begins <= LONGEST:
        raise _wrong(
            text,
            Text(
                vi=f"kết thúc phải sau khi bắt đầu, trong vòng {LONGEST.days} ngày",
                en=f"it must end after it begins, and within {LONGEST.days} days",
            ),
        )
    return window


def _parse_days(words: str) -> frozenset[int] | None:
    """Return the days of the week meant by `Mon`, `Mon-Fri`, `Mon,Thu` or `daily`, or None."""
    if words.strip() == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in words.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            return None
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        days |= {(start + step) % 7 for step in range(length + 1)}
    return frozenset(days)


def _are_always_closed(windows: Iterable[WeeklyWindow | OneWindow]) -> bool:
    closed = {
        (day * 1440 + _minute(window.begins) + minute) % MINUTES_OF_WEEK
        for window in windows
        if isinstance(window, WeeklyWindow)
        for day in window.days
        for minute in range(window.minutes)
    }
    return len(closed) == MINUTES_OF_WEEK


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _wrong(text: str, why: Text) -> WrongWindow:
    return WrongWindow(
        Text(
            vi=f"khung giờ bảo trì «{text}»: {why.vi}", en=f"maintenance window '{text}': {why.en}"
        )
    )
