"""
A place for the present connection: it opens a wire when one is needed and the last is lost.

A call that finds no server tries all addresses again with growing pauses, for as long as the
settings' patience lasts; a restart of the server is bridged so. What is refused is told at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from broker.port import BrokerError, BrokerUnavailable
from broker.rabbitmq.settings import RabbitSettings, connection_parameters
from broker.rabbitmq.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PAUSE_SECONDS = 2.0


class Line:
    """
    One connection after the other; for one thread.

    Args:
        settings: Where and how long.
        prepare: Makes a new wire ready, before anybody else uses it.
    """

    def __init__(self, settings: RabbitSettings, *, prepare: Callable[[Wire], None]) -> None:
        self._settings = settings
        self._prepare = prepare
        self._wire: Wire | None = None
        self._closed = False

    def wire(self) -> Wire:
        """
        Return a wire that was not lost a moment ago.

        Raises:
            BrokerUnavailable: no server answered in all that time.
            BrokerError: the server refuses us, or this line was closed.
        """
        if self._closed:
            raise BrokerError(
                "this broker was closed; open a new one",
                vi="kết nối hàng đợi này đã đóng; hãy mở kết nối mới",
            )
        if self._wire is None or self._wire.is_lost:
            self.drop()
            self._wire = self._connect()
        return self._wire

    def close(self) -> None:
        """End the connection, if there is one."""
        self._closed = True
        self.drop()

    def drop(self) -> None:
        """End the connection; the next call opens another."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _connect(self) -> Wire:
        parameters = connection_parameters(self._settings)
        attempts = Retrying(
            retry=retry_if_exception_type(BrokerUnavailable),
            wait=wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE_SECONDS),
            stop=stop_after_delay(self._settings.connect_patience.total_seconds()),
            sleep=time.sleep,
            reraise=True,
        )
        for attempt in attempts:
            with attempt:
                wire = Wire(parameters, timeout=self._settings.answer_timeout)
                try:
                    wire.open()
                    self._prepare(wire)
                except BrokerError:
                    wire.close()
                    raise
                return wire
        raise AssertionError("tenacity raises when it gives up")
