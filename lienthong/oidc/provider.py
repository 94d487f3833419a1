"""
One identity provider: browsers are sent to it, and what they bring back is proven with it.

What it says of itself and its keys are kept for an hour. A key that nobody knows has it asked once
more, twice a minute at the most. Only a few sign-ins ask it at once, so that one that hangs holds
up nobody who signs in by a password.
"""

from __future__ import annotations

import base64
import hmac
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from lienthong.channels.wire import make_tls
from lienthong.oidc.calling import Caller, Peer
from lienthong.oidc.discovery import Discovery, discovery_url, read_discovery
from lienthong.oidc.pending import Pending, Sealing
from lienthong.oidc.profile import SHORTEST_SECRET
from lienthong.oidc.tokens import Expected, ProviderKey, UnknownKey, read_id_token, read_keys
from lienthong.oidc.trouble import away, not_begun, refused, wrong
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from lienthong.oidc.profile import OidcSettings

KEPT_SECONDS = 3600.0
ASKED_AGAIN_SECONDS = 30.0
AT_ONCE = 8
"""Sign-ins that ask the provider; one more is told to try again."""
LONGEST_CODE = 4_096
LONGEST_TOKEN = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where a browser goes, and what it keeps until it comes back."""

    address: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a browser comes back with: the parameters of the address, and its cookie."""

    cookie: str | None = field(repr=False)
    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Who somebody is, as the provider proves it."""

    issuer: str
    subject: str = field(repr=False)
    """Of one person for ever, whatever they are called."""
    name: str | None = field(repr=False)
    """What the claim says; None: nothing that is a name."""
    second_factor: bool
    to: str
    """Where they wanted to go; any text."""


class Provider:
    """The identity provider of the settings. Thread-safe."""

    def __init__(self, settings: OidcSettings, *, clock: Callable[[], datetime]) -> None:
        """
        Take the settings; nobody is asked yet.

        Raises:
            ConfigError: a file that they name cannot be used.
        """
        self._settings = settings
        self._clock = clock
        self._secret = _read_secret(settings)
        if settings.issuer.startswith("https:"):
            peer = Peer(endpoint=settings.issuer, call_timeout_seconds=1, ca_file=settings.ca_file)
            make_tls(peer, "console.oidc")
        self._sealing = Sealing(self._secret, issuer=settings.issuer, client_id=settings.client_id)
        self._places = BoundedSemaphore(AT_ONCE)
        self._lock = Lock()
        self._discovery: tuple[float, Discovery] | None = None
        self._keys: tuple[float, tuple[ProviderKey, ...]] | None = None
        self._asked_again_at: float | None = None

    @property
    def label(self) -> Text:
        """What the button says."""
        return Text(vi=self._settings.label_vi, en=self._settings.label_en)

    def begin(self, *, to: str) -> Begun:
        """
        Return where to send a browser that wants to sign in and then go on to `to`.

        Raises:
            ProviderError: the provider cannot be asked, or says what cannot be used.
        """
        with self._asking() as caller:
            discovery = self._discover(caller)
        settings, pending = self._settings, Pending.begin(to=to, at=self._clock())
        asked = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": settings.return_url,
            "scope": " ".join(settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        if settings.second_factor_acr:
            asked["acr_values"] = " ".join(settings.second_factor_acr)
        where = discovery.authorization_endpoint
        return Begun(
            address=f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}",
            cookie=self._sealing.seal(pending),
        )

    def finish(self, returned: Returned) -> Proven:
        """
        Return who a browser that comes back has proven to be.

        Raises:
            InputError: it was not sent by us, or the provider says no.
            ProviderError: the provider cannot be asked, or its answer cannot be trusted.
        """
        pending = self._sealing.open(returned.cookie or "", at=self._clock())
        if pending is None or not _is_same(returned.state, pending.state):
            raise not_begun()
        with self._asking() as caller:
            discovery = self._discover(caller)
            self._check_issuer(returned, discovery)
            if returned.error is not None:
                raise refused(returned.error)
            if not returned.code or len(returned.code) > LONGEST_CODE:
                raise wrong("answer: it has no code")
            token = self._redeem(caller, discovery, returned.code, pending)
            claims = self._read(caller, discovery, token, pending)
        return self._proven(claims, to=pending.to)

    def look(self) -> int:
        """
        Ask for what the provider says of itself and for its keys, as `doctor` does.

        Returns:
            How many of the keys can sign tokens for us.

        Raises:
            ProviderError: `detail` says what is wrong.
        """
        with self._asking() as caller:
            return len(self._fetch_keys(caller, self._fetch_discovery(caller)))

    @contextmanager
    def _asking(self) -> Iterator[Caller]:
        if not self._places.acquire(blocking=False):
            raise away("too many sign-ins wait for its answer")
        try:
            yield Caller(
                ca_file=self._settings.ca_file,
                deadline=monotonic() + self._settings.timeout_seconds,
            )
        finally:
            self._places.release()

    def _discover(self, caller: Caller) -> Discovery:
        kept = self._discovery
        if kept is not None and monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        return self._fetch_discovery(caller)

    def _fetch_discovery(self, caller: Caller) -> Discovery:
        issuer = self._settings.issuer
        found = read_discovery(caller.get(discovery_url(issuer)), issuer=issuer)
        self._discovery = monotonic(), found
        return found

    def _fetch_keys(self, caller: Caller, discovery: Discovery) -> tuple[ProviderKey, ...]:
        keys = read_keys(caller.get(discovery.jwks_uri))
        self._keys = monotonic(), keys
        return keys

    def _check_issuer(self, returned: Returned, discovery: Discovery) -> None:
        """See that the answer is not one of another provider. Source: RFC 9207, section 2.4."""
        if returned.issuer is None and not discovery.says_issuer:
            return
        if returned.issuer != self._settings.issuer:
            raise wrong("answer: it is of another issuer (iss)")

    def _redeem(self, caller: Caller, discovery: Discovery, code: str, pending: Pending) -> str:
        """Return the ID token for a code. Source: Core, section 3.1.3; RFC 6749, section 2.3.1."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.return_url,
            "code_verifier": pending.verifier,
        }
        headers = {}
        if discovery.secret_in_body:
            form |= {"client_id": self._settings.client_id, "client_secret": self._secret}
        else:
            pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        answered = caller.post(discovery.token_endpoint, form, headers)
        if answered.status != 200:
            word = answered.values.get("error")
            known = word if word in _TOKEN_ERRORS else "an error that has no name"
            raise wrong(f"token endpoint: HTTP {answered.status}, {known}")
        token = answered.values.get("id_token")
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN or not token.isascii():
            raise wrong("token endpoint: there is no ID token; is 'openid' allowed to the client?")
        return token

    def _read(
        self, caller: Caller, discovery: Discovery, token: str, pending: Pending
    ) -> dict[str, Any]:
        expected = Expected(
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=pending.nonce,
            at=self._clock(),
            leeway=timedelta(seconds=self._settings.leeway_seconds),
        )
        kept = self._keys
        if kept is None or monotonic() - kept[0] >= KEPT_SECONDS:
            keys = self._fetch_keys(caller, discovery)
        else:
            keys = kept[1]
        try:
            return read_id_token(token, keys, expected=expected)
        except UnknownKey:
            if not self._may_ask_again():
                raise wrong("id token: it is signed by a key that is not known") from None
        try:
            keys = self._fetch_keys(caller, discovery)
            return read_id_token(token, keys, expected=expected)
        except UnknownKey:
            raise wrong("id token: it is signed by a key that is not known") from None

    def _may_ask_again(self) -> bool:
        """Tell whether the keys may be asked for out of turn, which a token can bring about."""
        now = monotonic()
        with self._lock:
            last = self._asked_again_at
            if last is not None and now - last < ASKED_AGAIN_SECONDS:
                return False
            self._asked_again_at = now
            return True

    def _proven(self, claims: dict[str, Any], *, to: str) -> Proven:
        settings = self._settings
        name = claims.get(settings.claim)
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            name = None
        elif settings.claim == "email" and claims.get("email_verified") is not True:
            # Anybody may have typed it.
            name = None
        methods = claims.get("amr")
        is_proven = claims.get("acr") in settings.second_factor_acr or (
            isinstance(methods, list) and any(one in settings.second_factor_amr for one in methods)
        )
        return Proven(
            issuer=settings.issuer,
            subject=claims["sub"],
            name=name,
            second_factor=is_proven,
            to=to,
        )


_LONGEST_NAME = 64
_TOKEN_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
"""Source: RFC 6749, section 5.2."""


def _is_same(given: str | None, kept: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), kept.encode())


def _read_secret(settings: OidcSettings) -> str:
    file = settings.client_secret_file
    if file is None:
        return settings.client_secret.get_secret_value()
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise ConfigError(
            Text(
                vi=f"console.oidc.client_secret_file: không đọc được {file}: {cause}",
                en=f"console.oidc.client_secret_file: {file} cannot be read: {cause}",
            ),
            code="console.oidc.secret",
        ) from error
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            Text(
                vi=f"console.oidc.client_secret_file: {file} phải có ít nhất {SHORTEST_SECRET} "
                "ký tự",
                en=f"console.oidc.client_secret_file: {file} must have {SHORTEST_SECRET} "
                "characters at least",
            ),
            code="console.oidc.secret",
        )
    return secret
