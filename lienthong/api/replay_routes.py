"""The routes of bulk replay: asking, deciding, steering, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lienthong.api.asking import AtSite, Caller, RequestKey
from lienthong.api.once import once
from lienthong.operations.job_preview import MOST_PREVIEWED, preview_replay_job
from lienthong.operations.moments import Moment
from lienthong.operations.replay_jobs import (
    Asking,
    Chosen,
    Steering,
    approve_replay,
    ask_for_replay,
    decline_replay,
    find_replays,
    see_replay,
    see_replay_items,
    see_selection,
    steer_replay,
)
from lienthong.operations.views import (
    ReplayItemPage,
    ReplayJobPage,
    ReplayJobPreview,
    ReplayJobView,
    SelectedView,
)
from lienthong.replay_states import JobState, Verb
from lienthong.states import State
from schemas.building import in_vietnam

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.access.rights import Principal
    from lienthong.api.asking import Site

router = APIRouter(prefix="/v1/replay-jobs", tags=["replay-jobs"])

JobId = Annotated[str, Field(max_length=64, description="As the list of jobs has it.")]
MOST_IDS = 1_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ReplaySelection(_Request):
    """Which messages; what is not given does not matter, but states or ids must be."""

    states: list[State] = Field(default=[], max_length=20)
    agency: str | None = Field(default=None, max_length=200)
    dossier: str | None = Field(default=None, max_length=200)
    why: str | None = Field(default=None, max_length=200)
    """Part of the reason of the state, English."""
    problem: str | None = Field(default=None, max_length=100)
    """Code of a finding, or its beginning and `*`; or the id of a problem: what stands in it
    now."""
    text: str | None = Field(default=None, max_length=200)
    """Words of an error; what ever had it."""
    since: Moment | None = None
    """Last changed since then; without a zone: Việt Nam's."""
    until: Moment | None = None
    """Last changed before then; without a zone: Việt Nam's."""
    ids: list[Annotated[str, Field(max_length=64)]] | None = Field(
        default=None, min_length=1, max_length=MOST_IDS
    )


class ChosenReplay(_Request):
    """Which messages, and what is to be done to them."""

    selection: ReplaySelection
    verb: Verb

    def chosen(self) -> dict[str, Any]:
        """Return it as operations take it."""
        selection = self.selection
        return {
            **dict(selection),
            "verb": self.verb,
            "since": in_vietnam(selection.since),
            "until": in_vietnam(selection.until),
        }


class AskedReplay(ChosenReplay):
    """What is to be done to many messages, why, and how."""

    reason: str = Field(min_length=3, max_length=500)
    """Why; it goes into the audit log with every message, under your name: name no citizen."""
    rate: float = Field(default=10, ge=0.1, le=1_000)
    """Messages a second at most."""
    stop_percent: int = Field(default=20, ge=1, le=100)
    """Stop when more than so many of the last ones are refused, or fail again."""


class Approval(_Request):
    """What is approved."""

    digest: str = Field(min_length=64, max_length=64)
    """Of the job that was looked at."""


class WhyReplay(_Request):
    """Why it is declined, paused, resumed or cancelled."""

    reason: str = Field(min_length=3, max_length=500)


@router.post("")
def ask(site: AtSite, caller: Caller, asked: AskedReplay, key: RequestKey = None) -> ReplayJobView:
    """Freeze a selection, for another person to approve; nothing is done to it before."""
    asking = Asking(
        **asked.chosen(), reason=asked.reason, rate=asked.rate, stop_percent=asked.stop_percent
    )
    return once(
        site,
        caller,
        key,
        asked={"act": "replay-jobs", "asked": asked.model_dump_json()},
        answer=ReplayJobView,
        do=lambda: ask_for_replay(site.installation, caller, asking),
    )


@router.post("/selection")
def selected(site: AtSite, caller: Caller, asked: ChosenReplay) -> SelectedView:
    """Show how many messages would be frozen now, and the latest of them; nothing is frozen."""
    return see_selection(site.installation, caller, Chosen(**asked.chosen()))


@router.get("")
def jobs(
    site: AtSite,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        str | None, Query(max_length=64, description="`next` of the page before.")
    ] = None,
    state: Annotated[
        JobState | None, Query(description="Where they stand; `asked`: nobody decided yet.")
    ] = None,
) -> ReplayJobPage:
    """List the jobs all of whose agencies you may see, the latest first."""
    return find_replays(site.installation, caller, before=before, limit=limit, state=state)


@router.get("/{job_id}")
def job(site: AtSite, caller: Caller, job_id: JobId) -> ReplayJobView:
    """Show one job, and how far it is."""
    return see_replay(site.installation, caller, job_id)


@router.get("/{job_id}/items")
def items(
    site: AtSite,
    caller: Caller,
    job_id: JobId,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="`next` of the page before.")] = 0,
) -> ReplayItemPage:
    """List the messages of a job in the order of acting, and what became of each."""
    return see_replay_items(site.installation, caller, job_id, after=after, limit=limit)


@router.get("/{job_id}/preview")
def preview_job(
    site: AtSite,
    caller: Caller,
    job_id: JobId,
    limit: Annotated[int, Query(ge=1, le=MOST_PREVIEWED)] = 200,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="`next` of the part before.")] = 0,
) -> ReplayJobPreview:
    """Say what a job would do to what is left of it; nothing is sent or written."""
    return preview_replay_job(site.installation, caller, job_id, after=after, limit=limit)


@router.post("/{job_id}/approve")
def approve(
    site: AtSite, caller: Caller, job_id: JobId, approval: Approval, key: RequestKey = None
) -> ReplayJobView:
    """Let a job begin that another person asked for, exactly as you saw it."""
    return _decide(
        site,
        caller,
        key,
        ("approve", job_id, approval.digest),
        lambda: approve_replay(site.installation, caller, job_id, digest=approval.digest),
    )


@router.post("/{job_id}/decline")
def decline(
    site: AtSite, caller: Caller, job_id: JobId, why: WhyReplay, key: RequestKey = None
) -> ReplayJobView:
    """Have a job not done that another person asked for."""
    return _decide(
        site,
        caller,
        key,
        ("decline", job_id, why.reason),
        lambda: decline_replay(site.installation, caller, job_id, reason=why.reason),
    )


@router.post("/{job_id}/pause")
def pause(
    site: AtSite, caller: Caller, job_id: JobId, why: WhyReplay, key: RequestKey = None
) -> ReplayJobView:
    """Let a job rest; a part of at most 100 messages that is under way is ended before."""
    return _steer(site, caller, job_id, Steering.PAUSE, why, key)


@router.post("/{job_id}/resume")
def resume(
    site: AtSite, caller: Caller, job_id: JobId, why: WhyReplay, key: RequestKey = None
) -> ReplayJobView:
    """Let a job go on that was paused, or that stopped because too much failed."""
    return _steer(site, caller, job_id, Steering.RESUME, why, key)


@router.post("/{job_id}/cancel")
def cancel(
    site: AtSite, caller: Caller, job_id: JobId, why: WhyReplay, key: RequestKey = None
) -> ReplayJobView:
    """End a job; what it has done stays done, the rest is left as it is."""
    return _steer(site, caller, job_id, Steering.CANCEL, why, key)


def _steer(
    site: Site, caller: Principal, job_id: str, how: Steering, why: WhyReplay, key: str | None
) -> ReplayJobView:
    return _decide(
        site,
        caller,
        key,
        (how.value, job_id, why.reason),
        lambda: steer_replay(site.installation, caller, job_id, how, reason=why.reason),
    )


def _decide(
    site: Site,
    caller: Principal,
    key: str | None,
    asked: tuple[str, str, str],
    do: Callable[[], ReplayJobView],
) -> ReplayJobView:
    act, job_id, said = asked
    return once(
        site,
        caller,
        key,
        asked={"act": act, "job": job_id, "said": said},
        answer=ReplayJobView,
        do=do,
    )
