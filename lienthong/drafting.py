"""
Looking at a sample that no mapping describes: how it is read, what its text is, what is in it.

What is damaged in its text is repaired before anything is proposed, so that the draft has the
words that its mapping will see.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from adapters import ZipOptions, read_records
from adapters.doctor import Verdict
from adapters.guessing import find_source
from adapters.guessing_documents import find_documents
from adapters.guessing_sheets import find_sheets
from lienthong.text_check import check_sheets, given_options
from mappings.drafts import SheetSample, is_known, profile_records
from schemas.errors import InputError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters import SourceOptions
    from adapters.guessing_sheets import BookOptions
    from lienthong.text_check import ColumnFindings, FileFindings
    from mappings.drafts import SampleProfile

_MARKUP = frozenset({"references", "tags"})
"""Steps for which mappings have text rules of their own."""
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen of a file."""

    options: SourceOptions
    """How it is read."""
    doubts: tuple[Text, ...]
    """About that."""
    profile: SampleProfile
    sheets: tuple[SheetSample, ...]
    """Further ones of a workbook; one without names has no records."""


def look_at(
    source: BinaryIO, *, file_name: str, limit: int, encoding: str | None = None, sheet: str = ""
) -> Sample:
    """
    Return what the first `limit` records of `source` look like.

    Args:
        source: Seekable, at its beginning.
        file_name: As shown in places.
        limit: Of the records that are looked at, in every sheet.
        encoding: Where it is known.
        sheet: Of a workbook; empty is the first.

    Raises:
        FormatUnknown: it is of no known format.
        InputError: it looks like one and cannot be read as one.
    """
    options, doubts = find_source(
        source, file_name=file_name, is_known=is_known, encoding=encoding, sheet=sheet
    )
    options, more = find_documents(source, file_name=file_name, options=options, limit=limit)
    doubts += more
    found = find_sheets(source, file_name=file_name, options=options, is_known=is_known)
    others = list(found.items())[1:]
    looked_at = [(next(iter(found), ""), options), *((n, each) for n, each in others if each)]
    damage = _damage(
        check_sheets(
            source,
            file_name=file_name,
            sheets=[(name, given_options(each, encoding=None)) for name, each in looked_at],
            limit=limit,
        )
    )
    repair = "report"
    if damage is not None and not isinstance(options, ZipOptions):
        repair = "on"
        options = replace(options, repair=repair)
        doubts.append(damage)
    source.seek(0)
    records = read_records(source, file_name=file_name, options=options)
    return Sample(
        options=options,
        doubts=tuple(doubts),
        profile=profile_records(records, limit=limit),
        sheets=tuple(
            SheetSample(
                name=name,
                header_row=getattr(each, "header_row", 1),
                profile=_profile(source, file_name, each and replace(each, repair=repair), limit),
            )
            for name, each in others
        ),
    )


def _profile(
    source: BinaryIO, file_name: str, options: BookOptions | None, limit: int
) -> SampleProfile:
    """Return what a further sheet looks like, as far as it can be read: the draft is of another."""
    source.seek(0)
    if options is None:
        return profile_records((), limit=limit)
    records = read_records(source, file_name=file_name, options=options)
    return profile_records(_readable(records), limit=limit)


def _readable(records: Iterator[object]) -> Iterator[object]:
    try:
        yield from records
    except InputError:
        return


def _damage(found: FileFindings) -> Text | None:
    """Return what is wrong with the text in which columns, None where nothing is but markup."""
    steps = {name: _steps(column) for name, column in found.columns.items()}
    damaged = {name: each for name, each in steps.items() if each}
    if not any(set(each) - _MARKUP for each in damaged.values()):
        return None
    shown = [
        f"{name}: {'+'.join(each)} ({found.columns[name].counts[Verdict.REPAIRED]}x)"
        for name, each in list(damaged.items())[:_SHOWN]
    ]
    more = f", … ({len(damaged)})" if len(damaged) > _SHOWN else ""
    listed = ", ".join(shown) + more
    return Text(
        vi=f"có văn bản hỏng, sẽ được sửa (`repair`): {listed}; xem bằng lienthong text check",
        en=f"there is damaged text, which is repaired (`repair`): {listed}; look at it with "
        "lienthong text check",
    )


def _steps(column: ColumnFindings) -> list[str]:
    """Return the steps that repair a column, the most frequent first."""
    steps = Counter(step for found in column.findings for step in found.diagnosis.steps)
    return [step for step, _ in steps.most_common()]
