"""
The agencies as a channel: each message goes its receiver's way, at its receiver's pace.

An agency that is away has a breaker of its own and holds up nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Found, LookUp, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.channels.port import SendRequest
    from lienthong.receivers.lanes import Lanes


class AgencyChannel:
    """The port `Channel`, towards the agencies."""

    def __init__(self, lanes: Lanes, *, clock: Callable[[], datetime]) -> None:
        self.lanes = lanes
        self._clock = clock

    def send(self, request: SendRequest) -> Answer:
        """See `Channel.send`; an agency without a receiver waits for one."""
        lane = self.lanes.by_agency.get(request.agency)
        if lane is None:
            return Answer(
                outcome=Outcome.WITHHELD,
                detail=f"nobody said how it gets files: give [receivers.{request.agency}]",
            )
        started_at = self._clock()
        if not lane.enter(started_at):
            return Answer(
                outcome=Outcome.WITHHELD,
                detail="it is left alone after trouble",
                retry_after=lane.pause(started_at),
            )
        answer = Answer(outcome=Outcome.UNKNOWN)
        try:
            answer = lane.receiver.hand_over(request)
        finally:
            lane.leave(answer, started_at=started_at, now=self._clock())
        return answer

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:  # noqa: ARG002 - the port's
        """See `Channel.look_up`: nobody is asked, because every way is safe to repeat."""
        return LookUp(found=Found.ABSENT, detail="it is safe to send it again")

    def close(self) -> None:
        """Release what the receivers hold open."""
        for lane in self.lanes.by_agency.values():
            lane.receiver.close()
