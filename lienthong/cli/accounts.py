"""Commands on the people who sign in: access account make, list, disable, enable, reset, grant."""

from __future__ import annotations

import getpass
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.access.rights import EVERY, Grant, Principal, Role
from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.operations.account_views import AccountView, NewCode


class Way(Enum):
    """How an account signs in."""

    PROVIDER = "provider"
    PASSWORD = "password"  # noqa: S105 - a way, and none of anybody


accounts = typer.Typer(help="Accounts of people who sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account; see: access account list")]
Roles = Annotated[list[Role], typer.Option("--role", help="May be repeated")]
OfAgencies = Annotated[
    list[str] | None, typer.Option("--agency", help="Only for this agency; may be repeated")
]
OfEvery = Annotated[
    bool, typer.Option("--every-agency", help="For every agency, also those still to come")
]
Why = Annotated[str, typer.Option("--reason", help="Why; goes into the audit log")]


@accounts.command()
def make(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As the audit log calls them; kept in lower case")],
    role: Roles,
    full_name: Annotated[str, typer.Option("--full-name", help="As it is shown")],
    agency: OfAgencies = None,
    every_agency: OfEvery = False,
    by_provider: Annotated[
        bool,
        typer.Option(
            "--by-provider", help="Signs in through the identity provider: no password, no code"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Make an account; its owner sets the password by the one-time code that is printed.

    Example: lienthong access account make an.nguyen --full-name "Nguyễn An" --role operator --every-agency
    """  # noqa: E501 - one line of help
    from lienthong.operations.accounts import make_account

    session: Session = context.obj
    grants = grants_of(session, role, agency, every_agency=every_agency)
    made = make_account(
        session.installation,
        whoever(),
        name,
        full_name=full_name,
        grants=grants,
        by_provider=by_provider,
    )
    _show_code(session, made, as_json=as_json)


@accounts.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the accounts: whose, with which roles, since when, and whether they can sign in.

    Example: lienthong access account list
    """
    from lienthong.operations.accounts import find_accounts

    session: Session = context.obj
    found = find_accounts(session.installation, whoever()).accounts
    if as_json:
        session.json([account.model_dump(mode="json") for account in found])
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Tên", "Name"),
        ("Họ tên", "Full name"),
        ("Vai trò", "Roles"),
        ("Xác thực", "App"),
        ("Lần cuối", "Last login"),
        ("Trạng thái", "State"),
    ):
        table.add_column(session.word(vi, en))
    for account in found:
        last = account.last_login_at
        table.add_row(
            account.name,
            account.full_name,
            _roles_words(session, account),
            session.word("có", "yes") if account.has_totp else "-",
            "-" if last is None else f"{last:%Y-%m-%d %H:%M}",
            _state(session, account),
        )
    session.out.print(table)


@accounts.command()
def disable(context: typer.Context, name: Name, reason: Why) -> None:
    """
    Let somebody sign in no longer; their sessions end, and tokens of their name open nothing.

    Example: lienthong access account disable an.nguyen --reason "nghỉ việc"
    """
    from lienthong.operations.accounts import disable_account

    session: Session = context.obj
    disable_account(session.installation, whoever(), name, reason=reason)
    session.say(Text(vi=f"Đã khóa tài khoản {name}", en=f"{name} is disabled"))


@accounts.command()
def enable(context: typer.Context, name: Name, reason: Why) -> None:
    """
    Let somebody sign in who was disabled, or locked by failures.

    Example: lienthong access account enable an.nguyen --reason "trở lại làm việc"
    """
    from lienthong.operations.accounts import enable_account

    session: Session = context.obj
    enable_account(session.installation, whoever(), name, reason=reason)
    session.say(Text(vi=f"Đã mở tài khoản {name}", en=f"{name} is enabled"))


@accounts.command()
def reset(context: typer.Context, name: Name, reason: Why, as_json: AsJson = False) -> None:
    """
    Take away somebody's password and app; a one-time code for a new password is printed.

    Example: lienthong access account reset an.nguyen --reason "quên mật khẩu"
    """
    from lienthong.operations.accounts import reset_account

    session: Session = context.obj
    made = reset_account(session.installation, whoever(), name, reason=reason)
    _show_code(session, made, as_json=as_json)


@accounts.command()
def move(
    context: typer.Context,
    name: Name,
    to: Annotated[Way, typer.Option("--to", help="How it signs in from now on")],
    reason: Why,
    as_json: AsJson = False,
) -> None:
    """
    Let an account sign in the other way: through the identity provider, or by a password.

    Example: lienthong access account move an.nguyen --to provider --reason "đã có SSO"
    """
    from lienthong.operations.provider_accounts import move_account

    session: Session = context.obj
    by_provider = to is Way.PROVIDER
    made = move_account(
        session.installation, whoever(), name, by_provider=by_provider, reason=reason
    )
    _show_code(session, made, as_json=as_json)


@accounts.command()
def release(context: typer.Context, name: Name, reason: Why) -> None:
    """
    Release an account from the identity provider's person; the next login by its name has it.

    Example: lienthong access account release an.nguyen --reason "SSO đã tạo lại người dùng"
    """
    from lienthong.operations.provider_accounts import release_account

    session: Session = context.obj
    release_account(session.installation, whoever(), name, reason=reason)
    session.say(Text(vi=f"Đã gỡ gắn tài khoản {name}", en=f"{name} is released"))


@accounts.command()
def grant(
    context: typer.Context,
    name: Name,
    role: Roles,
    reason: Why,
    agency: OfAgencies = None,
    every_agency: OfEvery = False,
) -> None:
    """
    Give somebody these roles in place of those they have; their sessions end.

    Example: lienthong access account grant an.nguyen --role approver --every-agency --reason "đổi việc"
    """  # noqa: E501 - one line of help
    from lienthong.operations.accounts import grant_account

    session: Session = context.obj
    grants = grants_of(session, role, agency, every_agency=every_agency)
    grant_account(session.installation, whoever(), name, grants=grants, reason=reason)
    session.say(Text(vi=f"Đã đổi vai trò của {name}", en=f"{name} has these roles now"))


def whoever() -> Principal:
    """Return who runs the command: whoever can write to the store may administer."""
    grant = Grant(role=Role.ADMINISTRATOR, agencies=EVERY)
    return Principal(name=getpass.getuser(), grants=(grant,))


def grants_of(
    session: Session, roles: list[Role], agencies: list[str] | None, *, every_agency: bool
) -> list[Grant]:
    """Return what --role, --agency and --every-agency say."""
    if bool(agencies) is every_agency:
        raise typer.BadParameter("give --agency or --every-agency")
    for one in agencies or ():
        session.installation.mappings.path(one)
    some = EVERY if every_agency else frozenset(agencies or ())
    return [Grant(role=one, agencies=some) for one in dict.fromkeys(roles)]


def _show_code(session: Session, made: NewCode, *, as_json: bool) -> None:
    if as_json:
        session.json(made.model_dump(mode="json"))
        return
    if made.code is None or made.expires_at is None:
        session.say(
            Text(
                vi=f"{made.name} đăng nhập qua máy chủ định danh, bằng đúng tên này",
                en=f"{made.name} signs in through the identity provider, under just this name",
            )
        )
        return
    session.out.print(made.code, markup=False)
    until = f"{made.expires_at:%Y-%m-%d %H:%M} UTC"
    session.tell(
        Text(
            vi=f"Mã một lần của {made.name}, đến {until}; chuyển qua kênh an toàn, không xem lại "
            "được",
            en=f"One-time code of {made.name}, until {until}; give it over a safe channel, it "
            "cannot be shown again",
        )
    )


def _roles_words(session: Session, account: AccountView) -> str:
    every = session.word("mọi cơ quan", "every agency")
    return "; ".join(
        f"{grant.role}: {every if grant.agencies is None else ', '.join(grant.agencies)}"
        for grant in account.grants
    )


def _state(session: Session, account: AccountView) -> str:
    if account.disabled_at is not None:
        return session.word("đã khóa", "disabled")
    if account.by_provider:
        return (
            session.word("qua máy chủ định danh", "through the provider")
            if account.is_pinned
            else session.word("chờ lần đầu", "waits for the first login")
        )
    if not account.has_password:
        return session.word("chưa đặt mật khẩu", "no password yet")
    if account.locked_until is not None and account.locked_until > session.installation.clock():
        return session.word("tạm khóa", "locked for now")
    return session.word("dùng được", "valid")
