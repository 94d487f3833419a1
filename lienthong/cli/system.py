"""Commands about the installation itself: doctor, demo."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish


class DemoBroker(Enum):
    """Where the demo's exchange and store are."""

    EMBEDDED = "embedded"
    RABBITMQ = "rabbitmq"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)
    app.command()(doctor)


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
