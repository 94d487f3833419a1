"""
Reading the records of a file and converting them, where a bug that one of them meets must end
nothing else.

Without these boundaries the worker or the command ends, and meets the same record when it is
started again. A bug's own words may quote the record, so only its kind and its place in the program
are logged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from adapters import read_records
from adapters.record import SourceRecord
from lienthong.conversion import Prepared, stored_key
from lienthong.ids import SEPARATOR
from lienthong.logs import kind_and_place
from lienthong.trouble import STORE_TROUBLE
from schemas.errors import InputError, LienthongError
from schemas.problem import Place, Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from adapters.record import UnreadableRecord
    from lienthong.agencies import Agency
    from lienthong.store.expansions import Opened

log = structlog.get_logger()


def read(
    source: BinaryIO, submission: Opened, agency: Agency
) -> Iterator[SourceRecord | UnreadableRecord]:
    """
    Yield the records; a bug that the file meets in its reader ends this file and no other.

    Raises:
        InputError: the file breaks off here.
        SealBroken, OSError: its stored bytes cannot be read.
    """
    try:
        yield from read_records(
            source,
            file_name=submission.file_name,
            options=agency.source,
            read_columns=agency.read_columns,
        )
    except (LienthongError, OSError, *STORE_TROUBLE):
        raise
    except Exception as error:  # noqa: BLE001 - see below
        # The boundary of one file: without it the worker ends, and meets the file again when it
        # is started again. As with records, the error's own words may quote the file.
        log.error(  # noqa: TRY400 - see above
            "reading.failed",
            submission=submission.id,
            **kind_and_place(error),
        )
        raise InputError(
            Problem(
                code="submission.reader_failed",
                message=Text(
                    vi="Lỗi bên trong của hệ thống khi đọc tệp",
                    en="Internal error while the file was read",
                ),
                place=Place(file=submission.file_name),
                suggestion=Text(
                    vi="Báo cho người vận hành: nhật ký có dòng reading.failed của tệp này; "
                    "gửi lại tệp sau khi lỗi được sửa",
                    en="Tell the operator: the log has a line reading.failed for this file; "
                    "submit it again once that is mended",
                ),
            )
        ) from None


def convert(
    record: SourceRecord | UnreadableRecord, submission: Opened, agency: Agency, *, now: datetime
) -> Prepared:
    """
    Return what the agency's mapping makes of a record; a bug that it meets rejects it.

    Raises:
        LienthongError, SigningError: what is wrong is not this record.
    """
    try:
        prepared = agency.pipeline.prepare(record, now=now)
        return prepared if submission.service is None else _keyed(prepared, submission)
    except (LienthongError, SigningError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of one record: it is rejected
        log.error(  # noqa: TRY400 - see above
            "conversion.failed",
            submission=submission.id,
            record=record.number,
            **kind_and_place(error),
        )
        return _stumbled(record)


def _keyed(prepared: Prepared, submission: Opened) -> Prepared:
    """Give what a peer sent its identity: the peer's key of the event, or of the message."""
    own = f"{submission.key or submission.id}#{prepared.record}"
    return replace(
        prepared,
        events=tuple(
            replace(event, key=stored_key(f"{submission.sender}{SEPARATOR}{event.key or own}"))
            for event in prepared.events
        ),
    )


def rejected(
    record: SourceRecord | UnreadableRecord, *, code: str, message: Text, suggestion: Text
) -> Prepared:
    """Return a record as one that cannot be converted."""
    place = record.place if isinstance(record, SourceRecord) else record.problems[0].place
    problem = Problem(code=code, message=message, place=place, suggestion=suggestion)
    return Prepared(
        record=record.number,
        place=place,
        dossier_code=None,
        events=(),
        problems=(problem,),
    )


def _stumbled(record: SourceRecord | UnreadableRecord) -> Prepared:
    return rejected(
        record,
        code="conversion.failed",
        message=Text(
            vi="Lỗi bên trong của hệ thống khi chuyển đổi bản ghi này",
            en="Internal error while this record was converted",
        ),
        suggestion=Text(
            vi="Báo cho người vận hành: nhật ký có dòng conversion.failed của bản ghi này",
            en="Tell the operator: the log has a line conversion.failed for this record",
        ),
    )
