"""The first page: whether dossiers flow, renewed by itself; and dossiers whose time runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from lienthong.access.rights import Right
from lienthong.console.asking import Page, SignedInPage, WatchingPage
from lienthong.operations.deadlines import see_deadlines
from lienthong.operations.overview import see_agencies, see_overview

if TYPE_CHECKING:
    from lienthong.operations.views import Overview

router = APIRouter()


@router.get("/")
def home(page: SignedInPage) -> Response:
    """Show whether dossiers flow; who may not see them begins with what they may."""
    if not page.caller.has(Right.VIEW):
        return page.go("/accounts" if page.caller.has(Right.ADMINISTER) else "/account")
    return page.show("home.html", overview=_overview(page))


@router.get("/home/now")
def home_now(page: WatchingPage) -> Response:
    """Show the same as it is now, as a part of the page."""
    return page.show("home_now.html", overview=_overview(page))


@router.get("/deadlines")
def deadlines_page(
    page: SignedInPage, agency: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """List dossiers that are overdue, or due within a day."""
    installation, caller = page.site.installation, page.caller
    found = see_deadlines(installation, caller, agency=agency or None)
    agencies = see_agencies(installation, caller)
    return page.show("deadlines.html", found=found, chosen=agency, agencies=agencies)


def _overview(page: Page) -> Overview:
    return see_overview(page.site.flow, page.caller)
