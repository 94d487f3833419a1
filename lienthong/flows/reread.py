"""
Reading the sources of messages again: what the present mappings make of records received before.

A source is the record as it was received. Each submission is read once, as far as it is needed,
however many of its records are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.corrections import Corrected, correct
from lienthong.flows.records import convert, read
from lienthong.store.correcting import kept_corrections
from lienthong.store.database import reading
from lienthong.store.expansions import Opened
from lienthong.store.intake import Origin
from lienthong.store.pieces import open_source
from lienthong.store.reissuing import Made
from lienthong.store.tables import messages, submissions
from lienthong.store.vault import SealBroken
from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from adapters.record import SourceRecord, UnreadableRecord
    from lienthong.agencies import Agency, AgencyFinder
    from lienthong.corrections import Wish
    from lienthong.store.database import Store


class Source:
    """Reads the records of messages again, each submission once, and converts them."""

    def __init__(
        self,
        store: Store,
        agencies: AgencyFinder,
        *,
        clock: Callable[[], datetime],
        wishes: Mapping[str, Sequence[Wish]] = MappingProxyType({}),
    ) -> None:
        """
        Put it together.

        Args:
            store: Of the messages.
            agencies: Gives an agency by name and service.
            clock: Tells the time, aware.
            wishes: What is to stand in the records of messages, by their ids.
        """
        self._wishes = wishes
        self._store = store
        self._agencies = agencies
        self._clock = clock
        self._made: dict[str, Made] = {}
        self._problems: dict[str, Problem] = {}

    def read(self, message_ids: Sequence[str]) -> None:
        """Read the sources of these messages; what went wrong is told by `made_from`."""
        self._made, self._problems = {}, {}
        query = (
            select(
                messages.c.id,
                messages.c.record,
                messages.c.item,
                messages.c.corrections,
                messages.c.corrected_paths,
                submissions.c.id.label("submission_id"),
                submissions.c.agency,
                submissions.c.arrival,
                submissions.c.file_name,
                submissions.c.size,
                submissions.c.received_at,
                submissions.c.erased_at,
                submissions.c.sender,
                submissions.c.key,
                submissions.c.service,
            )
            .join(submissions, submissions.c.id == messages.c.submission_id)
            .where(messages.c.id.in_(message_ids))
        )
        with reading(self._store) as connection:
            rows = connection.execute(query).all()
        by_submission: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_submission[row.submission_id].append(row)
        for of_one in by_submission.values():
            self._read_one(of_one)

    def made_from(self, message_id: str) -> Made:
        """
        Return what is made of the source of a message now.

        Raises:
            InputError: the source was erased, or is damaged, or still has errors, or is left out
                by the mapping now; or its agency cannot be used now.
        """
        if problem := self._problems.get(message_id):
            raise InputError(problem)
        made = self._made[message_id]
        if made.record.is_left_out:
            raise InputError(_left_out(made))
        if not made.record.events:
            raise InputError(made.record.problems[0])
        return made

    def find(self, message_id: str) -> Made | None:
        """Return what is made of a source now, with all its problems; None: it is not read."""
        return self._made.get(message_id)

    def _read_one(self, rows: Sequence[Any]) -> None:
        first = rows[0]
        if first.erased_at is not None:
            problem = source_erased(first.erased_at).problem
            self._problems |= {row.id: problem for row in rows}
            return
        wanted = {row.record: [r for r in rows if r.record == row.record] for row in rows}
        try:
            self._make(first, wanted)
        except InputError as error:
            problem = error.problem
        except SigningError as error:
            problem = Problem(
                code=error.code,
                message=Text(vi=error.vi, en=error.en),
                suggestion=_ASK_OPERATOR,
            )
        except (ConfigError, SealBroken) as error:
            problem = Problem(code=error.code, message=error.text, suggestion=_ASK_OPERATOR)
        except OSError as error:
            problem = _unreadable(error)
        else:
            self._problems |= {row.id: _gone(number) for number in wanted for row in wanted[number]}
            return
        self._problems |= {row.id: problem for found in wanted.values() for row in found}

    def _make(self, first: Row[Any], wanted: dict[int, list[Row[Any]]]) -> None:
        """Read one submission, and take out of `wanted` what something is made of."""
        agency = self._agencies(first.agency, first.service)
        origin = Origin(
            submission_id=first.submission_id,
            agency=first.agency,
            mapping=agency.mapping_stamp,
            one_row_per_dossier=agency.one_row_per_dossier,
            service=first.service,
            sender=None if first.service is None else first.sender,
        )
        last = max(wanted)
        opened = Opened(
            id=first.submission_id,
            agency=first.agency,
            arrival=first.arrival,
            file_name=first.file_name,
            size=first.size,
            records_done=0,
            due_at=first.received_at,
            tries=0,
            left_out=0,
            sender=first.sender,
            key=first.key,
            service=first.service,
        )
        with open_source(self._store, opened, {}) as source:
            records = read(source, opened, agency)
            for record in takewhile(lambda found: found.number <= last, records):
                if record.number not in wanted:
                    continue
                prepared = convert(record, opened, agency, now=self._clock())
                for row in wanted.pop(record.number):
                    made = Made(origin=origin, record=prepared, item=row.item)
                    try:
                        self._made[row.id] = self._correct(row, made, record, opened, agency)
                    except InputError as error:
                        self._problems[row.id] = error.problem

    def _correct(
        self,
        row: Row[Any],
        made: Made,
        record: SourceRecord | UnreadableRecord,
        opened: Opened,
        agency: Agency,
    ) -> Made:
        """Return what is made of a record as it is, or was, corrected for one message."""
        wishes = self._wishes.get(row.id, ())
        kept = kept_corrections(self._store.vault, row)
        if not wishes and not kept:
            return made
        if opened.service is not None:
            raise InputError(_from_peer(opened.service))
        changed, corrections = correct(record, wishes, kept=kept, read_columns=agency.read_columns)
        if not corrections:
            # What was corrected before is as the agency wrote it again.
            return made
        return replace(
            made,
            record=convert(changed, opened, agency, now=self._clock()),
            corrected=Corrected(
                corrections=corrections,
                plain=made.record,
                carried=frozenset(kept) - {wish.path for wish in wishes},
            ),
        )


_ASK_OPERATOR = Text(
    vi="Sửa cấu hình mà câu trên nêu, rồi thực hiện lại; kiểm tra bằng: lienthong doctor",
    en="Mend the setting that this names, and do it again; lienthong doctor checks them",
)


def source_erased(at: datetime) -> InputError:
    """Return the error for a source that is not kept any more."""
    return InputError(
        Problem(
            code="reissue.source_erased",
            message=Text(
                vi=f"Nội dung gốc đã được xóa ngày {at:%d/%m/%Y} theo thời hạn lưu trữ",
                en=f"Its source was erased on {at:%Y-%m-%d} when its retention ended",
            ),
            suggestion=Text(
                vi="Nhờ cơ quan gửi lại bản ghi, hoặc gửi lại nguyên văn bằng: messages resend",
                en="Have the agency send the record again, or use the same document: "
                "messages resend",
            ),
        )
    )


def _left_out(made: Made) -> Problem:
    return Problem(
        code="reissue.left_out",
        place=made.record.place,
        message=Text(
            vi=f"Ánh xạ hiện nay bỏ qua bản ghi số {made.record.record} (`leave_out`)",
            en=f"The present mapping leaves record number {made.record.record} out (`leave_out`)",
        ),
        suggestion=Text(
            vi="Nếu đúng là không gửi: lienthong messages discard; nếu không, sửa `leave_out`",
            en="If it is not to be sent: lienthong messages discard; else mend `leave_out`",
        ),
    )


def _from_peer(service: str) -> Problem:
    return Problem(
        code="correction.inbound",
        message=Text(
            vi=f"Thông điệp này do Cổng hoặc bên khác gửi xuống ({service}): không sửa lời của họ",
            en=f"This message came down from the portal or a peer ({service}): what they say is "
            "not corrected here",
        ),
        suggestion=Text(
            vi="Nhờ bên gửi gửi lại, hoặc sửa `inbound` của ánh xạ rồi lập lại",
            en="Have its sender send it again, or mend `inbound` of the mapping and reissue",
        ),
    )


def _gone(record: int) -> Problem:
    return Problem(
        code="reissue.record_gone",
        message=Text(
            vi=f"Tệp gốc nay không có bản ghi số {record}",
            en=f"The source has no record number {record} now",
        ),
        suggestion=Text(
            vi="Xem ánh xạ có đổi cách đọc tệp không (sheet, header_row, records)",
            en="See whether the mapping now reads the file otherwise (sheet, header_row, records)",
        ),
    )


def _unreadable(error: OSError) -> Problem:
    cause = error.strerror or str(error)
    return Problem(
        code="submission.bytes_unreadable",
        message=Text(
            vi=f"Không đọc được nội dung đã lưu: {cause}",
            en=f"Its stored bytes cannot be read: {cause}",
        ),
        suggestion=Text(
            vi="Kiểm tra ổ đĩa và kho: lienthong doctor",
            en="Check disk and store: lienthong doctor",
        ),
    )
