"""A collector on loopback, and an installation on RabbitMQ whose traces go to it."""

from __future__ import annotations

import gzip
import itertools
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from broker.rabbitmq import declare
from lienthong.sandbox import SandboxConfig
from lienthong.testing.portal_site import AGENCY, AGENCY_CODE, Portal, PortalSite
from signing import make_development_pki

NUMBERS = itertools.count(1)


class Collector:
    """Takes OTLP/HTTP as a collector does: protobuf, gzip; or answers as it is told to."""

    def __init__(self):
        self.spans = []
        self.resources = []
        self.headers = []
        self.asked = Event()
        self.status = 200
        self.hold = Event()
        self.hold.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def close(self):
        self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-encoding"] == "gzip":
                    body = gzip.decompress(body)
                collector.headers.append(self.headers)
                collector.asked.set()
                collector.hold.wait(30)
                if collector.status == 200:
                    collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def take(self, request):
        for resource in request.resource_spans:
            self.resources.append(values_of(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans += scope.spans


def values_of(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces") / "keys"
    agencies = {AGENCY: (AGENCY_CODE, "Một cửa thử nghiệm")}
    return make_development_pki(folder, agencies=agencies, now=datetime.now(UTC), kind="ec")


@pytest.fixture
def open_site(pki, tmp_path, rabbitmq):
    """Put an installation together on RabbitMQ, with a portal; `tables` are of lienthong.toml."""
    with ExitStack() as stack:
        made = []

        def open_(channel="soap", **tables):
            portal = Portal(
                SandboxConfig(
                    ledger=tmp_path / f"portal-{len(made)}.sqlite",
                    trust=(pki.root.certificate,),
                    receipt_key=pki.portal.key,
                    receipt_certificate=pki.portal.certificate,
                    channel=channel,
                )
            )
            stack.callback(portal.close)
            broker = {
                "kind": "rabbitmq",
                "urls": [rabbitmq.url],
                "user": "guest",
                "password": "guest",
                "prefix": f"tr{next(NUMBERS)}",
                "agencies": [AGENCY],
            }
            folder = tmp_path / f"site-{len(made)}"
            keys = pki.root.certificate.parent
            site = PortalSite(folder, keys, portal.target, {"broker": broker, **tables})
            stack.callback(site.close)
            declare(site.installation.rabbit_settings)
            made.append(site)
            return site

        yield open_
