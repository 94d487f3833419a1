"""Commands for keys: keys make, list, check, rotate."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.machine import key_values
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.key_checks import KeyReport

keys = typer.Typer(help="Signing keys.", no_args_is_help=True)

_STATES = {
    "in use": Text(vi="đang dùng", en="in use"),
    "next": Text(vi="sẽ dùng", en="next"),
    "spare": Text(vi="dự phòng", en="spare"),
    "expired": Text(vi="hết hạn", en="expired"),
    "unusable": Text(vi="không dùng được", en="unusable"),
}


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


@keys.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List every key: whose it is, from when to when, which one signs now, which one will.

    Example: lienthong keys list
    """
    from lienthong.key_checks import report_keys

    session: Session = context.obj
    reports = report_keys(session.installation)
    if as_json:
        session.json([_values(session, one) for one in reports])
        return
    session.out.print(_table(session, reports))


@keys.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Sign with every key that is in use, verify it twice, and warn of what ends soon.

    Exit code 1: a holder cannot sign, or within 7 days it no longer will.
    Example: lienthong keys check
    """
    from lienthong.key_checks import check_keys

    session: Session = context.obj
    findings = check_keys(session.installation)
    if as_json:
        session.json([key_values(one, language=session.language) for one in findings])
    else:
        for one in findings:
            session.say(one.words, style="red" if one.is_urgent else "yellow")
        if not findings:
            session.say(
                Text(vi="Mọi khóa đang dùng đều ký được", en="Every key in use can sign"),
                style="green",
            )
    finish(Exit.PARTLY if any(one.is_urgent for one in findings) else Exit.DONE)


@keys.command()
def rotate(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    holder: Annotated[str, typer.Argument(help='An agency, or "operator"')],
    p12: Annotated[Path | None, typer.Option(help="The new key and certificate, PKCS#12")] = None,
    pkcs11: Annotated[
        Path | None, typer.Option(help="The file that says where the new key is in a token, TOML")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The new key, PEM")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Its certificate, PEM, with those between")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase of the key, or the token's PIN")
    ] = None,
    development: Annotated[
        bool, typer.Option("--development", help="Make a new development key instead")
    ] = False,
    begin: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="With --development: first day; default today"),
    ] = None,
) -> None:
    """
    Put a new key beside the old one; it signs from the day its certificate begins.

    Nothing stops meanwhile and nothing is written over: the old key stays until it is removed.
    Example: lienthong keys rotate land-registration --p12 new.p12 --passphrase-file new.pass
    """
    from lienthong.key_rotation import NewKey, install_development_key, install_key

    session: Session = context.obj
    installation = session.installation
    actor = getpass.getuser()
    if development:
        first = (begin or installation.clock()).astimezone()
        found = install_development_key(
            installation, holder, begin=first, life=timedelta(days=825), actor=actor
        )
    else:
        new = NewKey(
            p12=p12, token=pkcs11, key=key, certificate=certificate, passphrase=passphrase_file
        )
        if not new.is_given:
            raise ConfigError(
                Text(
                    vi="Cho biết khóa mới: --p12, --pkcs11, hoặc --key và --certificate; để tập "
                    "dượt: --development",
                    en="say which key is new: --p12, --pkcs11, or --key and --certificate; to "
                    "rehearse: --development",
                ),
                code="keys.none_given",
            )
        found = install_key(installation, holder, new, actor=actor)
    session.say(
        Text(
            vi=f"{holder}: khóa mới {found.serial} ký từ {found.not_before:%Y-%m-%d %H:%M} UTC, "
            f"đến {found.not_after:%Y-%m-%d}",
            en=f"{holder}: the new key {found.serial} signs from "
            f"{found.not_before:%Y-%m-%d %H:%M} UTC, until {found.not_after:%Y-%m-%d}",
        )
    )


def _values(session: Session, one: KeyReport) -> dict[str, Any]:
    return {
        "holder": one.holder,
        "file": str(one.stem),
        "state": one.state.value,
        "subject": one.signer.common_name if one.signer else None,
        "agency_code": one.signer.agency_code if one.signer else None,
        "serial": one.signer.serial if one.signer else None,
        "fingerprint": one.signer.fingerprint if one.signer else None,
        "not_before": one.signer.not_before.isoformat() if one.signer else None,
        "not_after": one.signer.not_after.isoformat() if one.signer else None,
        "development": one.is_development,
        "token": one.is_in_token,
        "trouble": one.trouble.say(session.language) if one.trouble else None,
    }


def _table(session: Session, reports: Sequence[KeyReport]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for vi, en in (
        ("Chủ khóa", "Holder"),
        ("Trạng thái", "State"),
        ("Từ", "From"),
        ("Đến", "Until"),
        ("Số", "Serial"),
        ("Tên", "Subject"),
    ):
        table.add_column(session.word(vi, en))
    styles = {"in use": "green", "expired": "red", "unusable": "red"}
    for one in reports:
        state = session.word(_STATES[one.state.value].vi, _STATES[one.state.value].en)
        if one.is_development:
            state += session.word(" (thử nghiệm)", " (development)")
        if one.is_in_token:
            state += session.word(" (thiết bị)", " (token)")
        style = styles.get(one.state.value)
        if one.signer is None:
            words = one.trouble.say(session.language) if one.trouble else ""
            table.add_row(one.holder, state, "", "", "", words, style=style)
            continue
        table.add_row(
            one.holder,
            state,
            f"{one.signer.not_before:%Y-%m-%d}",
            f"{one.signer.not_after:%Y-%m-%d}",
            one.signer.serial[:16],
            one.signer.common_name or "",
            style=style,
        )
    return table
