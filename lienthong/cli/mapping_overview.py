"""Commands for integrators that look at mappings as a whole: mapping coverage, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.mapping import Which, find_files, mapping
from lienthong.cli.session import Session
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from mappings import Coverage, MappingFile
    from schemas.problem import Problem


def register(_: typer.Typer) -> None:
    """Add the commands of this module; they hang on `mapping`."""


@mapping.command()
def coverage(
    context: typer.Context,
    which: Which = None,
    html: Annotated[
        Path | None, typer.Option(help="File that gets the table as one HTML page")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Show which of the portal's fields which agency sends, mandatory ones marked.

    A draft is shown too, with what is left to do in it.
    Example: lienthong mapping coverage --html do-phu.html
    """
    from mappings import cover_fields, load_mapping

    session: Session = context.obj
    covered = cover_fields(
        [load_mapping(path, is_draft=True) for path in find_files(session, which)]
    )
    if html is not None:
        _write_page(covered, html, session)
    if as_json:
        session.json(_values(covered, session))
        return
    if html is None:
        _show(covered, session)
    for file in covered.files:
        session.problems(_left(file))


@mapping.command()
def schema(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; default standard output")
    ] = None,
) -> None:
    """
    Write the JSON Schema of the mapping language, for completion in editors.

    Example: lienthong mapping schema --out mapping.schema.json
    """
    from mappings import editor_schema

    session: Session = context.obj
    if out is None:
        session.json(editor_schema())
        return
    from lienthong.flows.convert import OutFolder

    text = json.dumps(editor_schema(), ensure_ascii=False, indent=1) + "\n"
    OutFolder(out.parent).write(out.name, text.encode())
    _tell_written(session, out)


def _left(file: MappingFile) -> list[Problem]:
    """Return what a draft lacks before it can be used, as `mapping check` says it."""
    return [problem for problem in file.warnings if problem.severity is Severity.ERROR]


def _write_page(covered: Coverage, path: Path, session: Session) -> None:
    from lienthong.mapping_coverage_page import coverage_page
    from lienthong.pages import PageFile

    with PageFile(path) as page:
        page.write(coverage_page(covered, made_at=session.installation.clock()))
    _tell_written(session, path)


def _values(covered: Coverage, session: Session) -> dict[str, object]:
    from lienthong.cli.machine import count_values, problem_values
    from mappings import Need

    names = [file.name for file in covered.files]
    return {
        "agencies": [
            {
                "name": file.name,
                "code": file.agency_code,
                "schema": file.schema.name,
                "file": str(file.path),
                **count_values({n: covered.count(number, n) for n in (Need.ALWAYS, Need.OPTIONAL)}),
                "problems": [problem_values(one, session.language) for one in _left(file)],
            }
            for number, file in enumerate(covered.files)
        ],
        "fields": [
            {
                "packet": row.packet,
                "field": row.field,
                "mandatory": row.need.value,
                "about": row.about.say(session.language),
                "agencies": {
                    name: cover.value for name, cover in zip(names, row.covers, strict=True)
                },
            }
            for row in covered.rows
        ],
    }


def _show(covered: Coverage, session: Session) -> None:
    from rich.table import Table

    from lienthong.mapping_coverage_page import COVERS, MARKS, NEEDS, SIGNS
    from mappings import Cover, Need

    # Names would be wider than the table; numbers leave room for thirty agencies.
    for number, file in enumerate(covered.files, start=1):
        filled, known = covered.count(number - 1, Need.ALWAYS)
        share = session.word(f"bắt buộc {filled}/{known}", f"{filled}/{known} mandatory")
        session.out.print(
            f"{number:>3}  {file.name:<26}{file.schema.name:<12}{share}", markup=False
        )
    table = Table(box=None, pad_edge=False)
    table.add_column(session.word("trường", "field"), no_wrap=True)
    table.add_column("")
    for number in range(1, len(covered.files) + 1):
        table.add_column(str(number), justify="center")
    packet = ""
    for row in covered.rows:
        if row.packet != packet:
            packet = row.packet
            table.add_row(f"[bold]{packet}[/]")
        table.add_row(f"  {row.field}", MARKS[row.need], *(SIGNS[cover] for cover in row.covers))
    session.out.print(table)
    legend = [f"{SIGNS[c]} {COVERS[c].say(session.language)}" for c in Cover if SIGNS[c]]
    legend += [f"{MARKS[n]} {NEEDS[n].say(session.language)}" for n in Need if MARKS[n]]
    session.out.print(" · ".join(legend), markup=False)


def _tell_written(session: Session, path: Path) -> None:
    session.tell(Text(vi=f"Đã ghi: {path}", en=f"Written: {path}"), style="green")
