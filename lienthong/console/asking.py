"""
Who looks at a page: the cookie of a session, the language, and whether a form is one of ours.

A form that changes anything carries what follows from the session's token (`form_secret`), and a
browser that says that it comes from another site is refused whatever it carries.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import RedirectResponse

from lienthong.access.rights import Right
from lienthong.api.asking import AtSite, Site
from lienthong.console.rendering import THEMES, Look, render
from lienthong.operations.overview import see_agency_name
from lienthong.operations.people import Person, find_person, see_session
from lienthong.store.access_sessions import form_secret
from lienthong.web.refusal import refuse
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import HTMLResponse, Response

    from lienthong.access.rights import Principal
    from lienthong.oidc.provider import Provider

LANGUAGE_COOKIE = "lienthong-language"
THEME_COOKIE = "lienthong-theme"
_ELSEWHERE = ("cross-site", "same-site")


class NotSignedIn(Exception):
    """Nobody is signed in; they are asked to, and come back."""


class Unfinished(Exception):
    """Somebody is signed in, and something is needed of them first."""


def without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what somebody filled in: browsers send fields that were left empty as well."""
    return {name: value for name, value in given.items() if value not in ("", [], [""])}


class Form(BaseModel):
    """What every form has; fields that were left empty are as if they were not there."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(default="", max_length=200, pattern=r"^[\x21-\x7e]*$")
    """Of this form: sent twice, it does nothing twice."""

    @model_validator(mode="before")
    @classmethod
    def _forget_empty(cls, given: Any) -> Any:
        return without_empty(given)


class Because(Form):
    """A form that asks why."""

    reason: str = Field(min_length=3, max_length=500)
    """It goes into the audit log, so it names no citizen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One request of a browser, and how it is answered."""

    request: Request
    site: Site
    look: Look
    token: str | None = field(repr=False)
    person: Person | None

    @property
    def caller(self) -> Principal:
        """Who asks; only where somebody is signed in."""
        assert self.person is not None
        return self.person.principal

    @property
    def provider(self) -> Provider | None:
        """By which people may sign in besides passwords."""
        found: Provider | None = self.request.app.state.provider
        return found

    def show(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page."""
        page = render(template, self.look, status, **{**self.common(), **values})
        if self.person is not None:
            # So that a form that is refused leads back to where it stands; nobody else is told.
            page.headers["Referrer-Policy"] = "same-origin"
        return page

    def go(self, path: str) -> Response:
        """Answer a form: the browser goes to `path`, of ours."""
        return RedirectResponse(path, status_code=303)

    @property
    def is_part(self) -> bool:
        """Whether a page asks for a part of itself."""
        return "HX-Request" in self.request.headers

    def link(self, path: str, **parameters: str | None) -> str:
        """Return the address of a page; what may stand in no address is written so that it may."""
        given = {name: value for name, value in parameters.items() if value}
        return quote(path) + (f"?{urlencode(given)}" if given else "")

    def address(self, **changes: str | None) -> str:
        """Return the address of this page with some of its parameters otherwise; None: without."""
        url = self.request.url.include_query_params(
            **{name: value for name, value in changes.items() if value is not None}
        ).remove_query_params([name for name, value in changes.items() if value is None])
        return f"{url.path}?{url.query}" if url.query else url.path

    def _agency_name(self, agency: str | None) -> str | None:
        if agency is None or self.person is None:
            return None
        return see_agency_name(self.site.installation, self.caller, agency)

    def common(self) -> Mapping[str, Any]:
        """Return what every page has: who looks, and what they may."""
        person = self.person
        return {
            "page": self,
            "path": self.request.url.path,
            "here": self.address(),
            "me": None if person is None else see_session(person),
            "may": frozenset()
            if person is None
            else frozenset(right.value for right in Right if person.principal.has(right)),
            "form": "" if self.token is None else form_secret(self.token),
            "agency_name": self._agency_name,
            "new_key": lambda: secrets.token_urlsafe(18),
        }


def cookie_name(site: Site) -> str:
    """Return what the session's cookie is called: where there is TLS no other host can set it."""
    return "__Host-lienthong" if is_secure(site) else "lienthong"


def is_secure(site: Site) -> bool:
    """Tell whether browsers come by TLS: without it only from this machine."""
    console = site.installation.settings.console
    return console.tls_certificate is not None or console.behind_proxy


def look_of(request: Request) -> Look:
    """Return how somebody wants pages to be; Vietnamese, and as their system, if nobody said."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    is_english = request.cookies.get(LANGUAGE_COOKIE) == Language.EN.value
    return Look(
        language=Language.EN if is_english else Language.VI,
        theme=theme if theme in THEMES else "auto",
    )


def own_path(given: str | None) -> str:
    """Return an address to go on to, if it is one of these pages, or that of the first page."""
    is_ours = given is not None and given.startswith("/") and not given.startswith(("//", "/\\"))
    return quote(given, safe="/?&=%+:,.-_~@") if is_ours and given is not None else "/"


async def check_form(request: Request, site: AtSite) -> None:
    """
    Refuse what another site had a browser send.

    Raises:
        Refused: it is no form of this session.
    """
    if request.headers.get("Sec-Fetch-Site") in _ELSEWHERE:
        raise _not_ours()
    token = request.cookies.get(cookie_name(site))
    given = (await request.form()).get("form")
    if token is not None and not (
        isinstance(given, str)
        and given.isascii()
        and hmac.compare_digest(given, form_secret(token))
    ):
        raise _not_ours()


def _anybody(request: Request, site: AtSite) -> Page:
    return _page(request, site, is_by_hand=True)


def _somebody(page: Annotated[Page, Depends(_anybody)]) -> Page:
    if page.person is None:
        raise NotSignedIn
    return page


def _signed_in(page: Annotated[Page, Depends(_somebody)]) -> Page:
    assert page.person is not None
    if page.person.needs:
        raise Unfinished
    return page


def _watching(request: Request, site: AtSite) -> Page:
    return _signed_in(_somebody(_page(request, site, is_by_hand=False)))


def _page(request: Request, site: Site, *, is_by_hand: bool) -> Page:
    token = request.cookies.get(cookie_name(site))
    person = None
    if token is not None:
        person = find_person(site.installation, token, is_by_hand=is_by_hand)
    page = Page(
        request=request,
        site=site,
        look=look_of(request),
        token=None if person is None else token,
        person=person,
    )
    # For the page on an error, which has the same menu.
    request.state.page = page
    return page


AnyPage = Annotated[Page, Depends(_anybody)]
"""For everybody."""
OwnPage = Annotated[Page, Depends(_somebody)]
"""For whoever is signed in, even if something is needed of them first."""
SignedInPage = Annotated[Page, Depends(_signed_in)]
"""For whoever is signed in; rights are the operations' to check."""
WatchingPage = Annotated[Page, Depends(_watching)]
"""Asked for by a page by itself: it does not keep a session from ending."""


def _not_ours() -> Exception:
    return refuse(
        403,
        "console.form",
        Text(
            vi="Biểu mẫu này không thuộc phiên đăng nhập hiện tại; chưa làm gì cả",
            en="This form is not of the session that is signed in now; nothing was done",
        ),
        Text(vi="Mở lại trang rồi làm lại", en="Open the page again and do it again"),
    )
