"""
One connection to RabbitMQ with one channel, run by a thread of its own, used once and thrown away.

The thread answers heartbeats while the owner is busy, and lets many publishings wait for their
confirms together; pika's blocking connection does neither. The owner's thread hands over functions
that get the channel, and waits. Whatever breaks (connection, channel, consumer) ends the wire.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pika import SelectConnection
from pika.adapters.select_connection import IOLoop

from broker.port import BrokerError, BrokerUnavailable
from broker.rabbitmq.errors import blocked, cancelled, silent, translated, translating
from broker.rabbitmq.reading import read_any_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from pika import ConnectionParameters
    from pika.channel import Channel

T = TypeVar("T")
CLOSING_SECONDS = 5.0
"""How long a closing handshake may take; the server may be hung or full."""


def answer(future: Future[T], value: T) -> None:
    """Give `future` its value, unless it failed before."""
    if not future.done():
        future.set_result(value)


class Wire:
    """
    A connection from its opening to its end; `open` first.

    Args:
        parameters: One per address, tried in this order.
        timeout: For every answer.
    """

    def __init__(self, parameters: Sequence[ConnectionParameters], *, timeout: timedelta) -> None:
        read_any_properties()
        self._timeout = timeout.total_seconds()
        self._parameters = parameters
        self._loop = IOLoop()
        self._lock = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._error: BrokerError | None = None
        self._alarm: str | None = None
        self._opened: Future[None] = Future()
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)

    @property
    def is_lost(self) -> bool:
        """Whether nothing goes through this wire any more."""
        return self._error is not None

    def open(self) -> None:
        """
        Connect to the first address that answers.

        Raises:
            BrokerUnavailable: none answers now.
            BrokerError: the credentials, the virtual host or the certificates are refused.
        """
        self._pending.add(self._opened)
        self._thread.start()
        self._wait(self._opened, self._timeout * (len(self._parameters) + 1))

    def call(self, start: Callable[[Channel, Future[T]], None]) -> T:
        """
        Run `start` in the wire's thread and return what it, or a callback of it, sets.

        Raises:
            BrokerUnavailable: the wire broke, or no answer came in time.
            BrokerError: the server refused.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._error is not None:
                raise self._error
            self._pending.add(future)
            self._loop.add_callback_threadsafe(partial(self._begin, start, future))
        return self._wait(future, self._timeout)

    def check(self) -> None:
        """Raise the error that ended this wire, if one did."""
        if self._error is not None:
            raise self._error

    def every(self, seconds: float, work: Callable[[Channel], None]) -> None:
        """Run `work` in the wire's thread again and again, until the wire ends."""

        def once(channel: Channel) -> None:
            if channel.is_open:
                work(channel)
                self._loop.call_later(seconds, partial(once, channel))

        def start(channel: Channel, future: Future[None]) -> None:
            once(channel)
            answer(future, None)

        self.call(start)

    def close(self) -> None:
        """End the connection; the server gives back what was not settled."""
        self._end(BrokerUnavailable("this connection was closed"), politely=True)

    def _wait(self, future: Future[T], seconds: float) -> T:
        try:
            return future.result(seconds)
        except TimeoutError:
            error = silent(seconds) if self._alarm is None else blocked(self._alarm)
            self._end(error, politely=False)
            raise error from None
        finally:
            with self._lock:
                self._pending.discard(future)

    def _end(self, error: BrokerError, *, politely: bool) -> None:
        with self._lock:
            if self._error is None:
                how = self._close_politely if politely else partial(self._drop, error)
                self._loop.add_callback_threadsafe(how)
        self._thread.join(CLOSING_SECONDS)
        if self._thread.is_alive():
            with self._lock:
                if self._error is None:
                    self._loop.add_callback_threadsafe(partial(self._drop, error))
            self._thread.join(CLOSING_SECONDS)

    # What follows runs in the wire's thread.

    def _run(self) -> None:
        try:
            SelectConnection.create_connection(
                self._parameters, on_done=self._connected, custom_ioloop=self._loop
            )
            self._loop.start()
        finally:
            # Also after a bug in here: whoever waits must not wait for ever.
            self._finish(BrokerError("the thread of the RabbitMQ connection ended"))
            with self._lock:
                self._loop.close()

    def _begin(self, start: Callable[[Channel, Future[T]], None], future: Future[T]) -> None:
        if future.done() or self._channel is None:
            return
        try:
            with translating():
                start(self._channel, future)
        except BrokerError as error:
            if not future.done():
                future.set_exception(error)

    def _connected(self, result: Any) -> None:
        if not isinstance(result, SelectConnection):
            self._finish(translated(result))
            return
        self._connection = result
        result.add_on_close_callback(lambda _, reason: self._finish(translated(reason)))
        result.add_on_connection_blocked_callback(self._blocked)
        result.add_on_connection_unblocked_callback(lambda *_: setattr(self, "_alarm", None))
        result.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._channel_closed(reason))
        channel.add_on_cancel_callback(lambda _: self._drop(cancelled()))
        answer(self._opened, None)

    def _channel_closed(self, reason: Exception) -> None:
        if self._connection is not None and self._connection.is_open:
            self._fail(translated(reason))
            self._connection.close()

    def _blocked(self, _connection: object, frame: Any) -> None:
        self._alarm = str(frame.method.reason)

    def _close_politely(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close()
        elif self._connection is None:
            self._finish(BrokerUnavailable("this connection was closed"))

    def _drop(self, error: BrokerError) -> None:
        self._fail(error)
        if self._connection is None:
            self._loop.stop()
        elif not self._connection.is_closed:
            # pika has no public way to leave a server that does not answer.
            self._connection._terminate_stream(error)  # type: ignore[attr-defined]  # noqa: SLF001

    def _finish(self, error: BrokerError) -> None:
        self._fail(error)
        self._loop.stop()

    def _fail(self, error: BrokerError) -> None:
        with self._lock:
            if self._error is None:
                self._error = error
            waiting, self._pending = self._pending, set()
        for future in waiting:
            if not future.done():
                future.set_exception(self._error)
