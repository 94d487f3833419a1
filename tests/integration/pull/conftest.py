"""Sources on real database servers, and an installation that reads them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from lienthong.doors.pull import PullDoor
from lienthong.flows.incoming import Sender
from lienthong.settings import Settings
from lienthong.store.database import reading
from lienthong.store.pieces import PieceReader
from lienthong.store.pulls import list_pulls
from lienthong.store.tables import submissions
from lienthong.wiring import Installation

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Silent:
    def publish(self, queue, messages):
        """The workers find it."""


class Here(Installation):
    """An installation on the clock of the test, whose mappings all read JSON lines."""

    def __init__(self, settings):
        super().__init__(settings)
        self.now = NOW

    def clock(self):
        return self.now

    def sender(self, name):
        return Sender(name=name, code="000.00.15.H29", format="jsonl")


@dataclass
class Reader:
    """One source of an agency, and a worker that reads it."""

    folder: object
    options: dict = field(default_factory=dict)
    made: list = field(default_factory=list)

    def __post_init__(self):
        self.installation = self.make_installation()
        self.door = PullDoor(self.installation, publisher=Silent())

    def profile(self):
        """Return the table of the settings, without options."""
        return {}

    def make_installation(self):
        profile = self.profile() | self.options
        profile = {key: value for key, value in profile.items() if value is not None}
        made = Here(Settings(data_dir=self.folder, pull={"land": profile}))
        self.made.append(made)
        return made

    def with_options(self, **options):
        """Give a worker of the same store, whose profile differs."""
        self.options = {**self.options, **options}
        now = self.installation.now
        self.installation = self.make_installation()
        self.installation.now = now
        self.door = PullDoor(self.installation, publisher=Silent())
        return self

    def read(self, *, after=timedelta(minutes=1)):
        self.installation.now += after
        return self.door.read("land", even_if_not_due=True)

    def submissions(self):
        """Return the bytes of every submission, in their order."""
        store = self.installation.store
        with reading(store) as connection:
            query = select(submissions.c.id, submissions.c.size).order_by(submissions.c.arrival)
            found = connection.execute(query).all()
        return [PieceReader(store, one.id, size=one.size).readall() for one in found]

    def lines(self):
        """Return every row that was taken over, in the order of its submission."""
        return [json.loads(line) for whole in self.submissions() for line in whole.splitlines()]

    def codes(self):
        return [line["ma"] for line in self.lines()]

    def state(self):
        with reading(self.installation.store) as connection:
            return list_pulls(connection)["land"]

    def close(self):
        for installation in self.made:
            installation.store.dispose()


@dataclass
class Source(Reader):
    """One database of an agency, and a worker that reads it."""

    kind: str = ""
    url: str = ""

    def __post_init__(self):
        self.engine = create_engine(self.url)
        super().__post_init__()

    def profile(self):
        plain = make_url(self.url)
        name = "postgresql" if self.kind == "postgresql" else "mariadb"
        return {
            "kind": "sql",
            "url": plain.set(drivername=name).render_as_string(hide_password=False),
            "table": "hoso",
            "columns": ["ma", "ten", "sua_luc"],
            "watermark": "sua_luc",
            "key": ["ma"],
        }

    def run(self, *statements, **values):
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def put(self, code, name="A", at="2026-03-02 14:00:00"):
        self.run("INSERT INTO hoso (ma, ten, sua_luc) VALUES (:c, :n, :a)", c=code, n=name, a=at)

    def close(self):
        self.engine.dispose()
        super().close()


@pytest.fixture(params=["postgresql", "mariadb"])
def kind(request):
    """Give the kind of the source's database."""
    return request.param


@pytest.fixture
def make_source(kind, request, tmp_path):
    made = []

    def make(*, charset="utf8mb4", **options):
        if kind == "postgresql":
            address = make_url(request.getfixturevalue("make_database")())
            address = address.set(drivername="postgresql+psycopg")
            url = address.render_as_string(hide_password=False)
        else:
            server = request.getfixturevalue("mariadb")
            url = server.create_database(f"t{uuid4().hex}", charset=charset)
        folder = tmp_path / f"data{len(made)}"
        made.append(Source(folder, options, kind=kind, url=url))
        return made[-1]

    yield make
    for source in made:
        source.close()


@pytest.fixture
def source(make_source):
    """Give a source with one table, whose watermark is a time without zone."""
    source = make_source()
    source.run(
        "CREATE TABLE hoso (ma varchar(40) PRIMARY KEY, ten varchar(200), sua_luc timestamp NULL)"
        if source.kind == "postgresql"
        else "CREATE TABLE hoso (ma varchar(40) PRIMARY KEY, ten varchar(200), "
        "sua_luc datetime NULL)"
    )
    return source


@dataclass
class Asked:
    """One request that a web server was asked."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """A small HTTP server on loopback; `answer` decides what is answered."""

    def __init__(self, tls=None):
        self.asked = []
        self.answer = lambda _asked: (404, b"")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    dict(self.headers),
                    self.rfile.read(length),
                )
                outer.asked.append(asked)
                status, body, *headers = outer.answer(asked)
                if isinstance(body, dict | list):
                    body = json.dumps(body).encode()
                pieces = [body] if isinstance(body, bytes) else body
                self.send_response(status)
                for name, value in headers[0].items() if headers else ():
                    self.send_header(name, value)
                if isinstance(body, bytes):
                    self.send_header("Content-Length", str(len(body)))
                else:
                    self.send_header("Connection", "close")
                self.end_headers()
                with suppress(OSError):
                    for piece in pieces:
                        self.wfile.write(piece)

            do_GET = do_POST = handle_one  # noqa: N815 - the names of the standard library

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            plain = self._server.socket
            self._server.socket = tls.wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def make_web():
    made = []

    def make(tls=None):
        made.append(Web(tls))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def web(make_web):
    return make_web()


@pytest.fixture
def make_reader(tmp_path):
    """Give a function that makes a worker of a source, from the table of its settings."""
    made = []

    def make(**options):
        made.append(Reader(tmp_path / f"reader{len(made)}", options))
        return made[-1]

    yield make
    for reader in made:
        reader.close()
