"""
Pausing, draining and resuming, by who may steer the agency; the portal by who may steer all.

Asking again for what is so already changes nothing; asking with another reason or end says these
from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.access.rights import EVERY, Right
from lienthong.operations.masking import words_of
from lienthong.operations.views import LeftView, PausesView, PauseView, ResumedView
from lienthong.pauses import TARGET, What
from lienthong.store.database import reading
from lienthong.store.pauses import count_left, end_pauses, make_pause, read_pauses
from lienthong.store.submissions import agency_of
from lienthong.store.tables import agencies
from lienthong.store.work import begin, tell_time
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.pauses import Pause
    from lienthong.wiring import Installation

__all__ = ["Asking", "What", "pause", "resume", "see_pauses", "views_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is to be stopped."""

    agency: str | None
    """Name of its mapping; None: it is about the portal."""
    what: What
    reason: str
    until: datetime | None = None
    """When it ends by itself."""


def see_pauses(installation: Installation, principal: Principal) -> PausesView:
    """
    Return what is stopped of agencies that may be seen, and for the portal.

    Raises:
        Forbidden: the right to view is had for no agency.
    """
    principal.need(Right.VIEW)
    store = installation.store
    with reading(store) as connection:
        now = tell_time(store, connection, at=installation.clock)
        return PausesView(pauses=views_of(connection, principal, now=now))


def views_of(connection: Connection, principal: Principal, *, now: datetime) -> list[PauseView]:
    """Return what is stopped at `now`, as far as it may be seen."""
    return [
        _view(connection, principal, each)
        for each in read_pauses(connection, now=now).in_force
        if each.is_of_target or principal.may(Right.VIEW, each.subject)
    ]


def pause(installation: Installation, principal: Principal, asking: Asking) -> PauseView:
    """
    Stop something; every process goes by it within about a second.

    Raises:
        Forbidden: it may be seen, but not steered.
        InputError: there is no such agency that may be seen, or the end is past already.
    """
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        subject = _subject(installation, work.connection, principal, asking.agency)
        made = make_pause(work, subject, asking.what, reason=asking.reason, until=asking.until)
        return _view(work.connection, principal, made)


def resume(
    installation: Installation,
    principal: Principal,
    agency: str | None,
    *,
    whats: Collection[What] = (),
    reason: str,
) -> ResumedView:
    """
    Let go on what is stopped of an agency or for the portal: all of it, or only what is named.

    Raises:
        Forbidden: it may be seen, but not steered.
        InputError: there is no such agency that may be seen.
    """
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        subject = _subject(installation, work.connection, principal, agency)
        ended = end_pauses(work, subject, whats or tuple(What), reason=reason)
        return ResumedView(ended=[_view(work.connection, principal, each) for each in ended])


def _subject(
    installation: Installation, connection: Connection, principal: Principal, agency: str | None
) -> str:
    """Return what it is about, once it is certain that it may be steered."""
    if agency is None:
        principal.need_every(Right.STEER)
        return TARGET
    if not principal.may(Right.VIEW, agency) or not _is_known(installation, connection, agency):
        raise _no_agency(agency)
    principal.need(Right.STEER, agency)
    return agency


def _is_known(installation: Installation, connection: Connection, agency: str) -> bool:
    """Tell whether it has a mapping, or had one and has something here."""
    if agency in installation.mappings.names():
        return True
    lines = connection.execute(select(agencies.c.name)).scalars()
    return any(agency_of(line) == agency for line in lines)


def _view(connection: Connection, principal: Principal, pause: Pause) -> PauseView:
    left = None
    sees_it_all = not pause.is_of_target or principal.agencies(Right.VIEW) is EVERY
    if pause.what is What.DRAIN and sees_it_all:
        found = count_left(connection, pause.subject)
        left = LeftView(
            submissions=found.submissions,
            moving=found.moving,
            waiting=found.waiting,
            is_drained=found.is_drained,
        )
    return PauseView(
        agency=None if pause.is_of_target else pause.subject,
        target="portal" if pause.is_of_target else None,
        what=pause.what,
        reason=pause.reason,
        by=pause.by,
        since=pause.since,
        until=pause.until,
        words=words_of(pause.text),
        left=left,
    )


def _no_agency(name: str) -> InputError:
    return InputError(
        Problem(
            code="agency.not_found",
            message=Text(vi=f"Không có cơ quan «{name}»", en=f"There is no agency '{name}'"),
            suggestion=Text(
                vi="Dùng tên ánh xạ như trong: lienthong mapping list",
                en="Use the name of its mapping, as in: lienthong mapping list",
            ),
        )
    )
