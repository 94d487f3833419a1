"""
Whether the messages of one agency flow in one direction: one word, by the first rule that holds.

1. `paused`: a person stopped something of the agency, or for the portal.
2. Where something goes on by itself (ready, sending, retrying, unknown):
   `resting`: no worker lets calls go to the portal (breaker, maintenance window);
   `unattended`: something waits longer than `LONG`, nothing was delivered within that time, and no
   worker delivers to the portal; `stalled`: the same, and there is one; else `flowing`.
3. `standing`: submissions wait for a key or a mapping.
4. `flowing`: submissions are being read, or something was delivered within `LONG`.
5. `standing`: what is left waits for a person, a file, or an earlier message of its dossier.
6. `quiet`: nothing waits.

Only rule 2 looks at the portal's breaker, so only for what goes up. No clock and no store here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from lienthong.pacing import Pace
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONG = timedelta(minutes=10)
"""For so long nothing may come to its end while something waits."""
RESTING = frozenset({Pace.OPEN, Pace.PROBING, Pace.WINDOW})
"""Paces of a worker that lets nothing go but a probe."""


class Flowing(Enum):
    """Whether it flows; what needs a person soonest comes first. The values are the API's."""

    STALLED = "stalled"
    UNATTENDED = "unattended"
    STANDING = "standing"
    RESTING = "resting"
    PAUSED = "paused"
    FLOWING = "flowing"
    QUIET = "quiet"


WORDS = {
    Flowing.STALLED: Text(
        vi="có thông điệp chờ mà lâu rồi không giao được gì",
        en="messages wait, and nothing was delivered for long",
    ),
    Flowing.UNATTENDED: Text(
        vi="có thông điệp chờ mà không có tiến trình gửi nào chạy",
        en="messages wait, and no worker delivers",
    ),
    Flowing.STANDING: Text(
        vi="phần còn lại chờ người, tệp, khóa hoặc thông điệp trước",
        en="what is left waits for a person, a file, a key or an earlier message",
    ),
    Flowing.RESTING: Text(
        vi="Cổng trục trặc hoặc bảo trì; sẽ tự gửi tiếp",
        en="the portal is in trouble or maintenance; it goes on by itself",
    ),
    Flowing.PAUSED: Text(
        vi="có người tạm dừng: nhận, gửi, hoặc cả hai",
        en="paused by a person: taking in, sending, or both",
    ),
    Flowing.FLOWING: Text(
        vi="đang nhận và giao bình thường", en="what comes in is read and delivered"
    ),
    Flowing.QUIET: Text(vi="không có gì chờ", en="nothing waits"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of one agency's messages in one direction."""

    is_up: bool
    is_paused: bool
    moving: int
    """Messages that go on by themselves."""
    oldest_moving: datetime | None
    others: int
    """Messages that wait and do not."""
    reading: int
    """Submissions that are not expanded to the end."""
    held: int
    """Of them: for a key or a mapping."""
    last_delivery: datetime | None
    """Within the last hour."""
    paces: Sequence[Pace]
    """Of the workers that deliver to the portal now."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The word, and since when it is so where that is known."""

    flowing: Flowing
    since: datetime | None = None


def judge(signs: Signs, *, now: datetime) -> Judged:
    """Return whether it flows at `now`."""
    if signs.is_paused:
        return Judged(Flowing.PAUSED)
    if signs.moving:
        return _judge_moving(signs, now=now)
    if signs.held:
        return Judged(Flowing.STANDING)
    if signs.reading or _is_late(signs.last_delivery, than=now - LONG):
        return Judged(Flowing.FLOWING)
    return Judged(Flowing.STANDING if signs.others else Flowing.QUIET)


def _judge_moving(signs: Signs, *, now: datetime) -> Judged:
    if signs.is_up and signs.paces and all(pace in RESTING for pace in signs.paces):
        return Judged(Flowing.RESTING)
    oldest = signs.oldest_moving
    waits_long = oldest is not None and oldest <= now - LONG
    if not waits_long or _is_late(signs.last_delivery, than=now - LONG):
        return Judged(Flowing.FLOWING)
    is_unattended = signs.is_up and not signs.paces
    word = Flowing.UNATTENDED if is_unattended else Flowing.STALLED
    return Judged(word, signs.last_delivery or oldest)


def _is_late(moment: datetime | None, *, than: datetime) -> bool:
    return moment is not None and moment > than
