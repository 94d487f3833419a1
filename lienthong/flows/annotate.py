"""A submission given back as the agency's own file, with what is known to be wrong with it."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from adapters import SourceRecord, read_records
from lienthong.annotated import Marks, annotate
from lienthong.store.findings import submission_findings
from lienthong.store.pieces import PieceReader
from schemas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters import SourceOptions
    from lienthong.annotated import Annotated
    from lienthong.store.database import Store
    from lienthong.store.findings import Finding, Submitted
    from lienthong.store.portal_answers import Columns
    from schemas.problem import Language, Problem

MARK = ".loi"
"""Stands in the names of annotated files: "errors"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """Gives submissions back, as long as their bytes are kept."""

    store: Store
    columns: Columns
    """Knows the agencies' names of fields that the portal names."""

    def write(
        self,
        submitted: Submitted,
        *,
        target: BinaryIO,
        options: SourceOptions,
        language: Language,
        only_bad: bool = False,
        errors_only: bool = False,
    ) -> Annotated:
        """
        Write the annotated file of a submission to `target`, which is empty.

        Raises:
            SealBroken, OSError: what was stored of it cannot be read.
        """
        store = self.store
        source = io.BufferedReader(PieceReader(store, submitted.id, size=submitted.size))
        labels: Mapping[str, str] | None = None
        with Marks(file_name=submitted.file_name, errors_only=errors_only) as marks:
            for finding in submission_findings(store, submitted.id, columns=self.columns):
                problem = finding.problem
                if finding.is_portals and problem.place.column is not None:
                    if labels is None:
                        labels = _labels(source, submitted, options)
                    problem = _labelled(finding, labels)
                marks.add(problem, record=finding.record)
            source.seek(0)
            return annotate(
                source,
                target=target,
                options=options,
                marks=marks,
                language=language,
                only_bad=only_bad,
            )


def name_of(submitted: Submitted, annotated: Annotated) -> str:
    """Return the name under which the file is given back."""
    name = PurePath(submitted.file_name)
    if annotated.is_own:
        return f"{name.stem}{MARK}{name.suffix}"
    if annotated.is_copy:
        return f"{name.stem}{MARK}.{annotated.format}"
    return f"{name.name}{MARK}.json"


def _labels(source: BinaryIO, submitted: Submitted, options: SourceOptions) -> Mapping[str, str]:
    """Return what the agency sees above each column of its file."""
    source.seek(0)
    try:
        for record in read_records(source, file_name=submitted.file_name, options=options):
            if isinstance(record, SourceRecord):
                return record.columns
    except InputError:
        # It broke off before any record; then the portal was told of none either.
        return {}
    return {}


def _labelled(finding: Finding, labels: Mapping[str, str]) -> Problem:
    """Return a finding of the portal's at the column as the agency sees it, else at the row."""
    problem = finding.problem
    label = labels.get(problem.place.column or "")
    return problem.moved_to(replace(problem.place, column=label))
