"""
Looking at the texts of one file: what each column is, what would be repaired, what is doubtful.

Every sheet is read twice, once for the columns to vote and once to look at every value; memory
stays bounded whatever its size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from adapters import (
    CsvOptions,
    DbfOptions,
    FixedOptions,
    JsonLinesOptions,
    JsonOptions,
    SourceRecord,
    ZipOptions,
    read_records,
)
from adapters.doctor import ColumnVote, Judgement, Verdict, judge_encoding
from adapters.doctor.encoding import MAX_SAMPLE_BYTES
from adapters.doctor.values import column_of, replaced, texts_of
from adapters.guessing import FormatUnknown, find_source
from adapters.guessing_sheets import find_sheets
from adapters.source import ZIP_MAGIC
from mappings.drafts import is_known
from schemas.errors import ConfigError, InputError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from adapters import SourceOptions, UnreadableRecord, Value
    from adapters.doctor import Diagnosis
    from adapters.options import FileOptions
    from schemas.problem import Place, Problem

MOST_SHOWN = 1000
"""Findings of one column that are kept; all are counted."""
ONE_COLUMN = "text"
"""Name of the column of a file that is no table."""
_NO_DELIMITER = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One value that is or should be repaired."""

    place: Place
    diagnosis: Diagnosis


@dataclass(slots=True, kw_only=True)
class ColumnFindings:
    """What was found in one column."""

    judgement: Judgement
    counts: Counter[Verdict] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class FileFindings:
    """What was found in one file."""

    columns: dict[str, ColumnFindings] = field(default_factory=dict)
    records: int = 0
    unreadable: list[Problem] = field(default_factory=list)
    """Of records that could not be read, at most `MOST_SHOWN`; or why the file ends early."""
    unreadable_records: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every value was read and is right."""
        return not self.unreadable and all(
            not column.counts[Verdict.REPAIRED] and not column.counts[Verdict.DOUBTFUL]
            for column in self.columns.values()
        )


def guess_options(source: BinaryIO, *, file_name: str, encoding: str | None) -> SourceOptions:
    """
    Return how a file without a mapping is to be read; plain text is one column.

    Raises:
        ConfigError: it is an archive, or says its encoding itself.
        InputError: it cannot be read as what it looks like.
    """
    try:
        options, _ = find_source(source, file_name=file_name, is_known=is_known, encoding=encoding)
    except FormatUnknown as error:
        head = source.read(MAX_SAMPLE_BYTES)
        source.seek(0)
        if head.startswith(ZIP_MAGIC):
            raise ConfigError(error.text, code="text.format_unknown") from error
        options = CsvOptions(
            encoding=encoding or judge_encoding(head)[0].encoding,
            delimiter=_NO_DELIMITER,
            quote="",
            header=False,
            columns=(ONE_COLUMN,),
        )
    return given_options(options, encoding=encoding)


def given_options(options: SourceOptions, *, encoding: str | None) -> SourceOptions:
    """
    Return a mapping's own options for looking only, with another encoding where one is given.

    Raises:
        ConfigError: the format says its encoding itself.
    """
    if isinstance(options, ZipOptions):
        return replace(options, source=_looking(options.source, encoding=encoding))
    return _looking(options, encoding=encoding)


def _looking(options: FileOptions, *, encoding: str | None) -> FileOptions:
    looking = replace(options, repair="off", repair_encoding="")
    if encoding is None:
        return looking
    if not isinstance(
        looking, CsvOptions | FixedOptions | DbfOptions | JsonOptions | JsonLinesOptions
    ):
        raise ConfigError(
            Text(
                vi="Định dạng này tự cho biết bảng mã: bỏ --encoding",
                en="This format says its encoding itself: leave --encoding out",
            ),
            code="text.encoding_fixed",
        )
    return replace(looking, encoding=encoding)


def guess_sheets(
    source: BinaryIO, *, file_name: str, options: SourceOptions
) -> list[tuple[str, SourceOptions]]:
    """
    Return every sheet of a workbook that holds something, the main one first; of others one of "".

    Args:
        source: Seekable; it is put back.
        file_name: As shown in places.
        options: As `guess_options` returned them.

    Raises:
        InputError: It cannot be read as what it looks like.
    """
    sheets = find_sheets(source, file_name=file_name, options=options, is_known=is_known)
    found: list[tuple[str, SourceOptions]] = []
    found += [(name, each) for name, each in sheets.items() if each is not None]
    return found or [("", options)]


def check_file(
    source: BinaryIO,
    *,
    file_name: str,
    options: SourceOptions,
    columns: Sequence[str] = (),
    write: Callable[[SourceRecord, dict[str, Value], list[Finding]], None] | None = None,
) -> FileFindings:
    """Return what was found in `source`, as `check_sheets` does."""
    return check_sheets(
        source, file_name=file_name, sheets=[("", options)], columns=columns, write=write
    )


def check_sheets(
    source: BinaryIO,
    *,
    file_name: str,
    sheets: Sequence[tuple[str, SourceOptions]],
    columns: Sequence[str] = (),
    write: Callable[[SourceRecord, dict[str, Value], list[Finding]], None] | None = None,
    limit: int | None = None,
) -> FileFindings:
    """
    Return what was found in `source`, each sheet of which is read twice.

    Args:
        source: Seekable.
        file_name: As shown in places.
        sheets: Their names, and how each is read; of several, columns are called "sheet: column".
        columns: Only these; empty for all.
        write: Gets every record of the first sheet with its repaired values and what was found.
        limit: So many records of each sheet are looked at; None for all.

    Raises:
        ConfigError: none of the records has one of `columns`.
    """
    votes = [_votes(source, file_name, options, limit) for _, options in sheets]
    _check_columns(columns, {name: None for each in votes for name in each})
    found = FileFindings()
    for (sheet, options), each in zip(sheets, votes, strict=True):
        looked_at = {
            name: ColumnFindings(judgement=vote.judge())
            for name, vote in each.items()
            if not columns or name in columns
        }
        label = f"{sheet}: " if len(sheets) > 1 else ""
        found.columns |= {f"{label}{name}": column for name, column in looked_at.items()}
        source.seek(0)
        records = islice(read_records(source, file_name=file_name, options=options), limit)
        _check(records, found, looked_at, write=write if sheet == sheets[0][0] else None)
    return found


def _votes(
    source: BinaryIO, file_name: str, options: SourceOptions, limit: int | None
) -> dict[str, ColumnVote]:
    votes: dict[str, ColumnVote] = {}
    source.seek(0)
    try:
        for item in islice(read_records(source, file_name=file_name, options=options), limit):
            if isinstance(item, SourceRecord):
                for path, text in texts_of(item.values):
                    votes.setdefault(column_of(path), ColumnVote()).add(text)
    except InputError:
        # Told when it is met again.
        pass
    return votes


def _check(
    records: Iterator[SourceRecord | UnreadableRecord],
    found: FileFindings,
    columns: dict[str, ColumnFindings],
    *,
    write: Callable[[SourceRecord, dict[str, Value], list[Finding]], None] | None,
) -> None:
    try:
        for item in records:
            found.records += 1
            if not isinstance(item, SourceRecord):
                found.unreadable_records += 1
                found.unreadable += item.problems[: MOST_SHOWN - len(found.unreadable)]
                continue
            met = list(_look(item, columns))
            if write is not None:
                repairs = {p: f.diagnosis.text for p, f in met}
                write(item, replaced(item.values, repairs), [f for _, f in met])
    except InputError as error:
        found.unreadable.append(error.problem)


def _look(
    record: SourceRecord, columns: dict[str, ColumnFindings]
) -> Iterator[tuple[str, Finding]]:
    """Yield (path, finding) of every value that is not right, and count all of them."""
    for path, text in texts_of(record.values):
        column = columns.get(column_of(path))
        if column is None or not text:
            continue
        diagnosis = column.judgement.diagnose(text, font=record.fonts.get(path))
        column.counts[diagnosis.verdict] += 1
        if diagnosis.verdict is Verdict.RIGHT:
            continue
        finding = Finding(place=record.place_of(path), diagnosis=diagnosis)
        if len(column.findings) < MOST_SHOWN:
            column.findings.append(finding)
        yield path, finding


def _check_columns(columns: Sequence[str], found: Collection[str]) -> None:
    missing = [name for name in columns if name not in found]
    if missing:
        known = ", ".join(repr(name) for name in list(found)[:40]) or "-"
        names = ", ".join(map(repr, missing))
        raise ConfigError(
            Text(
                vi=f"Không có cột {names} chứa văn bản; có: {known}",
                en=f"There is no column {names} with text; there are {known}",
            ),
            code="text.column_unknown",
        )
