"""
Bulk replays in the store: what was asked for, frozen; who decided; and how far each has got.

What is frozen is a list of messages with the state and the moment of each. Its digest is over the
verb, the mappings that a reissue goes by, and that list, so that whoever approves it approves
nothing else. A job that runs is a lease with a fence, like everything that one process at a time
does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, literal, or_, select, update

from lienthong.ids import make_id
from lienthong.job_reasons import CHANGED
from lienthong.replay_states import (
    ALLOWED,
    JOB_ENDS,
    JOB_TRANSITIONS,
    JobState,
    Verb,
)
from lienthong.states import NEEDS_SOMEBODY, State
from lienthong.store.bulk import update_rows
from lienthong.store.delivery import LEDGER
from lienthong.store.replay_problems import LeaseLost, no_job, nothing, too_many, wrong_state
from lienthong.store.tables import in_slices, messages, replay_items, replay_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection

    from lienthong.store.selection import Selection
    from lienthong.store.work import Work

MOST = 100_000
"""Messages of one job."""
DONE = "done"
"""Outcome of an item; every other one is the code of a problem, which has a dot in it."""
FEW_CHANGED = 5
"""Ids that are named of what changed."""
WINDOW = 500
"""By so many of the last items a job is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One bulk replay."""

    id: str
    verb: Verb
    selection: Mapping[str, Any]
    """As it was asked for."""
    agencies: tuple[str, ...]
    mappings: Mapping[str, str]
    count: int
    digest: str
    reason: str
    rate: float
    stop_percent: int
    state: JobState
    judged_from: int
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    ended_at: datetime | None
    why: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedJob:
    """What is asked for."""

    verb: Verb
    selection: Selection
    """With the states that are asked for, and the agencies that whoever asks may replay for."""
    asked: Mapping[str, Any]
    """The same, to show."""
    reason: str
    rate: float
    stop_percent: int
    mappings: Callable[[Sequence[str]], Mapping[str, str]]
    """Gives the stamps of the present mappings of agencies; nothing for verbs that use none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message of a job."""

    number: int
    message_id: str
    state: State
    updated_at: datetime
    outcome: str | None = None
    new_id: str | None = None
    acted_at: datetime | None = None
    state_now: State | None = None
    """Of the message, or of the new one; None: not looked at."""
    dossier_code: str | None = None
    """None: the record has none, or not looked at."""

    @property
    def failed_again(self) -> bool:
        """Tell whether it needs somebody again, after it was done."""
        return self.outcome == DONE and self.state_now in NEEDS_SOMEBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What is not as it was frozen any more."""

    count: int
    """Messages."""
    ids: tuple[str, ...]
    """A few of them."""
    mappings: tuple[str, ...]
    """Agencies whose mapping is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job has got."""

    done: int
    refused: Mapping[str, int]
    """By code."""
    failed_again: int
    """Of those done: need somebody again."""
    left: int


def ask(work: Work, wanted: WantedJob) -> Job:
    """
    Freeze what is selected, in one statement.

    Raises:
        InputError: nothing is selected, or too much; the transaction must not be committed.
    """
    job_id = make_id(work.at)
    row = {
        "id": job_id,
        "verb": wanted.verb.value,
        "selection": _write(wanted.asked),
        "agencies": "[]",
        "mappings": "{}",
        "count": 0,
        "digest": "",
        "reason": wanted.reason,
        "rate": wanted.rate,
        "stop_percent": wanted.stop_percent,
        "state": JobState.ASKED.value,
        "judged_from": 0,
        "asked_by": work.actor,
        "asked_at": work.at,
        "fence": 0,
        "why": "",
    }
    work.connection.execute(insert(replay_jobs).values(row))
    count = _freeze(work, job_id, wanted)
    if count == 0:
        raise nothing(wanted.verb)
    if count > MOST:
        raise too_many(MOST)
    agencies = _agencies(work.connection, job_id)
    mappings = dict(wanted.mappings(agencies))
    frozen = _listed(work.connection, job_id, replay_items.c.state, replay_items.c.updated_at)
    digest = digest_of(wanted.verb, mappings, frozen)
    work.connection.execute(
        update(replay_jobs)
        .where(replay_jobs.c.id == job_id)
        .values(agencies=_write(agencies), mappings=_write(mappings), count=count, digest=digest)
    )
    work.note(
        "replay.asked",
        job_id,
        verb=wanted.verb.value,
        count=count,
        digest=digest,
        agencies=", ".join(agencies),
        reason=wanted.reason,
    )
    return read_job(work.connection, job_id)


def _freeze(work: Work, job_id: str, wanted: WantedJob) -> int:
    columns = (messages.c.id, messages.c.state, messages.c.updated_at, messages.c.sequence)
    allowed = [state.value for state in ALLOWED[wanted.verb]]
    chosen = (
        select(*columns, LEDGER.label("ledger"))
        .where(wanted.selection.condition(work.vault), messages.c.state.in_(allowed))
        .limit(MOST + 1)
        .subquery()
    )
    # By dossier, as everybody takes several of them. In each of them the last is discarded first:
    # nothing that is to end becomes ready because what it waited for has ended.
    place = chosen.c.sequence
    order = (chosen.c.ledger, place.desc() if wanted.verb is Verb.DISCARD else place, chosen.c.id)
    number = func.row_number().over(order_by=order)
    rows = select(literal(job_id), number, chosen.c.id, chosen.c.state, chosen.c.updated_at)
    names = ["job", "number", "message_id", "state", "updated_at"]
    work.connection.execute(insert(replay_items).from_select(names, rows))
    # PostgreSQL's driver does not say how many these were.
    count = select(func.count()).where(replay_items.c.job == job_id)
    return work.connection.execute(count).scalar_one()


def _agencies(connection: Connection, job_id: str) -> list[str]:
    items = replay_items.join(messages, messages.c.id == replay_items.c.message_id)
    query = select(messages.c.agency).distinct().select_from(items)
    query = query.where(replay_items.c.job == job_id)
    return sorted(connection.execute(query).scalars())


def digest_of(
    verb: Verb, mappings: Mapping[str, str], listed: Iterable[tuple[str, str, datetime]]
) -> str:
    """Return the digest of a verb, what a reissue goes by, and messages in their order."""
    digest = sha256(_write([verb.value, dict(mappings)]).encode())
    for message_id, state, updated_at in listed:
        moment = updated_at.isoformat(timespec="microseconds")
        digest.update(b"\n" + _write([message_id, state, moment]).encode())
    return digest.hexdigest()


def _listed(
    connection: Connection,
    job_id: str,
    state: ColumnElement[Any],
    updated_at: ColumnElement[Any],
) -> Iterator[tuple[str, str, datetime]]:
    query = (
        select(replay_items.c.message_id, state.label("state"), updated_at.label("updated_at"))
        .select_from(replay_items.join(messages, messages.c.id == replay_items.c.message_id))
        .where(replay_items.c.job == job_id)
        .order_by(replay_items.c.number)
    )
    for row in connection.execute(query.execution_options(yield_per=1_000)):
        yield row.message_id, row.state, row.updated_at


def approve(work: Work, job: Job, *, mappings: Mapping[str, str]) -> Changed | None:
    """
    Let a job run; where what it froze is not so any more it becomes stale, and this says why.

    Args:
        work: Of who approves.
        job: As it was read in this transaction.
        mappings: Stamps of the present mappings, as `WantedJob.mappings` gives them.

    Raises:
        InputError: it does not wait for anybody.
    """
    now = digest_of(
        job.verb,
        mappings,
        _listed(work.connection, job.id, messages.c.state, messages.c.updated_at),
    )
    decided: dict[str, Any] = {"decided_by": work.actor, "decided_at": work.at}
    if now == job.digest:
        enter(work, job, JobState.RUNNING, note="replay.approved", digest=now, **decided)
        return None
    changed = _changed(work.connection, job, mappings)
    why = CHANGED.write(messages=changed.count, mappings=len(changed.mappings))
    enter(work, job, JobState.STALE, note="replay.stale", why=why, **decided)
    return changed


def _changed(connection: Connection, job: Job, mappings: Mapping[str, str]) -> Changed:
    both = replay_items.join(messages, messages.c.id == replay_items.c.message_id)
    moved = or_(
        messages.c.state != replay_items.c.state,
        messages.c.updated_at != replay_items.c.updated_at,
    )
    of_job = and_(replay_items.c.job == job.id, moved)
    count = connection.execute(select(func.count()).select_from(both).where(of_job)).scalar_one()
    few = select(replay_items.c.message_id).select_from(both).where(of_job)
    few = few.order_by(replay_items.c.number).limit(FEW_CHANGED)
    others = {name for name in job.mappings if mappings.get(name) != job.mappings[name]}
    return Changed(
        count=count,
        ids=tuple(connection.execute(few).scalars()),
        mappings=tuple(sorted(others)),
    )


def enter(
    work: Work, job: Job, state: JobState, *, note: str, why: str = "", **columns: Any
) -> None:
    """
    Have a job change its state, with a row of the audit log that counts how far it is.

    Raises:
        InputError: from where it stands, or where it has come to meanwhile, it may not.
    """
    if state not in JOB_TRANSITIONS[job.state]:
        raise wrong_state(job.id, job.state, state)
    if state in JOB_ENDS:
        columns["ended_at"] = work.at
    changed = work.connection.execute(
        update(replay_jobs)
        .where(
            replay_jobs.c.id == job.id,
            replay_jobs.c.state == job.state.value,
            replay_jobs.c.fence == job.fence,
        )
        # Whoever worked on it has lost it.
        .values(
            state=state.value,
            why=why,
            lease_until=None,
            fence=replay_jobs.c.fence + 1,
            **columns,
        )
    )
    if not changed.rowcount:
        raise wrong_state(job.id, read_job(work.connection, job.id).state, state)
    progress = read_progress(work.connection, job)
    work.note(
        note,
        job.id,
        verb=job.verb.value,
        count=job.count,
        done=progress.done,
        refused=sum(progress.refused.values()),
        failed_again=progress.failed_again,
        left=progress.left,
        digest=job.digest,
        why=why or None,
    )


def resume(work: Work, job: Job, *, why: str) -> None:
    """Let a job go on that rests; one that stopped is judged by what comes from now on. Raises."""
    acted = read_progress(work.connection, job)
    judged_from = job.count - acted.left
    if job.state is JobState.ASKED:
        # Only a second person lets it begin.
        raise wrong_state(job.id, job.state, JobState.RUNNING)
    enter(work, job, JobState.RUNNING, note="replay.resumed", why=why, judged_from=judged_from)


def read_job(connection: Connection, job_id: str, *, to_change: bool = False) -> Job:
    """
    Return one job; held until the end of the transaction where it is to be changed.

    Raises:
        InputError: there is none.
    """
    query = select(replay_jobs).where(replay_jobs.c.id == job_id)
    row = connection.execute(query.with_for_update() if to_change else query).first()
    if row is None:
        raise no_job(job_id)
    return _job(row)


def stopped_jobs(connection: Connection) -> tuple[str, ...]:
    """Return the ids of jobs that stopped by themselves and wait for a person."""
    stopped = replay_jobs.c.state == JobState.STOPPED.value
    return tuple(connection.execute(select(replay_jobs.c.id).where(stopped)).scalars())


def list_jobs(
    connection: Connection, *, before: str | None = None, state: JobState | None = None
) -> Iterator[Job]:
    """Give jobs, the latest first, those of a page in memory; of one state by its index."""
    query = select(replay_jobs).order_by(replay_jobs.c.id.desc())
    if state is not None:
        query = query.where(replay_jobs.c.state == state.value)
    if before is not None:
        query = query.where(replay_jobs.c.id < before)
    for row in connection.execute(query.execution_options(yield_per=100)):
        yield _job(row)


def agencies_of_jobs(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return whose messages are in each of these jobs; what is no job is not in it."""
    found: dict[str, tuple[str, ...]] = {}
    for part in in_slices(sorted(set(ids))):
        query = select(replay_jobs.c.id, replay_jobs.c.agencies).where(replay_jobs.c.id.in_(part))
        found |= {row.id: tuple(json.loads(row.agencies)) for row in connection.execute(query)}
    return found


def read_progress(connection: Connection, job: Job) -> JobProgress:
    """Return how far a job has got."""
    counts = connection.execute(
        select(replay_items.c.outcome, func.count().label("items"))
        .where(replay_items.c.job == job.id)
        .group_by(replay_items.c.outcome)
    )
    found: dict[str | None, int] = {row.outcome: row.items for row in counts}
    left, done = found.pop(None, 0), found.pop(DONE, 0)
    return JobProgress(
        done=done,
        refused={code: count for code, count in sorted(found.items()) if code is not None},
        failed_again=count_failed(connection, job, after=0) if done else 0,
        left=left,
    )


_STANDS = func.coalesce(replay_items.c.new_id, replay_items.c.message_id)


def count_failed(connection: Connection, job: Job, *, after: int) -> int:
    """Return how many of the items behind a number were done, and need somebody again."""
    query = (
        select(func.count())
        .select_from(replay_items.join(messages, messages.c.id == _STANDS))
        .where(
            replay_items.c.job == job.id,
            replay_items.c.number > after,
            replay_items.c.outcome == DONE,
            messages.c.state.in_([state.value for state in NEEDS_SOMEBODY]),
        )
    )
    return connection.execute(query).scalar_one()


def failing_percent(connection: Connection, job: Job) -> tuple[int, int]:
    """Return of how many of the last items a job is judged, and how many percent of them fail."""
    acted = select(func.max(replay_items.c.number)).where(
        replay_items.c.job == job.id, replay_items.c.outcome.is_not(None)
    )
    last = connection.execute(acted).scalar() or 0
    after = max(job.judged_from, last - WINDOW)
    refused = connection.execute(
        select(func.count()).where(
            replay_items.c.job == job.id,
            replay_items.c.number > after,
            replay_items.c.outcome != DONE,
        )
    ).scalar_one()
    judged = max(last - after, 0)
    failing = refused + count_failed(connection, job, after=after)
    return judged, 0 if judged == 0 else failing * 100 // judged


def read_items(connection: Connection, job_id: str, *, after: int = 0, limit: int) -> list[Item]:
    """Return items in order, each with where its message, or the new one, stands now."""
    query = (
        select(replay_items, messages.c.state.label("state_now"), messages.c.dossier_code)
        .select_from(replay_items.outerjoin(messages, messages.c.id == _STANDS))
        .where(replay_items.c.job == job_id, replay_items.c.number > after)
        .order_by(replay_items.c.number)
        .limit(limit)
    )
    return [
        _item(row, state_now=row.state_now, dossier_code=row.dossier_code)
        for row in connection.execute(query)
    ]


def is_any_running(connection: Connection) -> bool:
    """Tell whether a job runs, whoever works on it."""
    query = select(replay_jobs.c.id).where(replay_jobs.c.state == JobState.RUNNING.value)
    return connection.execute(query.limit(1)).first() is not None


def is_any_due(connection: Connection, *, now: datetime) -> bool:
    """Tell whether a job runs that nobody works on."""
    return connection.execute(_due(now).limit(1)).first() is not None


def claim_job(work: Work, *, lease: timedelta) -> Job | None:
    """Take a job that runs and that nobody works on; None: there is none."""
    query = _due(work.at).limit(1).with_for_update(skip_locked=True)
    job_id = work.connection.execute(query).scalar()
    if job_id is None:
        return None
    work.connection.execute(
        update(replay_jobs)
        .where(replay_jobs.c.id == job_id)
        .values(lease_until=work.at + lease, fence=replay_jobs.c.fence + 1)
    )
    return read_job(work.connection, job_id)


def _due(now: datetime) -> Any:
    free = or_(replay_jobs.c.lease_until.is_(None), replay_jobs.c.lease_until <= now)
    query = select(replay_jobs.c.id).where(replay_jobs.c.state == JobState.RUNNING.value, free)
    return query.order_by(replay_jobs.c.id)


def hold(work: Work, job: Job, *, lease: timedelta) -> None:
    """
    Hold a job until the end of the transaction, and lengthen its lease.

    Raises:
        LeaseLost: it does not run any more, or somebody else works on it.
    """
    held = work.connection.execute(
        update(replay_jobs)
        .where(
            replay_jobs.c.id == job.id,
            replay_jobs.c.fence == job.fence,
            replay_jobs.c.state == JobState.RUNNING.value,
        )
        .values(lease_until=work.at + lease)
    )
    if not held.rowcount:
        raise LeaseLost(job.id)


def let_go(work: Work, job: Job) -> None:
    """End the lease, so that anybody may go on at once; nothing where it was lost."""
    work.connection.execute(
        update(replay_jobs)
        .where(replay_jobs.c.id == job.id, replay_jobs.c.fence == job.fence)
        .values(lease_until=None)
    )


def next_items(connection: Connection, job: Job, *, limit: int) -> list[Item]:
    """Return the next items that were not acted on."""
    query = (
        select(replay_items)
        .where(replay_items.c.job == job.id, replay_items.c.outcome.is_(None))
        .order_by(replay_items.c.number)
        .limit(limit)
    )
    return [_item(row) for row in connection.execute(query)]


def is_unchanged(work: Work, item: Item) -> bool:
    """Tell whether a message that is held stands as it was frozen."""
    query = select(messages.c.state, messages.c.updated_at).where(messages.c.id == item.message_id)
    row = work.connection.execute(query).one()
    return bool(row.state == item.state.value and row.updated_at == item.updated_at)


def keep_outcomes(work: Work, job: Job, outcomes: Sequence[tuple[Item, str, str | None]]) -> None:
    """Write down what became of items, and the ids of the new messages; in their transaction."""
    rows = [
        {
            "_job": job.id,
            "_number": item.number,
            "outcome": outcome,
            "new_id": new_id,
            "acted_at": work.at,
        }
        for item, outcome, new_id in outcomes
    ]
    update_rows(work.connection, replay_items, rows, by=("job", "number"))


def _item(row: Any, *, state_now: str | None = None, dossier_code: str | None = None) -> Item:
    return Item(
        number=row.number,
        message_id=row.message_id,
        state=State(row.state),
        updated_at=row.updated_at,
        outcome=row.outcome,
        new_id=row.new_id,
        acted_at=row.acted_at,
        state_now=None if state_now is None else State(state_now),
        dossier_code=dossier_code,
    )


def _job(row: Any) -> Job:
    return Job(
        id=row.id,
        verb=Verb(row.verb),
        selection=json.loads(row.selection),
        agencies=tuple(json.loads(row.agencies)),
        mappings=json.loads(row.mappings),
        count=row.count,
        digest=row.digest,
        reason=row.reason,
        rate=row.rate,
        stop_percent=row.stop_percent,
        state=JobState(row.state),
        judged_from=row.judged_from,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        ended_at=row.ended_at,
        why=row.why,
        fence=row.fence,
    )


def _write(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
