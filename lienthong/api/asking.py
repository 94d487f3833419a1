"""Who asks, and what a request may cost: what every route of the API depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lienthong.access.rights import Principal
from lienthong.flows.hints import Publisher
from lienthong.store.access_tokens import find_access_token
from lienthong.store.database import reading
from lienthong.web.refusal import no_token
from lienthong.wiring import Installation

_BEARER = HTTPBearer(
    auto_error=False, description="A token of `lienthong access token make`, or of an account."
)


@dataclass(frozen=True, slots=True)
class Site:
    """What requests are answered with."""

    installation: Installation
    publisher: Publisher


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


AtSite = Annotated[Site, Depends(_site)]


def _caller(
    site: AtSite,
    presented: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Principal:
    if presented is None:
        raise no_token()
    installation = site.installation
    with reading(installation.store) as connection:
        token = find_access_token(connection, presented.credentials, now=installation.clock())
    if token is None:
        raise no_token()
    return Principal(name=token.name, grants=token.grants)


Caller = Annotated[Principal, Depends(_caller)]
RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Your own id of this request: asking again with it does nothing twice, and is "
        "answered as the first time, for seven days.",
    ),
]
