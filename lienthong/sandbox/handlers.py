"""One HTTP request to the sandbox: read within limits, written down, then answered or not."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock
from time import monotonic, time
from typing import TYPE_CHECKING

from lienthong.sandbox.adapter import LOGIN, PATHS, say_fault
from lienthong.sandbox.changing import change_json, change_xml
from lienthong.sandbox.disguises import JSON, disguise_element, disguise_json, recode
from lienthong.sandbox.explaining import of_headers, of_reasons, of_unreadable
from lienthong.sandbox.headers import HeaderFault, echo_headers, refuse_headers
from lienthong.sandbox.lgsp import LOGIN as TOKEN
from lienthong.sandbox.lgsp import PATHS as LGSP_PATHS
from lienthong.sandbox.memory import Exchange
from lienthong.sandbox.misbehaviour import Mode
from lienthong.sandbox.portal import DOSSIER, LOOK_UP, PROGRESS, Portal, local_name, namespace
from lienthong.soap import CONTENT_TYPES, NotSoap, build_fault, open_envelope
from schemas.building import SOAP_11, build_envelope
from signing.wss import SecurityRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from lxml.etree import _Element

    from lienthong.sandbox.adapter import Adapter
    from lienthong.sandbox.counter import Counter
    from lienthong.sandbox.headers import HeaderDemands
    from lienthong.sandbox.lgsp import Lgsp
    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.orders import Misbehaviours
    from lienthong.sandbox.pushing import Pusher
    from lienthong.sandbox.security import Guard

PAGES = {
    Mode.UNAVAILABLE: (503, b"<html><body><h1>503 Service Unavailable</h1></body></html>"),
    Mode.TOO_MANY: (429, b"<html><body><h1>429 Too Many Requests</h1></body></html>"),
    Mode.MAINTENANCE: (
        200,
        "<!DOCTYPE html><html><head><title>Bảo trì</title></head><body><h1>Hệ thống đang bảo trì, "
        "xin vui lòng quay lại sau</h1><br></body></html>".encode(),
    ),
}
"""Status and web page of the modes that answer with one."""
FAULTS = {Mode.FAULT: 500, Mode.FAULT_200: 200}
"""HTTP status of the modes that answer with a fault of the server."""
SPOILT = frozenset({Mode.EMPTY, Mode.TRUNCATED, Mode.WRONG_CHARSET, Mode.SLOW_DRIP})
"""Modes that spoil an answer on its way out."""
DRIPS = 20
PROXY_FAULT = HeaderFault(
    reason="không kết nối được (thử nghiệm)", dotted="Server.ClientProxy.NetworkError"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What the handlers of one sandbox share."""

    portal: Portal
    adapter: Adapter
    lgsp: Lgsp
    counter: Counter
    pusher: Pusher
    misbehaviours: Misbehaviours
    clock: Callable[[], datetime]
    guard: Guard | None
    """None: no security header is looked at."""
    demands: HeaderDemands | None
    """None: no other header is demanded."""
    max_request_bytes: int
    idle_timeout_seconds: float
    stopping: Event
    """Set when the sandbox ends: whoever waits, wakes."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """Served on GET; filled when the address is known."""


class PortalServer(ThreadingHTTPServer):
    """The portal's address while it listens."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, app: App) -> None:
        self.app = app
        self._idle: set[socket.socket] = set()
        self._lock = Lock()
        self.is_closing = False
        super().__init__(address, PortalHandler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are."""
        TCPServer.server_bind(self)

    def wait_idly(self, connection: socket.socket) -> None:
        """Note that a kept-alive connection waits for its next request."""
        with self._lock:
            if self.is_closing:
                _shut(connection)
            self._idle.add(connection)

    def wake(self, connection: socket.socket) -> None:
        """Note that a request came, or that the connection ended."""
        with self._lock:
            self._idle.discard(connection)

    def server_close(self) -> None:
        """Stop listening and end the idle connections; requests that are being read go on."""
        super().server_close()
        with self._lock:
            self.is_closing = True
            for connection in self._idle:
                _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that went away; anything else is a bug and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class PortalHandler(BaseHTTPRequestHandler):
    """SOAP and the adapter's JSON on POST, the description on GET."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: PortalServer
    server_version = "lienthong-sandbox"
    sys_version = ""
    arrival_id = 0
    """Of the present request; 0 while it is not written down."""
    exchange: Exchange
    ahead = timedelta()
    """Of the clock by which the present answer is given."""

    def setup(self) -> None:
        """Set the idle timeout of this sandbox before the connection is used."""
        super().setup()
        self.connection.settimeout(self.server.app.idle_timeout_seconds)

    def handle_one_request(self) -> None:
        """Take one request, being known as idle until its first byte is there."""
        self.arrival_id, self.ahead = 0, timedelta()
        self.server.wait_idly(self.connection)
        try:
            self.rfile.peek(1)  # type: ignore[attr-defined]  # it is a BufferedReader
        except OSError:
            self.close_connection = True
            return
        finally:
            self.server.wake(self.connection)
        super().handle_one_request()
        if self.server.is_closing:
            self.close_connection = True

    def do_GET(self) -> None:
        """Serve the WSDL and the schemas, or answer an LGSP's look-up."""
        if self._is_for_lgsp():
            self._answer_lgsp(b"")
            return
        page = self.server.app.pages.get(self.path)
        if page is None:
            self._reply(404, b"not found", content_type="text/plain; charset=utf-8")
        else:
            self._reply(200, page, content_type="text/xml; charset=utf-8")

    def do_POST(self) -> None:
        """Answer one request, or misbehave."""
        data = self._read_body()
        if data is None:
            return
        if self.path in PATHS:
            self._answer_json(data)
            return
        if self._is_for_lgsp():
            self._answer_lgsp(data)
            return
        try:
            soap, request, headers = open_envelope(data)
        except NotSoap as error:
            self._refuse_unreadable(SOAP_11, None, data, reason=str(error))
            return
        operation = local_name(request)
        known = namespace(request) in self.server.app.portal.versions
        if not known or operation not in {DOSSIER, PROGRESS, LOOK_UP}:
            reason = f"there is no operation {operation}"
            self._refuse_unreadable(soap, operation, data, reason=reason)
            return
        self._answer(soap, request, headers, data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing: the ledger has it all."""

    def _remember(self, channel: str, arrival_id: int, data: bytes) -> None:
        self.arrival_id = arrival_id
        self.exchange = Exchange(
            channel=channel,
            method=self.command,
            target=self.path,
            headers=tuple(self.headers.items()),
            request=data,
        )
        self.server.app.portal.memory.begin(arrival_id, self.exchange)

    def _answer(
        self, soap: str, request: _Element, headers: Sequence[_Element], data: bytes
    ) -> None:
        app, portal = self.server.app, self.server.app.portal
        now = app.clock()
        incoming = portal.record(request, now=now)
        self._remember("soap", incoming.arrival_id, data)
        is_delivery = local_name(request) != LOOK_UP
        strike = app.misbehaviours.strike(
            service=local_name(request),
            is_delivery=is_delivery,
            dossier_codes=_codes(incoming.dossier_code),
            now=monotonic(),
        )
        now += ahead_of(strike)
        fail = partial(self._fail_soap, soap)
        if self._is_struck(strike, incoming.arrival_id, fail=fail):
            return
        signature = None
        if app.guard is not None and app.guard.judges_requests:
            try:
                proven = app.guard.open(data, now=now)
            except SecurityRefused as error:
                self.exchange.findings = of_reasons(error.reasons, place="wsse:Security")
                portal.note(incoming.arrival_id, outcome=error.code)
                self._refuse_security(soap, error)
                return
            incoming = portal.read_again(incoming, proven.body, now=now)
            signature = proven.signature
            if app.guard.takes_only_signed:
                headers = tuple(proven.headers.values())
        echo = echo_headers(headers, is_wrong=strike is not None and strike.mode is Mode.WRONG_ECHO)
        fault = None
        if app.demands is not None:
            fault = refuse_headers(app.demands, headers, operation=local_name(incoming.element))
        if strike is not None and strike.mode is Mode.PROXY_FAULT:
            fault = PROXY_FAULT
        if fault is not None:
            self.exchange.findings = of_headers(fault.reason)
            portal.note(incoming.arrival_id, outcome=fault.dotted or (fault.particular or "?")[-1])
            self._refuse_headers(soap, fault, headers=echo, confirms=signature)
            return
        body = (
            portal.deliver(incoming, now=now, strike=strike)
            if is_delivery
            else portal.look_up(incoming)
        )
        if self._is_struck_late(
            strike, incoming.message_id, _codes(incoming.dossier_code), fail=fail
        ):
            return
        if strike is not None and strike.change is not None:
            body = change_xml(body, strike.change)
        body = disguise_element(body, strike)
        text = self._wrap(body, soap, confirms=signature, headers=echo)
        self._send(200, text, content_type=CONTENT_TYPES[soap], strike=strike)

    def _fail_soap(self, soap: str, status: int) -> None:
        body = build_fault(soap, code="Receiver", reason="Lỗi hệ thống (thử nghiệm)")
        self._reply(status, self._wrap(body, soap), content_type=CONTENT_TYPES[soap])

    def _answer_json(self, data: bytes) -> None:
        app = self.server.app
        asked = app.adapter.record(self.path, data, now=app.clock())
        self._remember("dvcqg-json", asked.arrival_id, data)
        strike = app.misbehaviours.strike(
            service=asked.operation or "",
            is_delivery=asked.is_delivery,
            dossier_codes=asked.dossier_codes,
            now=monotonic(),
        )
        fail = partial(self._fail_json, say_fault())
        if self._is_struck(strike, asked.arrival_id, fail=fail):
            return
        body = app.adapter.answer(asked, now=app.clock() + ahead_of(strike), strike=strike)
        if self._is_struck_late(strike, asked.digest, asked.dossier_codes, fail=fail):
            return
        if strike is not None and strike.change is not None:
            body = change_json(body, strike.change)
        body, content_type = disguise_json(body, strike)
        self._send(200, body, content_type=content_type, strike=strike)

    def _fail_json(self, body: bytes, status: int) -> None:
        self._reply(status, body, content_type=JSON)

    def _is_for_lgsp(self) -> bool:
        return (self.command, self.path.partition("?")[0]) in LGSP_PATHS

    def _answer_lgsp(self, data: bytes) -> None:
        app = self.server.app
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = app.lgsp.record(self.command, self.path, data, headers=headers, now=app.clock())
        self._remember("lgsp", asked.arrival_id, data)
        strike = app.misbehaviours.strike(
            service=LOGIN if asked.operation == TOKEN else asked.operation,
            is_delivery=asked.is_delivery,
            dossier_codes=_codes(asked.dossier_code),
            now=monotonic(),
        )
        fail = partial(self._fail_json, b'{"Status":500,"Message":"Error"}')
        if self._is_struck(strike, asked.arrival_id, fail=fail):
            return
        status, body = app.lgsp.answer(asked, now=app.clock() + ahead_of(strike), strike=strike)
        if self._is_struck_late(strike, asked.digest, _codes(asked.dossier_code), fail=fail):
            return
        content_type = JSON
        if status == 200:
            body, content_type = disguise_json(body, strike)
        self._send(status, body, content_type=content_type, strike=strike)

    def _is_struck(
        self, strike: Misbehaviour | None, arrival_id: int, *, fail: Callable[[int], None]
    ) -> bool:
        """Misbehave as is ordered before anything is judged; return whether that is all."""
        app = self.server.app
        self.ahead = ahead_of(strike)
        if strike is None:
            return False
        self.exchange.mode = strike.mode.value
        if strike.mode in FAULTS:
            app.portal.note(arrival_id, outcome=strike.mode.value)
            fail(FAULTS[strike.mode])
            return True
        if strike.mode is Mode.DROP_BEFORE or strike.mode in PAGES:
            app.portal.note(arrival_id, outcome=strike.mode.value)
            if strike.mode in PAGES:
                self._show_page(strike)
            else:
                self._drop()
            return True
        if strike.mode is Mode.SLOW and app.stopping.wait(strike.delay_seconds):
            self._drop()
            return True
        return False

    def _is_struck_late(
        self,
        strike: Misbehaviour | None,
        message_id: str | None,
        dossier_codes: Sequence[str],
        *,
        fail: Callable[[int], None],
    ) -> bool:
        """Misbehave as is ordered when all is done; return whether there is no other answer."""
        portal, mode = self.server.app.portal, None if strike is None else strike.mode
        if mode is Mode.FORGETS:
            for code in dossier_codes:
                portal.forget(code)
        if mode is Mode.COMMIT_THEN_DROP:
            self._drop()
            return True
        if mode is Mode.ANSWERS_DIFFER and portal.times_seen(message_id or "") == 1:
            fail(500)
            return True
        return False

    def _send(
        self, status: int, body: bytes, *, content_type: str, strike: Misbehaviour | None
    ) -> None:
        """Send an answer, whole or as is ordered."""
        mode = None if strike is None else strike.mode
        if strike is None or mode not in SPOILT:
            self._reply(status, body, content_type=content_type)
        elif mode is Mode.EMPTY:
            self._reply(status, b"", content_type=content_type)
        elif mode is Mode.WRONG_CHARSET:
            self._reply(status, recode(body, strike.charset), content_type=content_type)
        else:
            self._begin(status, len(body), content_type=content_type)
            self._remember_answer(status, body, content_type=content_type)
            if mode is Mode.TRUNCATED:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self._drop()
            else:
                self._drip(body, seconds=strike.delay_seconds)

    def _drip(self, body: bytes, *, seconds: float) -> None:
        size = max(1, len(body) // DRIPS)
        for start in range(0, len(body), size):
            if self.server.app.stopping.wait(seconds / DRIPS):
                self._drop()
                return
            self.wfile.write(body[start : start + size])
            self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time of the Date header, by the clock that this answer is given by."""
        at = time() if timestamp is None else timestamp
        return super().date_time_string(at + self.ahead.total_seconds())

    def _read_body(self) -> bytes | None:
        """Return the body, or None after a refusal."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._refuse(411, "Content-Length is needed")
            return None
        if int(length) > self.server.app.max_request_bytes:
            self._refuse(413, f"at most {self.server.app.max_request_bytes} bytes")
            return None
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            self.close_connection = True
            return None
        return data

    def _refuse(self, status: int, reason: str) -> None:
        # The body was not read, so the next request on this connection could not be told from it.
        self.close_connection = True
        self._reply(status, reason.encode(), content_type="text/plain; charset=utf-8")

    def _wrap(
        self,
        body: bytes,
        soap: str,
        *,
        confirms: bytes | None = None,
        headers: Sequence[bytes] = (),
    ) -> bytes:
        guard, now = self.server.app.guard, self.server.app.clock()
        if guard is None:
            return build_envelope(body, soap=soap, headers=headers)
        return guard.wrap(body, soap=soap, now=now, confirms=confirms, headers=headers)

    def _refuse_unreadable(
        self, soap: str, operation: str | None, data: bytes, *, reason: str
    ) -> None:
        app = self.server.app
        number = app.portal.record_unreadable(operation, now=app.clock())
        self._remember("soap", number, data)
        self.exchange.findings = of_unreadable(reason)
        self._fault(soap, code="Sender", reason=reason)

    def _fault(self, soap: str, *, code: str, reason: str) -> None:
        status = 400 if soap != SOAP_11 and code == "Sender" else 500
        body = build_fault(soap, code=code, reason=reason)
        self._reply(status, self._wrap(body, soap), content_type=CONTENT_TYPES[soap])

    def _refuse_security(self, soap: str, error: SecurityRefused) -> None:
        # 500 in SOAP 1.1 (Basic Profile), 400 for what the sender did wrong in SOAP 1.2.
        status = 500 if soap == SOAP_11 else 400
        words = "; ".join(f"{one.code}: {one.vi} / {one.en}" for one in error.reasons)
        body = build_fault(soap, code="Sender", reason=words, particular=error.fault)
        text = self._wrap(body, soap, confirms=error.signature)
        self._reply(status, text, content_type=CONTENT_TYPES[soap])

    def _refuse_headers(
        self, soap: str, fault: HeaderFault, *, headers: Sequence[bytes], confirms: bytes | None
    ) -> None:
        status = 500 if soap == SOAP_11 else 400
        body = build_fault(
            soap,
            code="Sender",
            reason=fault.reason,
            particular=fault.particular,
            dotted=fault.dotted,
        )
        # A security server puts no headers around what it says itself.
        echo = () if fault.dotted else headers
        text = self._wrap(body, soap, confirms=confirms, headers=echo)
        self._reply(status, text, content_type=CONTENT_TYPES[soap])

    def _show_page(self, wish: Misbehaviour) -> None:
        status, page = PAGES[wish.mode]
        headers = {}
        if wish.retry_after_seconds is not None:
            is_date = wish.retry_after_form == "date"
            # By the clock of the Date header, as a real server's is.
            until = self.date_time_string(int(time()) + wish.retry_after_seconds)
            headers["Retry-After"] = until if is_date else str(wish.retry_after_seconds)
        self._reply(status, page, content_type="text/html; charset=utf-8", headers=headers)

    def _drop(self) -> None:
        self.close_connection = True
        _shut(self.connection)

    def _reply(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._begin(status, len(body), content_type=content_type, headers=headers)
        self._remember_answer(status, body, content_type=content_type)
        self.wfile.write(body)

    def _remember_answer(self, status: int, body: bytes, *, content_type: str) -> None:
        memory = self.server.app.portal.memory
        memory.answer(self.arrival_id, status, body, content_type=content_type)

    def _begin(
        self,
        status: int,
        length: int,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        if self.close_connection or self.server.is_closing:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()


def ahead_of(strike: Misbehaviour | None) -> timedelta:
    """Return how far ahead the clock is for this answer."""
    if strike is None or strike.mode is not Mode.CLOCK_AHEAD:
        return timedelta()
    return timedelta(seconds=strike.ahead_seconds)


def _codes(dossier_code: str | None) -> tuple[str, ...]:
    return () if dossier_code is None else (dossier_code,)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
