"""Searching the audit log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.operations.messages import log_entry
from lienthong.operations.views import LogPage
from lienthong.store.audit import read_lines
from lienthong.store.audit_search import condition_of
from lienthong.store.database import reading

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.store.audit_search import Wanted
    from lienthong.wiring import Installation


def search_audit(
    installation: Installation, principal: Principal, wanted: Wanted, *, limit: int
) -> LogPage:
    """
    Return rows of the audit log, the latest first.

    Who has the right for some agencies sees what is about their messages and files, and nothing of
    keys, accounts and settings.

    Raises:
        Forbidden: the right to audit is had for no agency.
    """
    principal.need(Right.AUDIT)
    asked = replace(wanted, agencies=principal.agencies(Right.AUDIT))
    with reading(installation.store) as connection:
        lines = list(
            read_lines(connection, condition_of(asked), limit=limit + 1, is_latest_first=True)
        )
    shown = lines[:limit]
    return LogPage(
        rows=[log_entry(line) for line in shown],
        next=shown[-1].id if len(lines) > limit else None,
    )
