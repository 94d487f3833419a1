"""Documents in an agency's results queue, beside what it is told about its own."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from broker.port import BrokerError, BrokerUnavailable, Result
from lienthong.channels.port import Answer, Outcome
from lienthong.traces.recording import current, outgoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.port import Outbox
    from lienthong.channels.port import SendRequest

DOCUMENT = "document"
"""The `type` of such a message; what agencies are told about their own has other types."""


class QueueReceiver:
    """Publishes documents, confirmed, over one connection. Thread-safe: one after the other."""

    def __init__(self, open_outbox: Callable[[], Outbox]) -> None:
        self._open_outbox = open_outbox
        self._outbox: Outbox | None = None
        self._lock = Lock()

    def hand_over(self, request: SendRequest) -> Answer:
        """Publish one document; DELIVERED means that it is durable in the queue."""
        with self._lock:
            try:
                if self._outbox is None:
                    self._outbox = self._open_outbox()
                failed = self._outbox.publish([_result(request)]).get(request.agency)
            except BrokerUnavailable as error:
                return Answer(outcome=Outcome.UNKNOWN, detail=f"not confirmed: {error.code}")
            except BrokerError as error:
                return Answer(outcome=Outcome.NOT_SENT, detail=f"not published: {error.code}")
        if failed is not None:
            return Answer(outcome=Outcome.NOT_SENT, detail=f"not published: {failed.error.code}")
        return Answer(outcome=Outcome.DELIVERED, detail="in its results queue")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._outbox is not None:
                self._outbox.close()


def _result(request: SendRequest) -> Result:
    assert request.file is not None
    return Result(
        id=request.message_id,
        agency=request.agency,
        kind=DOCUMENT,
        body=request.document,
        content_type=request.file.media_type,
        headers={
            "service": request.file.service,
            "file_name": request.file.name,
            **outgoing(current()),
        },
    )
