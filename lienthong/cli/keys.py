"""Commands for keys: keys make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lienthong.cli.session import Session
from schemas.problem import Text

keys = typer.Typer(help="Signing keys.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(keys, name="keys")


@keys.command()
def make(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder; default the installation's own")] = None,
) -> None:
    """
    Make keys FOR DEVELOPMENT: a root, every agency, an operator and the sandbox portal.

    Keys that are there stay. Real keys come from the agency's certificate authority.
    Example: lienthong keys make --out keys
    """
    from lienthong.keyring import Keyring

    session: Session = context.obj
    installation = session.installation
    agencies = installation.mappings
    named = {name: agencies.get(name) for name in agencies.names()}
    folder = out or installation.keyring.folder
    Keyring(folder, may_make_development_keys=True, clock=installation.clock).make_development_keys(
        {name: (found.agency_code, found.agency_name) for name, found in named.items()}
    )
    session.say(
        Text(
            vi=f"Khóa thử nghiệm của {len(named)} cơ quan ở {folder}; không dùng cho dữ liệu thật",
            en=f"Development keys of {len(named)} agencies are in {folder}; not for real data",
        )
    )
