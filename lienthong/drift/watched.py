"""A channel whose answers are watched on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.port import RowsChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.channels.port import Answer, Channel, LookUp, SendRequest
    from lienthong.drift.watch import AnswerWatch

LOOK_UP = "TraCuuHoSo"


@dataclass(frozen=True, slots=True)
class WatchedChannel:
    """Does what the channel inside does; thread-safe as that is."""

    channel: Channel
    watch: AnswerWatch

    def send(self, request: SendRequest) -> Answer:
        """Make exactly one attempt; see the port."""
        answer = self.channel.send(request)
        self.watch.see(request.packet.value, answer)
        return answer

    def send_rows(self, requests: Sequence[SendRequest]) -> list[Answer]:
        """Make exactly one attempt for several messages; see the port."""
        assert isinstance(self.channel, RowsChannel)
        answers = self.channel.send_rows(requests)
        # It is one answer, apart from that of a row that was left out.
        seen = next((answer for answer in answers if answer.raw is not None), answers[0])
        self.watch.see(requests[0].packet.value, seen)
        return answers

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:
        """Ask for one dossier; see the port."""
        found = self.channel.look_up(agency_code=agency_code, dossier_code=dossier_code)
        self.watch.see(LOOK_UP, found)
        return found

    def close(self) -> None:
        """Close the connections, then the watch."""
        self.channel.close()
        self.watch.close()
