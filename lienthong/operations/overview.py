"""Whether dossiers flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import EVERY, Right
from lienthong.operations.masking import words_of
from lienthong.operations.pausing import views_of
from lienthong.operations.views import AgencyStanding, Overview, WorkerPace
from lienthong.pacing import WORDS
from lienthong.store.database import reading
from lienthong.store.paces import read_flow
from lienthong.store.queries import count_agencies, count_down
from lienthong.store.work import tell_time

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.store.queries import AgencyCounts
    from lienthong.wiring import Installation


def see_overview(installation: Installation, principal: Principal) -> Overview:
    """
    Return where the messages of each agency stand, and how deliveries go.

    Raises:
        Forbidden: the right to view is had for no agency.
    """
    principal.need(Right.VIEW)
    with reading(installation.store) as connection:
        up, down = count_agencies(connection), count_down(connection)
        flow = read_flow(connection, now=installation.clock())
        now = tell_time(installation.store, connection, at=installation.clock)
        pauses = views_of(connection, principal, now=now)
    seen = [_standing(each, "up") for each in up if principal.may(Right.VIEW, each.agency)]
    seen += [_standing(each, "down") for each in down if principal.may(Right.VIEW, each.agency)]
    # How much waits, and how fast it goes, is of all agencies together.
    sees_all = principal.agencies(Right.VIEW) is EVERY
    estimate = flow.estimate
    return Overview(
        agencies=seen,
        backlog=flow.backlog if sees_all else None,
        backlog_to_agencies=flow.to_agencies if sees_all else None,
        per_minute=flow.per_minute if sees_all else None,
        estimate_seconds=estimate.total_seconds() if sees_all and estimate is not None else None,
        workers=[
            WorkerPace(
                worker=worker.worker,
                pace=worker.pace.value,
                words=words_of(WORDS[worker.pace]),
                until=worker.until,
                allowed=worker.allowed,
                delivered=worker.delivered,
            )
            for worker in flow.workers
        ]
        if sees_all
        else [],
        pauses=pauses,
    )


def see_agencies(installation: Installation, principal: Principal) -> list[str]:
    """Return the configured agencies that whoever asks may see, by name."""
    return sorted(name for name in installation.mappings.names() if principal.may(Right.VIEW, name))


def _standing(counts: AgencyCounts, direction: str) -> AgencyStanding:
    return AgencyStanding(
        agency=counts.agency,
        direction=direction,
        submissions=counts.submissions,
        submissions_waiting=counts.waiting_submissions,
        records=counts.records,
        repeats=counts.repeats,
        left_out=counts.left_out,
        states=counts.states,
    )
