"""A mail server and a webhook on loopback, and an installation whose time tests set."""

from __future__ import annotations

import email
import email.policy
import json
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from lienthong.alerts.watch import AlertWatch
from lienthong.metrics.certificates import Ends
from lienthong.metrics.measures import read_measures
from lienthong.metrics.watch import Look
from lienthong.settings import load_settings
from lienthong.store.database import make_tables, open_postgresql, reading
from lienthong.testing.machine import free_ports
from lienthong.testing.portal_site import write_toml
from lienthong.watching import Watching
from lienthong.wiring import Installation

START = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
SECRET = "a-secret-of-24-characters-and-more"


class Mailbox:
    """What a mail server took; it refuses, hangs up or wants a password as it is told to."""

    def __init__(self):
        self.mails = []
        self.refuses = None
        self.logins = []

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802
        if address == "nobody@example.vn":
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        if self.refuses is not None:
            return self.refuses
        content = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos, content))
        return "250 OK"

    def check(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cret")

    @property
    def subjects(self):
        return [str(mail["Subject"]) for _, mail in self.mails]

    @property
    def texts(self):
        return [mail.get_content() for _, mail in self.mails]


class Hook:
    """Takes requests, or answers as it is told to."""

    def __init__(self):
        self.requests = []
        self.status = 204
        self.location = None
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.requests.append((self.path, self.headers, body))
                self.send_response(hook.status)
                if hook.location:
                    self.send_header("Location", hook.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def notices(self):
        return [one for _, _, body in self.requests for one in json.loads(body)["notices"]]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def serve_mail(mailbox):
    """Start a mail server; it ends with the test."""
    with ExitStack() as stack:

        def serve(*, port=None, tls=None, **options):
            if port is None:
                (port,) = free_ports(1)
            if tls is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*tls)
                options |= {"tls_context": context, "require_starttls": True}
            server = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
            server.start()
            stack.callback(server.stop)
            return port

        yield serve


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.close()


class Site:
    """An installation whose clock stands where tests put it, and processes that watch it."""

    def __init__(self, folder, **tables):
        self.file = folder / "lienthong.toml"
        values = {"data_dir": str(folder / "data"), **tables}
        self.file.write_text(write_toml(values), encoding="utf-8")
        self.now = START
        self.is_up = True
        self.drifts = 0
        self.installation = self.open()

    def open(self):
        here = Installation(load_settings(file=self.file))
        here.clock = lambda: self.now
        return here

    def look(self, installation):
        if not self.is_up:
            return Look(is_up=False, measures=None, ends=Ends(), took_seconds=0)
        with reading(installation.store) as connection:
            measures = read_measures(connection, now=self.now, stamps=None)
        object.__setattr__(measures, "drifts", self.drifts)
        return Look(is_up=True, measures=measures, ends=Ends(), took_seconds=0)

    def watch(self, installation=None):
        here = installation or self.installation
        return AlertWatch(
            here,
            ways=Watching(here).open_ways(),
            look=lambda: self.look(here),
            exchange=lambda: True,
        )

    def run(self, *watches, minutes, every=1):
        for _ in range(0, minutes, every):
            for watch in watches:
                watch.step()
            self.now += timedelta(minutes=every)


@pytest.fixture
def open_site(tmp_path):
    with ExitStack() as stack:

        def open_(mail_port=None, hook=None, *, mail=None, **alerts):
            # Nobody seals here.
            channels = {"disk_percent": 1, "off": ["LienthongSealLate"], **alerts}
            if mail_port is not None:
                channels["mail"] = {
                    "host": "127.0.0.1",
                    "port": mail_port,
                    "security": "none",
                    "from": "lienthong@example.vn",
                    "to": ["duty@example.vn"],
                    "timeout_seconds": 2,
                    **(mail or {}),
                }
            if hook is not None:
                channels["webhooks"] = {"chat": {"url": hook.url, "secret": SECRET}}
            site = Site(tmp_path, alerts=channels)
            stack.callback(site.installation.store.dispose)
            return site

        yield open_


@pytest.fixture
def postgresql_store(postgresql):
    """Give the address of an empty store."""
    url = postgresql.create_database(f"t{uuid4().hex}")
    engine = open_postgresql(url)
    make_tables(engine)
    engine.dispose()
    return url
