"""
Expanding submissions: records become signed messages, in batches, and a killed worker's successor
goes on where its last committed batch ended.

Conversion and signing happen outside the transaction; identity, order and state inside it. The
fence of the claim is checked in every transaction, so a worker that was frozen past its lease
changes nothing. One submission of an agency is expanded at a time, in the order of arrival.
"""

from __future__ import annotations

import traceback
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from adapters import read_records
from adapters.record import SourceRecord
from lienthong.conversion import Prepared
from lienthong.flows.hints import DELIVER, EXPAND, hint
from lienthong.store.intake import Origin, take_in
from lienthong.store.submissions import (
    ClaimLost,
    SubmissionState,
    advance,
    claim_submission,
    finish_expansion,
    next_of_agency,
)
from lienthong.store.work import begin
from schemas.errors import ConfigError, InputError, LienthongError
from schemas.problem import Place, Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta
    from threading import Event
    from typing import BinaryIO

    from sqlalchemy import Engine

    from adapters.record import UnreadableRecord
    from broker.port import Broker
    from lienthong.agencies import Agency
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
        Expand the agency's first unfinished submission as far as it goes, and hint at the next.

        Does nothing when another worker is at the agency, or its first submission is held. When
        `stop` is set it ends after the batch in hand and gives the submission back.
        """
        with begin(self._engine, at=self._clock) as work:
            claim = claim_submission(work.connection, submission_id, now=work.at, lease=self._lease)
        if claim is None:
            return
        try:
            self._expand_claimed(claim, stop)
        except ClaimLost:
            log.warning("expansion.claim_lost", submission=claim.submission_id)

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
        except SigningError as error:
            self._hold(claim, error.code, Text(vi=error.vi, en=error.en))
        except ConfigError as error:
            self._hold(claim, error.code, error.text)
        except OSError as error:
            self._hold(claim, "submission.bytes_unreadable", self._unreadable(claim, error))
        else:
            self._finish(claim, SubmissionState.EXPANDED)

    def _batches(self, claim: SubmissionClaim, agency: Agency) -> Iterator[list[Prepared]]:
        with self._spool.path(claim.submission_id).open("rb") as source:
            records = islice(_read(source, claim, agency), claim.records_done, None)
            batch: list[Prepared] = []
            try:
                for record in records:
                    batch.append(self._prepare(claim, record, agency))
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

    def _prepare(
        self, claim: SubmissionClaim, record: SourceRecord | UnreadableRecord, agency: Agency
    ) -> Prepared:
        try:
            return agency.pipeline.prepare(record, now=self._clock())
        except (LienthongError, SigningError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one record: it is rejected
            # A bug that one record meets must not stop the agency's other records. Its words may
            # quote the record, so only its kind and its place in the program are logged.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error(  # noqa: TRY400 - see above
                "conversion.failed",
                submission=claim.submission_id,
                record=record.number,
                error=type(error).__name__,
                at=f"{frame.filename}:{frame.lineno}",
            )
            return _stumbled(record)

    def _take_in(self, claim: SubmissionClaim, batch: list[Prepared], agency: Agency) -> None:
        origin = Origin(
            submission_id=claim.submission_id,
            agency=claim.agency,
            mapping=agency.mapping_stamp,
            one_row_per_dossier=agency.one_row_per_dossier,
        )
        with begin(self._engine, at=self._clock) as work:
            advance(work, claim, records_done=batch[-1].record, lease_until=work.at + self._lease)
            due = take_in(work, batch, origin=origin)
        if due:
            self._broker.publish(DELIVER, [hint(code, at=work.at) for code in due])

    def _give_back(self, claim: SubmissionClaim, records_done: int) -> None:
        with begin(self._engine, at=self._clock) as work:
            advance(work, claim, records_done=records_done, lease_until=work.at)
        self._broker.publish(EXPAND, [hint(claim.submission_id, at=work.at)])

    def _finish(self, claim: SubmissionClaim, state: SubmissionState, *problems: Problem) -> None:
        with begin(self._engine, at=self._clock) as work:
            finish_expansion(work, claim, state=state, problems=problems)
            following = next_of_agency(work.connection, claim.submission_id)
        if following is not None:
            self._broker.publish(EXPAND, [hint(following, at=work.at)])
        log.info(
            "submission.ended",
            submission=claim.submission_id,
            state=state.value,
            codes=[problem.code for problem in problems],
        )

    def _unreadable(self, claim: SubmissionClaim, error: OSError) -> Text:
        path = self._spool.path(claim.submission_id)
        cause = error.strerror or type(error).__name__
        return Text(
            vi=f"không đọc được nội dung đã lưu {path}: {cause}",
            en=f"its stored bytes {path} cannot be read: {cause}",
        )

    def _hold(self, claim: SubmissionClaim, code: str, cause: Text) -> None:
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
        with begin(self._engine, at=self._clock) as work:
            finish_expansion(
                work,
                claim,
                state=SubmissionState.HELD,
                problems=(problem,),
                due_at=work.at + self._retry_after,
            )
        log.error("submission.held", submission=claim.submission_id, code=code)


def _read(
    source: BinaryIO, claim: SubmissionClaim, agency: Agency
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; a bug that the file meets in its reader ends this file and no other."""
    try:
        yield from read_records(source, file_name=claim.file_name, options=agency.source)
    except (LienthongError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - see below
        # The boundary of one file: without it the worker ends, and meets the file again when it
        # is started again. As with records, the error's own words may quote the file.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log.error(  # noqa: TRY400 - see above
            "reading.failed",
            submission=claim.submission_id,
            error=type(error).__name__,
            at=f"{frame.filename}:{frame.lineno}",
        )
        raise InputError(
            Problem(
                code="submission.reader_failed",
                message=Text(
                    vi="Lỗi bên trong của hệ thống khi đọc tệp",
                    en="Internal error while the file was read",
                ),
                place=Place(file=claim.file_name),
                suggestion=Text(
                    vi="Báo cho người vận hành: nhật ký có dòng reading.failed của tệp này; "
                    "gửi lại tệp sau khi lỗi được sửa",
                    en="Tell the operator: the log has a line reading.failed for this file; "
                    "submit it again once that is mended",
                ),
            )
        ) from None


def _stumbled(record: SourceRecord | UnreadableRecord) -> Prepared:
    problem = Problem(
        code="conversion.failed",
        message=Text(
            vi="Lỗi bên trong của hệ thống khi chuyển đổi bản ghi này",
            en="Internal error while this record was converted",
        ),
        place=record.place if isinstance(record, SourceRecord) else record.problems[0].place,
        suggestion=Text(
            vi="Báo cho người vận hành: nhật ký có dòng conversion.failed của bản ghi này",
            en="Tell the operator: the log has a line conversion.failed for this record",
        ),
    )
    return Prepared(
        record=record.number,
        place=problem.place,
        dossier_code=None,
        events=(),
        problems=(problem,),
    )
