from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.rabbitmq import Plan, RabbitBroker, RabbitSettings, declare

NUMBERS = itertools.count(1)


class Proxy:
    """A TCP proxy that can cut every connection through it, and refuse new ones."""

    def __init__(self, port):
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs = []
        self._lock = threading.Lock()
        self.refuses = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self):
        """Break every connection that is open now, without a word."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for end in itertools.chain(*pairs):
            _shut(end)

    def close(self):
        _shut(self._listener)
        self._listener.close()
        self._thread.join(5)
        self.cut()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        _shut(sink)
        source.close()


def _shut(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def settings(rabbitmq):
    """Give settings with names of their own, so that tests do not meet on the server."""
    return RabbitSettings(
        urls=(rabbitmq.url,),
        plan=Plan(
            prefix=f"t{next(NUMBERS)}",
            queues=("deliver",),
            tiers=(timedelta(milliseconds=200), timedelta(seconds=1)),
            delivery_limit=2,
        ),
        connect_patience=timedelta(seconds=1),
        tick=timedelta(milliseconds=50),
    )


@pytest.fixture
def open_broker():
    """Open brokers on settings; closed at the end."""
    opened = []

    def once(settings):
        broker = RabbitBroker(settings, clock=lambda: datetime.now(UTC))
        opened.append(broker)
        return broker

    yield once
    for broker in opened:
        broker.close()


@pytest.fixture
def broker(settings, open_broker):
    declare(settings)
    return open_broker(settings)


@pytest.fixture
def proxy(rabbitmq):
    made = Proxy(rabbitmq.port)
    yield made
    made.close()


@pytest.fixture
def proxied(settings, proxy):
    """Give the same settings with the way through the proxy."""
    return replace(settings, urls=(f"amqp://127.0.0.1:{proxy.port}/%2F",))
