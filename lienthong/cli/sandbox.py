"""Commands for trying things out: sandbox portal, file, scenario, samples."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli import sandbox_filing, sandbox_scenario
from lienthong.cli.session import Session
from lienthong.stopping import stop_on_signals
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lienthong.sandbox import SecurityDemands
    from lienthong.sandbox.misbehaviour import Misbehaviour

CHANNELS = ("soap", "dvcqg-json", "lgsp")

sandbox = typer.Typer(help="A portal and sample files to try things out.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    sandbox_filing.register(sandbox)
    sandbox_scenario.register(sandbox)
    app.add_typer(sandbox, name="sandbox")


@sandbox.command()
def portal(  # noqa: PLR0913 - the options of one server
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port")] = 8731,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the control address; 0 takes any")
    ] = 0,
    ledger: Annotated[Path | None, typer.Option(help="SQLite file of arrivals and effects")] = None,
    idempotent: Annotated[
        bool, typer.Option(help="Whether a repeated message takes effect only once")
    ] = True,
    look_up_shows: Annotated[
        str, typer.Option(help="What TraCuuHoSo tells: nothing, existence or content")
    ] = "content",
    needs_signature: Annotated[
        bool, typer.Option(help="Refuse what no key of this installation signed (WS-Security)")
    ] = False,
    needs_login: Annotated[
        str | None, typer.Option(metavar="NAME:PASSWORD", help="Refuse others (UsernameToken)")
    ] = None,
    signs_answers: Annotated[
        bool, typer.Option(help="Whether answers and faults are signed (WS-Security)")
    ] = False,
    needs_addressing: Annotated[
        bool, typer.Option(help="Refuse SOAP messages without WS-Addressing")
    ] = False,
    needs_xroad: Annotated[
        bool, typer.Option(help="Refuse SOAP messages without the headers of X-Road")
    ] = False,
    channel: Annotated[
        str, typer.Option(help="Which side the settings shown are for: soap, dvcqg-json or lgsp")
    ] = "soap",
    progress_rows: Annotated[
        int, typer.Option(min=1, max=100, help="Progress rows that the JSON side takes in a call")
    ] = 1,
    schedule: Annotated[
        Path | None, typer.Option(help="JSON file with a list of misbehaviours and their times")
    ] = None,
    door: Annotated[
        str | None,
        typer.Option(help="Where what is filed here goes: http://…/v1/peers/NAME/json or /soap"),
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="LIENTHONG_SANDBOX_TOKEN", help="For the door", metavar="TOKEN")
    ] = "",
    scenario: Annotated[
        str | None, typer.Option(help="YAML file of a scenario, or the name of a packaged one")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="The same calls in the same order, the same answers")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line with the addresses when ready")
    ] = False,
) -> None:
    """
    Run a portal that is really SOAP and JSON, checks everything, and misbehaves on demand.

    Its WSDL is at /portal?wsdl, the JSON adapter at /adapter, LGSP at /lgsp. Ctrl-C ends it.
    Example: lienthong sandbox portal --port 8731
    """
    from lienthong.sandbox import (
        Door,
        HeaderDemands,
        LookUpShows,
        SandboxConfig,
        load_scenario,
        serve,
        target_settings,
    )

    session: Session = context.obj
    keyring = session.installation.keyring
    keyring.portal_key()
    try:
        shows = LookUpShows(look_up_shows)
    except ValueError as error:
        choices = ", ".join(choice.value for choice in LookUpShows)
        raise typer.BadParameter(f"choose from {choices}", param_hint="--look-up-shows") from error
    if channel not in CHANNELS:
        raise typer.BadParameter(f"choose from {', '.join(CHANNELS)}", param_hint="--channel")
    config = SandboxConfig(
        channel=channel,
        progress_rows=progress_rows,
        ledger=ledger or session.settings.data_dir / "sandbox.sqlite",
        trust=(keyring.folder / "root.cert.pem",),
        receipt_key=keyring.folder / "portal.key.pem",
        receipt_certificate=keyring.folder / "portal.cert.pem",
        port=port,
        control_port=control_port,
        idempotent=idempotent,
        look_up_shows=shows,
        security=_demands(
            trust=(keyring.folder / "root.cert.pem",) if needs_signature else (),
            login=needs_login,
            signs_answers=signs_answers,
        ),
        headers=HeaderDemands(addressing=needs_addressing, xroad=needs_xroad)
        if needs_addressing or needs_xroad
        else None,
        schedule=_read_schedule(schedule),
        scenario=None if scenario is None else load_scenario(scenario),
        seed=seed,
        door=None if door is None else Door(url=door, token=token),
    )
    config.ledger.parent.mkdir(parents=True, exist_ok=True)
    stop = stop_on_signals()

    def ready(url: str, control: str) -> None:
        settings = target_settings(url, config=config)
        if as_json:
            line = {"url": url, "control": control, "target": settings}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            return
        session.say(
            Text(
                vi=f"Cổng thử nghiệm: {url}  (WSDL: {url}?wsdl, điều khiển: {control})",
                en=f"Sandbox portal: {url}  (WSDL: {url}?wsdl, control: {control})",
            )
        )
        session.say(Text(vi=f"Xem gì đã tới: {control}/", en=f"See what arrived: {control}/"))
        session.tell(Text(vi="Cho vào lienthong.toml:", en="Put into lienthong.toml:"))
        for text in _write_toml("target", settings):
            session.err.print(text, markup=False)

    try:
        serve(config, stop=stop, ready=ready)
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"Không mở được cổng {port}: {error.strerror}; chọn --port khác",
                en=f"port {port} cannot be had: {error.strerror}; choose another --port",
            ),
            code="sandbox.port",
        ) from error


def _write_toml(name: str, values: Mapping[str, object]) -> Iterator[str]:
    """Give a table line by line, and after it those inside it."""
    yield f"[{name}]"
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    yield from (
        # Quoted: some keys are paths with dots.
        f"{json.dumps(key) if '.' in key else key} = {json.dumps(value)}"
        for key, value in values.items()
        if key not in tables
    )
    for key, table in tables.items():
        yield from _write_toml(f"{name}.{key}", table)


def _demands(
    *, trust: tuple[Path, ...], login: str | None, signs_answers: bool
) -> SecurityDemands | None:
    from lienthong.sandbox import SecurityDemands

    if not trust and login is None and not signs_answers:
        return None
    username, colon, password = (login or "").partition(":")
    if login is not None and not (username and colon and password):
        raise typer.BadParameter("expected NAME:PASSWORD", param_hint="--needs-login")
    return SecurityDemands(
        trust=trust,
        logins={} if login is None else {username: password},
        signs_answers=signs_answers,
    )


def _read_schedule(file: Path | None) -> tuple[Misbehaviour, ...]:
    if file is None:
        return ()
    from pydantic import TypeAdapter, ValidationError

    from lienthong.sandbox import Misbehaviour

    try:
        return TypeAdapter(tuple[Misbehaviour, ...]).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{file}: {error}", code="sandbox.schedule") from error


@sandbox.command()
def samples(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder that gets the files")],
    dossiers: Annotated[int, typer.Option(min=1, help="Good dossiers per agency")] = 260,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes")] = 2020,
) -> None:
    """
    Write sample files of the six agencies: invented people, real procedures, seeded faults.

    Example: lienthong sandbox samples mau
    """
    from lienthong.samples import write_samples

    session: Session = context.obj
    made = write_samples(folder, dossiers=dossiers, seed=seed)
    for file in made.files:
        session.say(
            Text(
                vi=f"{file.path}: {len(file.dossiers)} hồ sơ tốt, "
                f"{len(file.bad_records)} bản ghi lỗi",
                en=f"{file.path}: {len(file.dossiers)} good dossiers, "
                f"{len(file.bad_records)} bad records",
            )
        )
