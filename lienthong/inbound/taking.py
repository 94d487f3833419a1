"""
From proven messages to durable submissions, all of a request or none; and what is kept of others.

A submission is known by peer, agency and message id: the same message again is the same
submission, and the same id with other content is refused. Of what is refused only digest, size and
codes are kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from lienthong.bucket import Bucket
from lienthong.flows.receive import KeyConflict, Offer, Taken, receive_together
from lienthong.inbound.refusals import CONFLICT, NotTaken, finding, later, paused
from lienthong.pacing import SteadyTime
from lienthong.pauses import nothing_paused
from lienthong.store.database import reading
from lienthong.store.submissions import PORTAL_DOORS
from lienthong.store.tokens import find_token
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from lienthong.flows.hints import Publisher
    from lienthong.inbound.message import Message
    from lienthong.pauses import Pauses
    from lienthong.store.database import Store
    from schemas.problem import Problem

log = structlog.get_logger()

SOAP_DOOR, JSON_DOOR = PORTAL_DOORS
STRANGERS = Bucket(rate=0.1, burst=60)
"""How many refusals of senders whom nobody proved are written down, in each process: whoever can
reach the door must not be able to fill the audit log. All of them are in the process's own log."""
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is kept of a request that was refused."""

    peer: str
    door: str
    codes: str
    status: int
    service: str | None
    body: bytes | None
    """Without secrets, whose guesses its digest would confirm; None: nothing to be digested."""
    is_proven: bool
    """Whether it was certain who sent it."""


def holder_of(peer: str) -> str:
    """Return whose tokens a peer's are: no agency's, for no mapping has such a name."""
    return f"peer:{peer}"


class Taking:
    """Takes over for all peers of a process. Thread-safe."""

    def __init__(
        self,
        *,
        store: Callable[[], Store],
        publisher: Publisher,
        clock: Callable[[], datetime],
        agencies: Callable[[], Collection[str]],
        retry_after_seconds: int,
        pauses: Callable[[], Pauses] = nothing_paused,
    ) -> None:
        """Prepare; `agencies` returns the names of the mappings there are now."""
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._agencies = agencies
        self._pauses = pauses
        self._retry_after_seconds = retry_after_seconds
        self._strangers = STRANGERS
        self._time = SteadyTime()
        self._lock = Lock()

    def find_token(self, peer: str, presented: str | None) -> str | None:
        """Return the id of a token that is a peer's and valid now; None where it is not."""
        if presented is None:
            return None
        with reading(self._store()) as connection:
            token = find_token(connection, presented, now=self._clock())
        return token.id if token is not None and token.agency == holder_of(peer) else None

    def take(
        self,
        peer: str,
        door: str,
        messages: Sequence[tuple[str, Message]],
        *,
        proof: Mapping[str, str],
    ) -> list[Taken]:
        """
        Make messages durable, each with the agency it is for, and with what proved the peer.

        Returns:
            One item per message, when none of them can be lost any more.

        Raises:
            NotTaken: an id came before with other content, an agency is not here yet, or an
                operator paused its intake.
        """
        known = self._agencies()
        if missing := sorted({agency for agency, _ in messages} - set(known)):
            # The operator's mistake; the peer may send again until it is mended.
            log.error("inbound.route_unusable", peer=peer, agencies=", ".join(missing))
            raise later(self._retry_after_seconds)
        pauses = self._pauses()
        if any(pauses.closed_to(agency, is_down=True) for agency, _ in messages):
            raise paused(self._retry_after_seconds)
        offers = [
            Offer(
                source=BytesIO(message.body),
                file_name=message.file_name,
                agency=agency,
                door=door,
                sender=peer,
                key=message.key,
                service=message.service,
                proof=proof,
            )
            for agency, message in messages
        ]
        outcomes = receive_together(
            offers, store=self._store(), broker=self._publisher, clock=self._clock
        )
        taken = [outcome for outcome in outcomes if isinstance(outcome, Taken)]
        if len(taken) == len(outcomes):
            return taken
        numbers = [
            number
            for number, outcome in enumerate(outcomes, start=1)
            if isinstance(outcome, KeyConflict)
        ]
        raise NotTaken(CONFLICT, tuple(map(_conflict, numbers)), service=messages[0][1].service)

    def note(self, refusal: Refusal) -> None:
        """Have a refusal in the audit log: who, why, which bytes, and not the bytes."""
        if not (refusal.is_proven or self._may_note_stranger()):
            return
        service, body = refusal.service or "", refusal.body
        with begin(self._store(), at=self._clock, actor=holder_of(refusal.peer)) as work:
            work.note(
                "inbound.refused",
                refusal.peer,
                door=refusal.door,
                codes=refusal.codes,
                status=refusal.status,
                service=service if _NAMED.fullmatch(service) else None,
                proven=refusal.is_proven,
                sha256=None if body is None else hashlib.sha256(body).hexdigest(),
                size=None if body is None else len(body),
            )

    def _may_note_stranger(self) -> bool:
        with self._lock:
            now = self._time.of(self._clock())
            if not self._strangers.available(now):
                return False
            self._strangers = self._strangers.take(1, now=now)
            return True


def _conflict(number: int) -> Problem:
    return finding(
        "submission.key_conflict",
        f"Mã của bản tin thứ {number} đã được dùng cho một bản tin khác nội dung; không bản tin "
        "nào của yêu cầu này được tiếp nhận",
        f"The id of message {number} was used before for other content; nothing of this request "
        "was taken over",
    )
