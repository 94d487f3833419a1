"""A way to a server through which a test can cut, refuse, delay or swallow connections."""

from __future__ import annotations

import itertools
import socket
import time
from contextlib import suppress
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

CHUNK = 65536
NO_TIME = timedelta(0)
JOIN_SECONDS = 5.0


class Proxy:
    """
    A TCP proxy on a free loopback port, from the moment it is made until `close`.

    Connections are copied byte by byte, each way in a thread of its own.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.refuses = False
        """New connections end at once; those that are open go on."""
        self.latency = NO_TIME
        """How long every piece waits before it is passed on, each way; order is kept."""
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = Lock()
        self._flows = Event()
        self._flows.set()
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> int:
        """Break every connection that is open now, without a word; return how many."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for end in itertools.chain(*pairs):
            _shut(end)
        return len(pairs)

    def swallow(self) -> None:
        """
        Pass nothing on, as a network that lost its way: connections open and stay, nobody answers.

        What is sent meanwhile arrives after `restore`, as TCP would bring it.
        """
        self._flows.clear()

    def restore(self) -> None:
        """Let everything through at once, as in the beginning."""
        self.refuses = False
        self.latency = NO_TIME
        self._flows.set()

    def close(self) -> None:
        """Stop listening and break what is open."""
        _shut(self._listener)
        self._listener.close()
        self._flows.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                near.close()
                continue
            Thread(target=self._open, args=(near,), daemon=True).start()

    def _open(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=JOIN_SECONDS)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (near, far)
        with self._lock:
            self._pairs.add(pair)
        ways = [Thread(target=self._pump, args=way, daemon=True) for way in (pair, pair[::-1])]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        with self._lock:
            self._pairs.discard(pair)
        near.close()
        far.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK):
                if self.latency:
                    time.sleep(self.latency.total_seconds())
                self._flows.wait()
                sink.sendall(data)
        except OSError:
            # One end is gone, and both are to be: a half is not what a broken line leaves.
            _shut(source)
            _shut(sink)
        else:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
