"""Pages on bulk replay: asking, deciding about what was frozen, steering, and how far it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.access.rights import Right
from lienthong.api.once import once
from lienthong.api.replay_routes import JobId
from lienthong.console.asking import Because, Form, Page, SignedInPage, WatchingPage, check_form
from lienthong.console.message_pages import Filter
from lienthong.operations.job_preview import MOST_PREVIEWED, preview_replay_job
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
from lienthong.operations.searches import write_query
from lienthong.operations.views import ReplayJobView
from lienthong.replay_states import ALLOWED, JUDGED_AFTER, JobState, Verb
from lienthong.states import NEEDS_SOMEBODY, State

router = APIRouter(prefix="/jobs")
_CHECKED = [Depends(check_form)]


class Proposal(Filter):
    """A selection, and what would help."""

    verb: Verb | None = None


class AskForm(Because, Filter):
    """A selection, and what is to be done with it."""

    verb: Verb
    rate: float = Field(default=10, ge=0.1, le=1_000)
    stop_percent: int = Field(default=20, ge=1, le=100)
    ids: list[Annotated[str, Field(max_length=64)]] | None = Field(default=None, max_length=1_000)


class ApproveForm(Form):
    """What was looked at."""

    digest: str = Field(min_length=64, max_length=64)


@router.get("")
def list_page(
    page: SignedInPage,
    before: Annotated[str | None, Query(max_length=64)] = None,
    state: JobState | None = None,
) -> Response:
    """List the jobs, the latest first."""
    installation = page.site.installation
    found = find_replays(installation, page.caller, before=before, limit=50, state=state)
    return page.show("jobs.html", found=found, states=JobState)


@router.get("/new")
def new_page(
    page: SignedInPage,
    wanted: Annotated[Proposal, Query()],
) -> Response:
    """Show a selection and ask what is to be done with it; what was proposed is chosen."""
    page.caller.need(Right.REPLAY_MANY)
    states = wanted.state
    if wanted.verb is not None and not states:
        states = [state for state in NEEDS_SOMEBODY if state in ALLOWED[wanted.verb]]
    verbs = [verb for verb in Verb if states and set(states) <= ALLOWED[verb]]
    outlook = None
    if verbs:
        # The same for each of them: it is the states that are chosen.
        chosen = Chosen(verb=verbs[0], **_selected(wanted.model_copy(update={"state": states})))
        outlook = see_selection(page.site.installation, page.caller, chosen)
    return page.show(
        "job_new.html",
        wanted=wanted,
        query=write_query(wanted.model_copy(update={"state": states})),
        outlook=outlook,
        verbs=verbs,
        states=states,
        allowed=ALLOWED,
        all_states=State,
    )


@router.post("", dependencies=_CHECKED)
def ask_form(page: SignedInPage, form: Annotated[AskForm, FormBody()]) -> Response:
    """Freeze a selection for another person."""
    asking = Asking(
        **_selected(form),
        verb=form.verb,
        reason=form.reason,
        rate=form.rate,
        stop_percent=form.stop_percent,
        ids=form.ids,
    )
    job = once(
        page.site,
        page.caller,
        form.key or None,
        asked={"act": "replay-jobs", "asked": form.model_dump_json(exclude={"key"})},
        answer=ReplayJobView,
        do=lambda: ask_for_replay(page.site.installation, page.caller, asking),
    )
    return page.go(f"/jobs/{job.id}")


@router.get("/{job_id}")
def job_page(
    page: SignedInPage, job_id: JobId, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> Response:
    """Show one job and its messages."""
    return _job(page, "job.html", job_id, after)


@router.get("/{job_id}/now")
def job_now(
    page: WatchingPage,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    seen: Annotated[JobState | None, Query()] = None,
) -> Response:
    """Show the same as it is now, as a part of the page; all of it anew in another state."""
    return _job(page, "job_now.html", job_id, after, seen=seen)


@router.get("/{job_id}/preview")
def preview_page(
    page: SignedInPage, job_id: JobId, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> Response:
    """Show what a job would do to what is left of it."""
    installation = page.site.installation
    return page.show(
        "job_preview.html",
        job=see_replay(installation, page.caller, job_id),
        preview=preview_replay_job(
            installation, page.caller, job_id, after=after, limit=MOST_PREVIEWED
        ),
    )


@router.post("/{job_id}/approve", dependencies=_CHECKED)
def approve_form(
    page: SignedInPage, job_id: JobId, form: Annotated[ApproveForm, FormBody()]
) -> Response:
    """Let a job begin."""
    approve_replay(page.site.installation, page.caller, job_id, digest=form.digest)
    return page.go(f"/jobs/{job_id}")


@router.post("/{job_id}/decline", dependencies=_CHECKED)
def decline_form(
    page: SignedInPage, job_id: JobId, form: Annotated[Because, FormBody()]
) -> Response:
    """Have a job not done."""
    decline_replay(page.site.installation, page.caller, job_id, reason=form.reason)
    return page.go(f"/jobs/{job_id}")


@router.post("/{job_id}/{how}", dependencies=_CHECKED)
def steer_form(
    page: SignedInPage, job_id: JobId, how: Steering, form: Annotated[Because, FormBody()]
) -> Response:
    """Pause, resume or cancel a job."""
    steer_replay(page.site.installation, page.caller, job_id, how, reason=form.reason)
    return page.go(f"/jobs/{job_id}")


def _selected(given: Filter) -> dict[str, Any]:
    chosen = given.selection()
    return {
        "states": chosen.states,
        "agency": chosen.agency,
        "dossier": chosen.dossier_code,
        "why": chosen.why,
        "problem": chosen.problem,
        "text": chosen.text,
        "since": chosen.since,
        "until": chosen.until,
    }


def _job(
    page: Page, template: str, job_id: str, after: int, *, seen: JobState | None = None
) -> Response:
    installation = page.site.installation
    job = see_replay(installation, page.caller, job_id)
    items = see_replay_items(installation, page.caller, job_id, after=after, limit=50)
    is_own = job.asked_by.casefold() == page.caller.name.casefold()
    may = {
        right.value
        for right in (Right.APPROVE, Right.REPLAY_MANY)
        if all(page.caller.may(right, agency) for agency in job.agencies)
    }
    state = JobState(job.state)
    shown = page.show(
        template,
        job=job,
        items=items,
        is_own=is_own,
        rights=may,
        state=state,
        judged_after=JUDGED_AFTER,
    )
    if seen not in (None, state):
        # What may be done differs, and that is not in this part, where it would undo typed words.
        shown.headers["HX-Refresh"] = "true"
    return shown
