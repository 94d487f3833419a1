"""Scenario files of a sandbox: sandbox scenario check."""

from __future__ import annotations

from typing import Annotated

import typer

from lienthong.cli.session import Session
from schemas.problem import Text

scenario = typer.Typer(help="What a sandbox does, step after step.", no_args_is_help=True)


def register(sandbox: typer.Typer) -> None:
    """Add the commands of this module."""
    sandbox.add_typer(scenario, name="scenario")


@scenario.command()
def check(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="YAML file of a scenario, or the name of a packaged one")
    ],
) -> None:
    """
    Check a scenario file: every mistake with its line, and whether it can be repeated exactly.

    Example: lienthong sandbox scenario check bad-day
    """
    from lienthong.sandbox import load_scenario

    session: Session = context.obj
    found = load_scenario(file)
    count = len(found.steps)
    session.say(
        Text(vi=f"{found.name}: dùng được, {count} bước", en=f"{found.name}: usable, {count} steps")
    )
    if found.has_times:
        session.say(
            Text(
                vi="Có bước theo giờ (seconds, for_seconds): chỉ lặp lại gần đúng",
                en="It has steps by the clock (seconds, for_seconds): repeated roughly only",
            )
        )
