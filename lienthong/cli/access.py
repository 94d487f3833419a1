"""Commands on who may what: access roles, and token make, list, revoke; see also `accounts`."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.access.rights import RIGHTS, Grant, Role
from lienthong.cli.accounts import OfAgencies, OfEvery, Roles, accounts, grants_of
from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.store.access_tokens import AccessToken

access = typer.Typer(help="Who may see and do what.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens of the operators' HTTP API.", no_args_is_help=True)
access.add_typer(tokens, name="token")
access.add_typer(accounts, name="account")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(access, name="access")


@access.command()
def roles(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Show the roles and the rights that each gives.

    Example: lienthong access roles
    """
    session: Session = context.obj
    if as_json:
        session.json({role.value: sorted(right.value for right in RIGHTS[role]) for role in Role})
        return
    for role in Role:
        rights = ", ".join(sorted(right.value for right in RIGHTS[role]))
        session.out.print(f"{role.value:<14} {rights}", markup=False)


@tokens.command()
def make(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who uses it; stands in the audit log")],
    role: Roles,
    agency: OfAgencies = None,
    every_agency: OfEvery = False,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="Valid for so many days; default until revoked"),
    ] = None,
    for_account: Annotated[
        bool, typer.Option("--for-account", help="It is for the account of this name")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Make a token of the operators' HTTP API; it is printed once and kept nowhere.

    Example: lienthong access token make an.nguyen --role operator --agency land-registration
    """
    from lienthong.store.access_tokens import make_access_token
    from lienthong.store.work import begin

    session: Session = context.obj
    installation = session.installation
    grants = grants_of(session, role, agency, every_agency=every_agency)
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        expires_at = None if days is None else work.at + timedelta(days=days)
        token = make_access_token(
            work, name, grants=grants, expires_at=expires_at, for_account=for_account
        )
    if as_json:
        session.json({"token": token, "name": name, "expires_at": expires_at})
        return
    session.out.print(token, markup=False)
    session.tell(
        Text(
            vi="Chuyển cho người dùng qua kênh an toàn; mã này không xem lại được",
            en="Give it to them over a safe channel; it cannot be shown again",
        )
    )


@tokens.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the tokens: whose, with which roles, until when, and not the tokens themselves.

    Example: lienthong access token list
    """
    from lienthong.store.access_tokens import list_access_tokens
    from lienthong.store.database import reading

    session: Session = context.obj
    installation = session.installation
    with reading(installation.store) as connection:
        found = list_access_tokens(connection)
    if as_json:
        session.json([_values(token) for token in found])
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Mã", "Id"),
        ("Người dùng", "Name"),
        ("Vai trò", "Roles"),
        ("Người tạo", "By"),
        ("Hết hạn", "Until"),
        ("Trạng thái", "State"),
    ):
        table.add_column(session.word(vi, en))
    now = installation.clock()
    for token in found:
        state = session.word("dùng được", "valid")
        if token.revoked_at is not None:
            state = session.word("đã thu hồi", "revoked")
        elif not token.is_valid(now):
            state = session.word("hết hạn", "expired")
        until = "-" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M}"
        granted = "; ".join(_grant_words(session, grant) for grant in token.grants)
        table.add_row(token.id, token.name, granted, token.made_by, until, state)
    session.out.print(table)


@tokens.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(help="Id; see: access token list")],
) -> None:
    """
    End a token at once; other tokens of the same name stay.

    Example: lienthong access token revoke 3f0c5a1b2c3d4e5f
    """
    from lienthong.store.access_tokens import revoke_access_token
    from lienthong.store.work import begin

    session: Session = context.obj
    installation = session.installation
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        revoke_access_token(work, token_id)
    session.say(Text(vi=f"Đã thu hồi {token_id}", en=f"{token_id} is revoked"))


def _grant_words(session: Session, grant: Grant) -> str:
    every = session.word("mọi cơ quan", "every agency")
    agencies = every if grant.agencies is None else ", ".join(sorted(grant.agencies))
    return f"{grant.role.value}: {agencies}"


def _values(token: AccessToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "grants": [
            {
                "role": grant.role.value,
                "agencies": None if grant.agencies is None else sorted(grant.agencies),
            }
            for grant in token.grants
        ],
        "made_at": token.made_at.isoformat(),
        "made_by": token.made_by,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }
