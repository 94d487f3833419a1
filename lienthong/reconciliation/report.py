"""A comparison for machines and people: JSON, CSV and a page, written piece by piece."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from lienthong.annotated.words import neutral
from lienthong.discrepancies import AGREES, WORDS
from lienthong.pages import render_page
from lienthong.reconciliation.results import run_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lienthong.discrepancies import Discrepancy, Kind
    from lienthong.store.reconciliations import Run
    from schemas.problem import Language

BOM = "\ufeff"
"""Without it spreadsheets read another encoding."""
COLUMNS = (
    "dossier",
    "agency",
    "kind",
    "words",
    "message",
    "fields",
    "detail",
    "asked",
    "found_at",
    "sent_at",
    "next",
)


def finding_values(one: Discrepancy, language: Language) -> dict[str, Any]:
    """Return one finding."""
    return {
        "dossier": one.dossier_code,
        "agency": one.agency,
        "kind": one.kind.value,
        "words": WORDS[one.kind].say(language),
        "message": one.message_id,
        "fields": [
            {"field": each.field, "ours": each.ours, "theirs": each.theirs} for each in one.fields
        ],
        "detail": one.detail,
        "asked": one.times,
        "found_at": one.found_at.isoformat(),
        "sent_at": one.sent_at.isoformat() if one.sent_at else None,
        "next": one.next_step.say(language),
    }


def json_pieces(
    run: Run, counts: Mapping[Kind, int], found: Iterable[Discrepancy], language: Language
) -> Iterator[str]:
    """Give one JSON document piece by piece."""
    head = json.dumps(run_values(run, counts), ensure_ascii=False, indent=2)
    yield head.removesuffix("\n}") + ',\n  "findings": ['
    separator = "\n    "
    for one in found:
        yield separator + json.dumps(finding_values(one, language), ensure_ascii=False)
        separator = ",\n    "
    yield "\n  ]\n}\n"


def csv_lines(found: Iterable[Discrepancy], language: Language) -> Iterator[str]:
    """Give a table that spreadsheets read right, and in which nothing is a formula."""
    line = io.StringIO()
    writer = csv.writer(line)

    def write(cells: Iterable[object]) -> str:
        writer.writerow(cells)
        written = line.getvalue()
        line.seek(0)
        line.truncate()
        return written

    yield BOM + write(COLUMNS)
    for one in found:
        values = finding_values(one, language)
        values["fields"] = "; ".join(_field(each) for each in values["fields"])
        yield write(neutral("" if (v := values[name]) is None else str(v)) for name in COLUMNS)


def _field(each: Mapping[str, str | None]) -> str:
    if each["ours"] is None and each["theirs"] is None:
        return str(each["field"])
    return f"{each['field']}: {each['ours']} ≠ {each['theirs']}"


def page(
    run: Run, counts: Mapping[Kind, int], found: Iterable[Discrepancy], language: Language
) -> Iterator[str]:
    """Give the page of a comparison."""
    return render_page(
        "reconcile.html",
        run=run,
        counts=[(WORDS[kind], count, kind in AGREES) for kind, count in counts.items()],
        agrees=not counts.keys() - AGREES,
        findings=((one, WORDS[one.kind], one.kind in AGREES) for one in found),
        lang=language,
    )
