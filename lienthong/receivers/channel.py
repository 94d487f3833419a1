"""The agencies as a channel: each message goes its receiver's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Found, LookUp, Outcome

if TYPE_CHECKING:
    from lienthong.channels.port import SendRequest
    from lienthong.receivers.lanes import Lanes


class AgencyChannel:
    """The port `Channel`, towards the agencies."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes

    def send(self, request: SendRequest) -> Answer:
        """See `Channel.send`; an agency without a receiver waits for one."""
        lane = self.lanes.by_agency.get(request.agency)
        if lane is None:
            return Answer(
                outcome=Outcome.WITHHELD,
                detail=f"nobody said how it gets files: give [receivers.{request.agency}]",
            )
        return lane.receiver.hand_over(request)

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:  # noqa: ARG002 - the port's
        """See `Channel.look_up`: nobody is asked, because every way is safe to repeat."""
        return LookUp(found=Found.ABSENT, detail="it is safe to send it again")

    def close(self) -> None:
        """Release what the receivers hold open."""
        for lane in self.lanes.by_agency.values():
            lane.receiver.close()
