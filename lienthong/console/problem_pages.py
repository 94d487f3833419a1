"""Pages on problems: failures of one cause, whose they are to mend, and what was decided."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Form as FormBody
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response

from lienthong.api.once import once
from lienthong.api.problem_routes import ProblemId
from lienthong.console.asking import Because, SignedInPage, check_form, without_empty
from lienthong.operations.filters import find_filters
from lienthong.operations.overview import see_agencies
from lienthong.operations.problem_views import ProblemGroup
from lienthong.operations.problems import decide_problem, find_problems, see_problem
from lienthong.operations.searches import ListPage, ProblemSearch, write_query
from lienthong.owners import Owner
from lienthong.problem_states import Act, GroupState

router = APIRouter(prefix="/problems")
_CHECKED = [Depends(check_form)]


class ProblemFilter(ProblemSearch):
    """Which problems; without a state those that somebody has to look at."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: list[GroupState] = Field(
        default=[GroupState.OPEN, GroupState.ACKNOWLEDGED], max_length=len(GroupState)
    )
    cursor: str | None = Field(default=None, max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _forget_empty(cls, given: Any) -> Any:
        return without_empty(given)


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
        query=write_query(wanted),
        kept=find_filters(installation, page.caller, ListPage.PROBLEMS).filters,
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
