"""Pages on what people have stopped: pausing, draining, letting go on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.access.rights import EVERY, Right
from lienthong.console.asking import Because, SignedInPage, check_form
from lienthong.operations.overview import see_agencies
from lienthong.operations.pausing import Asking, What, pause, resume, see_pauses
from schemas.building import in_vietnam

router = APIRouter(prefix="/traffic")
_CHECKED = [Depends(check_form)]


class OfWhom(Because):
    """What a form is about."""

    agency: str | None = Field(default=None, max_length=200)
    """Empty: the portal."""


class PauseForm(OfWhom):
    """What is to be stopped."""

    what: What
    until: datetime | None = None


class ResumeForm(OfWhom):
    """What is to go on."""

    what: list[What] = Field(default=[], max_length=len(What))


@router.get("")
def pauses_page(page: SignedInPage) -> Response:
    """Show what is stopped, and ask what is to be."""
    installation = page.site.installation
    steered = [
        name
        for name in see_agencies(installation, page.caller)
        if page.caller.may(Right.STEER, name)
    ]
    return page.show(
        "traffic.html",
        pauses=see_pauses(installation, page.caller).pauses,
        steered=steered,
        steers_portal=page.caller.agencies(Right.STEER) is EVERY,
        whats=What,
    )


@router.post("/pause", dependencies=_CHECKED)
def pause_form(page: SignedInPage, form: Annotated[PauseForm, FormBody()]) -> Response:
    """Stop something."""
    asking = Asking(
        agency=form.agency, what=form.what, reason=form.reason, until=in_vietnam(form.until)
    )
    pause(page.site.installation, page.caller, asking)
    return page.go("/traffic")


@router.post("/resume", dependencies=_CHECKED)
def resume_form(page: SignedInPage, form: Annotated[ResumeForm, FormBody()]) -> Response:
    """Let something go on."""
    resume(page.site.installation, page.caller, form.agency, whats=form.what, reason=form.reason)
    return page.go("/traffic")
