"""Signing in through the identity provider: the browser goes there, and comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from lienthong.access.attempts import TooMany
from lienthong.api.session_routes import source_of
from lienthong.console.asking import AnyPage, Page, cookie_name, is_secure, own_path
from lienthong.console.session_pages import begin_in_browser, show_sign_in
from lienthong.oidc.pending import LASTS
from lienthong.oidc.profile import RETURN_PATH
from lienthong.oidc.provider import Returned
from lienthong.oidc.trouble import AWAY, ProviderError
from lienthong.operations.provider_sign_in import begin_provider_sign_in, finish_provider_sign_in
from schemas.errors import InputError

router = APIRouter()
_ACCOUNT_TROUBLE = (
    "access.provider_unknown",
    "access.provider_other_person",
    "access.provider_renamed",
    "access.provider_disabled",
    "access.provider_second_factor",
)
"""Where it is known who somebody is: it does not help to sign in again."""
_Said = Annotated[str | None, Query(max_length=4_096)]


# A link and no form: the content security policy lets forms lead to no other site.
@router.get("/sign-in/provider")
def begin_page(
    page: AnyPage, to: Annotated[str | None, Query(max_length=4_000)] = None
) -> Response:
    """Send the browser to the provider."""
    if page.person is not None:
        return page.go(own_path(to))
    if page.provider is None:
        return page.go("/sign-in")
    try:
        begun = begin_provider_sign_in(page.provider, to=own_path(to))
    except ProviderError as error:
        return _failed(page, error, to=to)
    answer = RedirectResponse(begun.address, status_code=303)
    answer.set_cookie(
        _cookie(page),
        begun.cookie,
        max_age=int(LASTS.total_seconds()),
        secure=is_secure(page.site),
        httponly=True,
        # It comes back by a link of another site.
        samesite="lax",
    )
    return answer


@router.get(RETURN_PATH)
def return_page(
    page: AnyPage,
    request: Request,
    state: _Said = None,
    code: _Said = None,
    error: _Said = None,
    iss: _Said = None,
) -> Response:
    """Sign whoever comes back from the provider in; what the browser kept for it is used up."""
    if page.provider is None:
        return page.go("/sign-in")
    kept = request.cookies.get(_cookie(page))
    returned = Returned(cookie=kept, state=state, code=code, error=error, issuer=iss)
    try:
        signed_in, to = finish_provider_sign_in(
            page.site.installation,
            page.provider,
            returned,
            source=replace(
                source_of(page.site, request), attempts=request.app.state.provider_attempts
            ),
        )
    except (InputError, ProviderError) as refused:
        answer = _failed(page, refused)
    else:
        answer = begin_in_browser(page, signed_in, own_path(to))
    answer.delete_cookie(_cookie(page), secure=is_secure(page.site), httponly=True, samesite="lax")
    return answer


def _cookie(page: Page) -> str:
    return f"{cookie_name(page.site)}-provider"


def _failed(page: Page, error: InputError | ProviderError, *, to: str | None = None) -> Response:
    answer = show_sign_in(page, _status(error), to=to, problem=error.problem)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _status(error: InputError | ProviderError) -> int:
    if isinstance(error, TooMany):
        return 429
    if isinstance(error, ProviderError):
        return 503 if error.code == AWAY else 502
    return 403 if error.code in _ACCOUNT_TROUBLE else 401
