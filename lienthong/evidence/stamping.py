"""
Having the audit log time-stamped: now and then, the newest seal, off everybody's way.

An authority that is away, slow or wrong holds up nothing: not the sealer, which is another role,
and no dossier. It is asked again, less and less often, and how long that may go on is told in
words, counted down from the first row without a time-stamp.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from lienthong.evidence.authorities import obtain
from lienthong.evidence.sealing import SealUnreadable, newest_seal
from lienthong.evidence.stamps import Lack, keep_stamp, newest_stamped, read_countdown
from lienthong.retry import Backoff
from lienthong.store.database import reading
from lienthong.store.work import begin
from schemas.errors import LienthongError
from schemas.problem import Text
from signing import SigningError
from signing.timestamp_tokens import read_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from lienthong.evidence.authorities import Authority
    from lienthong.evidence.seals import SignedSeal
    from lienthong.evidence.stamps import Countdown, StampRules
    from lienthong.store.database import Store
    from signing.timestamps import Timestamp, TimestampPolicy

log = structlog.get_logger()

BACKOFF = Backoff(first=timedelta(seconds=20), longest=timedelta(minutes=15))


class Stamper:
    """Has the newest seal time-stamped when it is due; what goes wrong is logged, once."""

    def __init__(  # noqa: PLR0913 - put together in one place
        self,
        store: Store,
        *,
        authority: Authority,
        policy: Callable[[], TimestampPolicy],
        rules: StampRules,
        clock: Callable[[], datetime],
        random: Random,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._authority = authority
        self._policy = policy
        self._rules = rules
        self._clock = clock
        self._random = random
        self._failures = 0
        self._steady = steady
        self._not_before = 0.0
        """Steady seconds from which it is tried again after trouble."""
        self._lack = Lack.USUAL
        self.trouble: Text | None = None
        """Why there is none, since the last try that failed."""
        self.countdown: Countdown | None = None
        """What has none, as of the last step."""

    def step(self, *, at_once: bool = False) -> Timestamp | None:
        """
        Ask for a time-stamp if one is due; return it if it was got.

        Args:
            at_once: Do not wait for when it is due.
        """
        now = self._clock()
        seal, last = self._look(now)
        if seal is None:
            return None
        is_due = last is None or now - last >= self._rules.every
        is_allowed = self._steady() >= self._not_before
        if not at_once and not (is_due and is_allowed):
            return None
        try:
            stamp = self._ask(seal)
        except SigningError as error:
            self._failed(error.code, Text(vi=error.vi, en=error.en))
            return None
        except LienthongError as error:
            self._failed(error.code, error.text)
            return None
        self._is_well()
        return stamp

    def _look(self, now: datetime) -> tuple[SignedSeal | None, datetime | None]:
        """Return the seal to be stamped, if one is, and when the last time-stamp was."""
        with reading(self._store) as connection:
            try:
                self.countdown = read_countdown(connection, rules=self._rules, now=now)
                seal = None if self.countdown is None else newest_seal(connection)
                stamped = newest_stamped(connection)
            except (SealUnreadable, ValueError):
                # The sealer and `audit verify` say so.
                return None, None
        self._tell_lack()
        return seal, None if stamped is None else _time_of(stamped[1])

    def _ask(self, seal: SignedSeal) -> Timestamp:
        stamp = obtain(
            self._authority, seal.body.encode(), policy=self._policy(), now=self._clock()
        )
        with begin(self._store, at=self._clock) as work:
            keep_stamp(work, seal, stamp)
        return stamp

    def _failed(self, code: str, words: Text) -> None:
        self._failures += 1
        pause = BACKOFF.delay(self._failures, random=self._random)
        self._not_before = self._steady() + pause.total_seconds()
        if self.trouble is None or self.trouble.en != words.en:
            log.warning("stamp.trouble", of=self._authority.name, code=code, words=words.en)
        self.trouble = words

    def _is_well(self) -> None:
        if self.trouble is not None or self._lack is not Lack.USUAL:
            log.info("stamp.well_again", of=self._authority.name)
        self._failures, self._not_before, self._lack = 0, 0.0, Lack.USUAL
        self.trouble = self.countdown = None

    def _tell_lack(self) -> None:
        lack = Lack.USUAL if self.countdown is None else self.countdown.lack
        if lack is not self._lack and self.countdown is not None and lack is not Lack.USUAL:
            tell = log.error if lack is Lack.OVERDUE else log.warning
            tell(f"stamp.{lack.value}", words=self.countdown.words.en)
        self._lack = lack


def _time_of(token: bytes) -> datetime | None:
    try:
        return read_token(token).at
    except ValueError:
        # Somebody changed it; `audit verify` says so, and a new one helps.
        return None
