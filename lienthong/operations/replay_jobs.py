"""
Bulk replay: one person asks, another approves exactly what was frozen, and both can stop it.

A job is seen only by who sees every agency in it: its counts are about all of them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from lienthong.access.rights import Right
from lienthong.agencies import stamp_of
from lienthong.job_reasons import job_reason_words
from lienthong.operations.masking import words_of
from lienthong.operations.messages import count_of, summaries
from lienthong.operations.problem_words import with_causes
from lienthong.operations.views import (
    ReplayItemPage,
    ReplayItemView,
    ReplayJobPage,
    ReplayJobSummary,
    ReplayJobView,
    ReplayProgress,
    SelectedView,
)
from lienthong.replay_states import ALLOWED, JobState, Verb
from lienthong.store.database import reading
from lienthong.store.replay_jobs import (
    WantedJob,
    approve,
    ask,
    enter,
    list_jobs,
    read_items,
    read_job,
    read_progress,
    resume,
)
from lienthong.store.replay_problems import no_job, other_digest, own_job, stale, states_missing
from lienthong.store.selection import Selection
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.states import State
    from lienthong.store.replay_jobs import Job
    from lienthong.wiring import Installation

MOST_ASKED = 1_000
"""Of so many that wait for a decision it is counted who may approve them."""


EXAMPLES = 20
"""Messages that are shown of what would be frozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be done to which messages; what is not given does not matter."""

    verb: Verb
    states: Sequence[State] = ()
    agency: str | None = None
    dossier: str | None = None
    why: str | None = None
    problem: str | None = None
    """Code of a finding, or its beginning and `*`; or the id of a group of failures."""
    text: str | None = None
    """Words of an error."""
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[str] | None = None

    @property
    def shown(self) -> dict[str, object]:
        """The selection as it was asked for."""
        given = {
            "states": [state.value for state in self.states],
            "agency": self.agency,
            "dossier": self.dossier,
            "why": self.why,
            "problem": self.problem,
            "text": self.text,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "ids": None if self.ids is None else list(self.ids),
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Chosen):
    """What is asked to be done to which messages, and how."""

    reason: str
    rate: float
    stop_percent: int


class Steering(Enum):
    """What can be done to a job beside deciding about it; the values are those of the API."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


def see_selection(installation: Installation, principal: Principal, chosen: Chosen) -> SelectedView:
    """Return how many messages would be frozen, and the latest of them. Raises as asking does."""
    selection = replace(_selection(principal, chosen), limit=EXAMPLES)
    store = installation.store
    with reading(store) as connection:
        meant = with_causes(connection, selection, vault=store.vault)
        return SelectedView(
            count=count_of(meant.count(connection, vault=store.vault)),
            messages=summaries(connection, meant, vault=store.vault),
        )


def ask_for_replay(
    installation: Installation, principal: Principal, asking: Asking
) -> ReplayJobView:
    """
    Freeze what is selected of the agencies for which it may be asked.

    Raises:
        Forbidden: the right to ask is had for no agency, or not for the one that is named.
        InputError: nothing is selected, or too much, or states in which it cannot be done.
        ConfigError: a mapping that a reissue would go by cannot be used now.
    """
    selection = _selection(principal, asking)
    wanted = WantedJob(
        verb=asking.verb,
        selection=selection,
        asked=asking.shown,
        reason=asking.reason,
        rate=asking.rate,
        stop_percent=asking.stop_percent,
        mappings=lambda agencies: _mappings(installation, asking.verb, agencies),
    )
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        meant = with_causes(work.connection, selection, vault=work.vault)
        return _view(work.connection, ask(work, replace(wanted, selection=meant)))


def approve_replay(
    installation: Installation, principal: Principal, job_id: str, *, digest: str
) -> ReplayJobView:
    """
    Let a job begin, whose digest whoever approves has seen.

    Raises:
        Forbidden: the right to approve is missing for an agency in it.
        InputError: there is none, it is one's own, it waits for nobody, the digest is another one,
            or what was frozen has changed since, and the job is stale now.
        ConfigError: a mapping that a reissue would go by cannot be used now.
    """
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        job = _to_decide(work.connection, principal, job_id)
        if digest != job.digest:
            raise other_digest()
        changed = approve(work, job, mappings=_mappings(installation, job.verb, job.agencies))
        view = _view(work.connection, read_job(work.connection, job_id))
    if changed is not None:
        raise stale(changed.count, changed.ids, changed.mappings)
    return view


def decline_replay(
    installation: Installation, principal: Principal, job_id: str, *, reason: str
) -> ReplayJobView:
    """End a job that somebody asked for. Raises as `approve_replay`."""
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        job = _to_decide(work.connection, principal, job_id)
        decided: dict[str, Any] = {"decided_by": principal.name, "decided_at": work.at}
        enter(work, job, JobState.DECLINED, note="replay.declined", why=reason, **decided)
        return _view(work.connection, read_job(work.connection, job_id))


def steer_replay(
    installation: Installation, principal: Principal, job_id: str, how: Steering, *, reason: str
) -> ReplayJobView:
    """
    Pause, resume or cancel a job; a part that is under way is ended before.

    Raises:
        Forbidden: for an agency in it there is neither the right to ask nor to approve.
        InputError: there is none, or not from where it stands.
    """
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        job = seen_job(work.connection, principal, job_id, to_change=True)
        need_either(principal, job)
        match how:
            case Steering.PAUSE:
                enter(work, job, JobState.PAUSED, note="replay.paused", why=reason)
            case Steering.CANCEL:
                enter(work, job, JobState.CANCELLED, note="replay.cancelled", why=reason)
            case Steering.RESUME:
                resume(work, job, why=reason)
        return _view(work.connection, read_job(work.connection, job_id))


def count_to_approve(connection: Connection, principal: Principal) -> int:
    """Return how many of the latest jobs that nobody decided about this person may approve."""
    if not principal.has(Right.APPROVE):
        return 0
    asked = islice(list_jobs(connection, state=JobState.ASKED), MOST_ASKED)
    return sum(
        _folded(principal.name) != _folded(job.asked_by)
        and _may_see(principal, job)
        and all(principal.may(Right.APPROVE, agency) for agency in job.agencies)
        for job in asked
    )


def find_replays(
    installation: Installation,
    principal: Principal,
    *,
    before: str | None,
    limit: int,
    state: JobState | None = None,
) -> ReplayJobPage:
    """Return the jobs that may be seen, the latest first. Raises Forbidden."""
    principal.need(Right.VIEW)
    found: list[Job] = []
    with reading(installation.store) as connection:
        for job in list_jobs(connection, before=before, state=state):
            if _may_see(principal, job):
                found.append(job)
            if len(found) > limit:
                break
    shown = found[:limit]
    return ReplayJobPage(
        jobs=[ReplayJobSummary(**_summary(job)) for job in shown],
        next=shown[-1].id if len(found) > limit else None,
    )


def see_replay(installation: Installation, principal: Principal, job_id: str) -> ReplayJobView:
    """Return one job. Raises InputError where there is none that may be seen."""
    with reading(installation.store) as connection:
        return _view(connection, seen_job(connection, principal, job_id))


def see_replay_items(
    installation: Installation, principal: Principal, job_id: str, *, after: int, limit: int
) -> ReplayItemPage:
    """Return messages of a job, in the order of acting. Raises as `see_replay`."""
    with reading(installation.store) as connection:
        seen_job(connection, principal, job_id)
        found = read_items(connection, job_id, after=after, limit=limit + 1)
    shown = found[:limit]
    return ReplayItemPage(
        items=[
            ReplayItemView(
                number=item.number,
                message=item.message_id,
                dossier=item.dossier_code,
                state=item.state,
                updated_at=item.updated_at,
                outcome=item.outcome,
                new_id=item.new_id,
                acted_at=item.acted_at,
                state_now=item.state_now,
                failed_again=item.failed_again,
            )
            for item in shown
        ],
        next=shown[-1].number if len(found) > limit else None,
    )


def _selection(principal: Principal, chosen: Chosen) -> Selection:
    principal.need(Right.REPLAY_MANY)
    if chosen.agency is not None and principal.may(Right.VIEW, chosen.agency):
        principal.need(Right.REPLAY_MANY, chosen.agency)
    allowed = sorted(ALLOWED[chosen.verb], key=lambda state: state.value)
    strange = [state for state in chosen.states if state not in allowed]
    if strange or (not chosen.states and chosen.ids is None):
        raise states_missing(chosen.verb, allowed, strange)
    return Selection(
        states=chosen.states or allowed,
        agency=chosen.agency,
        agencies=principal.agencies(Right.REPLAY_MANY),
        dossier_code=chosen.dossier,
        why=chosen.why,
        ids=chosen.ids,
        problem=chosen.problem,
        text=chosen.text,
        since=chosen.since,
        until=chosen.until,
    )


def _to_decide(connection: Connection, principal: Principal, job_id: str) -> Job:
    job = seen_job(connection, principal, job_id, to_change=True)
    for agency in job.agencies:
        principal.need(Right.APPROVE, agency)
    if _folded(principal.name) == _folded(job.asked_by):
        raise own_job()
    return job


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def need_either(principal: Principal, job: Job) -> None:
    """Raise Forbidden unless the job might have been asked for, or may be approved."""
    for agency in job.agencies:
        if not principal.may(Right.APPROVE, agency):
            principal.need(Right.REPLAY_MANY, agency)


def seen_job(
    connection: Connection, principal: Principal, job_id: str, *, to_change: bool = False
) -> Job:
    """Return a job; raise InputError where there is none that may be seen."""
    job = read_job(connection, job_id, to_change=to_change)
    if not _may_see(principal, job):
        raise no_job(job_id)
    return job


def _may_see(principal: Principal, job: Job) -> bool:
    return all(principal.may(Right.VIEW, agency) for agency in job.agencies)


def _mappings(installation: Installation, verb: Verb, agencies: Sequence[str]) -> Mapping[str, str]:
    if verb is not Verb.REISSUE:
        return {}
    return {name: stamp_of(installation.mappings.get(name)) for name in agencies}


def _summary(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "verb": job.verb.value,
        "state": job.state.value,
        "why": job.why,
        "why_words": words_of(job_reason_words(job.why)),
        "agencies": list(job.agencies),
        "count": job.count,
        "digest": job.digest,
        "reason": job.reason,
        "asked_by": job.asked_by,
        "asked_at": job.asked_at,
        "decided_by": job.decided_by,
        "decided_at": job.decided_at,
        "ended_at": job.ended_at,
    }


def _view(connection: Connection, job: Job) -> ReplayJobView:
    progress = read_progress(connection, job)
    is_running = job.state is JobState.RUNNING
    return ReplayJobView(
        **_summary(job),
        selection=dict(job.selection),
        mappings=dict(job.mappings),
        rate=job.rate,
        stop_percent=job.stop_percent,
        progress=ReplayProgress(
            done=progress.done,
            refused=dict(progress.refused),
            failed_again=progress.failed_again,
            left=progress.left,
            estimate_seconds=progress.left / job.rate if is_running else None,
        ),
    )
