"""The routes of problems: failures of one cause, and what people decide about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lienthong.api.asking import AtSite, Caller, RequestKey
from lienthong.api.once import once
from lienthong.operations.moments import Moment
from lienthong.operations.problem_views import ProblemDetail, ProblemGroup, ProblemPage
from lienthong.operations.problems import (
    WantedProblems,
    decide_problem,
    find_problems,
    see_problem,
)
from lienthong.owners import Owner
from lienthong.problem_states import Act, GroupState
from schemas.building import in_vietnam

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.api.asking import Site

router = APIRouter(prefix="/v1/problems", tags=["problems"])

ProblemId = Annotated[str, Field(max_length=64, description="As the list of problems has it.")]
Short = Annotated[str | None, Query(max_length=200)]


class Decision(BaseModel):
    """What is decided about a problem, beside the verb."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    reason: str = Field(min_length=3, max_length=500)
    """Why; it goes into the audit log under your name, so it names no citizen."""
    version: int = Field(ge=0, le=2**31 - 1)
    """Of the problem as you saw it; 409 where somebody has decided since."""


@router.get("")
def problems(  # noqa: PLR0913 - each is a parameter of the address
    site: AtSite,
    caller: Caller,
    agency: Short = None,
    owner: Annotated[Owner | None, Query(description="Who must act.")] = None,
    state: Annotated[
        list[GroupState] | None, Query(description="May be given several times.")
    ] = None,
    code: Annotated[
        str | None, Query(max_length=100, description="Of the cause, or its beginning and `*`.")
    ] = None,
    since: Annotated[
        Moment | None, Query(description="Last seen since then; without a zone: Việt Nam's.")
    ] = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="Words of what is said of it; marks are optional."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before.")
    ] = None,
) -> ProblemPage:
    """List failures grouped by cause, what failed last first."""
    wanted = WantedProblems(
        agency=agency,
        owner=owner,
        states=state or (),
        code=code,
        since=in_vietnam(since),
        text=text,
    )
    return find_problems(site.installation, caller, wanted, cursor=cursor, limit=limit)


@router.get("/{problem_id}")
def problem(site: AtSite, caller: Caller, problem_id: ProblemId) -> ProblemDetail:
    """Show one problem, and a few of its messages, values masked."""
    return see_problem(site.installation, caller, problem_id)


@router.post("/{problem_id}/acknowledge")
def acknowledge(
    site: AtSite, caller: Caller, problem_id: ProblemId, asked: Decision, key: RequestKey = None
) -> ProblemGroup:
    """Say that somebody is at it: new failures do not open it again."""
    return _decide(site, caller, problem_id, Act.ACKNOWLEDGE, asked, key)


@router.post("/{problem_id}/resolve")
def resolve(
    site: AtSite, caller: Caller, problem_id: ProblemId, asked: Decision, key: RequestKey = None
) -> ProblemGroup:
    """Say that its cause is gone; the next failure opens it again."""
    return _decide(site, caller, problem_id, Act.RESOLVE, asked, key)


@router.post("/{problem_id}/ignore")
def ignore(
    site: AtSite, caller: Caller, problem_id: ProblemId, asked: Decision, key: RequestKey = None
) -> ProblemGroup:
    """Say that nobody is to be told of it; its messages are counted all the same."""
    return _decide(site, caller, problem_id, Act.IGNORE, asked, key)


@router.post("/{problem_id}/reopen")
def reopen(
    site: AtSite, caller: Caller, problem_id: ProblemId, asked: Decision, key: RequestKey = None
) -> ProblemGroup:
    """Take back what was decided about it."""
    return _decide(site, caller, problem_id, Act.REOPEN, asked, key)


def _decide(
    site: Site, caller: Principal, problem_id: str, act: Act, asked: Decision, key: str | None
) -> ProblemGroup:
    return once(
        site,
        caller,
        key,
        asked={
            "act": act.value,
            "problem": problem_id,
            "reason": asked.reason,
            "version": str(asked.version),
        },
        answer=ProblemGroup,
        do=lambda: decide_problem(
            site.installation,
            caller,
            problem_id,
            act,
            reason=asked.reason,
            version=asked.version,
        ),
    )
