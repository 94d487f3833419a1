"""
Tokens that calls carry: asked for once, kept while they live, and asked for anew when they do not.

They are in memory only. A token that a source turns away is forgotten; the call is made once more
with a new one, and if that is turned away too, somebody has to act.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from lienthong.pull.http import Request, Unauthorized
from lienthong.pull.paths import look
from lienthong.pull.replies import ResultRefused, check_result, parse_json
from lienthong.pull.templates import fill, holes_in
from lienthong.pull.web_profile import plain_values
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lienthong.pull.http import Caller
    from lienthong.pull.web_profile import Token, WebPull

T = TypeVar("T")
MARGIN_SECONDS = 30.0
"""Before its end a token is not used any more, or half its life where it is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    value: str
    until: float
    """On the steady clock."""


class Tokens:
    """The tokens of one worker, by the place and user that they are for."""

    def __init__(self, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._held: dict[tuple[str, ...], _Held] = {}

    def get(self, profile: WebPull, caller: Caller) -> str | None:
        """
        Return a token that lives, or None: the profile needs none.

        Raises:
            PeerError: who gives it cannot be reached: later helps.
            ConfigError: we get none.
        """
        if profile.token is None:
            return None
        key = _key(profile)
        held = self._held.get(key)
        if held is None or held.until <= self._steady():
            held = self._held[key] = self._fetch(profile, profile.token, caller)
        return held.value

    def using(self, profile: WebPull, caller: Caller, send: Callable[[str | None], T]) -> T:
        """
        Return what `send` does with a token that lives; it is called twice where one did not.

        Raises:
            PeerError, ConfigError: as `get` and `send`.
        """
        # Apart: a login that is refused is not tried twice, which could lock the account.
        token = self.get(profile, caller)
        try:
            return send(token)
        except (Unauthorized, ResultRefused) as error:
            is_expired = isinstance(error, Unauthorized) or error.result in profile.expired
            if profile.token is None or not is_expired:
                raise
            self._held.pop(_key(profile), None)
        return send(self.get(profile, caller))

    def _fetch(self, profile: WebPull, token: Token, caller: Caller) -> _Held:
        request = _login(profile, token) if token.kind == "login" else _grant(profile, token)
        reply = parse_json(caller.call(request), where=token.url)
        check_result(reply, error=token.error, success=token.success, where=token.url)
        value = look(reply, token.path)
        if not isinstance(value, str) or not value or not _is_plain(value):
            raise _no_token(token.path)
        life = look(reply, token.expires) if token.expires else None
        seconds = _seconds(life) or token.lifetime_seconds
        return _Held(value=value, until=self._steady() + max(seconds / 2, seconds - MARGIN_SECONDS))


def _key(profile: WebPull) -> tuple[str, ...]:
    """Return all that a token depends on: two sources may ask at one place."""
    assert profile.token is not None
    secrets = (profile.password.get_secret_value(), profile.api_key.get_secret_value())
    return (profile.token.model_dump_json(), profile.user or "", *secrets)


def _login(profile: WebPull, token: Token) -> Request:
    values = plain_values(profile)
    body = json.dumps(fill(token.body, values)).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return Request(
        method="POST",
        address=token.url,
        body=body,
        headers=headers | fill(token.headers, values),
    )


def _grant(profile: WebPull, token: Token) -> Request:
    """Return a client's request for a token. Source: RFC 6749, sections 2.3.1 and 4.4.2."""
    user, password = profile.user or "", profile.password.get_secret_value()
    form = {"grant_type": "client_credentials"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if token.scope:
        form["scope"] = token.scope
    if token.client_in_body:
        form |= {"client_id": user, "client_secret": password}
    else:
        headers["Authorization"] = basic(quote(user, safe=""), quote(password, safe=""))
    return Request(
        method="POST",
        address=token.url,
        body=urlencode(form).encode(),
        headers=headers | fill(token.headers, plain_values(profile)),
    )


def common_headers(profile: WebPull, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that say who we are, and the profile's own."""
    headers = {}
    token = values.get("token")
    if token is not None and "token" not in profile.request_holes:
        headers["Authorization"] = f"Bearer {token}"
    elif profile.token is None and profile.user and not holes_in(profile.headers) & {"user"}:
        headers["Authorization"] = basic(profile.user, profile.password.get_secret_value())
    if profile.api_key_header is not None:
        headers[profile.api_key_header] = profile.api_key.get_secret_value()
    return headers | {name: str(text) for name, text in fill(profile.headers, values).items()}


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _is_plain(value: str) -> bool:
    """Whether it can stand in a header: a reply must not be able to add one."""
    return value.isascii() and value.isprintable() and len(value) <= 16_384


def _seconds(life: Any) -> float | None:
    try:
        seconds = float(life)
    except (TypeError, ValueError):
        return None
    return min(seconds, 86_400.0) if seconds > 0 else None


def _no_token(path: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không có mã truy cập tại «{path}» trong câu trả lời đăng nhập; sửa "
            "[pull.TÊN.token] path, hoặc kiểm tra user và LIENTHONG_PULL__TÊN__PASSWORD",
            en=f"there is no token at '{path}' in the reply to the login; mend [pull.NAME.token] "
            "path, or check user and LIENTHONG_PULL__NAME__PASSWORD",
        ),
        code="pull.refused",
    )
