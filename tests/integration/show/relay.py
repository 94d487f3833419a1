"""A relay before a sandbox: the portal does everything, and its answer is spoiled on the way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import urlsplit

import urllib3

DELIVERIES = (b"DongBoHoSoMC", b"CapNhatTienDoHoSoMC")
LGSP_DELIVERIES = ("SyncDocument", "UpdateDocumentTraces")
KEPT = ("Content-Type", "Authorization", "SOAPAction", "dstcode")


@dataclass
class Spoiled:
    """What goes out instead of an answer."""

    status: int
    body: bytes
    media: str
    announced: int | None = None
    """Bytes that are promised, where fewer come."""


@contextmanager
def relaying(target, spoil, *, times=1):
    """
    Relay to the sandbox of `target`; give the target's settings that lead here.

    `spoil` makes of the answer to a delivery what goes out instead; None: the answer as it is.
    """
    endpoint = urlsplit(target["endpoint"])
    pool, left = urllib3.PoolManager(), [times]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args):
            pass

        def do_POST(self):
            self._relay(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self):
            self._relay(None)

        def _relay(self, body):
            url = f"{endpoint.scheme}://{endpoint.netloc}{self.path}"
            headers = {name: self.headers[name] for name in KEPT if name in self.headers}
            came = pool.request(self.command, url, body=body, headers=headers, retries=False)
            said = Spoiled(came.status, came.data, came.headers["Content-Type"])
            is_delivery = body is not None and (
                any(name in body for name in DELIVERIES) or self.path.endswith(LGSP_DELIVERIES)
            )
            if is_delivery and left[0] > 0:
                left[0] -= 1
                said = spoil(said) or said
            self.send_response(said.status)
            self.send_header("Content-Type", said.media)
            self.send_header("Content-Length", str(said.announced or len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)
            self.close_connection = said.announced is not None

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_args):
            """Say nothing of clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}{endpoint.path}"
        yield SimpleNamespace(target=target | {"endpoint": url})
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
        pool.clear()
