"""
A sample file through the whole conversion, and how what came of it compares with what was expected.

What is judged is what leaves the house: the values are read from the signed documents, the findings
from the report that an agency gets.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from io import StringIO
from typing import TYPE_CHECKING

from lienthong.agencies import make_agency
from lienthong.conversion import Pipeline
from lienthong.flows.convert import Report, convert_file
from lienthong.samples import Comparison
from schemas.parser import parse_xml
from schemas.problem import Language, Place
from schemas.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import TypeAlias

    from adapters.record import SourceRecord, UnreadableRecord
    from lienthong.conversion import Prepared
    from lienthong.flows.convert import OutFolder, Totals
    from lienthong.samples import ExpectedDossier, SampleFile
    from mappings import Converter
    from signing import XadesSigner

    Finding: TypeAlias = tuple[int, str, str | None, str]
    """Record, code, the portal's field, place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRun:
    """What one conversion of a sample file said and made."""

    sample: SampleFile
    totals: Totals
    errors: list[dict[str, object]]
    """As they stand in the report."""
    documents: Mapping[int, tuple[bytes, ...]]
    """Of each record that had events: the dossier's signed document, then its progress rows'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a run compares with what the sample file expects."""

    good: int
    """Good records: those that must be accepted."""
    values: Comparison
    seeded: int
    """Problems that were put into the file."""
    missed: tuple[Finding, ...]
    """Those that were not reported with their code, field and place."""
    false_alarms: tuple[Finding, ...]
    """Findings that nobody put in, warnings too."""

    @property
    def found(self) -> int:
        """Return how many of the seeded problems were reported at their place."""
        return self.seeded - len(self.missed)

    def __add__(self, other: Judgement) -> Judgement:
        """Return both as one, as for two seeds."""
        return Judgement(
            good=self.good + other.good,
            values=self.values + other.values,
            seeded=self.seeded + other.seeded,
            missed=self.missed + other.missed,
            false_alarms=self.false_alarms + other.false_alarms,
        )


def run_sample(
    sample: SampleFile,
    *,
    converter: Converter,
    signer: XadesSigner,
    now: datetime,
    out: OutFolder | None = None,
) -> SampleRun:
    """Convert a sample file as `lienthong convert` does; its documents go to `out` too."""
    pipeline = _Remembering(converter, signer=signer)
    agency = replace(make_agency(converter, signer=signer), pipeline=pipeline)
    name = sample.path.name
    text = StringIO()
    with (
        sample.path.open("rb") as source,
        Report(file_name=name, agency=agency, language=Language.VI) as report,
    ):
        totals = convert_file(
            source, file_name=name, agency=agency, out=out, report=report, clock=lambda: now
        )
        report.write(text, totals)
    return SampleRun(
        sample=sample,
        totals=totals,
        errors=json.loads(text.getvalue())["errors"],
        documents=pipeline.documents,
    )


def judge(run: SampleRun) -> Judgement:
    """Compare values and findings of a run with those that its sample file expects."""
    expected = Counter(
        (error.record, error.code, error.field, str(error.place)) for error in run.sample.expected
    )
    found = Counter(_finding(error) for error in run.errors)
    values = Comparison(fields=0, right=0, differences=(), unnamed=())
    for dossier in run.sample.truth:
        values += _compare(dossier, run.documents.get(dossier.record, ()))
    return Judgement(
        good=len(run.sample.truth),
        values=values,
        seeded=expected.total(),
        missed=tuple((expected - found).elements()),
        false_alarms=tuple((found - expected).elements()),
    )


class _Remembering(Pipeline):
    """Keeps the documents, which the flow gives away under the names of their dossiers."""

    def __init__(self, converter: Converter, *, signer: XadesSigner) -> None:
        super().__init__(converter, signer=signer)
        self.documents: dict[int, tuple[bytes, ...]] = {}

    def prepare(self, item: SourceRecord | UnreadableRecord, *, now: datetime) -> Prepared:
        prepared = super().prepare(item, now=now)
        if prepared.events:
            self.documents[prepared.record] = tuple(event.document for event in prepared.events)
        return prepared


def _compare(expected: ExpectedDossier, documents: tuple[bytes, ...]) -> Comparison:
    where = f"{expected.dossier}, record {expected.record}"
    if not documents:
        says = (f"{where}: expected a document, found none",)
        return Comparison(fields=len(expected.values), right=0, differences=says, unnamed=())
    dossier, *progress = (read_document(parse_xml(document)).values for document in documents)
    comparison = expected.compare(dossier, progress=progress)
    return replace(
        comparison,
        differences=tuple(f"{where}: {each}" for each in comparison.differences),
        unnamed=tuple(f"{where}: {each}" for each in comparison.unnamed),
    )


def _finding(error: dict[str, object]) -> Finding:
    source = error["source"]
    assert isinstance(source, dict)
    field = error["field"]
    return (
        int(str(error["record"])),
        str(error["code"]),
        None if field is None else str(field),
        str(Place(**source)),
    )
