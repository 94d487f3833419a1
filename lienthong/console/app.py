"""The pages as one application: its routes, its files, and how it answers an error."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from lienthong.access.attempts import Attempts
from lienthong.api.errors import answer_errors
from lienthong.console import (
    account_pages,
    audit_pages,
    correction_pages,
    export_pages,
    filter_pages,
    home_pages,
    job_pages,
    mapping_pages,
    message_pages,
    problem_pages,
    proof_pages,
    provider_pages,
    session_pages,
    site_pages,
    traffic_pages,
)
from lienthong.console.asking import NotSignedIn, Page, Unfinished, look_of
from lienthong.console.coming_back import way_back
from lienthong.console.rendering import Static, render, static_root
from lienthong.oidc.provider import Provider
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from lienthong.api.asking import Site
    from lienthong.web.refusal import Refused

log = structlog.get_logger()

_NO_PAGE = Problem(
    code="http.address",
    message=Text(vi="Không có trang này", en="There is no such page"),
    suggestion=Text(
        vi="Kiểm tra địa chỉ, hoặc bắt đầu lại từ trang đầu",
        en="Look at the address, or begin at the first page",
    ),
)
_BAD_FORM = Problem(
    code="api.request",
    message=Text(vi="Có ô nhập chưa đúng; chưa làm gì cả", en="A field is wrong; nothing was done"),
    suggestion=Text(vi="Quay lại, sửa ô đó rồi gửi lại", en="Go back, mend it, and send it again"),
)
_FAILED = Problem(
    code="http.failed",
    message=Text(vi="Lỗi bên trong của hệ thống", en="An error inside the system"),
    suggestion=Text(
        vi="Thử lại; nếu còn lỗi, báo người vận hành giờ xảy ra và mã này",
        en="Try again; if it stays, tell whoever runs the server the time and this code",
    ),
)
_AWAY = Problem(
    code="http.store_unreachable",
    message=Text(
        vi="Chưa tới được cơ sở dữ liệu; có thể chưa làm gì cả",
        en="The database cannot be reached now; it may be that nothing was done",
    ),
    suggestion=Text(
        vi="Chờ vài giây rồi mở lại trang; nếu vừa gửi biểu mẫu, xem trạng thái trước khi gửi lại",
        en="Wait a few seconds and open the page again; after a form, look before you send it "
        "again",
    ),
)
_OTHER_WORDS = {
    "http.failed": _FAILED,
    "http.store_unreachable": _AWAY,
    "http.address": _NO_PAGE,
    "http.method": _NO_PAGE,
    "api.request": _BAD_FORM,
}
"""Of what is answered to a program in words that a person could do nothing with."""


def make_console(site: Site) -> FastAPI:
    """
    Return the ASGI application; it takes every address, so it is mounted last.

    Args:
        site: What is seen and acted on.

    Raises:
        ConfigError: a file that the settings of the identity provider name cannot be used.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.site = site
    app.mount(static_root(), Static())
    console, clock = site.installation.settings.console, site.installation.clock
    app.state.provider = None if console.oidc is None else Provider(console.oidc, clock=clock)
    # Apart from those of passwords: a provider that fails everybody must not shut out the others.
    app.state.provider_attempts = Attempts(
        most=console.login_attempts, window=timedelta(seconds=console.login_window_seconds)
    )
    app.router.routes += _routes()
    answer_errors(app, _answer)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(Unfinished, _to_own_account)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Give the routes of every application: what each takes is worked out once in a process."""
    every = APIRouter()
    for pages in (
        session_pages,
        provider_pages,
        home_pages,
        # Before the others: what it has stands beside ids.
        export_pages,
        proof_pages,
        correction_pages,
        message_pages,
        problem_pages,
        filter_pages,
        job_pages,
        traffic_pages,
        site_pages,
        mapping_pages,
        audit_pages,
        account_pages,
    ):
        every.include_router(pages.router)
    return tuple(every.routes)


def _answer(request: Request, refused: Refused) -> Response:
    problem = _OTHER_WORDS.get(refused.problem.code, refused.problem)
    log.info("console.refused", status=refused.status, code=problem.code)
    is_part = "HX-Request" in request.headers
    back = way_back(request)
    asked: Page | None = getattr(request.state, "page", None)
    signed_in = {} if asked is None or asked.person is None else asked.common()
    values = {
        **signed_in,
        "problem": problem,
        "code": refused.status,
        "path": request.url.path,
        "at": request.app.state.site.installation.clock(),
        "back": back,
        # Of a form there may be no page at its own address.
        "here": back or "/",
    }
    template = "problem_part.html" if is_part else "problem.html"
    page = render(template, look_of(request), refused.status, **values)
    page.headers.update(refused.headers)
    return page


async def _to_sign_in(request: Request, _error: Exception) -> Response:
    here = request.url
    back = f"{here.path}?{here.query}" if here.query else here.path
    is_page = request.method == "GET" and back != "/"
    return _go(request, f"/sign-in?{urlencode({'to': back})}" if is_page else "/sign-in")


async def _to_own_account(request: Request, _error: Exception) -> Response:
    return _go(request, "/account")


def _go(request: Request, path: str) -> Response:
    if "HX-Request" in request.headers:
        # What asked for a part of a page is a page: it is asked for again as a whole, and goes.
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return RedirectResponse(path, status_code=303)
