"""An authority's HTTP server on loopback: its revocation list and OCSP answers, in all moods."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING

from cryptography.x509 import ocsp

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from cryptography import x509

    from signing import DevelopmentAuthority, Withdrawn

LONGEST_REQUEST = 64 * 1024
_HUGE_BYTES = 100 * 1024 * 1024
_PIECE = b"\x30" * 65536
_DAY = timedelta(days=1)


class Mood(Enum):
    """How the server behaves."""

    FINE = "fine"
    STALE = "stale"
    """Its answers ran out a month ago."""
    OTHER_CERTIFICATE = "other certificate"
    """Its OCSP answers are about the first certificate that it knows, whatever is asked."""
    SLOW = "slow"
    """It sends a byte a tenth of a second, for ever."""
    HUGE = "huge"
    """It sends 100 MB."""
    BROKEN = "broken"
    """HTTP 500."""
    GARBAGE = "garbage"
    """HTTP 200 with a page of HTML."""
    REDIRECTING = "redirecting"
    """It sends the caller to another address of its own, which is fine."""


class Responder:
    """Serves one authority from the moment it is made until `close`."""

    def __init__(
        self,
        authority: DevelopmentAuthority,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.authority = authority
        self.mood = Mood.FINE
        self.withdrawn: list[Withdrawn] = []
        self.known: list[x509.Certificate] = []
        """About these its responder answers."""
        self.asked: list[str] = []
        """The path of each request, in order."""
        self._clock = clock
        self._lock = Lock()
        self._server = _Server(self)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def list_url(self) -> str:
        """Where the list is."""
        return f"http://127.0.0.1:{self._server.server_port}/ca.crl"

    @property
    def ocsp_url(self) -> str:
        """Where questions are answered."""
        return f"http://127.0.0.1:{self._server.server_port}/ocsp"

    def close(self) -> None:
        """Stop; who calls now is refused."""
        self._server.shutdown()
        self._server.server_close()

    def list(self) -> bytes:
        """Return the list as it is now."""
        return self.authority.make_list(self.withdrawn, now=self._spoken_at())

    def answer(self, request: bytes) -> bytes:
        """Return the answer to one OCSP request."""
        asked = ocsp.load_der_ocsp_request(request).serial_number
        certificate = next((one for one in self.known if one.serial_number == asked), None)
        if self.mood is Mood.OTHER_CERTIFICATE or certificate is None:
            certificate = self.known[0]
        gone = {one.serial: one for one in self.withdrawn}
        return self.authority.make_answer(
            certificate,
            issuer=self.authority.certificate,
            now=self._spoken_at(),
            withdrawn=gone.get(certificate.serial_number),
        )

    def _spoken_at(self) -> datetime:
        return self._clock() - (32 * _DAY if self.mood is Mood.STALE else timedelta(minutes=1))

    def note(self, path: str) -> None:
        """Remember a request."""
        with self._lock:
            self.asked.append(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, responder: Responder) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responder = responder


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server

    @property
    def _responder(self) -> Responder:
        return self.server.responder

    def do_GET(self) -> None:
        """Give the list."""
        self._give(self._responder.list)

    def do_POST(self) -> None:
        """Answer a question."""
        length = min(int(self.headers.get("Content-Length") or 0), LONGEST_REQUEST)
        request = self.rfile.read(length)
        self._give(lambda: self._responder.answer(request))

    def _give(self, make: Callable[[], bytes]) -> None:
        self._responder.note(self.path)
        mood = self._responder.mood
        if mood is Mood.REDIRECTING and self.path != "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        elif mood is Mood.BROKEN:
            self.send_error(500)
        elif mood is Mood.GARBAGE:
            self._send(b"<html><body>Please log in to the network</body></html>")
        elif mood in {Mood.SLOW, Mood.HUGE}:
            self._trickle(mood)
        else:
            self._send(make())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self, mood: Mood) -> None:
        self.send_response(200)
        self.end_headers()
        # Whoever has had enough hangs up.
        with suppress(OSError):
            for _ in range(_HUGE_BYTES // len(_PIECE)):
                self.wfile.write(_PIECE if mood is Mood.HUGE else b"\x30")
                if mood is Mood.SLOW:
                    time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
