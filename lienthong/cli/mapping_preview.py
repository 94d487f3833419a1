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
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.flows.preview import Preview
    from mappings import MappingFile
    from mappings.language import InboundService
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
    inbound: Annotated[
        str | None,
        typer.Option(
            help="The file is a message of this service from the portal: show what the agency gets",
            metavar="SERVICE",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --inbound: write what the agency gets into this folder"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Show records beside the dossiers they become: which column and which rule made each value.

    Example: lienthong mapping preview thang-3.csv -a land-registration --limit 9 --html xem.html
    """
    from lienthong.cli.preview_tables import show_preview
    from lienthong.flows.preview import Choice, InboundPreviewer, Previewer, Seen
    from lienthong.pages import PageFile, render_page

    session: Session = context.obj
    if record is not None and dossier is not None:
        raise _conflict("--record", "--dossier")
    if out is not None and inbound is None:
        raise ConfigError(_OUT_ALONE, code="usage.conflict")
    mapping = load_named(session, agency)
    seen = Seen()
    with ExitStack() as stack:
        page = None if html is None else stack.enter_context(PageFile(html))
        now = session.installation.clock()
        previewer = (
            Previewer(mapping, services=session.installation.services, now=now)
            if inbound is None
            else InboundPreviewer(service_of(mapping, inbound), now=now)
        )
        records = previewer.records(
            stack.enter_context(opened(file)),
            file_name=file.name,
            choice=Choice(record=record, dossier=dossier, limit=limit),
            seen=seen,
        )
        if out is not None:
            records = _written(records, out)
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


def service_of(mapping: MappingFile, name: str) -> InboundService:
    """Return what a mapping says of a service that comes down. Raises ConfigError for nothing."""
    from mappings.mistakes import closest, listed

    services = {one.service: one for one in mapping.inbound}
    if name in services:
        return services[name]
    text = Text(
        vi=f"{mapping.name}: `inbound` không có dịch vụ {name!r}; có: {listed(services) or '-'}",
        en=f"{mapping.name}: `inbound` has no service {name!r}; there are "
        f"{listed(services) or '-'}",
    )
    problem = Problem(
        code="mapping.inbound_unknown",
        message=text,
        place=Place(file=str(mapping.path)),
        suggestion=closest(name, services)
        or Text(vi="thêm dịch vụ vào `inbound`", en="add the service to `inbound`"),
    )
    raise ConfigError(text, problems=(problem,), code="mapping.inbound_unknown")


def _written(records: Iterator[Preview], folder: Path) -> Iterator[Preview]:
    """Write the file of each message, numbered as its record, and hand the preview on."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in records:
        if each.inbound is not None and each.inbound.document is not None:
            name = each.inbound.name_for(f"preview-{each.record}")
            (folder / name).write_bytes(each.inbound.document)
        yield each


_OUT_ALONE = Text(vi="--out cần --inbound", en="--out needs --inbound")


def _conflict(one: str, other: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Chỉ dùng một trong {one} và {other}",
            en=f"Use only one of {one} and {other}",
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
    if preview.inbound is not None:
        value["file"] = {
            "name": preview.inbound.file_name,
            "media_type": preview.inbound.media_type,
            "charset": preview.inbound.charset,
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
