"""
A small OpenID provider on loopback, for tests: its word is worth nothing.

It does what a real one does (discovery, keys, codes that are good once, PKCE, the client's secret)
and may be told to misbehave in the ways that providers, and people between, do.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

REALM = "/realms/city"
CLIENT = "lienthong"
SECRET = "bí mật của máy khách, hai mươi + ký tự"  # noqa: S105 - of the tests
_HUGE = b"[" + b"0," * 5_000_000


class Mood(Enum):
    """How an answer comes; of one address alone, where `moody` says so."""

    WELL = "well"
    HTML = "html"
    HUGE = "huge"
    SLOW = "slow"
    """A byte a tenth of a second, for ever."""
    BROKEN = "broken"
    """HTTP 500."""
    ELSEWHERE = "elsewhere"
    """A redirect to itself."""
    HELD = "held"
    """Well, once `released` is set."""


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody whom the provider knows."""

    subject: str
    name: str


@dataclass(slots=True, kw_only=True)
class IdentityProvider:
    """Everything may be changed while it serves."""

    clock: Callable[[], datetime]
    return_url: str
    address: str = ""
    user: User = field(default_factory=lambda: User(subject="7f1c", name="an"))
    """Who sits at the browser and says yes."""
    key: RSAKey | ECKey = field(default_factory=lambda: new_key("one"))
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    """In place of those that a token has; None: without."""
    answer: dict[str, str] = field(default_factory=dict)
    """What an answer by way of the browser says besides; an error comes in place of a code."""
    discovery: dict[str, Any] = field(default_factory=dict)
    """In place of what it says of itself."""
    forge: Callable[[dict[str, Any]], str] | None = None
    """Makes tokens in place of the key."""
    mood: Mood = Mood.WELL
    moody: str = ""
    """End of the address that the mood is of; empty: of all."""
    released: Event = field(default_factory=Event)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """As it calls itself."""
        return self.address + REALM

    def rotate(self, name: str) -> None:
        """Sign by another key from now on, and show it alone."""
        self.key = new_key(name)

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Return where a browser is sent back to, or raise ValueError: the request is not right."""
        wanted = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": self.return_url,
            "code_challenge_method": "S256",
        }
        if any(asked.get(name) != value for name, value in wanted.items()):
            raise ValueError(f"expected {wanted}")
        if "openid" not in asked["scope"].split() or len(asked["code_challenge"]) != 43:
            raise ValueError("scope or code_challenge")
        said = {"state": asked["state"], "iss": self.issuer, **self.answer}
        if "error" not in said:
            code = said.setdefault("code", secrets.token_urlsafe(16))
            self.codes[code] = {
                "nonce": asked["nonce"],
                "challenge": asked["code_challenge"],
                "acr": asked.get("acr_values", ""),
            }
        return f"{self.return_url}?{urlencode(said)}"

    def redeem(self, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Return tokens for a code, once; None: it is none, or not asked for by who may."""
        kept = self.codes.pop(form.get("code", ""), None)
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if kept is None or challenge != kept["challenge"]:
            return None
        if form.get("redirect_uri") != self.return_url:
            return None
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.user.subject,
            "preferred_username": self.user.name,
            "nonce": kept["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(claims) if self.forge is None else self.forge(claims)
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "id_token": token,
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a token."""
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    def describe(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256", "HS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.discovery,
        }

    def show_keys(self) -> dict[str, Any]:
        """Return the set of its keys."""
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig"}]}


def new_key(name: str) -> RSAKey:
    """Return a key to sign tokens with."""
    return RSAKey.generate_key(2048, {"kid": name})


@contextmanager
def served(
    provider: IdentityProvider, *, tls: ssl.SSLContext | None = None
) -> Iterator[IdentityProvider]:
    """Serve it on a free port of this machine, with TLS if given; give it with its address."""

    class Handler(_Handler):
        of = provider

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if tls is None else "https"
    provider.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: IdentityProvider
    timeout = 30

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self._is_moody(parts.path):
            return
        if parts.path == f"{REALM}/.well-known/openid-configuration":
            self._say(HTTPStatus.OK, self.of.describe())
        elif parts.path == f"{REALM}/keys":
            self._say(HTTPStatus.OK, self.of.show_keys())
        elif parts.path == f"{REALM}/auth":
            try:
                self._send_to(self.of.authorize(asked))
            except (ValueError, KeyError) as error:
                self._say(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._say(HTTPStatus.NOT_FOUND, {})

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65_536)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self._is_moody(self.path):
            return
        if not self._is_client():
            self._say(HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"})
            return
        given = self.of.redeem(form)
        if given is None:
            self._say(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant"})
        else:
            self._say(HTTPStatus.OK, given)

    def _is_client(self) -> bool:
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(given).decode().partition(":")
        expected = f"{CLIENT}:{SECRET}".encode()
        found = f"{unquote_plus(name)}:{unquote_plus(secret)}".encode()
        return kind == "Basic" and hmac.compare_digest(found, expected)

    def _is_moody(self, path: str) -> bool:
        self.of.asked.append(path.removeprefix(REALM))
        mood = self.of.mood if path.endswith(self.of.moody) else Mood.WELL
        if mood is Mood.HELD:
            self.of.released.wait(self.timeout)
        if mood in (Mood.WELL, Mood.HELD):
            return False
        if mood is Mood.HTML:
            self._answer(HTTPStatus.OK, b"<html><script>alert(1)</script></html>", kind="text/html")
        elif mood is Mood.HUGE:
            self._answer(HTTPStatus.OK, _HUGE)
        elif mood is Mood.BROKEN:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"{}")
        elif mood is Mood.ELSEWHERE:
            self._send_to(self.path)
        else:
            self._drip()
        return True

    def _drip(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    def _send_to(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say(self, status: HTTPStatus, values: Mapping[str, Any]) -> None:
        self._answer(status, json.dumps(values).encode())

    def _answer(self, status: HTTPStatus, body: bytes, *, kind: str = "application/json") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # Whoever asked did not wait.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: whoever asked knows."""
