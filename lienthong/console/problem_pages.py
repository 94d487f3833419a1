"""Pages on problems: failures of one cause, whose they are to mend, and what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.api.once import once
from lienthong.api.problem_routes import ProblemId
from lienthong.console.asking import Because, Form, SignedInPage, check_form
from lienthong.operations.overview import see_agencies
from lienthong.operations.problem_views import ProblemGroup
from lienthong.operations.problems import (
    WantedProblems,
    decide_problem,
    find_problems,
    see_problem,
)
from lienthong.owners import Owner
from lienthong.problem_states import Act, GroupState
from schemas.building import in_vietnam

router = APIRouter(prefix="/problems")
_CHECKED = [Depends(check_form)]


class ProblemFilter(Form):
    """Which problems; without a state those that somebody has to look at."""

    agency: str | None = Field(default=None, max_length=200)
    owner: Owner | None = None
    state: list[GroupState] = Field(
        default=[GroupState.OPEN, GroupState.ACKNOWLEDGED], max_length=len(GroupState)
    )
    code: str | None = Field(default=None, max_length=100)
    text: str | None = Field(default=None, max_length=200)
    since: datetime | None = None
    """Last seen since then; without a zone: Việt Nam's."""
    cursor: str | None = Field(default=None, max_length=200)

    def wanted(self) -> WantedProblems:
        """Return what is looked for."""
        return WantedProblems(
            agency=self.agency,
            owner=self.owner,
            states=self.state,
            code=self.code,
            text=self.text,
            since=in_vietnam(self.since),
        )


class DecisionForm(Because):
    """What is decided, about the problem as it was seen."""

    version: int = Field(ge=0, le=2**31 - 1)


@router.get("")
def list_page(page: SignedInPage, wanted: Annotated[ProblemFilter, Query()]) -> Response:
    """List problems, what failed last first."""
    installation = page.site.installation
    return page.show(
        "problems.html",
        found=find_problems(
            installation, page.caller, wanted.wanted(), cursor=wanted.cursor, limit=50
        ),
        wanted=wanted,
        agencies=see_agencies(installation, page.caller),
        owners=Owner,
        states=GroupState,
    )


@router.get("/{problem_id}")
def problem_page(page: SignedInPage, problem_id: ProblemId) -> Response:
    """Show one problem and some of its messages."""
    problem = see_problem(page.site.installation, page.caller, problem_id)
    return page.show("problem_group.html", problem=problem)


@router.post("/{problem_id}/{act}", dependencies=_CHECKED)
def decide_form(
    page: SignedInPage, problem_id: ProblemId, act: Act, form: Annotated[DecisionForm, FormBody()]
) -> Response:
    """Acknowledge, resolve, ignore or reopen a problem."""
    decided = once(
        page.site,
        page.caller,
        form.key or None,
        asked={
            "act": act.value,
            "problem": problem_id,
            "reason": form.reason,
            "version": str(form.version),
        },
        answer=ProblemGroup,
        do=lambda: decide_problem(
            page.site.installation,
            page.caller,
            problem_id,
            act,
            reason=form.reason,
            version=form.version,
        ),
    )
    return page.go(page.link(f"/problems/{decided.id}"))
