"""Whether dossiers flow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.access.rights import EVERY, Right
from lienthong.flowing import WORDS as FLOW_WORDS
from lienthong.flowing import Flowing, Signs, judge
from lienthong.operations.masking import words_of
from lienthong.operations.pausing import views_of
from lienthong.operations.replay_jobs import count_to_approve
from lienthong.operations.views import AgencyStanding, Overview, WorkerPace
from lienthong.pacing import WORDS, estimate_catch_up
from lienthong.states import NEEDS_SOMEBODY
from lienthong.store.database import reading
from lienthong.store.deliveries_lately import STEP
from lienthong.store.flow_picture import midnight
from lienthong.store.pauses import read_pauses
from lienthong.store.waiting import MOVING, WAITING
from lienthong.store.work import tell_time

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.flow_watch import FlowWatch
    from lienthong.pauses import Pauses
    from lienthong.store.flow_picture import Picture
    from lienthong.store.waiting import Side
    from lienthong.wiring import Installation

_RANK = {flowing: rank for rank, flowing in enumerate(Flowing)}


def see_overview(watch: FlowWatch, principal: Principal) -> Overview:
    """
    Return for each agency whether its messages flow, and how deliveries go.

    Raises:
        Forbidden: the right to view is had for no agency.
    """
    principal.need(Right.VIEW)
    picture = watch.look()
    installation = watch.installation
    with reading(installation.store) as connection:
        now = tell_time(installation.store, connection, at=installation.clock)
        stopped = read_pauses(connection, now=now)
        pauses = views_of(connection, principal, now=now)
        to_approve = count_to_approve(connection, principal)
    agencies = [
        _standing(picture, side, stopped)
        for side in picture.sides
        if principal.may(Right.VIEW, side.agency)
    ]
    # How much waits, and how fast it goes, is of all agencies together.
    sees_all = principal.agencies(Right.VIEW) is EVERY
    flow = picture.flow
    estimate = flow.estimate
    of_target = sum(count for (agency, _), count in picture.failed.items() if agency is None)
    return Overview(
        at=picture.at,
        since_midnight=midnight(picture.at),
        agencies=sorted(agencies, key=_urgency),
        backlog=flow.backlog if sees_all else None,
        backlog_to_agencies=flow.to_agencies if sees_all else None,
        per_minute=flow.per_minute if sees_all else None,
        estimate_seconds=estimate.total_seconds() if sees_all and estimate is not None else None,
        failures_today=of_target if sees_all else None,
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
        to_approve=to_approve,
    )


def see_agencies(installation: Installation, principal: Principal) -> list[str]:
    """Return the configured agencies that whoever asks may see, by name."""
    return sorted(name for name in installation.mappings.names() if principal.may(Right.VIEW, name))


def see_agency_name(installation: Installation, principal: Principal, agency: str) -> str | None:
    """Return what people call an agency that may be seen, as its mapping has it."""
    return installation.mappings.title(agency) if principal.may(Right.VIEW, agency) else None


def _urgency(one: AgencyStanding) -> tuple[bool, bool, bool, int, bool, str, str]:
    """Return by what agencies are sorted: what needs a person soonest comes first."""
    is_stuck = one.flow in (Flowing.STALLED, Flowing.UNATTENDED)
    rank = _RANK[one.flow]
    is_calm = (not is_stuck, not one.overdue, not one.needs_somebody)
    return (*is_calm, rank, not one.due_soon, one.agency, one.direction)


def _standing(picture: Picture, side: Side, stopped: Pauses) -> AgencyStanding:
    states = {
        which.state: count
        for which, count in picture.counts.items()
        if (which.agency, which.direction) == side
    }
    oldest = {
        which.state: found
        for which, found in picture.oldest.items()
        if (which.agency, which.direction) == side
    }
    is_up = side.direction == "up"
    backlog = sum(states.get(state, 0) for state in MOVING)
    waiting = sum(states.get(state, 0) for state in WAITING)
    first = min(oldest.values(), default=None)
    series = picture.series[side]
    queued = picture.queued.get(side)
    # The last of the series has only begun.
    during = timedelta(minutes=2 * STEP)
    estimate = estimate_catch_up(backlog, delivered=sum(series[-2:]), during=during)
    signs = Signs(
        is_up=is_up,
        is_paused=any(
            pause.subject == side.agency or (is_up and pause.is_of_target)
            for pause in stopped.in_force
        ),
        moving=backlog,
        oldest_moving=min((oldest[state].at for state in MOVING if state in oldest), default=None),
        others=waiting - backlog,
        reading=0 if queued is None else queued.count,
        held=0 if queued is None else queued.held,
        last_delivery=picture.last_delivery.get(side),
        paces=[worker.pace for worker in picture.flow.workers],
    )
    judged = judge(signs, now=picture.at)
    return AgencyStanding(
        agency=side.agency,
        direction=side.direction,
        flow=judged.flowing,
        words=words_of(FLOW_WORDS[judged.flowing]),
        flow_since=judged.since,
        delivered=series,
        delivered_last_hour=sum(series),
        backlog=backlog,
        estimate_seconds=None if estimate is None else estimate.total_seconds(),
        waiting=waiting,
        needs_somebody=sum(states.get(state, 0) for state in NEEDS_SOMEBODY),
        oldest_at=None if first is None else first.at,
        oldest_message=None if first is None else first.message_id,
        overdue=picture.overdue.get(side.agency, 0) if is_up else 0,
        due_soon=picture.due_soon.get(side.agency, 0) if is_up else 0,
        failures_today=picture.failed.get((side.agency, side.direction), 0),
        submissions=picture.received.get(side, 0),
        submissions_waiting=signs.reading,
        states=states,
    )
