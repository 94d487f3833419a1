"""
Pauses: what a person keeps from being taken in or sent, of one agency or for the portal.

Nothing of ours ever makes one. Nothing is lost by one: what may not come in is told to come again
or lies where it is, what may not go out stays ready. Those of an agency hold in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import datetime

TARGET = "target:portal"
"""What a pause for the portal is about; no agency has such a name."""


class What(Enum):
    """What is stopped; the values are stored, and those of the API and the command line."""

    INTAKE = "intake"
    """Nothing is taken in; what was taken in goes on."""
    DELIVERY = "delivery"
    """Nothing is sent; what was taken in becomes ready and waits."""
    DRAIN = "drain"
    """Nothing is taken in, so that what was taken in comes to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One thing that a person stopped."""

    subject: str
    """Name of an agency, or `TARGET`."""
    what: What
    reason: str
    by: str
    since: datetime
    until: datetime | None
    """When it ends by itself; None: when somebody ends it."""

    @property
    def is_of_target(self) -> bool:
        """Tell whether it is about the portal."""
        return self.subject == TARGET

    @property
    def text(self) -> Text:
        """Say in a sentence what is stopped; without who, when and why."""
        words = _TARGET_WORDS if self.is_of_target else _AGENCY_WORDS
        vi, en = words[self.what]
        return Text(vi=vi.format(self.subject), en=en.format(self.subject))

    @property
    def full_text(self) -> Text:
        """Say also since and until when, who and why."""
        since = f"{self.since.astimezone():%Y-%m-%d %H:%M}"
        vi, en = "đến khi có người cho tiếp tục", "until somebody resumes"
        if self.until is not None:
            vi = f"đến {self.until.astimezone():%Y-%m-%d %H:%M}"
            en = f"until {self.until.astimezone():%Y-%m-%d %H:%M}"
        return Text(
            vi=f"{self.text.vi}, từ {since} {vi} ({self.by}: {self.reason})",
            en=f"{self.text.en}, since {since} {en} ({self.by}: {self.reason})",
        )


_AGENCY_WORDS = {
    What.INTAKE: ("{0}: tạm dừng tiếp nhận", "{0}: intake is paused"),
    What.DELIVERY: ("{0}: tạm dừng gửi", "{0}: delivery is paused"),
    What.DRAIN: (
        "{0}: ngừng tiếp nhận để gửi cho hết",
        "{0}: is being drained, nothing is taken in",
    ),
}
_TARGET_WORDS = {
    What.INTAKE: (
        "Mọi cơ quan: tạm dừng tiếp nhận hồ sơ gửi Cổng",
        "Every agency: intake for the portal is paused",
    ),
    What.DELIVERY: (
        "Cổng: tạm dừng gọi và gửi",
        "The portal: delivery is paused, it is not called",
    ),
    What.DRAIN: (
        "Mọi cơ quan: ngừng tiếp nhận để gửi cho hết lên Cổng",
        "Every agency: what is for the portal is being drained, nothing is taken in",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """Everything that is stopped at one moment."""

    in_force: tuple[Pause, ...] = ()

    def closed_to(self, agency: str, *, is_down: bool = False) -> Pause | None:
        """
        Return why nothing is taken in of an agency, or None where it is.

        Args:
            agency: Which.
            is_down: Of what peers send to it, which is not for the portal.
        """
        subjects = (agency,) if is_down else (agency, TARGET)
        return next(
            (
                pause
                for pause in self.in_force
                if pause.subject in subjects and pause.what is not What.DELIVERY
            ),
            None,
        )

    @cached_property
    def resting(self) -> frozenset[str]:
        """The agencies of which nothing is sent."""
        return frozenset(
            pause.subject
            for pause in self.in_force
            if pause.what is What.DELIVERY and not pause.is_of_target
        )

    @cached_property
    def of_portal(self) -> Pause | None:
        """Why nothing is sent to the portal, or None where it is."""
        return next(
            (one for one in self.in_force if one.is_of_target and one.what is What.DELIVERY), None
        )


NONE = Pauses()


def nothing_paused() -> Pauses:
    """Return that nothing is stopped."""
    return NONE


class IntakePaused(PeerError):
    """A person keeps an agency's files out for now; the same file is taken later."""

    def __init__(self, pause: Pause) -> None:
        """Say it, and what to do."""
        words = pause.full_text
        super().__init__(
            Text(
                vi=f"{words.vi}; chưa nhận gì: gửi lại sau, hoặc lienthong traffic resume",
                en=f"{words.en}; nothing was taken: send it later, or lienthong traffic resume",
            ),
            retryable=True,
            code="intake.paused",
        )
