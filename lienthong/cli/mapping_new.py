"""The command mapping new: a draft of a mapping from a sample of an agency's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.files import opened
from lienthong.cli.mapping import mapping
from lienthong.cli.session import Session
from schemas.errors import ConfigError
from schemas.problem import Text

RECORDS = 1_000
SCHEMA = "dvcqg-2020"


def register(_app: typer.Typer) -> None:
    """Add the command of this module to those of mappings."""
    mapping.command()(new)


def new(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new mapping: a-z, digits, hyphens")],
    sample: Annotated[
        Path,
        typer.Option("--from", help="A file as the agency sends it"),
    ],
    out: Annotated[Path | None, typer.Option(help="File to write; default NAME.yaml")] = None,
    agency_code: Annotated[str, typer.Option(help="The agency's code in messages")] = "",
    agency_name: Annotated[str, typer.Option(help="The agency's name")] = "",
    schema: Annotated[
        str | None, typer.Option(help=f"Version of the portal's schema; default {SCHEMA}")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a text file; default: judged by its words")
    ] = None,
    sheet: Annotated[str, typer.Option(help="Sheet of a workbook; default the first")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Records to look at")] = RECORDS,
) -> None:
    """
    Read a sample and draft a mapping: source, columns, dates, codes, with every doubt marked.

    What nobody knows is left out or says "?"; `mapping check` names it.
    Example: lienthong mapping new phuong-ben-nghe --from ho-so.csv
    """
    from adapters.guessing import FormatUnknown
    from lienthong.drafting import look_at
    from lienthong.flows.convert import unwritable
    from mappings import is_mapping_name
    from mappings.drafts import count_doubts, propose, write_draft
    from schemas.model import load_version

    session: Session = context.obj
    if not is_mapping_name(name):
        raise typer.BadParameter(
            f"{name!r} is no name of a mapping: small letters a-z, digits, hyphens between them",
            param_hint="NAME",
        )
    target = out or Path(f"{name}.yaml")
    if target.exists():
        raise ConfigError(
            Text(
                vi=f"{target} đã có; chọn tệp khác bằng --out",
                en=f"{target} is there already; choose another file with --out",
            ),
            code="mapping.exists",
        )
    with opened(sample) as source:
        try:
            seen = look_at(
                source, file_name=sample.name, limit=limit, encoding=encoding, sheet=sheet
            )
        except FormatUnknown as unknown:
            why = unknown.text
            raise ConfigError(
                Text(vi=f"{sample.name}: {why.vi}", en=f"{sample.name}: {why.en}"),
                code="mapping.sample_unknown",
            ) from unknown
    draft = propose(seen.profile, load_version(schema or SCHEMA), sheets=seen.sheets)
    text = write_draft(
        draft,
        name=name,
        agency_code=agency_code,
        agency_name=agency_name,
        schema=schema or SCHEMA,
        is_schema_given=schema is not None,
        options=seen.options,
        file_name=sample.name,
        source_doubts=[doubt.say(session.language) for doubt in seen.doubts],
        language=session.language,
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise unwritable(target, error) from error
    _tell(session, target, doubts=count_doubts(text))


def _tell(session: Session, target: Path, *, doubts: int) -> None:
    """Say what is left to do, by the same check that will judge the finished file."""
    from mappings import load_mapping

    try:
        problems = load_mapping(target).warnings
    except ConfigError as error:
        problems = error.problems
    session.say(
        Text(
            vi=f"Bản nháp: {target}; {doubts} chỗ nghi đánh dấu # NGHI, và còn {len(problems)} chỗ "
            "phải sửa:",
            en=f"The draft is in {target}; {doubts} doubts are marked # DOUBT, and "
            f"{len(problems)} places are left to mend:",
        )
    )
    session.problems(problems)
    session.tell(
        Text(
            vi=f"Sửa tệp rồi chạy: lienthong mapping check {target}",
            en=f"Mend it, then run: lienthong mapping check {target}",
        )
    )
