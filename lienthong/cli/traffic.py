"""Commands that stop dossiers and let them go on: traffic show, pause, drain, resume."""

from __future__ import annotations

import getpass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from lienthong.pauses import What
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.views import PauseView


class Stopped(Enum):
    """What `pause` can stop."""

    INTAKE = "intake"
    DELIVERY = "delivery"


_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Agency = Annotated[str | None, typer.Option(help="Name of the agency's mapping")]
Target = Annotated[bool, typer.Option("--target", help="The portal: for every agency")]
Reason = Annotated[
    str,
    typer.Option(
        "--reason", "-r", help="Why; everybody sees it, and the audit log", show_default=False
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=_TIMES, help="When it resumes by itself; Việt Nam's time"),
]

traffic = typer.Typer(
    help="Pause, drain and resume an agency or the portal; nothing is lost by it.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(traffic, name="traffic")


@traffic.command()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List what people have stopped, since when, why, until when; of a drain also what is left.

    Example: lienthong traffic show
    """
    session: Session = context.obj
    found = seen_pauses(session)
    if as_json:
        session.json([pause_values(each) for each in found])
        return
    for each in found:
        say_pause(session, each)
    if not found:
        session.say(Text(vi="Không có gì bị tạm dừng", en="Nothing is paused"), style="green")


@traffic.command()
def pause(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    what: Annotated[Stopped, typer.Argument(help="What comes in, or what goes out")],
    reason: Reason,
    agency: Agency = None,
    target: Target = False,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """
    Stop taking in, or sending; what cannot come in waits outside, what cannot go out stays ready.

    Example: lienthong traffic pause delivery --target --reason "portal in maintenance"
    """

    _stop(context.obj, What(what.value), (_whom(agency, target), reason, until), as_json=as_json)


@traffic.command()
def drain(
    context: typer.Context,
    reason: Reason,
    agency: Agency = None,
    target: Target = False,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """
    Take nothing in, and send what was taken in to its end; traffic show tells what is left.

    Example: lienthong traffic drain --agency land-registration --reason "new mapping"
    """

    _stop(context.obj, What.DRAIN, (_whom(agency, target), reason, until), as_json=as_json)


@traffic.command()
def resume(
    context: typer.Context,
    reason: Reason,
    agency: Agency = None,
    target: Target = False,
    what: Annotated[
        list[What] | None, typer.Option(help="Only this; may be repeated; default all of it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Let an agency or the portal go on.

    Example: lienthong traffic resume --target --reason "maintenance is over"
    """
    from lienthong.operations.pausing import resume as let_go_on

    session: Session = context.obj
    done = let_go_on(
        session.installation,
        _operator(),
        _whom(agency, target),
        whats=what or (),
        reason=reason,
    )
    if as_json:
        session.json([pause_values(each) for each in done.ended])
        return
    for each in done.ended:
        words = each.words
        session.say(Text(vi=f"Đã kết thúc: {words.vi}", en=f"Over: {words.en}"), style="green")
    if not done.ended:
        session.say(Text(vi="Không có gì bị tạm dừng", en="Nothing of it was paused"))


def say_pause(session: Session, pause: PauseView) -> None:
    """Say one thing that is stopped, in full."""
    until = Text(vi="đến khi có người cho tiếp tục", en="until somebody resumes")
    if pause.until is not None:
        ends = f"{pause.until.astimezone():%Y-%m-%d %H:%M}"
        until = Text(vi=f"đến {ends}", en=f"until {ends}")
    since = f"{pause.since.astimezone():%Y-%m-%d %H:%M}"
    session.say(
        Text(
            vi=f"{pause.words.vi}, từ {since} {until.vi} ({pause.by}: {pause.reason})",
            en=f"{pause.words.en}, since {since} {until.en} ({pause.by}: {pause.reason})",
        ),
        style="yellow",
    )
    left = pause.left
    if left is None:
        return
    behind = Text(
        vi=f"{left.waiting} thông điệp chờ thông điệp khác hoặc chờ người xử lý",
        en=f"{left.waiting} messages stand behind others or need somebody",
    )
    if left.is_drained:
        session.say(Text(vi=f"  Đã gửi hết; {behind.vi}", en=f"  Drained; {behind.en}"))
        return
    session.say(
        Text(
            vi=f"  Còn {left.submissions} tệp chưa đọc hết, {left.moving} thông điệp đang đi; "
            f"{behind.vi}",
            en=f"  Left: {left.submissions} files not read to the end, {left.moving} messages on "
            f"their way; {behind.en}",
        )
    )


def pause_values(pause: PauseView) -> dict[str, Any]:
    """Return one thing that is stopped, for machines."""
    return pause.model_dump(mode="json", exclude={"words"})


def seen_pauses(session: Session) -> list[PauseView]:
    """Return everything that is stopped."""
    from lienthong.operations.pausing import see_pauses

    return see_pauses(session.installation, _operator()).pauses


def _stop(
    session: Session,
    what: What,
    asked: tuple[str | None, str, datetime | None],
    *,
    as_json: bool,
) -> None:
    from lienthong.operations.pausing import Asking
    from lienthong.operations.pausing import pause as stop
    from schemas.building import in_vietnam

    agency, reason, until = asked
    asking = Asking(agency=agency, what=what, reason=reason, until=in_vietnam(until))
    made = stop(session.installation, _operator(), asking)
    if as_json:
        session.json(pause_values(made))
    else:
        say_pause(session, made)


def _whom(agency: str | None, target: bool) -> str | None:
    if (agency is None) != target:
        raise typer.BadParameter("give one of --agency NAME and --target")
    return agency


def _operator() -> Principal:
    """Return whoever has this machine: they may do everything of an operator."""
    from lienthong.access.rights import EVERY, Grant, Principal, Role

    every = Grant(role=Role.OPERATOR, agencies=EVERY)
    return Principal(name=getpass.getuser(), grants=(every,))
