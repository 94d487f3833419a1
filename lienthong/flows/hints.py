"""The hints in the broker: which queue, and what a hint says. The store decides what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from broker.port import BrokerError, Message
from lienthong.ids import make_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from broker.port import Broker

log = structlog.get_logger()

EXPAND = "expand"
"""Hints that an agency may have something to expand; the body is its name."""
DELIVER = "deliver"
"""Hints that a dossier may have something to deliver; the body is its code."""


def hint(subject: str, *, at: datetime) -> Message:
    """Return a hint about one submission or dossier."""
    return Message(id=make_id(at), body=subject.encode())


def publish_or_leave(broker: Broker, queue: str, subjects: Iterable[str], *, at: datetime) -> None:
    """
    Publish hints about what somebody just had written down, or leave it to be found.

    It is done and durable already: an error now would make them do it again. The workers look into
    the store themselves every second.
    """
    try:
        broker.publish(queue, [hint(subject, at=at) for subject in subjects])
    except BrokerError as error:
        log.warning("hint.left_to_be_found", queue=queue, cause=error.code)
