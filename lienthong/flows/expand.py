"""
Expanding submissions: records become signed messages, in batches, and a killed worker's successor
goes on where its last committed batch ended.

Conversion and signing happen outside the transaction; identity, order and state inside it. The
fence of the claim is checked in every transaction, so a worker that was frozen past its lease
changes nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import structlog

from adapters import read_records
from lienthong.flows.hints import DELIVER, EXPAND, hint
from lienthong.store.intake import Origin, take_in
from lienthong.store.submissions import (
    ClaimLost,
    SubmissionState,
    advance,
    claim_submission,
    finish_expansion,
)
from lienthong.store.work import begin
from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta
    from threading import Event

    from sqlalchemy import Engine

    from broker.port import Broker
    from lienthong.agencies import Agency
    from lienthong.conversion import Prepared
    from lienthong.flows.receive import Spool
    from lienthong.store.submissions import SubmissionClaim

log = structlog.get_logger()

BATCH = 100
"""Records per transaction: one flush to disk for all of them."""


class Expander:
    """Turns submissions into messages."""

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        engine: Engine,
        broker: Broker,
        spool: Spool,
        agencies: Callable[[str], Agency],
        clock: Callable[[], datetime],
        lease: timedelta,
        retry_after: timedelta,
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._spool = spool
        self._agencies = agencies
        self._clock = clock
        self._lease = lease
        self._retry_after = retry_after

    def expand(self, submission_id: str, *, stop: Event) -> None:
        """
        Expand one submission as far as it goes; does nothing when another worker has it.

        When `stop` is set it ends after the batch in hand and gives the submission back.
        """
        with begin(self._engine, at=self._clock()) as work:
            claim = claim_submission(work.connection, submission_id, now=work.at, lease=self._lease)
        if claim is None:
            return
        try:
            self._expand_claimed(claim, stop)
        except ClaimLost:
            log.warning("expansion.claim_lost", submission=submission_id)

    def _expand_claimed(self, claim: SubmissionClaim, stop: Event) -> None:
        done = claim.records_done
        try:
            agency = self._agencies(claim.agency)
            for batch in self._batches(claim, agency):
                self._take_in(claim, batch, agency)
                done = batch[-1].record
                if stop.is_set():
                    self._give_back(claim, done)
                    return
        except InputError as error:
            state = SubmissionState.EXPANDED if done else SubmissionState.REFUSED
            self._finish(claim, state, error.problem)
        except (SigningError, ConfigError) as error:
            self._hold(claim, error)
        else:
            self._finish(claim, SubmissionState.EXPANDED)

    def _batches(self, claim: SubmissionClaim, agency: Agency) -> Iterator[list[Prepared]]:
        with self._spool.path(claim.submission_id).open("rb") as source:
            records = read_records(source, file_name=claim.file_name, options=agency.source)
            records = islice(records, claim.records_done, None)
            batch: list[Prepared] = []
            try:
                for record in records:
                    batch.append(agency.pipeline.prepare(record, now=self._clock()))
                    if len(batch) == BATCH:
                        yield batch
                        batch = []
            except InputError:
                # The file breaks off here; what stood before the break is good.
                if batch:
                    yield batch
                raise
            if batch:
                yield batch

    def _take_in(self, claim: SubmissionClaim, batch: list[Prepared], agency: Agency) -> None:
        origin = Origin(
            submission_id=claim.submission_id,
            agency=claim.agency,
            mapping=agency.mapping_stamp,
            one_row_per_dossier=agency.one_row_per_dossier,
        )
        with begin(self._engine, at=self._clock()) as work:
            advance(work, claim, records_done=batch[-1].record, lease_until=work.at + self._lease)
            due = take_in(work, batch, origin=origin)
        if due:
            self._broker.publish(DELIVER, [hint(code, at=work.at) for code in due])

    def _give_back(self, claim: SubmissionClaim, records_done: int) -> None:
        with begin(self._engine, at=self._clock()) as work:
            advance(work, claim, records_done=records_done, lease_until=work.at)
        self._broker.publish(EXPAND, [hint(claim.submission_id, at=work.at)])

    def _finish(self, claim: SubmissionClaim, state: SubmissionState, *problems: Problem) -> None:
        with begin(self._engine, at=self._clock()) as work:
            finish_expansion(work, claim, state=state, problems=problems)
        log.info(
            "submission.ended",
            submission=claim.submission_id,
            state=state.value,
            codes=[problem.code for problem in problems],
        )

    def _hold(self, claim: SubmissionClaim, error: SigningError | ConfigError) -> None:
        cause = error.text if isinstance(error, ConfigError) else Text(vi=error.vi, en=error.en)
        problem = Problem(
            code=error.code,
            message=Text(
                vi=f"Chưa xử lý được tệp: {cause.vi}", en=f"The file cannot go on now: {cause.en}"
            ),
            suggestion=Text(
                vi="Sửa khóa ký hoặc cấu hình của cơ quan; hệ thống sẽ tự chạy tiếp",
                en="Mend the agency's key or configuration; the work goes on by itself",
            ),
        )
        with begin(self._engine, at=self._clock()) as work:
            finish_expansion(
                work,
                claim,
                state=SubmissionState.HELD,
                problems=(problem,),
                due_at=work.at + self._retry_after,
            )
        log.error("submission.held", submission=claim.submission_id, code=error.code)
