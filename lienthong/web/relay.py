"""Publishing hints from a thread of its own: no sender waits for the exchange."""

from __future__ import annotations

from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING

import structlog

from broker.port import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.port import Broker, Message

log = structlog.get_logger()


class Relay:
    """
    Hands hints on to the exchange; while that is away they are left to be found, as always.

    A hint that waits here already is not added again, so there are at most as many as agencies.

    Args:
        open_broker: Opens the exchange, in the thread that uses it.
    """

    def __init__(self, open_broker: Callable[[], Broker]) -> None:
        self._open_broker = open_broker
        self._broker: Broker | None = None
        self._changed = Condition()
        self._waiting: dict[tuple[str, bytes], Message] = {}
        self._is_closed = False
        self._thread = Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """Have hints published soon."""
        with self._changed:
            for message in messages:
                self._waiting.setdefault((queue, message.body), message)
            self._changed.notify()

    def close(self) -> None:
        """Publish what waits, and end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                waiting, self._waiting = self._waiting, {}
            if not waiting:
                if self._broker is not None:
                    with suppress(BrokerError):
                        self._broker.close()
                return
            for (queue, _), message in waiting.items():
                try:
                    self._broker = self._broker or self._open_broker()
                    self._broker.publish(queue, [message])
                except BrokerError as error:
                    log.warning("hint.left_to_be_found", queue=queue, cause=error.code)
