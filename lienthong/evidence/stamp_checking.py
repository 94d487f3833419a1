"""
Judging the time-stamps of the audit log, without the network and however old they are.

    over other data, of a stranger, changed      "seal.stamp_wrong", with the reason
    before the time that its seal states         "seal.stamp_contradicts"
    noted in the log, and gone or another one    "seal.stamp_missing", "seal.stamp_swapped"

Not found: a time-stamp that is taken out together with its row while that row is not sealed yet,
or whose row's detail was erased. Then the log is proven by the time-stamp before, and the next.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from lienthong.evidence.seals import read_moment
from signing.timestamps import TimestampRefused, judge_token

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from lienthong.evidence.seals import SealBody, SignedSeal
    from signing.timestamps import Timestamp, TimestampPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class StampJudge:
    """By what time-stamps of seals are judged."""

    policy: TimestampPolicy
    now: datetime
    tolerance: timedelta = timedelta(minutes=5)
    """Between the authority's clock and the sealer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Everything up to a seal was there at a time, whatever anybody's clock here said."""

    seal: int
    rows: int
    """In this seal and all before it."""
    last_row: int
    """The highest number among the rows of this seal."""
    at: datetime
    accuracy: timedelta | None
    authority: str


class Tell(Protocol):
    """Where faults go."""

    def __call__(
        self, code: str, *, vi: str, en: str, row: int | None = None, seal: int | None = None
    ) -> None:
        """Tell one more."""


class StampCheck:
    """Looks at every seal and row as a check comes by; `finish` says what does not fit."""

    def __init__(self, tell: Tell, judge: StampJudge) -> None:
        self.count = 0
        """Seals that have a time-stamp."""
        self.proven: Proven | None = None
        """What the newest one that holds proves."""
        self._tell = tell
        self._judge = judge
        self._have: dict[int, bytes] = {}
        self._noted: list[tuple[int, int, str]] = []

    def see_seal(self, seal: SignedSeal, body: SealBody, token: bytes | None) -> None:
        """Judge the time-stamp of a seal, if it has one."""
        if token is None:
            return
        self._have[body.number] = sha256(token).digest()
        self.count += 1
        try:
            stamp = judge_token(
                token, seal.body.encode(), policy=self._judge.policy, now=self._judge.now
            )
        except TimestampRefused as refused:
            self._tell(
                "seal.stamp_wrong",
                vi=f"niêm phong số {body.number}: {refused.vi}",
                en=f"seal {body.number}: {refused.en}",
                seal=body.number,
            )
            return
        if not self._contradicts(body, stamp):
            self.proven = Proven(
                seal=body.number,
                rows=body.total,
                last_row=body.last,
                at=stamp.at,
                accuracy=stamp.accuracy,
                authority=stamp.authority.common_name or stamp.authority.fingerprint,
            )

    def _contradicts(self, body: SealBody, stamp: Timestamp) -> bool:
        if stamp.latest >= read_moment(body.at) - self._judge.tolerance:
            return False
        self._tell(
            "seal.stamp_contradicts",
            vi=f"niêm phong số {body.number} tự ghi {body.at}, nhưng dấu thời gian chứng minh nó "
            f"đã có lúc {stamp.at:%Y-%m-%d %H:%M:%S} UTC: đồng hồ của máy niêm phong sai",
            en=f"seal {body.number} states {body.at} as its time, but its time-stamp proves that "
            f"it was there at {stamp.at:%Y-%m-%d %H:%M:%S} UTC: the sealer's clock was wrong",
            seal=body.number,
        )
        return True

    def see_note(self, row: Row[Any]) -> None:
        """Remember that the log says a seal was stamped."""
        # The detail of one that was erased, or put in by somebody, says nothing.
        with suppress(TypeError, ValueError, KeyError):
            self._noted.append((row.id, int(row.subject), json.loads(row.detail)["sha256"]))

    def finish(self) -> None:
        """Compare what is there with what the log says was there."""
        for row, seal, digest in self._noted:
            have = self._have.get(seal)
            if have is None:
                self._tell(
                    "seal.stamp_missing",
                    vi=f"niêm phong số {seal}: không còn dấu thời gian (dòng {row} ghi là có)",
                    en=f"seal {seal}: its time-stamp is gone (row {row} says that it had one)",
                    row=row,
                    seal=seal,
                )
            elif have.hex() != digest:
                self._tell(
                    "seal.stamp_swapped",
                    vi=f"niêm phong số {seal}: dấu thời gian khác với dấu mà dòng {row} đã ghi",
                    en=f"seal {seal}: its time-stamp is another one than row {row} says",
                    row=row,
                    seal=seal,
                )
