"""Commands on the doors: doors token make, list, revoke."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from schemas.problem import Text

doors = typer.Typer(help="The doors that agencies hand over at.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens of the HTTP door.", no_args_is_help=True)
doors.add_typer(tokens, name="token")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(doors, name="doors")


@tokens.command()
def make(
    context: typer.Context,
    agency: Annotated[str, typer.Argument(help="Name of the agency's mapping, or peer:NAME")],
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="Valid for so many days; default until revoked"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Make a token with which an agency opens the HTTP door; it is printed once and kept nowhere.

    For a peer, which sends messages down to agencies: peer:NAME, as in [peers.NAME].

    Example: lienthong doors token make land-registration --days 365
    """
    from lienthong.inbound.taking import holder_of
    from lienthong.store.tokens import make_token
    from lienthong.store.work import begin

    session: Session = context.obj
    installation = session.installation
    peers = [holder_of(name) for name in installation.settings.peers]
    if agency not in peers:
        installation.mappings.path(agency)
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        expires_at = None if days is None else work.at + timedelta(days=days)
        token = make_token(work, agency, expires_at=expires_at)
    if as_json:
        session.json({"token": token, "agency": agency, "expires_at": expires_at})
        return
    session.out.print(token, markup=False)
    session.tell(
        Text(
            vi="Chuyển cho cơ quan qua kênh an toàn; mã này không xem lại được",
            en="Give it to the agency over a safe channel; it cannot be shown again",
        )
    )


@tokens.command("list")
def list_(
    context: typer.Context,
    agency: Annotated[str | None, typer.Option(help="Only this agency")] = None,
    as_json: AsJson = False,
) -> None:
    """
    List the tokens: whose, since when, until when, and not the tokens themselves.

    Example: lienthong doors token list --agency land-registration
    """
    from lienthong.cli.machine import token_values
    from lienthong.store.database import reading
    from lienthong.store.tokens import list_tokens

    session: Session = context.obj
    installation = session.installation
    with reading(installation.store) as connection:
        found = list_tokens(connection, agency=agency)
    if as_json:
        session.json([token_values(token) for token in found])
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Mã", "Id"),
        ("Cơ quan", "Agency"),
        ("Tạo lúc", "Made"),
        ("Người tạo", "By"),
        ("Hết hạn", "Until"),
        ("Trạng thái", "State"),
    ):
        table.add_column(session.word(vi, en), no_wrap=True)
    now = installation.clock()
    for token in found:
        state = session.word("dùng được", "valid")
        if token.revoked_at is not None:
            state = session.word("đã thu hồi", "revoked")
        elif not token.is_valid(now):
            state = session.word("hết hạn", "expired")
        until = "-" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M}"
        made = f"{token.made_at:%Y-%m-%d %H:%M}"
        table.add_row(token.id, token.agency, made, token.made_by, until, state)
    session.out.print(table)


@tokens.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(help="Id; see: doors token list")],
) -> None:
    """
    End a token at once; other tokens of the agency stay.

    Example: lienthong doors token revoke 3f0c5a1b2c3d4e5f
    """
    from lienthong.store.tokens import revoke_token
    from lienthong.store.work import begin

    session: Session = context.obj
    installation = session.installation
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        revoke_token(work, token_id)
    session.say(Text(vi=f"Đã thu hồi {token_id}", en=f"{token_id} is revoked"))
