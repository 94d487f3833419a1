"""Pages on the installation: mappings, catalogue, sources, queues, keys; only looked at."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lienthong.access.rights import Right
from lienthong.console.asking import SignedInPage
from lienthong.operations.exchange import see_queues
from lienthong.operations.keys import see_keys
from lienthong.operations.mappings import see_catalogue, see_mappings
from lienthong.operations.sources import see_sources

router = APIRouter(prefix="/site")


@router.get("")
def first_page(page: SignedInPage) -> Response:
    """Begin with the first of these pages that somebody may see."""
    return page.go("/site/sources" if page.caller.has(Right.VIEW) else "/site/keys")


@router.get("/mappings")
def mappings_page(page: SignedInPage) -> Response:
    """Show the installed mappings."""
    view = see_mappings(page.site.installation, page.caller)
    return page.show("site_mappings.html", mappings=view.mappings)


@router.get("/catalogue")
def catalogue_page(page: SignedInPage) -> Response:
    """Show how far the 23 groups are connected."""
    view = see_catalogue(page.site.installation, page.caller)
    return page.show("site_catalogue.html", catalogue=view)


@router.get("/sources")
def sources_page(page: SignedInPage) -> Response:
    """Show the ways in and out of each agency."""
    view = see_sources(page.site.installation, page.caller)
    return page.show("site_sources.html", sources=view.sources)


@router.get("/queues")
def queues_page(page: SignedInPage) -> Response:
    """Show the exchange."""
    view = see_queues(page.site.installation, page.caller)
    return page.show("site_queues.html", exchange=view)


@router.get("/keys")
def keys_page(page: SignedInPage) -> Response:
    """Show keys and what is trusted, and when they end."""
    view = see_keys(page.site.installation, page.caller)
    return page.show("site_keys.html", keys=view, now=page.site.installation.clock())
