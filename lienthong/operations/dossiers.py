"""One dossier: everything that ever happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.evidence.gathering import find_codes
from lienthong.operations.job_links import seen_jobs
from lienthong.operations.masking import words_of
from lienthong.operations.views import DossierView, StandingView, StepView
from lienthong.store.database import reading
from lienthong.store.queries import agencies_of_dossier
from lienthong.timeline import tell_timeline
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.timeline import Standing, Step, Timeline
    from lienthong.wiring import Installation


def see_dossier(
    installation: Installation,
    principal: Principal,
    code: str,
    *,
    agency: str | None = None,
    limit: int = 200,
) -> DossierView:
    """
    Return a dossier's timeline.

    Args:
        installation: The site.
        principal: Who asks.
        code: Of the dossier, or the agency's own key of one of its events.
        agency: Needed where several agencies that may be seen have messages of that code.
        limit: At most so many steps, the latest.

    Raises:
        InputError: there is none that whoever asks may see, or several are meant.
    """
    principal.need(Right.VIEW)
    store = installation.store
    with reading(store) as connection:
        found = find_dossier(connection, principal, code, agency=agency)
        if found is None:
            raise dossier_not_found(code)
        name, of = found
        told = tell_timeline(connection, name, agency=of, limit=limit, vault=store.vault)
        return _view(told, seen_jobs(connection, principal, (step.job for step in told.steps)))


def find_dossier(
    connection: Connection, principal: Principal, code: str, *, agency: str | None
) -> tuple[str, str] | None:
    """
    Return the code of a dossier that may be seen and its agency; None where there is none.

    Raises:
        InputError: several agencies that may be seen have one of that code.
    """
    for found in find_codes(connection, code, agency=agency):
        of = agencies_of_dossier(connection, found) if agency is None else [agency]
        seen = [name for name in of if principal.may(Right.VIEW, name)]
        if len(seen) > 1:
            raise _several(seen)
        if seen:
            return found, seen[0]
    return None


def _view(told: Timeline, jobs: frozenset[str]) -> DossierView:
    return DossierView(
        dossier=told.dossier,
        agency=told.agency,
        acknowledged=told.acknowledged,
        now=words_of(told.now),
        next=[words_of(one) for one in told.next],
        messages=[_standing(one) for one in told.messages],
        messages_before=told.messages_before,
        steps=[_step(one, jobs) for one in told.steps],
        steps_before=told.steps_before,
    )


def _standing(one: Standing) -> StandingView:
    return StandingView(
        id=one.id,
        packet=one.packet,
        sequence=one.sequence,
        state=one.state,
        reason=words_of(one.reason),
        errors=list(one.errors),
        due_at=one.due_at,
    )


def _step(one: Step, jobs: frozenset[str]) -> StepView:
    return StepView(
        at=one.at,
        step=one.name,
        text=words_of(one.text),
        detail=None if one.detail is None else words_of(one.detail),
        actor=one.actor,
        message=one.message,
        submission=one.submission,
        audit_row=one.row,
        job=one.job if one.job in jobs else None,
    )


def _several(agencies: list[str]) -> InputError:
    shown = ", ".join(agencies[:5])
    return InputError(
        Problem(
            code="dossier.several",
            message=Text(
                vi=f"Nhiều cơ quan có hồ sơ mang mã này: {shown}",
                en=f"Several agencies have a dossier of this code: {shown}",
            ),
            suggestion=Text(vi="Nêu cơ quan: `agency`", en="Name the agency: `agency`"),
        )
    )


def dossier_not_found(code: str) -> InputError:
    """Return the error for a dossier that does not exist, or not for whoever asks."""
    return InputError(
        Problem(
            code="dossier.not_found",
            message=Text(vi=f"Không có hồ sơ {code}", en=f"There is no dossier {code}"),
            suggestion=Text(
                vi="Kiểm tra mã hồ sơ, hoặc tìm trong danh sách thông điệp",
                en="Check the code, or look for it among the messages",
            ),
        )
    )
