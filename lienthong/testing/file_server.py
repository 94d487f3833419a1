"""A file server that misbehaves as it is told, for tests of fetching."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


@dataclass
class FileSite:
    """What it has, by path; what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    """Answered instead of a file."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Sent besides, by path."""
    cut: dict[str, int] = field(default_factory=dict)
    """So many bytes are sent of a longer file."""
    streams: dict[str, Callable[[], Iterator[bytes]]] = field(default_factory=dict)
    """Files that are made while they are sent, in chunks."""
    unframed: set[str] = field(default_factory=set)
    """Paths whose answers do not say how long they are: they end with the connection."""
    asked: list[str] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    """The headers of each, names in small letters."""
    port: int = 0

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving_files(tls: ssl.SSLContext | None = None) -> Iterator[FileSite]:
    """Run one on a free port of this machine, behind TLS where a context is given."""
    site = FileSite()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            pass

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.requests.append({name.lower(): value for name, value in self.headers.items()})
            path = self.path.partition("?")[0]
            if path in site.streams:
                self._stream(site.streams[path])
                return
            status = site.statuses.get(path, 200 if path in site.files else 404)
            body = site.files.get(path, b"<html><body>no</body></html>")
            self.send_response(status)
            for name, value in site.headers.get(path, {}).items():
                self.send_header(name, value)
            if path not in site.unframed:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: site.cut.get(path, len(body))])
            self.close_connection = True

        def _stream(self, make: Callable[[], Iterator[bytes]]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for part in make():
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                # Whoever asked has gone.
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
