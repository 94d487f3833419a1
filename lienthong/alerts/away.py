"""
The store's own absence, which cannot be written down in the store.

A file in the data directory says that it was told: so the processes of one machine tell it once,
and a restart does not tell it again. Where no file can be written, each process tells it once.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lienthong.alerting import Kind, Notice
from lienthong.alerts.rules import STORE_RULE

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

FILE = "store-away.told"


class StoreAway:
    """Remembers since when the store has been away, for one process."""

    def __init__(self, folder: Path, *, remind: timedelta) -> None:
        self._file = folder / FILE
        self._remind = remind
        self._since: datetime | None = None
        self._told_at: datetime | None = None

    def look(self, *, now: datetime) -> Notice | None:
        """Note that it is away; return what is to be told of it by this process now."""
        if self._since is None:
            self._since = now
        if now - self._since < STORE_RULE.hold:
            return None
        told_at = self._read_told() or self._told_at
        if told_at is not None and now - told_at < self._remind:
            return None
        self._told_at = now
        if told_at is None and not self._claim():
            return None
        with suppress(OSError):
            self._file.write_text(now.isoformat(), encoding="ascii")
        return self._notice(Kind.BEGAN if told_at is None else Kind.REMINDER, self._since)

    def is_back(self, *, now: datetime) -> Notice | None:
        """Note that it is there; return that it ended where this process is to tell it."""
        since, told_at = self._since, self._told_at
        self._since = self._told_at = None
        try:
            self._file.unlink()
        except FileNotFoundError:
            return None
        except OSError:
            if told_at is None:
                return None
        return self._notice(Kind.ENDED, since or now)

    def _claim(self) -> bool:
        """Return whether this process is the first to tell it."""
        try:
            self._file.touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            # A full disk may be why the store is away.
            return True
        return True

    def _read_told(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self._file.read_text(encoding="ascii")).astimezone(UTC)
        except (OSError, ValueError):
            return None

    @staticmethod
    def _notice(kind: Kind, since: datetime) -> Notice:
        return Notice(
            kind=kind,
            rule=STORE_RULE.name,
            subject="",
            severity=STORE_RULE.severity,
            since=since,
            words=STORE_RULE.words,
            step=STORE_RULE.step,
        )
