"""
The sandbox's control address, on loopback only: orders in JSON, and a page to look at.

What a web page of somebody else sends here is refused: a browser names where a request comes from,
and a name that leads to this machine is not this address.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from lienthong.sandbox.counter import NotFiled
from lienthong.sandbox.filing import FilingWish
from lienthong.sandbox.filings import list_dossiers, list_filings
from lienthong.sandbox.misbehaviour import Misbehaviour
from lienthong.sandbox.pages import PAGE_HEADERS, FormRefused, Pages
from lienthong.sandbox.store import count_rows
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lienthong.sandbox.handlers import App
    from schemas.problem import Problem

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
MAX_CONTROL_BYTES: Final = 1024 * 1024
MOST_LISTED: Final = 500
WAYS: Final = (
    "GET /state, /filings, /dossiers; POST /misbehave, /clear, /restart (the scenario), /file"
)


class ControlServer(ThreadingHTTPServer):
    """The control address; on loopback only."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, *, app: App, apply: Callable[[], None]) -> None:
        self.app = app
        self.apply = apply
        """Makes the portal listen, or not, as is ordered now."""
        self.pages = Pages(app=app, apply=apply)
        super().__init__(("127.0.0.1", port), ControlHandler)

    @property
    def own_names(self) -> frozenset[str]:
        """What a request for this address has as its Host."""
        port = self.server_address[1]
        return frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})


class ControlHandler(BaseHTTPRequestHandler):
    """Takes orders in JSON."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    server: ControlServer

    def do_GET(self) -> None:
        """Say what is ordered, what has been written down, and what was filed."""
        if not self._is_own():
            return
        app = self.server.app
        run = app.portal.store.run
        if self.path == "/state":
            arrivals, effects = run(count_rows)
            orders = app.misbehaviours.describe(monotonic())
            stage = app.misbehaviours.describe_stage(monotonic())
            self._say(
                200,
                {
                    "misbehaviour": orders,
                    "scenario": stage,
                    "arrivals": arrivals,
                    "effects": effects,
                },
            )
        elif self.path == "/filings":
            self._say(200, {"filings": run(lambda one: list_filings(one, limit=MOST_LISTED))})
        elif self.path == "/dossiers":
            self._say(200, {"dossiers": run(lambda one: list_dossiers(one, limit=MOST_LISTED))})
        else:
            self._show()

    def do_POST(self) -> None:
        """Take an order."""
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isascii() and length.isdigit() else MAX_CONTROL_BYTES + 1
        if size > MAX_CONTROL_BYTES:
            self.close_connection = True
            self._say(413, {"error": "too large"})
            return
        data = self.rfile.read(size)
        if not self._is_own():
            return
        if self.path.startswith("/page/"):
            self._obey_form(data)
            return
        try:
            self._obey(data)
        except ValidationError as error:
            # What was given is left out: an order may hold a token.
            shown = [{"at": one["loc"], "error": one["msg"]} for one in error.errors()]
            self._say(400, {"error": shown})
        except NotFiled as error:
            self._say(422, {"error": [describe_problem(one) for one in error.problems]})

    def _obey(self, data: bytes) -> None:
        app = self.server.app
        if self.path == "/file":
            wish = FilingWish.model_validate_json(data or b"{}")
            self._say(200, app.counter.file(wish, now=app.clock()))
            return
        if self.path == "/clear":
            app.misbehaviours.clear()
        elif self.path == "/restart":
            app.misbehaviours.restart(monotonic())
        elif self.path == "/misbehave":
            app.misbehaviours.add(Misbehaviour.model_validate_json(data), now=monotonic())
        else:
            self._say(404, {"error": WAYS})
            return
        # The order holds when it is answered: a client need not wait and guess.
        self.server.apply()
        self._say(200, {"misbehaviour": app.misbehaviours.describe(monotonic())})

    def _show(self) -> None:
        page = self.server.pages.show(self.path)
        if page is None:
            self._say(404, {"error": WAYS})
        else:
            self.reply(*page, content_type=HTML, headers=PAGE_HEADERS)

    def _obey_form(self, data: bytes) -> None:
        pages = self.server.pages
        try:
            location = pages.obey(self.path, data)
        except FormRefused as error:
            page = pages.overview(Language.VI, complaint=error.text)
            self.reply(error.status, page, content_type=HTML, headers=PAGE_HEADERS)
            return
        headers = {**PAGE_HEADERS, "Location": location}
        self.reply(303, b"", content_type=HTML, headers=headers)

    def _is_own(self) -> bool:
        """Return whether no other site's page sent this, having refused it otherwise."""
        names = self.server.own_names
        origin = self.headers.get("Origin")
        if self.headers.get("Host", "") in names and (
            origin is None or origin.removeprefix("http://") in names
        ):
            return True
        self._say(403, {"error": "from this address only"})
        return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing."""

    def _say(self, status: int, value: object) -> None:
        self.reply(status, json.dumps(value, ensure_ascii=False).encode(), content_type=JSON)

    def reply(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer one request."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def describe_problem(problem: Problem) -> dict[str, object]:
    """Return a finding as the control address tells it."""
    suggestion = problem.suggestion
    return {
        "code": problem.code,
        "place": problem.place.path or problem.field,
        "vi": problem.message.vi,
        "en": problem.message.en,
        "remedy": None if suggestion is None else {"vi": suggestion.vi, "en": suggestion.en},
    }
