"""
The door of the messages: from the agencies' queues into the store, in their order, once.

A message is acknowledged to the broker only when it is in the store, or its refusal is. When the
store cannot be reached, the messages in the hand are kept and tried again; nothing more is taken.
What the store does not take at all because of what is in it (and it takes everything that
`incoming.check` lets through) is parked whole, so that it holds up nobody.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from broker.port import StaleDelivery
from lienthong.failpoints import Point, reached
from lienthong.flows.incoming import LARGEST_BYTES, MIB, check, file_name_of
from lienthong.flows.receive import KeyConflict, receive_many, small_offer
from lienthong.pauses import nothing_paused
from lienthong.store.database import reading
from lienthong.store.work import begin
from lienthong.traces.context import HEADER, parse_traceparent
from lienthong.trouble import is_about_data
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from broker.port import Broker, Inbox, Incoming
    from lienthong.flows.incoming import Sender
    from lienthong.flows.receive import Offer
    from lienthong.pauses import Pauses
    from lienthong.store.database import Store
    from schemas.problem import Problem

log = structlog.get_logger()

DOOR = "amqp"
BATCH = 100
"""Messages that are taken at once, and committed in one transaction."""
BATCH_BYTES = 16 * MIB
"""Of one transaction; a message above it goes alone."""


class Taker:
    """
    The role `take`; one instance per thread.

    Args:
        inbox: What the agencies send.
        store: Where it goes.
        broker: Gets the hints.
        senders: Returns what an agency's profile says; raises ConfigError when it cannot be used.
        clock: Tells the time.
        largest_bytes: Of one message.
        queue_of: Returns the name of an agency's queue, for traces.
        pauses: Tells what people have stopped.
    """

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        inbox: Inbox,
        store: Store,
        broker: Broker,
        senders: Callable[[str], Sender],
        clock: Callable[[], datetime],
        largest_bytes: int = LARGEST_BYTES,
        queue_of: Callable[[str], str] = str,
        pauses: Callable[[], Pauses] = nothing_paused,
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._broker = broker
        self._senders = senders
        self._clock = clock
        self._largest_bytes = largest_bytes
        self._queue_of = queue_of
        self._pauses = pauses
        self._waiting: deque[Incoming] = deque()
        self._store_answered = False
        self._missing: tuple[str, ...] = ()

    def step(self, *, wait: timedelta) -> int:
        """
        Take what is there, waiting up to `wait` for the first; return how many were settled.

        Raises:
            DBAPIError: the store fails; the same messages are tried again by the next step.
            BrokerError: the exchange fails; what was not acknowledged comes again.
        """
        if not self._waiting:
            if not self._store_answered:
                # What was taken and cannot be stored only counts against the delivery limit.
                self._ask_store()
            # What is in the hand is taken; only then may a queue be left alone.
            pauses = self._pauses()
            self._inbox.rest(lambda agency: pauses.closed_to(agency) is not None)
            self._waiting.extend(self._inbox.receive(limit=BATCH, wait=wait))
            self._tell_missing()
        portion = self._portion()
        if not portion:
            return 0
        self._store_answered = False
        reached(Point.TAKE_TAKEN)
        settled = self._settle(portion)
        reached(Point.TAKE_STORED)
        self._store_answered = True
        for _ in portion:
            self._waiting.popleft()
        self._acknowledge(settled)
        reached(Point.TAKE_ACKNOWLEDGED)
        return len(portion)

    def _ask_store(self) -> None:
        with reading(self._store) as connection:
            connection.execute(select(1))
        self._store_answered = True

    def _portion(self) -> list[Incoming]:
        portion: list[Incoming] = []
        room = BATCH_BYTES
        for message in self._waiting:
            room -= len(message.body)
            if portion and room < 0:
                break
            portion.append(message)
        return portion

    def _settle(self, portion: Sequence[Incoming]) -> list[Incoming]:
        """Store or refuse every message; return those to acknowledge, the others are parked."""
        try:
            self._take_over(portion)
        except DBAPIError as error:
            if not is_about_data(error):
                raise
            if len(portion) == 1:
                return self._park(portion[0], error)
            return [settled for message in portion for settled in self._settle([message])]
        return list(portion)

    def _take_over(self, portion: Sequence[Incoming]) -> None:
        good: list[tuple[Incoming, Offer]] = []
        refused: list[tuple[Incoming, Problem]] = []
        for message in portion:
            sender = self._sender(message.agency)
            problem = check(message, sender, largest_bytes=self._largest_bytes)
            if problem is None:
                queue = self._queue_of(message.agency)
                good.append((message, _offer(message, sender, queue=queue)))
            else:
                refused.append((message, problem))
        offers = [offer for _, offer in good]
        outcomes = (
            receive_many(offers, store=self._store, broker=self._broker, clock=self._clock)
            if offers
            else []
        )
        refused += [
            (message, outcome.problem)
            for (message, _), outcome in zip(good, outcomes, strict=True)
            if isinstance(outcome, KeyConflict)
        ]
        self._refuse(refused)

    def _sender(self, agency: str) -> Sender | None:
        try:
            return self._senders(agency)
        except ConfigError as error:
            # The submission waits for its mapping, and is not lost meanwhile.
            log.warning("take.profile_unusable", agency=agency, code=error.code)
            return None

    def _refuse(self, refused: Sequence[tuple[Incoming, Problem]]) -> None:
        if not refused:
            return
        with begin(self._store, at=self._clock) as work:
            for message, problem in refused:
                work.note(
                    "message.refused",
                    message.agency,
                    door=DOOR,
                    code=problem.code,
                    size=len(message.body),
                    sha256=hashlib.sha256(message.body).hexdigest(),
                )
                words = {"vi": problem.message.vi, "en": problem.message.en}
                if problem.suggestion is not None:
                    words |= {"vi_help": problem.suggestion.vi, "en_help": problem.suggestion.en}
                work.tell(
                    message.agency,
                    "refused",
                    key=_storable(message.message_id),
                    code=problem.code,
                    **words,
                )
        for message, problem in refused:
            log.warning(
                "take.refused", agency=message.agency, code=problem.code, size=len(message.body)
            )

    def _park(self, message: Incoming, error: DBAPIError) -> list[Incoming]:
        cause = type(error).__name__
        log.error("take.not_stored", agency=message.agency, cause=cause, size=len(message.body))
        try:
            self._inbox.park(message, reason=f"the store does not take it ({cause})")
        except StaleDelivery:
            log.info("take.stale", messages=1)
        return []

    def _acknowledge(self, messages: Sequence[Incoming]) -> None:
        try:
            self._inbox.ack(messages)
        except StaleDelivery:
            # They come again, and are acknowledged again with the first answer.
            log.info("take.stale", messages=len(messages))

    def _tell_missing(self) -> None:
        if self._inbox.missing != self._missing:
            self._missing = self._inbox.missing
            log.warning(
                "take.queues_missing",
                agencies=self._missing,
                remedy="lienthong topology apply",
            )


def _offer(message: Incoming, sender: Sender | None, *, queue: str) -> Offer:
    return small_offer(
        message.body,
        file_name=file_name_of(message, sender),
        agency=message.agency,
        door=DOOR,
        sender=message.agency,
        key=message.message_id,
        trace=parse_traceparent(message.headers.get(HEADER)),
        queue=queue,
    )


def _storable(key: str | None) -> str | None:
    # PostgreSQL holds no NUL in a text.
    return None if key is None else key.encode("unicode_escape").decode() if "\0" in key else key
