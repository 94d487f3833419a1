"""Commands about the installation itself: doctor, audit verify, demo."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

audit = typer.Typer(help="The audit log.", no_args_is_help=True)


class DemoBroker(Enum):
    """Where the demo's exchange and store are."""

    EMBEDDED = "embedded"
    RABBITMQ = "rabbitmq"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command()(doctor)
    app.command()(bench)
    app.add_typer(audit, name="audit")


def demo(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option(help="Where the demo keeps its things; emptied if a demo made it")
    ] = Path("lienthong-demo"),
    dossiers: Annotated[int, typer.Option(min=1, max=5000, help="Good dossiers per agency")] = 250,
    broker: Annotated[
        DemoBroker, typer.Option(help="rabbitmq: on a private RabbitMQ and PostgreSQL")
    ] = DemoBroker.EMBEDDED,
) -> None:
    """
    Run the whole job on this machine: six agencies, a portal sandbox, and its bad moments.

    Example: lienthong demo --broker rabbitmq
    """
    from lienthong.cli.demo import run_demo

    session: Session = context.obj
    is_good = run_demo(
        session, folder=folder, dossiers=dossiers, on_servers=broker is DemoBroker.RABBITMQ
    )
    finish(Exit.DONE if is_good else Exit.PARTLY)


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Check this installation: packages, mappings, keys, store, disk, portal.

    Example: lienthong doctor
    """
    from lienthong.doctor import examine

    session: Session = context.obj
    findings = examine(session.installation)
    if as_json:
        session.json(
            [
                {
                    "check": finding.name.say(session.language),
                    "state": finding.state.value,
                    "found": finding.found.say(session.language),
                    "remedy": finding.remedy.say(session.language) if finding.remedy else None,
                }
                for finding in findings
            ]
        )
    else:
        marks = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "fault": "[red]✗[/]"}
        for finding in findings:
            session.out.print(f"{marks[finding.state.value]} ", end="")
            session.out.print(
                f"{finding.name.say(session.language)}: {finding.found.say(session.language)}",
                markup=False,
            )
            if finding.remedy is not None:
                session.out.print(f"    → {finding.remedy.say(session.language)}", markup=False)
    states = {finding.state.value for finding in findings}
    finish(Exit.USAGE if "fault" in states else Exit.DONE)


def bench(
    context: typer.Context,
    dossiers: Annotated[int, typer.Option(min=100, help="How many to convert")] = 3000,
    large_csv: Annotated[
        int | None, typer.Option(min=1, help="Also convert a CSV of so many MiB; see its memory")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Measure conversion against the sum of its primitives, in one run.

    Example: lienthong bench --large-csv 200
    """
    from dataclasses import asdict

    from lienthong.bench import MIB, measure_conversion, measure_large_file

    session: Session = context.obj
    found = measure_conversion(session.installation, dossiers=dossiers)
    large = (
        None
        if large_csv is None
        else measure_large_file(session.installation, size_bytes=large_csv * MIB)
    )
    if as_json:
        stages = {stage.name.en: stage.microseconds for stage in found.primitives}
        session.json(
            {
                "dossiers": found.dossiers,
                "primitives_microseconds": stages,
                "whole_microseconds": found.whole_microseconds,
                "ratio": found.ratio,
                "large_csv": asdict(large) if large else None,
            }
        )
        return
    for stage in found.primitives:
        session.out.print(f"{stage.name.say(session.language):<20}{stage.microseconds:>9.1f} µs")
    session.out.print(
        f"{session.word('tổng', 'sum'):<20}{found.sum_microseconds:>9.1f} µs\n"
        f"{session.word('toàn bộ', 'whole'):<20}{found.whole_microseconds:>9.1f} µs, "
        f"{1e6 / found.whole_microseconds:.0f}/s, {found.ratio:.0%}"
    )
    if large is not None:
        session.out.print(
            f"CSV {large.size_bytes / MIB:.0f} MiB: {large.records} "
            f"{session.word('bản ghi', 'records')}, {large.seconds:.0f} s, "
            f"{large.records / large.seconds:.0f}/s, "
            f"{session.word('bộ nhớ đỉnh', 'peak memory')} {large.peak_bytes / MIB:.0f} MiB"
        )


@audit.command()
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Recompute the whole audit log and say where it was changed, if anywhere.

    Example: lienthong audit verify
    """
    from lienthong.store import audit as log
    from lienthong.store.database import reading

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        found = log.verify(connection)
    if as_json:
        session.json(
            {
                "rows": found.rows,
                "seals": found.seals,
                "unsealed": found.unsealed,
                "faults": list(found.faults),
            }
        )
    else:
        session.say(
            Text(
                vi=f"{found.rows} dòng, {found.seals} niêm phong, "
                f"{found.unsealed} dòng chưa niêm phong",
                en=f"{found.rows} rows, {found.seals} seals, {found.unsealed} rows not yet sealed",
            )
        )
        for fault in found.faults:
            session.out.print(fault, style="red", markup=False)
        if not found.faults:
            session.say(Text(vi="Không có thay đổi nào", en="Nothing was changed"), style="green")
    finish(Exit.PARTLY if found.faults else Exit.DONE)
