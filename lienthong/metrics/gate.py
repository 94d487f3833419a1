"""
Who may see the metrics: who may view every agency, and this machine where the settings say so.

Metrics are needed most when the store, which knows the tokens, is away: a token that was good a
few minutes ago is then good still.
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lienthong.access.rights import EVERY, Forbidden, Principal, Right
from lienthong.loopback import is_loopback
from lienthong.store.access_tokens import find_access_token
from lienthong.store.database import reading
from lienthong.trouble import STORE_TROUBLE
from lienthong.web.refusal import Refused, no_token, store_away
from schemas.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from lienthong.wiring import Installation

KNOWN_SECONDS = 15 * 60.0
"""How long a token is believed while the store cannot say what it is worth."""
RETRY_AFTER_SECONDS = 5
_HANDED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of a request that came through a proxy: from anywhere, though its socket is ours."""


class Gate:
    """Asks who it is. Thread-safe."""

    def __init__(
        self,
        installation: Installation,
        *,
        open_to_loopback: bool,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._open_to_loopback = open_to_loopback
        self._steady = steady
        self._known: tuple[bytes, float] | None = None
        """Digest of the last token that was good, and when it was."""

    def is_open(self, request: Request) -> bool:
        """Tell whether no token is needed: asked on this machine, by its own name."""
        client = request.client
        return (
            self._open_to_loopback
            and client is not None
            and is_loopback(client.host)
            # Under another name a page in somebody's browser may be asking.
            and is_loopback(_called(request))
            and not any(name in request.headers for name in _HANDED_ON)
        )

    @staticmethod
    def presented(request: Request) -> str:
        """
        Return the token of a request.

        Raises:
            Refused: there is none.
        """
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            raise no_token()
        return presented.strip()

    def check(self, presented: str) -> None:
        """
        Return where a token lets its bearer view every agency; waits as long as the store does.

        Raises:
            Refused: it does not.
        """
        try:
            store = self._installation.store
            with reading(store) as connection:
                token = find_access_token(connection, presented, now=self._installation.clock())
        except (*STORE_TROUBLE, PeerError):
            self.check_known(presented)
            return
        grants = () if token is None else token.grants
        if Principal(name="", grants=grants).agencies(Right.VIEW) is not EVERY:
            if self._is_known(presented):
                self._known = None
            if token is None:
                raise no_token()
            raise Refused(403, Forbidden(Right.VIEW, None).problem)
        self._known = (_digest(presented), self._steady())

    def check_known(self, presented: str) -> None:
        """
        The same by what is remembered.

        Raises:
            Refused: nothing is, or it is too old.
        """
        if not self._is_known(presented):
            raise store_away(RETRY_AFTER_SECONDS)

    def _is_known(self, presented: str) -> bool:
        known = self._known
        return (
            known is not None
            and hmac.compare_digest(known[0], _digest(presented))
            and self._steady() - known[1] <= KNOWN_SECONDS
        )


def _called(request: Request) -> str:
    """Return by which name this service was asked."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _digest(presented: str) -> bytes:
    return sha256(presented.encode()).digest()
