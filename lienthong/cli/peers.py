"""Commands on who sends messages down to agencies: peers list, check."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session, finish_remarks
from schemas.errors import ConfigError
from schemas.problem import Text

peers = typer.Typer(help="Who sends messages down to agencies.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(peers, name="peers")


@peers.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the peers: by which doors they send, how they prove themselves, what, and to whom.

    Example: lienthong peers list --json
    """
    from lienthong.inbound.examining import proofs_of

    session: Session = context.obj
    found = [
        {
            "peer": name,
            "doors": {door: list(proofs) for door, proofs in proofs_of(profile).items()},
            "services": sorted(profile.services),
            "agencies": sorted(profile.routes.agencies),
        }
        for name, profile in session.settings.peers.items()
    ]
    if as_json:
        session.json(found)
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Bên gửi", "Peer"),
        ("Cửa: xác thực bằng", "Doors: proven by"),
        ("Dịch vụ", "Services"),
        ("Cơ quan nhận", "Agencies"),
    ):
        table.add_column(session.word(vi, en))
    for name, profile in session.settings.peers.items():
        doors = "; ".join(
            f"{door}: {', '.join(proofs)}" for door, proofs in proofs_of(profile).items()
        )
        services, agencies = sorted(profile.services), sorted(profile.routes.agencies)
        table.add_row(name, doors, ", ".join(services), ", ".join(agencies))
    session.out.print(table)


@peers.command()
def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of the peer: [peers.NAME]; all")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Check that peers can be served: their keys, how strongly they are proven, whom they reach.

    Example: lienthong peers check portal
    """
    from lienthong.inbound.examining import examine_peer
    from lienthong.moving import Moving

    session: Session = context.obj
    installation, profiles = session.installation, session.settings.peers
    if name is not None and name not in profiles:
        known = ", ".join(profiles) or "-"
        raise ConfigError(
            Text(
                vi=f"Không có [peers.{name}]; có: {known}",
                en=f"There is no [peers.{name}]; there are: {known}",
            ),
            code="peers.unknown",
        )
    found = [
        (one, remark)
        for one in ([name] if name else profiles)
        for remark in examine_peer(
            profiles[one],
            keys=Moving(installation).peer_keys,
            mappings=installation.mappings,
            receivers=session.settings.receivers,
        )
    ]
    well = Text(vi="Mọi bên gửi đều dùng được", en="All peers can be served")
    finish_remarks(session, found, what="peer", well=well, as_json=as_json)
