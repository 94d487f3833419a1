"""Commands for the exchange on RabbitMQ: its topology, its users, and what is parked there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer
from rich.markup import escape
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from broker.port import Parked
    from broker.rabbitmq import RabbitBroker, RabbitSettings

Limit = Annotated[int, typer.Option(min=1, help="At most so many")]
ParkedIds = Annotated[list[str], typer.Argument(help="As `topology parked` shows them")]
topology = typer.Typer(help="The queues on RabbitMQ.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(topology, name="topology")


@topology.command()
def show(context: typer.Context) -> None:
    """
    Print exchanges, queues and bindings as RabbitMQ definitions (JSON).

    Example: lienthong topology show > definitions.json
    """
    from broker.rabbitmq import definitions, make_topology

    session: Session = context.obj
    settings = _settings(session)
    session.json(definitions(make_topology(settings.plan), vhost=_vhost(settings)))


@topology.command()
def apply(context: typer.Context) -> None:
    """
    Make the exchanges and queues that are missing; nothing that is there is changed.

    Example: lienthong topology apply
    """
    from broker.rabbitmq import declare, make_topology

    session: Session = context.obj
    settings = _settings(session)
    declare(settings)
    count = len(make_topology(settings.plan).queues)
    session.say(
        Text(vi=f"Đã có đủ {count} hàng đợi", en=f"All {count} queues are there"), style="green"
    )


@topology.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Say what on the server is missing or differs from what is needed.

    Example: lienthong topology check
    """
    from broker.rabbitmq import check as compare

    session: Session = context.obj
    drifts = compare(_settings(session))
    texts = [Text(vi=drift.vi, en=drift.en) for drift in drifts]
    if as_json:
        session.json(
            [
                {
                    "name": drift.what.name,
                    "trouble": drift.trouble.value,
                    "message": text.say(session.language),
                }
                for drift, text in zip(drifts, texts, strict=True)
            ]
        )
    else:
        for text in texts:
            session.say(text, style="red")
        if not texts:
            session.say(
                Text(
                    vi="Mọi exchange và hàng đợi đều đúng",
                    en="Every exchange and queue is as it should be",
                ),
                style="green",
            )
    finish(Exit.PARTLY if drifts else Exit.DONE)


@topology.command()
def users(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Print the server's users and what each may do: the topology's, the workers', each agency's.

    As lines for a shell, which take every password from a variable; with --json as RabbitMQ
    definitions of the permissions, without users and passwords.

    Example: lienthong topology users
    """
    from broker.rabbitmq import commands, make_permissions, permission_definitions

    session: Session = context.obj
    settings = _settings(session)
    permissions = make_permissions(settings.plan)
    if as_json:
        session.json(permission_definitions(permissions, vhost=_vhost(settings)))
        return
    for line in commands(permissions, vhost=_vhost(settings)):
        session.out.print(line, markup=False)


@topology.command()
def parked(context: typer.Context, limit: Limit = 100, as_json: AsJson = False) -> None:
    """
    List the messages that nothing takes from the parking queue by itself; never their content.

    Example: lienthong topology parked
    """
    session: Session = context.obj
    with _open(session) as broker:
        found = broker.parked(limit=limit)
    if as_json:
        session.json([_parked_as_json(item) for item in found])
        return
    if not found:
        session.say(Text(vi="Không có bản tin nào", en="Nothing is parked"), style="green")
        return
    table = Table()
    for vi, en in (
        ("Mã", "Id"),
        ("Hàng đợi", "Queue"),
        ("Lý do", "Reason"),
        ("Số lần", "Attempts"),
        ("Từ lúc", "Since"),
    ):
        table.add_column(session.word(vi, en), overflow="fold")
    for item in found:
        since = item.parked_at.isoformat(timespec="seconds")
        cells = (item.message.id, item.queue, item.reason, str(item.attempt), since)
        table.add_row(*(escape(cell) for cell in cells))
    session.out.print(table)


@topology.command("replay")
def replay_parked(context: typer.Context, ids: ParkedIds) -> None:
    """
    Put parked messages back into the queues they came from; needs the user of the topology.

    Example: lienthong topology replay land-registration/2026-000017
    """
    session: Session = context.obj
    with _open(session) as broker:
        count = broker.replay(ids)
    session.say(
        Text(
            vi=f"Đã trả {count} bản tin về hàng đợi (yêu cầu {len(ids)} mã)",
            en=f"{count} messages are back in their queues ({len(ids)} ids were asked for)",
        ),
        style="green" if count else "yellow",
    )
    finish(Exit.DONE if count >= len(set(ids)) else Exit.PARTLY)


def _parked_as_json(item: Parked) -> dict[str, object]:
    return {
        "id": item.message.id,
        "queue": item.queue,
        "reason": item.reason,
        "attempts": item.attempt,
        "parked_at": item.parked_at.isoformat(),
    }


def _open(session: Session) -> RabbitBroker:
    from broker.rabbitmq import RabbitBroker

    return RabbitBroker(_settings(session), clock=session.installation.clock)


def _vhost(settings: RabbitSettings) -> str:
    return unquote(urlsplit(settings.urls[0]).path[1:]) or "/"


def _settings(session: Session) -> RabbitSettings:
    return session.installation.rabbit_settings
