"""Asking the portal for one dossier after the other, politely: at a rate, and never in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Found, LookUp
from schemas.errors import ConfigError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.channels.port import Channel
    from lienthong.pacing import Pacer

TRIES = 3
"""For one dossier, each after the pause that the breaker asks for."""
GIVE_UP = 15
"""Look-ups in a row without an answer: the portal is away, and the rest would be no better."""
LISTEN_SECONDS = 0.5
"""How late a request to stop may be heard."""
LEAST_SECONDS = 0.01


class Stopped(Exception):
    """It was asked to stop."""


class PoliteAsker:
    """Asks within the target's windows, rate, breaker and Retry-After; one call at a time."""

    def __init__(
        self,
        *,
        channel: Channel,
        pacer: Pacer,
        agency_codes: Callable[[str], str],
        clock: Callable[[], datetime],
        wait: Callable[[float], bool],
    ) -> None:
        """
        Put it together.

        Args:
            channel: The portal.
            pacer: When the next call may start.
            agency_codes: Gives the code of an agency by name.
            clock: Tells the time, aware.
            wait: Waits so many seconds; True where it was asked to stop.
        """
        self._channel = channel
        self._pacer = pacer
        self._agency_codes = agency_codes
        self._clock = clock
        self._wait = wait
        self._failures = 0
        self.asked = 0
        """Look-ups so far."""

    def ask(self, code: str, *, agency: str) -> LookUp:
        """
        Return what the portal says of a dossier; FAILED after some tries.

        Raises:
            PeerError: it has not answered for a long time.
            Stopped: it was asked to stop.
        """
        try:
            agency_code = self._agency_codes(agency)
        except ConfigError as error:
            words = " ".join(error.text.en.split())
            return LookUp(found=Found.WITHHELD, detail=f"nothing was asked: {words}")
        found = self._ask(code, agency_code)
        for _ in range(TRIES - 1):
            if not _is_failure(found):
                break
            found = self._ask(code, agency_code)
        return found

    def pause(self, until: datetime) -> None:
        """Wait until a moment. Raises Stopped."""
        while (left := (until - self._clock()).total_seconds()) > 0:
            if self._wait(min(left, LISTEN_SECONDS)):
                raise Stopped

    def _ask(self, code: str, agency_code: str) -> LookUp:
        self._take_turn()
        started_at = self._clock()
        self._pacer.let_out(started_at)
        found = self._channel.look_up(agency_code=agency_code, dossier_code=code)
        is_failure = _is_failure(found)
        # A dossier that is there twice is the dossier's trouble, and not the target's.
        answered = found if is_failure or found.copies <= 1 else LookUp(found=Found.PRESENT)
        self._pacer.learn(answered, now=self._clock(), started_at=started_at)
        self.asked += 1
        self._failures = self._failures + 1 if is_failure else 0
        if self._failures >= GIVE_UP:
            raise PeerError(
                Text(
                    vi=f"Cổng không trả lời tra cứu ({found.detail}); đối soát dừng lại, kết quả "
                    "đến nay được giữ; khi Cổng hoạt động lại: lienthong reconcile --resume",
                    en=f"the portal does not answer look-ups ({found.detail}); the reconciliation "
                    "stops and keeps what it has; once the portal works again: lienthong "
                    "reconcile --resume",
                ),
                retryable=True,
                code="reconcile.portal_away",
            )
        return found

    def _take_turn(self) -> None:
        while True:
            now = self._clock()
            if self._pacer.allowance(now, free=1):
                if self._wait(0):
                    raise Stopped
                return
            until = self._pacer.pause_until(now)
            left = LISTEN_SECONDS if until is None else (until - now).total_seconds()
            if self._wait(min(max(left, LEAST_SECONDS), LISTEN_SECONDS)):
                raise Stopped


def _is_failure(found: LookUp) -> bool:
    return found.found is Found.FAILED and found.copies <= 1
