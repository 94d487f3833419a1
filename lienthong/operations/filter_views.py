"""What operations show of searches that people keep."""

from __future__ import annotations

from datetime import datetime

from lienthong.operations.searches import ListPage
from lienthong.operations.views import View


class FilterView(View):
    """One search that somebody kept."""

    page: ListPage
    name: str
    query: str
    """As an address has it, after `?`; empty: everything."""
    is_usable: bool
    """Whether the list is still searched by what it has."""
    saved_at: datetime


class FilterList(View):
    """What somebody kept."""

    filters: list[FilterView]
