"""
Lists as CSV for a spreadsheet: what the lists show and to whom, values masked as there.

UTF-8 with a byte order mark, as spreadsheets need it for Vietnamese; no cell is taken for a
formula. Of one moment, and not by a person's number: who has which papers is not carried out.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import TextIOWrapper
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from lienthong.access.rights import Right
from lienthong.annotated.words import neutral
from lienthong.operations.downloads import Turns, make_download
from lienthong.operations.messages import log_entry, summaries
from lienthong.operations.problem_words import with_causes
from lienthong.operations.problems import find_problems
from lienthong.store.audit import read_lines
from lienthong.store.audit_search import condition_of
from lienthong.store.database import reading
from lienthong.store.selection import Cursor
from schemas.building import VIETNAM
from schemas.errors import InputError
from schemas.problem import Language, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import IO

    from lienthong.access.rights import Principal
    from lienthong.operations.downloads import Download
    from lienthong.operations.problem_views import ProblemGroup
    from lienthong.operations.problems import WantedProblems
    from lienthong.operations.views import LogEntry, MessageSummary, WherePlace, Words
    from lienthong.store.audit_search import Wanted
    from lienthong.store.selection import Selection
    from lienthong.wiring import Installation

    Cell: TypeAlias = str | int | None

MEDIA_TYPE = "text/csv; charset=utf-8"
MOST_ROWS = 100_000
AT_ONCE = 500
"""Messages in memory."""
_TURNS = Turns(2)
_MESSAGES = (
    Text(vi="Mã thông điệp", en="Message id"),
    Text(vi="Cơ quan", en="Agency"),
    Text(vi="Mã hồ sơ", en="Dossier"),
    Text(vi="Loại", en="Packet"),
    Text(vi="Trạng thái", en="State"),
    Text(vi="Vì sao", en="Why"),
    Text(vi="Lần gửi", en="Attempts"),
    Text(vi="Tự làm tiếp lúc", en="Taken up again at"),
    Text(vi="Nhận lúc", en="Made at"),
    Text(vi="Thay đổi lúc", en="Changed at"),
    Text(vi="Tệp", en="File"),
    Text(vi="Trang tính", en="Sheet"),
    Text(vi="Dòng", en="Row"),
    Text(vi="Mã phát hiện", en="Codes of findings"),
    Text(vi="Phát hiện", en="Findings"),
)
_PROBLEMS = (
    Text(vi="Mã sự cố", en="Problem id"),
    Text(vi="Cơ quan", en="Agency"),
    Text(vi="Mã lỗi", en="Code"),
    Text(vi="Trường", en="Field"),
    Text(vi="Mã trả lời", en="Code of the answer"),
    Text(vi="Nguyên nhân", en="Cause"),
    Text(vi="Cách xử lý", en="Remedy"),
    Text(vi="Ai phải xử lý", en="Who must act"),
    Text(vi="Tình trạng", en="State"),
    Text(vi="Thông điệp", en="Messages"),
    Text(vi="Hồ sơ", en="Dossiers"),
    Text(vi="Gặp lần đầu", en="First seen"),
    Text(vi="Gặp gần nhất", en="Last seen"),
    Text(vi="Người quyết định", en="Decided by"),
    Text(vi="Lý do quyết định", en="Why"),
)
_ROWS = (
    Text(vi="Dòng", en="Row"),
    Text(vi="Lúc", en="At"),
    Text(vi="Ai", en="Who"),
    Text(vi="Việc", en="What"),
    Text(vi="Về", en="About"),
    Text(vi="Chi tiết", en="Detail"),
    Text(vi="Niêm phong", en="Seal"),
)
_CUT = Text(
    vi=f"Chỉ {MOST_ROWS} dòng đầu; thu hẹp bộ lọc để có phần còn lại",
    en=f"Only the first {MOST_ROWS} rows; narrow the search for the others",
)


def export_messages(
    installation: Installation, principal: Principal, selection: Selection, *, language: Language
) -> Download:
    """
    Return the messages that `find_messages` lists.

    Raises:
        Forbidden: the right to view is had for no agency.
        InputError: a person is looked for, or others are being made.
    """
    principal.need(Right.VIEW)
    if selection.person is not None:
        raise _not_by_person()
    asked = replace(selection, agencies=principal.agencies(Right.VIEW), before=None, limit=AT_ONCE)
    rows = (_message(one, language) for one in _every_message(installation, asked))
    return _make(installation, "messages", _MESSAGES, rows, language)


def export_problems(
    installation: Installation, principal: Principal, wanted: WantedProblems, *, language: Language
) -> Download:
    """Return the problems that `find_problems` lists. Raises as it does."""
    found = find_problems(installation, principal, wanted, limit=MOST_ROWS + 1)
    rows = (_problem(one, language) for one in found.problems)
    return _make(installation, "problems", _PROBLEMS, rows, language)


def export_audit(
    installation: Installation, principal: Principal, wanted: Wanted, *, language: Language
) -> Download:
    """Return the rows of the audit log that `search_audit` lists. Raises as it does."""
    principal.need(Right.AUDIT)
    asked = replace(wanted, agencies=principal.agencies(Right.AUDIT), before=None)
    rows = (_row(one) for one in _every_row(installation, asked))
    return _make(installation, "audit", _ROWS, rows, language)


def _make(
    installation: Installation,
    what: str,
    head: Sequence[Text],
    rows: Iterable[Sequence[Cell]],
    language: Language,
) -> Download:
    def write(file: IO[bytes]) -> None:
        text = TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        writer = csv.writer(text)
        writer.writerow([one.say(language) for one in head])
        for count, row in enumerate(islice(rows, MOST_ROWS + 1)):
            if count == MOST_ROWS:
                writer.writerow([_CUT.say(language)])
            else:
                writer.writerow([neutral(one) if isinstance(one, str) else one for one in row])
        text.detach()

    name = f"{what}-{installation.clock().astimezone(VIETNAM):%Y%m%d-%H%M}.csv"
    with _TURNS.taking():
        return make_download(installation, name=name, media_type=MEDIA_TYPE, write=write)


def _every_message(installation: Installation, asked: Selection) -> Iterator[MessageSummary]:
    store = installation.store
    with reading(store) as connection:
        asked = with_causes(connection, asked, vault=store.vault)
        while found := summaries(connection, asked, vault=store.vault):
            yield from found
            if len(found) < asked.limit:
                return
            asked = replace(asked, before=Cursor(found[-1].updated_at, found[-1].id))


def _every_row(installation: Installation, asked: Wanted) -> Iterator[LogEntry]:
    with reading(installation.store) as connection:
        condition = condition_of(asked)
        for line in read_lines(connection, condition, limit=MOST_ROWS + 1, is_latest_first=True):
            yield log_entry(line)


def _message(one: MessageSummary, language: Language) -> list[Cell]:
    place: WherePlace = one.place
    return [
        one.id,
        one.agency,
        one.dossier,
        one.packet.value,
        one.state.value,
        _say(one.reason, language),
        one.attempts,
        _when(one.due_at),
        _when(one.created_at),
        _when(one.updated_at),
        place.file,
        place.sheet,
        place.row,
        " | ".join(dict.fromkeys(each.code for each in one.findings)),
        " | ".join(_say(each.message, language) for each in one.findings),
    ]


def _problem(one: ProblemGroup, language: Language) -> list[Cell]:
    decision = one.decision
    return [
        one.id,
        one.agency,
        one.code,
        one.field,
        one.answer,
        _say(one.title, language),
        None if one.remedy is None else _say(one.remedy, language),
        one.owner.value,
        one.state.value,
        one.affected,
        one.dossiers,
        _when(one.first_seen),
        _when(one.last_seen),
        None if decision is None else decision.by,
        None if decision is None else decision.reason,
    ]


def _row(one: LogEntry) -> list[Cell]:
    detail = None if one.detail is None else json.dumps(one.detail, ensure_ascii=False)
    return [one.row, _when(one.at), one.actor, one.action, one.subject, detail, one.seal]


def _say(words: Words, language: Language) -> str:
    return words.en if language is Language.EN else words.vi


def _when(moment: datetime | None) -> str | None:
    """Write a moment as spreadsheets read it, in the time of Việt Nam."""
    return None if moment is None else f"{moment.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"


def _not_by_person() -> InputError:
    return InputError(
        Problem(
            code="list.person_export",
            message=Text(
                vi="Danh sách tìm theo người không xuất ra tệp",
                en="A list by a person's number is not given as a file",
            ),
            suggestion=Text(
                vi="Xem trên trang, hoặc xuất theo cơ quan, trạng thái, thời gian",
                en="See it on the page, or export by agency, state and time",
            ),
        )
    )
