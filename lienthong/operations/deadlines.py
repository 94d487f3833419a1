"""Dossiers whose deadline is near or past, and that the portal does not have all of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import EVERY, Right
from lienthong.operations.messages import reason_words
from lienthong.operations.views import DeadlinesView, DeadlineView
from lienthong.store.database import reading
from lienthong.store.deadlines import list_at_risk
from lienthong.store.work import tell_time

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.wiring import Installation


def see_deadlines(
    installation: Installation,
    principal: Principal,
    *,
    agency: str | None = None,
    limit: int = 200,
) -> DeadlinesView:
    """
    Return dossiers at risk that whoever asks may see, the earliest deadline first.

    Raises:
        Forbidden: the right to view is had for no agency.
    """
    principal.need(Right.VIEW)
    agencies = principal.agencies(Right.VIEW)
    if agency is not None:
        agencies = frozenset({agency}) if agencies is EVERY else agencies & {agency}
    store = installation.store
    with reading(store) as connection:
        now = tell_time(store, connection, at=installation.clock)
        found = list_at_risk(connection, agencies=agencies, limit=limit + 1, now=now)
    return DeadlinesView(
        deadlines=[
            DeadlineView(
                dossier=each.dossier,
                agency=each.agency,
                deadline=each.deadline,
                is_past=each.deadline <= now,
                waiting=each.waiting,
                message=each.message_id,
                state=each.state,
                reason=reason_words(each.reason),
            )
            for each in found[:limit]
        ],
        is_all=len(found) <= limit,
    )
