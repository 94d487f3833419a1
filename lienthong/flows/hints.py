"""The hints in the broker: which queue, and what a hint says. The store decides what is true."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import structlog

from broker.port import BrokerError, Message
from lienthong.ids import SEPARATOR, make_id
from lienthong.traces.recording import outgoing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from lienthong.traces.context import TraceContext

log = structlog.get_logger()

EXPAND = "expand"
"""Hints that a line may have something to expand; the body is its name."""
DELIVER = "deliver"
"""Hints that a dossier may have something to deliver; the body is the code of its ledger."""
HAND_OVER = "hand-over"
"""The same for what goes to an agency."""
QUEUES = (EXPAND, DELIVER, HAND_OVER)
NO_TRACES: Mapping[str, TraceContext | None] = MappingProxyType({})


class Publisher(Protocol):
    """What hints are published with: a `Broker`, or something that hands them on to one."""

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """Publish, or raise `BrokerError`; see `Broker.publish`."""


def hint(subject: str, *, at: datetime, trace: TraceContext | None = None) -> Message:
    """Return a hint about one submission or dossier, and the span that led to it."""
    return Message(id=make_id(at), body=subject.encode(), headers=outgoing(trace))


def publish_or_leave(
    broker: Publisher,
    queue: str,
    subjects: Iterable[str],
    *,
    at: datetime,
    traces: Mapping[str, TraceContext | None] = NO_TRACES,
) -> None:
    """
    Publish hints about what somebody just had written down, or leave it to be found.

    It is done and durable already: an error now would make them do it again. The workers look into
    the store themselves every second; what is a part of which trace is told by it, too.
    """
    hints = [hint(subject, at=at, trace=traces.get(subject)) for subject in subjects]
    try:
        broker.publish(queue, hints)
    except BrokerError as error:
        log.warning("hint.left_to_be_found", queue=queue, cause=error.code)


def hint_due(
    broker: Publisher,
    ledgers: Iterable[str],
    *,
    at: datetime,
    traces: Mapping[str, TraceContext | None] = NO_TRACES,
) -> None:
    """Publish hints that these ledgers have something to deliver, each in its direction."""
    inbound: list[str] = []
    outbound: list[str] = []
    for code in ledgers:
        (inbound if SEPARATOR in code else outbound).append(code)
    for queue, codes in ((DELIVER, outbound), (HAND_OVER, inbound)):
        if codes:
            publish_or_leave(broker, queue, codes, at=at, traces=traces)
