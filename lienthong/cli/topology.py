"""Commands for the exchange on RabbitMQ: topology show, apply, check."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from broker.rabbitmq import RabbitSettings

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
    vhost = unquote(urlsplit(settings.urls[0]).path[1:]) or "/"
    session.json(definitions(make_topology(settings.plan), vhost=vhost))


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


def _settings(session: Session) -> RabbitSettings:
    from lienthong.wiring import rabbit_settings

    settings = session.settings.broker
    if settings.kind != "rabbitmq":
        raise ConfigError(
            Text(
                vi='Bản cài đặt này không dùng RabbitMQ; đặt [broker] kind = "rabbitmq" và urls '
                "trong lienthong.toml",
                en='this installation does not use RabbitMQ; set [broker] kind = "rabbitmq" and '
                "urls in lienthong.toml",
            ),
            code="settings.no_rabbitmq",
        )
    return rabbit_settings(settings)
