"""By which ways each agency sends and gets, and what was last heard; never where or with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.access.rights import Right
from lienthong.operations.site_views import DoorView, HeardView, SourcesView, SourceView
from lienthong.store.database import reading
from lienthong.store.pulls import list_pulls
from lienthong.store.submissions import agency_of
from lienthong.store.tables import agencies, messages, submissions
from lienthong.store.waiting import MOVING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.receivers.profile import ReceiverProfile
    from lienthong.store.pulls import PullState
    from lienthong.wiring import Installation


def see_sources(installation: Installation, principal: Principal) -> SourcesView:
    """
    Return the agencies that may be seen: with a mapping, or with something in the store.

    Which doors are open here is what the settings of this process say.

    Raises:
        Forbidden: the right to view is had for no agency.
    """
    principal.need(Right.VIEW)
    with reading(installation.store) as connection:
        lines = list(connection.execute(select(agencies.c.name)).scalars())
        names = {*installation.mappings.names(), *map(agency_of, lines)}
        seen = sorted(name for name in names if principal.may(Right.VIEW, name))
        pulls = list_pulls(connection)
        return SourcesView(
            sources=[_look(installation, connection, name, lines, pulls) for name in seen]
        )


def _look(
    installation: Installation,
    connection: Connection,
    agency: str,
    lines: list[str],
    pulls: Mapping[str, PullState],
) -> SourceView:
    waiting = select(func.count()).select_from(submissions)
    backlog = select(func.count()).select_from(messages)
    down = [line for line in lines if line != agency and agency_of(line) == agency]
    receiver = installation.settings.receivers.get(agency)
    return SourceView(
        agency=agency,
        agency_name=installation.mappings.title(agency),
        doors=_doors(installation, agency, pulls),
        receiver=None if receiver is None else _door(_way(receiver)),
        last_up=_heard(connection, [agency]),
        last_down=_heard(connection, down),
        waiting=connection.execute(
            waiting.where(submissions.c.agency == agency, submissions.c.due_at.is_not(None))
        ).scalar_one(),
        backlog=connection.execute(
            backlog.where(
                messages.c.agency == agency,
                messages.c.state.in_([state.value for state in MOVING]),
            )
        ).scalar_one(),
    )


def _doors(
    installation: Installation, agency: str, pulls: Mapping[str, PullState]
) -> list[DoorView]:
    settings = installation.settings
    found = []
    if agency in installation.mappings.names():
        found.append(_door("http"))
        if agency in installation.queued_agencies:
            found.append(_door("amqp"))
        if settings.folder.path is not None:
            found.append(_door("folder"))
    for name, profile in settings.pull.items():
        if (profile.agency or name) == agency:
            state = pulls.get(name)
            read = {}
            if state is not None:
                read = {
                    "read_at": state.read_at,
                    "tried_at": state.tried_at,
                    "due_at": state.due_at,
                    "rows": state.rows,
                    "trouble": state.trouble,
                }
            found.append(_door("pull", name=name, **read))
    return found


def _door(kind: str, **more: Any) -> DoorView:
    nothing = dict.fromkeys(("name", "read_at", "tried_at", "due_at", "rows", "trouble"))
    return DoorView(kind=kind, **{**nothing, **more})


def _way(receiver: ReceiverProfile) -> str:
    if receiver.folder is not None:
        return "folder"
    return "queue" if receiver.queue else "hook"


def _heard(connection: Connection, lines: list[str]) -> HeardView | None:
    """Return the last of some lines of submissions; by their index, one look for each."""
    found = []
    for line in lines:
        last = connection.execute(
            select(submissions.c.door, submissions.c.received_at)
            .where(submissions.c.line == line)
            .order_by(submissions.c.arrival.desc())
            .limit(1)
        ).first()
        if last is not None:
            found.append(HeardView(door=last.door, at=last.received_at))
    return max(found, key=lambda one: one.at, default=None)
