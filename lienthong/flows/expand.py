"""
Expanding submissions: records become signed messages, in batches, and a killed worker's successor
goes on where its last committed batch ended.

Conversion and signing happen outside the transaction; identity, order and state inside it. The
fence of the line's claim is checked in every transaction, so a worker that was frozen past its
lease changes nothing. The submissions of a line (an agency's own, or what a peer sends to it) are
expanded by one worker at a time, in the order of arrival, many small ones in one transaction;
several lines are open at once and take turns, so that a large file of one keeps no other waiting.
Where more lines wait than are open at once, those that had their turn make room.

What kills or stops its worker again and again is found by taking smaller steps, and left out: first
the one record, then, where reading alone kills, the rest of its file. That is evidence against a
file only where the worker cannot say anything else: one that lives, and was stopped by the store or
lost its claim, takes its try back, as soon as the store lets it.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from time import monotonic, thread_time
from typing import TYPE_CHECKING, TypeAlias

import structlog
from sqlalchemy.exc import IntegrityError

from lienthong.conversion import Prepared
from lienthong.failpoints import Point, reached
from lienthong.flows.hints import hint_due
from lienthong.flows.records import convert, read, rejected
from lienthong.store.database import reading
from lienthong.store.expansions import (
    ClaimLost,
    Ended,
    Opened,
    advance,
    claim_expansion,
    due_lines,
    finish_expansions,
    keep_claim,
    open_submissions,
    take_tries_back,
)
from lienthong.store.intake import Origin, take_in
from lienthong.store.pieces import load_small, open_source
from lienthong.store.submissions import SubmissionState, agency_of
from lienthong.store.traced import origins_of_submissions
from lienthong.store.vault import SealBroken
from lienthong.store.work import begin, tell_time
from lienthong.tallies import TALLIES, Stage
from lienthong.traces.recording import within
from lienthong.traces.spans import expand_span
from lienthong.trouble import STORE_TROUBLE, passes
from schemas.errors import ConfigError, InputError
from schemas.problem import Place, Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from adapters.record import SourceRecord, UnreadableRecord
    from broker.port import Broker
    from lienthong.agencies import Agency, AgencyFinder
    from lienthong.store.database import Store
    from lienthong.store.expansions import ExpansionClaim
    from lienthong.store.work import Work
    from lienthong.traces.context import Origin as Received
    from lienthong.traces.context import TraceContext

log = structlog.get_logger()

BATCH = 100
"""Records per transaction: one flush to disk for all of them."""
OPEN_LINES = 8
"""Lines that one worker has in hand at once."""
DUE = 1_000
"""Lines that wait among which the next ones are chosen."""
TURN = 10
"""Batches after which a line makes room for one that waits."""
REREAD = 4
"""
Who comes back has its file read again up to where it was. Its next turn is this part of that way at
least, so that a file is read so many times and once more at most, however often it makes room.
"""
CAREFUL_TRIES = 3
"""From this try on, without progress, one record is taken at a time."""
SKIP_TRIES = 6
"""From this try on the next record is left out."""
GIVE_UP_TRIES = 9
"""From this try on the rest of the file is left out: reading it kills the worker."""
RENEWALS = 3
"""How often a claim is prolonged while its lease lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What ends the reading of one submission, for good or for now."""

    state: SubmissionState
    problems: tuple[Problem, ...] = ()
    due_at: datetime | None = None


_Step: TypeAlias = "tuple[Opened, Prepared | _End]"


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One line in hand: its claim, and its records one by one across all its submissions."""

    claim: ExpansionClaim
    steps: Iterator[_Step]
    batch: int
    """Records per transaction."""
    origins: dict[str, Origin] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    """Records read so far, per submission, those of the batch in hand included."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Of these, those that the mapping leaves out; only where there are any."""
    begun: dict[str, datetime] = field(default_factory=dict)
    """When each submission was taken up, this time."""
    has_committed: bool = False
    turn: int = TURN
    """Rounds that are left before it makes room for others."""
    kept_at: float = field(default_factory=monotonic)
    """When the claim was last made or prolonged."""
    used_before: float = field(default_factory=thread_time)
    """Seconds of the processor that this worker had used by then."""

    def kept(self) -> None:
        """Note that the claim was prolonged just now."""
        self.kept_at, self.used_before = monotonic(), thread_time()


class Expander:
    """Turns submissions into messages; one per worker thread."""

    def __init__(
        self,
        *,
        store: Store,
        broker: Broker,
        agencies: AgencyFinder,
        clock: Callable[[], datetime],
        lease: timedelta,
        retry_after: timedelta,
    ) -> None:
        self._store = store
        self._broker = broker
        self._agencies = agencies
        self._clock = clock
        self._lease = lease
        self._lease_seconds = lease.total_seconds()
        self._renew_seconds = self._lease_seconds / RENEWALS
        self._retry_after = retry_after
        self._in_hand: dict[str, _Reading] = {}
        self._zero = clock() - timedelta(seconds=monotonic())
        """The moment of the store at which `monotonic` was 0."""
        self._steps_taken = 0
        self._unfounded: Counter[str] = Counter()
        """Tries of lines that the store counts, and that say nothing against what was read."""
        self._left_at: dict[str, int] = {}
        """The step in which a line was last in hand: who waits longest comes next."""

    def step(self) -> bool:
        """
        Take lines that have something to expand in hand, and expand one batch of each.

        Returns:
            Whether there was anything to do.
        """
        self._steps_taken += 1
        self._take_tries_back()
        if len(self._in_hand) >= OPEN_LINES:
            self._make_room()
        if len(self._in_hand) < OPEN_LINES:
            self._claim_more()
        did_something = False
        for line, reading_ in list(self._in_hand.items()):
            try:
                goes_on = self._round(reading_)
            except ClaimLost:
                log.warning("expansion.claim_lost", agency=agency_of(line))
                # Whoever is busy with one record for as long as a lease never gets past it.
                is_heavy = thread_time() - reading_.used_before > self._lease_seconds
                self._judge(reading_, counts=is_heavy)
                goes_on = False
            except Exception as error:
                # What repeats with the same data must be counted, or it is tried for ever. So is
                # a conflict with another: it is over before the count matters.
                self._drop(line, counts=not passes(error) or isinstance(error, IntegrityError))
                raise
            did_something = True
            self._left_at[line] = self._steps_taken
            if not goes_on:
                del self._in_hand[line]
        return did_something

    def close(self) -> None:
        """Give every line in hand back; what is not committed is done again by another."""
        for line in list(self._in_hand):
            self._drop(line, counts=False)

    def _drop(self, line: str, *, counts: bool) -> None:
        """Give a line back; `counts`: what stopped it may be what is read."""
        reading_ = self._in_hand.pop(line)
        self._judge(reading_, counts=counts)
        with suppress(*STORE_TROUBLE):
            with suppress(ClaimLost), begin(self._store, at=self._clock) as work:
                keep_claim(work, reading_.claim, lease_until=None)
            self._take_tries_back()

    def _judge(self, reading_: _Reading, *, counts: bool) -> None:
        """Note a try that came to nothing, unless it says something against what was read."""
        if not counts and not reading_.has_committed:
            self._unfounded[reading_.claim.line] += 1

    def _take_tries_back(self) -> None:
        """Have the store count no more what says nothing: before anybody draws conclusions."""
        if self._unfounded:
            with begin(self._store, at=self._clock) as work:
                take_tries_back(work, self._unfounded)
            self._unfounded.clear()

    def _stay(self, reading_: _Reading) -> None:
        """
        Prolong the claim in good time: a long way to the next commit is no reason to lose it.

        Raises:
            ClaimLost: somebody else has the line by now.
        """
        if monotonic() - reading_.kept_at > self._renew_seconds:
            with begin(self._store, at=self._clock) as work:
                keep_claim(work, reading_.claim, lease_until=work.at + self._lease)
            reading_.kept()

    def _now(self) -> datetime:
        """
        Tell the time by the store's clock, if it has one.

        By this worker's own, which may be wrong, a portal could refuse signatures as of the future.
        """
        return self._zero + timedelta(seconds=monotonic())

    def _make_room(self) -> None:
        """Give back whose turn is over, the one that has been in hand longest, if others wait."""
        over = [line for line, reading_ in self._in_hand.items() if reading_.turn <= 0]
        if over and self._due(limit=1):
            self._drop(over[0], counts=False)

    def _due(self, *, limit: int) -> list[str]:
        with reading(self._store) as connection:
            now = tell_time(self._store, connection, at=self._clock)
            self._zero = now - timedelta(seconds=monotonic())
            return due_lines(connection, now=now, limit=limit)

    def _claim_more(self) -> None:
        due = sorted(self._due(limit=DUE), key=lambda line: self._left_at.get(line, 0))
        for line in due[: OPEN_LINES - len(self._in_hand)]:
            try:
                with begin(self._store, at=self._clock) as work:
                    claim = claim_expansion(work, line, lease=self._lease)
                    first = open_submissions(work.connection, line, after=0, limit=1)
            except STORE_TROUBLE:
                # It may have been committed all the same, and would count as begun.
                self._unfounded[line] += 1
                raise
            reached(Point.EXPAND_CLAIMED)
            if claim is not None:
                self._in_hand[line] = self._open(claim, first[0] if first else None)

    def _open(self, claim: ExpansionClaim, first: Opened | None) -> _Reading:
        tries = first.tries if first is not None else 0
        opened = _Reading(
            claim=claim,
            steps=iter(()),
            batch=BATCH if tries < CAREFUL_TRIES else 1,
        )
        if first is not None:
            batches = max(TURN, first.records_done // (REREAD * BATCH))
            opened.turn = batches * (BATCH // opened.batch)
        opened.steps = self._steps(opened)
        return opened

    def _round(self, reading_: _Reading) -> bool:
        """Convert and commit one batch; return whether there may be more."""
        reading_.turn -= 1
        steps = list(islice(reading_.steps, reading_.batch))
        is_over = len(steps) < reading_.batch
        reached(Point.EXPAND_PREPARED)
        with begin(self._store, at=self._clock) as work:
            until = None if is_over else work.at + self._lease
            keep_claim(work, reading_.claim, lease_until=until)
            due = self._commit(work, reading_, steps)
            received = origins_of_submissions(work.connection, {one.id for one, _ in steps})
            reached(Point.EXPAND_WRITTEN)
        reached(Point.EXPAND_COMMITTED)
        reading_.has_committed = True
        reading_.kept()
        if due:
            traces = _traces_of_ledgers(reading_, steps, received)
            hint_due(self._broker, due, at=work.at, traces=traces)
            reached(Point.EXPAND_HINTED)
        for submission, step in steps:
            if isinstance(step, _End):
                self._tell(reading_, submission, step, received.get(submission.id), at=work.at)
        return not is_over

    def _tell(
        self,
        reading_: _Reading,
        submission: Opened,
        end: _End,
        received: Received | None,
        *,
        at: datetime,
    ) -> None:
        """Have the end of a submission's expansion in the log, in the traces and counted."""
        span = expand_span(
            submission.id,
            agency=submission.agency,
            origin=received,
            begun_at=reading_.begun.get(submission.id, at),
            now=at,
        )
        records = reading_.done.get(submission.id, submission.records_done)
        span.note(state=end.state.value, records=records)
        if end.problems:
            span.fail(end.problems[0].code)
        with within(span.context):
            _report(submission, end)
        span.end(at=at)
        _tally(submission, end, at=at)

    def _commit(self, work: Work, reading_: _Reading, steps: list[_Step]) -> list[str]:
        records = [
            (reading_.origins[submission.id], step)
            for submission, step in steps
            if isinstance(step, Prepared)
        ]
        due = take_in(work, records) if records else []
        open_ones = {submission.id: submission for submission, _ in steps}
        ended = []
        for submission, step in steps:
            if isinstance(step, _End):
                del open_ones[submission.id]
                ended.append(
                    Ended(
                        submission=submission,
                        records_done=reading_.done.get(submission.id, submission.records_done),
                        left_out=reading_.left_out.get(submission.id, submission.left_out),
                        state=step.state,
                        problems=step.problems,
                        due_at=step.due_at,
                    )
                )
        finish_expansions(work, ended)
        advance(
            work,
            [
                (one, reading_.done[one.id], reading_.left_out.get(one.id, one.left_out))
                for one in open_ones.values()
            ],
        )
        return due

    def _steps(self, reading_: _Reading) -> Iterator[_Step]:
        """Yield the records of the line's submissions in order, and each one's end."""
        after = 0
        agencies: dict[str | None, Agency] = {}
        while True:
            with reading(self._store) as connection:
                opened = open_submissions(
                    connection, reading_.claim.line, after=after, limit=reading_.batch
                )
            if not opened:
                return
            small = load_small(self._store, opened)
            for submission in opened:
                if submission.due_at > self._now():
                    return
                try:
                    agency = agencies.get(submission.service)
                    if agency is None:
                        agency = self._agencies(submission.agency, submission.service)
                        agencies[submission.service] = agency
                    reading_.origins[submission.id] = _origin(submission, agency)
                    reading_.begun[submission.id] = self._now()
                    yield from self._expand(reading_, submission, agency, small)
                    continue
                except SigningError as error:
                    end = self._held(error.code, Text(vi=error.vi, en=error.en))
                except (ConfigError, SealBroken) as error:
                    end = self._held(error.code, error.text)
                except OSError as error:
                    end = self._held("submission.bytes_unreadable", _unreadable(error))
                yield submission, end
                return
            after = opened[-1].arrival

    def _expand(
        self,
        reading_: _Reading,
        submission: Opened,
        agency: Agency,
        small: Mapping[str, bytes],
    ) -> Iterator[_Step]:
        if submission.tries >= GIVE_UP_TRIES:
            yield submission, _end_broken(submission.records_done, _kills_worker(submission))
            return
        done = submission.records_done
        skips = submission.tries >= SKIP_TRIES
        with closing(open_source(self._store, submission, small)) as source:
            try:
                for record in read(source, submission, agency):
                    self._stay(reading_)
                    if record.number <= submission.records_done:
                        continue
                    if skips:
                        skips = False
                        prepared = _killed(record)
                    else:
                        prepared = convert(record, submission, agency, now=self._now())
                    done = reading_.done[submission.id] = record.number
                    if prepared.is_left_out:
                        before = reading_.left_out.get(submission.id, submission.left_out)
                        reading_.left_out[submission.id] = before + 1
                    yield submission, prepared
            except InputError as error:
                # The file breaks off here; what stood before the break is good.
                yield submission, _end_broken(done, error.problem)
                return
        yield submission, _End(state=SubmissionState.EXPANDED)

    def _held(self, code: str, cause: Text) -> _End:
        problem = Problem(
            code=code,
            message=Text(
                vi=f"Chưa xử lý được tệp: {cause.vi}", en=f"The file cannot go on now: {cause.en}"
            ),
            suggestion=Text(
                vi="Khắc phục nguyên nhân nêu trên; hệ thống sẽ tự chạy tiếp, còn các tệp sau của "
                "cơ quan này chờ tới lượt",
                en="Mend the cause above; the work goes on by itself, and the agency's later files "
                "wait their turn",
            ),
        )
        return _End(
            state=SubmissionState.HELD,
            problems=(problem,),
            due_at=self._now() + self._retry_after,
        )


def _origin(submission: Opened, agency: Agency) -> Origin:
    return Origin(
        submission_id=submission.id,
        agency=submission.agency,
        mapping=agency.mapping_stamp,
        one_row_per_dossier=agency.one_row_per_dossier,
        service=submission.service,
        sender=None if submission.service is None else submission.sender,
    )


def _end_broken(done: int, problem: Problem) -> _End:
    state = SubmissionState.EXPANDED if done else SubmissionState.REFUSED
    return _End(state=state, problems=(problem,))


def _traces_of_ledgers(
    reading_: _Reading, steps: list[_Step], received: Mapping[str, Received]
) -> dict[str, TraceContext | None]:
    """Return, for hints, in which span what stands in each ledger was received."""
    return {
        reading_.origins[submission.id].ledger(event.dossier_code): received[submission.id].context
        for submission, step in steps
        if isinstance(step, Prepared) and submission.id in received
        for event in step.events
    }


def _report(submission: Opened, end: _End) -> None:
    codes = [problem.code for problem in end.problems]
    if end.state is SubmissionState.HELD:
        log.error("submission.held", submission=submission.id, codes=codes)
    else:
        log.info("submission.ended", submission=submission.id, state=end.state.value, codes=codes)


def _tally(submission: Opened, end: _End, *, at: datetime) -> None:
    if end.state is not SubmissionState.HELD and submission.received_at is not None:
        direction = "up" if submission.service is None else "down"
        TALLIES.took(Stage.EXPAND, direction, at - submission.received_at)


def _unreadable(error: OSError) -> Text:
    cause = error.strerror or str(error)
    return Text(
        vi=f"không đọc được nội dung đã lưu: {cause}",
        en=f"its stored bytes cannot be read: {cause}",
    )


def _kills_worker(submission: Opened) -> Problem:
    return Problem(
        code="submission.kills_worker",
        message=Text(
            vi="Đọc tệp này làm tiến trình dừng đột ngột nhiều lần; phần còn lại không được đọc",
            en="Reading this file ended its worker again and again; the rest of it was left out",
        ),
        place=Place(file=submission.file_name),
        suggestion=Text(
            vi="Báo cho người vận hành (thường do thiếu bộ nhớ); chia nhỏ tệp rồi gửi lại",
            en="Tell the operator (memory is the usual cause); send the file again in parts",
        ),
    )


def _killed(record: SourceRecord | UnreadableRecord) -> Prepared:
    return rejected(
        record,
        code="conversion.kills_worker",
        message=Text(
            vi="Chuyển đổi bản ghi này làm tiến trình dừng đột ngột nhiều lần; bản ghi bị bỏ qua",
            en="Converting this record ended its worker again and again; it was left out",
        ),
        suggestion=Text(
            vi="Báo cho người vận hành; sửa hoặc rút gọn bản ghi rồi gửi lại",
            en="Tell the operator; mend or shorten the record and send it again",
        ),
    )
