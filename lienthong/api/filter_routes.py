"""The routes of kept searches: one's own alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from lienthong.api.asking import AtSite, Caller
from lienthong.operations.filter_views import FilterList, FilterView
from lienthong.operations.filters import (
    LONGEST_NAME,
    delete_filter,
    find_filters,
    save_filter,
)
from lienthong.operations.searches import ListPage, MessageSearch, ProblemSearch

router = APIRouter(prefix="/v1/filters", tags=["filters"])

FilterName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Your own; shown on the console's page.",
    ),
]


@router.get("")
def filters(site: AtSite, caller: Caller, page: ListPage | None = None) -> FilterList:
    """List the searches that you keep; nobody sees those of others."""
    return find_filters(site.installation, caller, page)


@router.put("/messages/{name:path}")
def keep_messages(
    site: AtSite, caller: Caller, name: FilterName, search: MessageSearch
) -> FilterView:
    """Keep a search of messages under a name, in place of yours of that name."""
    return save_filter(site.installation, caller, name, search)


@router.put("/problems/{name:path}")
def keep_problems(
    site: AtSite, caller: Caller, name: FilterName, search: ProblemSearch
) -> FilterView:
    """Keep a search of problems under a name, in place of yours of that name."""
    return save_filter(site.installation, caller, name, search)


@router.delete("/{page}/{name:path}", status_code=204)
def forget(site: AtSite, caller: Caller, page: ListPage, name: FilterName) -> None:
    """Forget a search that you keep."""
    delete_filter(site.installation, caller, page, name)
