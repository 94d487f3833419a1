"""The command mapping preview: the source beside the dossier, with where each value comes from."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.files import AgencyName, AsJson, InputFile, opened
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.flows.preview import Preview
    from mappings import MappingFile
    from mappings.lineage import FieldLineage
    from schemas.problem import Language


def register(group: typer.Typer) -> None:
    """Add the command to `mapping`."""
    group.command()(preview)


def preview(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    file: InputFile,
    agency: AgencyName,
    record: Annotated[
        int | None, typer.Option(min=1, help="Only the record of this number, as reports count")
    ] = None,
    dossier: Annotated[str | None, typer.Option(help="Only the records of this dossier")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many records")] = 1,
    html: Annotated[
        Path | None, typer.Option(help="Write one self-contained page for a browser")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Show records beside the dossiers they become: which column and which rule made each value.

    Example: lienthong mapping preview thang-3.csv -a land-registration --limit 9 --html xem.html
    """
    from lienthong.cli.preview_tables import show_preview
    from lienthong.flows.preview import Choice, Previewer, Seen
    from lienthong.pages import PageFile, render_page

    session: Session = context.obj
    if record is not None and dossier is not None:
        raise _one_choice()
    mapping = load_named(session, agency)
    seen = Seen()
    with ExitStack() as stack:
        page = None if html is None else stack.enter_context(PageFile(html))
        previewer = Previewer(
            mapping, services=session.installation.services, now=session.installation.clock()
        )
        records = previewer.records(
            stack.enter_context(opened(file)),
            file_name=file.name,
            choice=Choice(record=record, dossier=dossier, limit=limit),
            seen=seen,
        )
        if as_json:
            _print_json(session, file, mapping, records)
        elif page is None:
            for each in records:
                show_preview(session, each)
        else:
            page.write(
                render_page(
                    "preview.html",
                    file=file.name,
                    mapping=mapping,
                    mapping_lines=mapping.path.read_text("utf-8-sig").splitlines(),
                    records=records,
                )
            )
            session.say(Text(vi=f"Trang xem trước: {html}", en=f"Page: {html}"))
    finish(Exit.PARTLY if seen.rejected else Exit.DONE)


def load_named(session: Session, which: str) -> MappingFile:
    """Load a mapping by the name of its agency, or by the path of its YAML file."""
    from mappings import load_mapping

    is_path = which.endswith((".yaml", ".yml"))
    return load_mapping(Path(which) if is_path else session.installation.mappings.path(which))


def _one_choice() -> ConfigError:
    return ConfigError(
        Text(
            vi="Chỉ dùng một trong --record và --dossier",
            en="Use only one of --record and --dossier",
        ),
        code="usage.conflict",
    )


def _print_json(
    session: Session, file: Path, mapping: MappingFile, records: Iterator[Preview]
) -> None:
    """Print one document, record by record: a whole file may be asked for."""
    head = {
        "file": file.name,
        "mapping": {"name": mapping.name, "version": mapping.version, "sha256": mapping.digest},
    }
    # The first is taken before anything is written: a file without it is an error and no document.
    taken = [*islice(records, 1)]
    sys.stdout.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "records": [')
    separator = "\n"
    for each in chain(taken, records):
        sys.stdout.write(separator + _dumped(each, session.language))
        separator = ",\n"
    sys.stdout.write("\n]}\n")


def _dumped(preview: Preview, language: Language) -> str:
    from lienthong.cli.machine import problem_values
    from mappings.lineage import fields_in

    value = {
        "record": preview.record,
        "source": asdict(preview.place),
        "dossier": preview.dossier_code,
        "accepted": preview.is_accepted,
        "left_out": [asdict(ground) for ground in preview.left_out],
        "packets": [
            {
                "packet": packet.name,
                "left_out": packet.is_left_out,
                "fields": [_field_values(field, language) for field in fields_in(packet.fields)],
            }
            for packet in preview.packets
        ],
        "unused": [
            {"source": asdict(leaf.place), "value": leaf.text}
            for leaf in preview.source
            if not leaf.is_used
        ],
        "errors": [problem_values(problem, language) for problem in preview.problems],
    }
    return json.dumps(value, ensure_ascii=False)


def _field_values(field: FieldLineage, language: Language) -> dict[str, Any]:
    return {
        "field": field.field,
        "value": field.value,
        "line": field.line,
        "steps": [
            {
                "kind": step.kind.value,
                "line": step.line,
                "path": step.path,
                "source": asdict(step.place) if step.place else None,
                "before": step.before,
                "after": step.after,
                "words": step.words.say(language),
            }
            for step in field.steps
        ],
    }
