"""The command that corrects values of a message's source record and reissues it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.replaying import Reason, acted_values
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.corrections import Wish


def register(messages: typer.Typer) -> None:
    """Add the command to `messages`."""
    messages.command("correct")(correct)


def correct(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="Of a message rejected, parked or quarantined")],
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="PATH=VALUE", help="What is to stand where; may be repeated"),
    ],
    reason: Reason,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would become of it, do nothing")
    ] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Of a preview: show values, not only their shape")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Correct values of the source record of one message and reissue it.

    What the agency sent stays as it is, and the agency is told what was corrected.

    Example: lienthong messages correct 0193a5c2-… --set ngay_nhan=2026-03-02 -r "by telephone"
    """
    session: Session = context.obj
    wishes = [_wish(each) for each in settings]
    if preview:
        _show(session, message_id, wishes, reason=reason, reveal=reveal, as_json=as_json)
        return
    from lienthong.flows.replay import Order, Replayer

    installation = session.installation
    with installation.open_broker() as broker:
        replayer = Replayer(store=installation.store, broker=broker, clock=installation.clock)
        acted = replayer.correct(
            message_id,
            wishes,
            order=Order(actor=getpass.getuser(), reason=reason),
            agencies=installation.agency,
        )
    if as_json:
        session.json([acted_values(session, acted)])
    elif acted.problem is not None:
        session.problems([acted.problem], to_err=True)
    else:
        old, new = acted.message_id, acted.new_id
        session.say(
            Text(
                vi=f"{old} được sửa và lập lại thành {new}",
                en=f"{old} is corrected and reissued as {new}",
            )
        )
    finish(Exit.PARTLY if acted.problem is not None else Exit.DONE)


def _wish(given: str) -> Wish:
    from lienthong.corrections import Wish

    path, sign, value = given.partition("=")
    if not sign or not path:
        raise typer.BadParameter(f"{path}: write PATH=VALUE", param_hint="--set")
    return Wish(path=path, value=value)


def _show(
    session: Session,
    message_id: str,
    wishes: list[Wish],
    *,
    reason: str,
    reveal: bool,
    as_json: bool,
) -> None:
    from lienthong.cli.replay_preview import PreviewShown, noted
    from lienthong.reaching import Reaching

    previewer = Reaching(session.installation).make_previewer()
    told = iter([previewer.correct(message_id, wishes)])
    if reveal:
        told = noted(session, told, reason=reason)
    shown = PreviewShown(session, reveal=reveal)
    totals = shown.write_json(told) if as_json else shown.show(told, limit=1)
    finish(Exit.PARTLY if totals.refused else Exit.DONE)
