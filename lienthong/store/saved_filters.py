"""Searches that people keep, by whose they are, their list and their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from lienthong.store.database import insert_into
from lienthong.store.tables import saved_filters

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFilter:
    """One of them."""

    page: str
    name: str
    query: str
    """As an address has it."""
    saved_at: datetime


def list_filters(connection: Connection, principal: str) -> list[SavedFilter]:
    """Return what somebody keeps, in no order."""
    rows = connection.execute(select(saved_filters).where(saved_filters.c.principal == principal))
    return [
        SavedFilter(page=row.page, name=row.name, query=row.query, saved_at=row.saved_at)
        for row in rows
    ]


def keep_filter(work: Work, principal: str, kept: SavedFilter) -> None:
    """Keep one for somebody, in place of another of its name."""
    said = {"query": kept.query, "saved_at": kept.saved_at}
    insertion = insert_into(work.connection, saved_filters).values(
        principal=principal, page=kept.page, name=kept.name, **said
    )
    work.connection.execute(
        insertion.on_conflict_do_update(index_elements=["principal", "page", "name"], set_=said)
    )


def remove_filter(work: Work, principal: str, page: str, name: str) -> bool:
    """Forget one of somebody; tell whether there was such a one."""
    which = (
        (saved_filters.c.principal == principal)
        & (saved_filters.c.page == page)
        & (saved_filters.c.name == name)
    )
    gone = delete(saved_filters).where(which).returning(saved_filters.c.name)
    return work.connection.execute(gone).first() is not None


def forget_filters(work: Work, principal: str) -> None:
    """Forget all of somebody."""
    work.connection.execute(delete(saved_filters).where(saved_filters.c.principal == principal))
