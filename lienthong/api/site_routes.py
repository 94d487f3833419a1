"""The routes about the installation: mappings, catalogue, sources, queues, keys; only looked at."""

from __future__ import annotations

from fastapi import APIRouter

from lienthong.api.asking import AtSite, Caller
from lienthong.operations.exchange import see_queues
from lienthong.operations.keys import see_keys
from lienthong.operations.mappings import see_catalogue, see_mappings
from lienthong.operations.site_views import (
    CatalogueView,
    KeysView,
    MappingsView,
    QueuesView,
    SourcesView,
)
from lienthong.operations.sources import see_sources

router = APIRouter(prefix="/v1", tags=["installation"])


@router.get("/mappings")
def mappings(site: AtSite, caller: Caller) -> MappingsView:
    """List the installed mappings: version, digest, how many of the portal's fields each fills."""
    return see_mappings(site.installation, caller)


@router.get("/catalogue/coverage")
def catalogue_coverage(site: AtSite, caller: Caller) -> CatalogueView:
    """Tell for each of the 23 groups how many services are connected, by what you may see."""
    return see_catalogue(site.installation, caller)


@router.get("/sources")
def sources(site: AtSite, caller: Caller) -> SourcesView:
    """Tell by which ways each agency sends and gets, and what was last heard of it."""
    return see_sources(site.installation, caller)


@router.get("/queues")
def queues(site: AtSite, caller: Caller) -> QueuesView:
    """Tell how many messages wait in which queue, and what differs from the plan."""
    return see_queues(site.installation, caller)


@router.get("/keys")
def keys(site: AtSite, caller: Caller) -> KeysView:
    """Tell which keys sign, and when they and what is trusted end; of the key itself nothing."""
    return see_keys(site.installation, caller)
