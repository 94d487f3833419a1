"""Who asks, and what a request may cost: what every route of the API depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lienthong.access.attempts import Attempts
from lienthong.access.rights import Principal
from lienthong.flows.hints import Publisher
from lienthong.operations.flow_watch import FlowWatch
from lienthong.operations.people import Person, find_person, unfinished
from lienthong.store import access_sessions
from lienthong.store.access_tokens import find_access_token
from lienthong.store.database import reading
from lienthong.web.refusal import no_token
from lienthong.wiring import Installation

_BEARER = HTTPBearer(
    auto_error=False,
    description="A token of `lienthong access token make`, or of POST /v1/session.",
)


@dataclass(frozen=True, slots=True)
class Site:
    """What requests are answered with."""

    installation: Installation
    publisher: Publisher
    attempts: Attempts
    """Logins that failed, by address."""
    flow: FlowWatch
    """Looks at how messages flow, once for everybody."""
    is_stopping: Callable[[], bool] = bool
    """Whether the service ends: what lasts comes to its end."""


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


AtSite = Annotated[Site, Depends(_site)]


Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


def _somebody(site: AtSite, presented: Presented) -> Person:
    person = None
    if presented is not None and presented.credentials.startswith(f"{access_sessions.KIND}_"):
        person = find_person(site.installation, presented.credentials)
    if person is None:
        raise no_token()
    return person


SomebodySignedIn = Annotated[Person, Depends(_somebody)]
"""By an account; also one of whom something is needed before they have any rights."""


def identify(site: AtSite, presented: Presented) -> Principal:
    """
    Return who asks, with the rights that they have at this moment.

    Raises:
        Refused: nobody can tell.
        InputError: something is needed of them first.
    """
    if presented is None:
        raise no_token()
    if presented.credentials.startswith(f"{access_sessions.KIND}_"):
        person = _somebody(site, presented)
        if person.needs:
            raise unfinished()
        return person.principal
    installation = site.installation
    with reading(installation.store) as connection:
        token = find_access_token(connection, presented.credentials, now=installation.clock())
    if token is None:
        raise no_token()
    return Principal(name=token.name, grants=token.grants)


Caller = Annotated[Principal, Depends(identify)]
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
