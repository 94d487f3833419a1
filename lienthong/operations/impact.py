"""
What a changed mapping would do to what its agency sent lately; nothing is changed or sent.

The text is whoever's who asks, so that what they would see is chosen by them: values are masked
whatever they may see otherwise, and where it reads files in another way than the installed mapping,
nothing is shown that quotes a file: names of columns and sheets, paths, words of its faults. What
is read is what the agency sent: values that a person corrected later are not in it.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from lienthong.flows.impact import Comparison, DossierMaker
from lienthong.impact_report import make_report
from lienthong.operations.downloads import Turns
from lienthong.operations.mapping_views import (
    CodeView,
    ComparedView,
    ExampleView,
    FieldChangeView,
    HeadView,
    ImpactView,
    LeftOutView,
    MappingFinding,
    ProblemCountView,
    SideView,
    TotalView,
    TurnView,
)
from lienthong.operations.mappings import need_mapping
from lienthong.operations.masking import finding_of, place_of, words_of
from lienthong.store.database import reading
from lienthong.store.latest_submissions import latest_submissions
from lienthong.store.pieces import PieceReader
from lienthong.store.work import begin
from mappings import load_mapping, read_mapping
from schemas.errors import ConfigError, InputError
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

    from adapters import SourceOptions, SourceRecord
    from adapters.record import UnreadableRecord
    from lienthong.access.rights import Principal
    from lienthong.flows.impact import Maker, Outcome
    from lienthong.impact_report import ImpactReport, ProblemRow, TurnRow
    from lienthong.operations.views import Finding, WherePlace
    from lienthong.store.database import Store
    from lienthong.store.latest_submissions import Sent
    from lienthong.wiring import Installation
    from mappings import MappingFile

LARGEST_YAML = 256 * 1024
"""Bytes of the text of a mapping."""
MOST_FINDINGS = 100
"""Of a text that cannot be used."""
MOST_SUBMISSIONS = 20
MOST_BYTES = 64 * 1024 * 1024
"""Of all submissions that are compared at once."""
LONGEST_SECONDS = 60.0
EXAMPLES = 3
_TURNS = Turns(1, code="impact.busy")


class MappingRefused(InputError):
    """The text is no mapping of the agency's that can be used."""

    def __init__(self, problem: Problem, findings: Sequence[MappingFinding] = ()) -> None:
        """Say why; `findings` are what is wrong where."""
        super().__init__(problem)
        self.findings = tuple(findings)


class _OutOfTime(Exception):
    """The comparison has lasted as long as it may."""


class _Erased(Exception):
    """The bytes of a submission went while they were read."""


def see_impact(
    installation: Installation, principal: Principal, agency: str, *, text: str, submissions: int
) -> ImpactView:
    """
    Compare a changed mapping with the installed one over what the agency sent last.

    Args:
        installation: What is seen.
        principal: Who asks.
        agency: Name of its mapping.
        text: The changed mapping, YAML.
        submissions: How many of the latest are read, at most `MOST_SUBMISSIONS`.

    Raises:
        Forbidden: the agency may be seen, but not its mapping.
        MappingRefused: the text is too long, no mapping, or that of another agency.
        InputError: there is no such agency that may be seen; another comparison is under way.
        ConfigError: the installed mapping cannot be used now.
    """
    need_mapping(installation, principal, agency)
    with _TURNS.taking():
        old = load_mapping(installation.mappings.path(agency))
        new = _read(text, agency=agency, old=old)
        # A mapping can ask of each value whether it is a certain one, and counts answer it.
        with begin(installation.store, at=installation.clock, actor=principal.name) as work:
            work.note("mapping.compared", agency, sha256=new.digest, submissions=submissions)
        with reading(installation.store) as connection:
            latest = latest_submissions(connection, agency, limit=submissions)
        looking = _Looking(installation, old, new)
        for sent in latest.kept:
            looking.take(sent)
        return looking.view(agency, erased=latest.erased)


def _read(text: str, *, agency: str, old: MappingFile) -> MappingFile:
    # What is no text is refused by whoever reads it, with the line.
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > LARGEST_YAML:
        raise MappingRefused(_too_large(len(data)))
    try:
        new = read_mapping(data, path=Path(f"{agency}.yaml"))
    except ConfigError as error:
        raise _invalid(error.problems) from error
    if (new.name, new.agency_code) != (old.name, old.agency_code):
        raise MappingRefused(_OTHER_AGENCY)
    return new


class _Looking:
    """Two mappings, and what was compared by them so far."""

    def __init__(self, installation: Installation, old: MappingFile, new: MappingFile) -> None:
        self._store = installation.store
        self._old, self._new = old, new
        self._last = monotonic() + LONGEST_SECONDS
        self._room = MOST_BYTES
        self._compared: list[ComparedView] = []
        self._left_out: list[LeftOutView] = []
        services, now = installation.services, installation.clock()
        makers = [DossierMaker(each, services=services, now=now) for each in (old, new)]
        self._comparison = Comparison(
            old,
            new,
            services=services,
            examples=EXAMPLES,
            now=now,
            makers=(_Watched(makers[0], self._look), _Watched(makers[1], self._look)),
        )

    def _look(self) -> None:
        if monotonic() > self._last:
            raise _OutOfTime

    def take(self, sent: Sent) -> None:
        """Compare one submission, or note why not."""
        if sent.size > self._room:
            self._leave(sent, "too_large")
            return
        if monotonic() > self._last:
            self._leave(sent, "no_time")
            return
        self._room -= sent.size
        impact = self._comparison.impact
        before, faults, is_ended = impact.records, len(impact.refusals), True
        try:
            self._comparison.compare(lambda: self._opened(sent), file_name=sent.file_name)
        except _OutOfTime:
            is_ended = False
        except _Erased:
            if impact.records == before:
                self._leave(sent, "erased")
                return
            is_ended = False
        self._compared.append(
            ComparedView(
                id=sent.id,
                file=sent.file_name,
                received_at=sent.received_at,
                size=sent.size,
                records=impact.records - before,
                is_whole=is_ended and len(impact.refusals) == faults,
            )
        )

    @contextmanager
    def _opened(self, sent: Sent) -> Iterator[BinaryIO]:
        pieces = _Pieces(self._store, sent, look=self._look)
        with io.BufferedReader(pieces) as source:
            yield source

    def _leave(self, sent: Sent, code: str) -> None:
        self._left_out.append(
            LeftOutView(
                id=sent.id,
                file=sent.file_name,
                received_at=sent.received_at,
                size=sent.size,
                code=code,
                words=words_of(_WHY_NOT[code]),
            )
        )

    def view(self, agency: str, *, erased: int) -> ImpactView:
        """Return what was found."""
        report = make_report(
            self._comparison.impact,
            old=self._old,
            new=self._new,
            files=[each.file for each in self._compared],
            show_values=False,
        )
        shown = _Shown(quotes_places=self._comparison.reads_once)
        return ImpactView(
            agency=agency,
            old=SideView(version=self._old.version, sha256=self._old.digest),
            new=SideView(version=self._new.version, sha256=self._new.digest),
            compared=self._compared,
            left_out=self._left_out,
            erased=erased,
            records=report.records,
            is_harmless=report.is_harmless,
            totals=[
                TotalView(
                    key=each.key,
                    name=words_of(each.name),
                    records=each.records,
                    is_bad=each.is_bad,
                )
                for each in report.totals
            ],
            heads=[
                HeadView(key=key, before=before, after=after) for key, before, after in report.heads
            ],
            notices=[words_of(each) for each in report.notices],
            warnings=[_finding(each) for each in self._new.warnings],
            fields=shown.fields(report),
            new_problems=_counts(report.new_problems),
            gone_problems=_counts(report.gone_problems),
            rejected_now=shown.turns(report.rejections),
            left_out_now=shown.turns(report.departures),
            vanished=shown.turns(report.losses),
            accepted_now=shown.turns(report.acceptances),
            taken_now=shown.turns(report.arrivals),
            errors=[shown.error(each) for each in report.refusals],
        )


class _Watched:
    """A mapping at work that looks at the time before each record."""

    def __init__(self, maker: Maker, look: Callable[[], None]) -> None:
        self._maker = maker
        self._look = look

    @property
    def source(self) -> SourceOptions:
        return self._maker.source

    def read(self, source: BinaryIO, file_name: str) -> Iterator[SourceRecord | UnreadableRecord]:
        for item in self._maker.read(source, file_name):
            self._look()
            yield item

    def make(self, item: SourceRecord | UnreadableRecord) -> Outcome:
        return self._maker.make(item)


class _Pieces(PieceReader):
    """The bytes of a submission, looking at the time before each piece."""

    def __init__(self, store: Store, sent: Sent, *, look: Callable[[], None]) -> None:
        super().__init__(store, sent.id, size=sent.size)
        self._look = look

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read as files do; raises `_Erased` where there is nothing any more."""
        self._look()
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise _Erased from error


class _Shown:
    """How places are shown: all of them, or without what a changed `source` makes them quote."""

    def __init__(self, *, quotes_places: bool) -> None:
        self._quotes = quotes_places

    def _place(self, place: Place) -> Place:
        return place if self._quotes else replace(place, sheet=None, column=None, path=None)

    def place(self, place: Place) -> WherePlace:
        return place_of(self._place(place))

    def error(self, problem: Problem) -> Finding:
        place = self._place(problem.place)
        if self._quotes:
            return finding_of(replace(problem, place=place))
        return finding_of(
            Problem(code=problem.code, message=_UNTOLD, place=place, suggestion=_BY_COMMAND)
        )

    def fields(self, report: ImpactReport) -> list[FieldChangeView]:
        return [
            FieldChangeView(
                field=row.field,
                dossiers=row.dossiers,
                filled=row.filled,
                emptied=row.emptied,
                examples=[
                    ExampleView(
                        field=each.field,
                        place=self.place(each.place),
                        before=each.before,
                        after=each.after,
                    )
                    for each in row.examples
                ],
            )
            for row in report.fields
        ]

    def turns(self, rows: Sequence[TurnRow]) -> list[TurnView]:
        return [
            TurnView(
                place=self.place(row.place),
                dossier=row.dossier,
                problems=[
                    CodeView(code=code, field=field or None) for code, field, _ in row.problems
                ],
            )
            for row in rows
        ]


def _counts(rows: Sequence[ProblemRow]) -> list[ProblemCountView]:
    return [
        ProblemCountView(code=row.code, field=row.field or None, records=row.records)
        for row in rows
    ]


def _finding(problem: Problem) -> MappingFinding:
    suggestion = problem.suggestion
    return MappingFinding(
        code=problem.code,
        severity=problem.severity,
        line=problem.place.line,
        key=problem.place.path,
        message=words_of(problem.message),
        suggestion=None if suggestion is None else words_of(suggestion),
    )


def _invalid(problems: Sequence[Problem]) -> MappingRefused:
    told, message = list(problems), _INVALID
    if len(told) > MOST_FINDINGS:
        told.sort(key=lambda each: each.severity is not Severity.ERROR)
        message = Text(
            vi=f"{_INVALID.vi}: {len(told)} phát hiện, dưới đây là {MOST_FINDINGS}",
            en=f"{_INVALID.en}: {len(told)} findings, of which {MOST_FINDINGS} are told",
        )
    problem = Problem(
        code="mapping.invalid",
        message=message,
        suggestion=Text(
            vi="Sửa từng dòng được nêu rồi gửi lại",
            en="Mend every line that is named, and send it again",
        ),
    )
    return MappingRefused(problem, [_finding(each) for each in told[:MOST_FINDINGS]])


def _too_large(size: int) -> Problem:
    return Problem(
        code="impact.too_large",
        message=Text(
            vi=f"Ánh xạ có {size} byte, nhiều nhất {LARGEST_YAML}",
            en=f"The mapping has {size} bytes; at most {LARGEST_YAML} are taken",
        ),
        suggestion=_BY_COMMAND,
    )


_BY_COMMAND = Text(
    vi="Dùng dòng lệnh: lienthong mapping impact", en="Use: lienthong mapping impact"
)
_UNTOLD = Text(
    vi="Không đọc được tệp đến hết theo cách cũ hoặc cách mới (`source`); lời của lỗi có thể trích "
    "tệp nên không hiện ở đây",
    en="The file cannot be read to its end in the old way or the new one (`source`); the words of "
    "the fault may quote it and are not shown here",
)
_INVALID = Text(vi="Ánh xạ mới chưa dùng được", en="The new mapping cannot be used as it is")
_OTHER_AGENCY = Problem(
    code="impact.other_agency",
    message=Text(
        vi="Đây là ánh xạ của cơ quan khác: `mapping` hoặc `agency.code` không như bản đang cài",
        en="It is the mapping of another agency: `mapping` or `agency.code` is not that of the "
        "one installed",
    ),
    suggestion=Text(
        vi="Giữ nguyên hai khóa này, hoặc so sánh ở trang của cơ quan đó",
        en="Leave both keys as they are, or compare it under that agency",
    ),
)
_WHY_NOT = {
    "too_large": Text(
        vi="quá lớn để đọc lại ở đây: mỗi lần so sánh đọc nhiều nhất 64 MiB; dùng dòng lệnh",
        en="too large to be read again here: a comparison reads 64 MiB at most; use the command",
    ),
    "no_time": Text(
        vi="hết giờ trước khi đến lượt: so sánh ít tệp hơn",
        en="time was over before its turn came: compare fewer",
    ),
    "erased": Text(vi="vừa bị xóa theo thời hạn lưu", en="just erased, as its retention ended"),
}
"""Of a submission that was left out."""
