"""The commands alerts list, test and silence."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.alerting import Key, Known, Notice

alerts = typer.Typer(
    help="What needs somebody, and who is told by e-mail and webhook.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(alerts, name="alerts")


@alerts.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List what the role `alerts` finds now, since when, and what could not be told yet.

    Example: lienthong alerts list
    """
    from lienthong.store.alerts import read_known, read_waiting
    from lienthong.store.database import reading

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        known, waiting = read_known(connection), read_waiting(connection)
    if as_json:
        session.json(
            {
                "channels": list(session.settings.alerts.channels),
                "alerts": [_values(key, one) for key, one in known.items()],
                "waiting": {
                    channel: {"count": one.count, "oldest": one.oldest.isoformat()}
                    for channel, one in waiting.items()
                },
            }
        )
        return
    if not session.settings.alerts.channels:
        session.say(
            Text(
                vi="Chưa báo cho ai: đặt [alerts.mail] hoặc [alerts.webhooks] trong lienthong.toml",
                en="Nobody is told: set [alerts.mail] or [alerts.webhooks] in lienthong.toml",
            ),
            style="yellow",
        )
    if not known:
        session.say(Text(vi="Không có cảnh báo nào", en="There are no alerts"))
    else:
        session.out.print(_table(session, known))
    for channel, one in waiting.items():
        since = f"{one.oldest.astimezone():%Y-%m-%d %H:%M}"
        session.say(
            Text(
                vi=f"{channel}: {one.count} thông báo chưa gửi được, từ {since}",
                en=f"{channel}: {one.count} notices are not sent yet, since {since}",
            ),
            style="yellow",
        )


@alerts.command("test")
def try_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Tell everybody that is configured now that this is a test, and say who took it.

    Example: lienthong alerts test
    """
    from lienthong.alerts.ways import NotSent
    from lienthong.ids import make_id
    from lienthong.watching import Watching

    session: Session = context.obj
    now = session.installation.clock()
    notice = _test_notice(session)
    went: dict[str, str | None] = {}
    for channel, way in Watching(session.installation).open_ways().items():
        try:
            way.send([notice], id_=make_id(now), at=now)
            went[channel] = None
        except NotSent as error:
            went[channel] = error.cause
    if as_json:
        session.json(
            {channel: {"sent": not cause, "cause": cause} for channel, cause in went.items()}
        )
    elif not went:
        session.say(Text(vi="Chưa có kênh nào", en="There is no channel"), style="yellow")
    else:
        for channel, cause in went.items():
            session.say(
                Text(vi=f"{channel}: đã gửi", en=f"{channel}: sent")
                if cause is None
                else Text(
                    vi=f"{channel}: không gửi được ({cause})", en=f"{channel}: not sent ({cause})"
                ),
                style=None if cause is None else "red",
            )
    if not went:
        finish(Exit.USAGE)
    if any(went.values()):
        finish(Exit.UNREACHABLE)


@alerts.command()
def silence(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(help="Its name; see: alerts list")],
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 90, help="For how long")] = 24,
) -> None:
    """
    Send no reminders of an alert that holds now; that it ends is told all the same.

    Example: lienthong alerts silence LienthongDrift --hours 72
    """
    from lienthong.store.alerts import silence as silence_it
    from lienthong.store.work import begin

    session: Session = context.obj
    here = session.installation
    with begin(here.store, at=here.clock, actor=getpass.getuser()) as work:
        count = silence_it(work, alert, until=work.at + timedelta(hours=hours))
    session.say(
        Text(vi=f"{count} cảnh báo không nhắc lại nữa", en=f"No reminders of {count} alerts")
    )
    if not count:
        finish(Exit.USAGE)


def _test_notice(session: Session) -> Notice:
    from lienthong.alerting import Kind, Notice, Severity

    return Notice(
        kind=Kind.TEST,
        rule="LienthongTest",
        subject="",
        severity=Severity.WARNING,
        since=session.installation.clock(),
        words=Text(vi="Thử kênh cảnh báo", en="A test of this channel"),
        step=Text(vi="Không cần làm gì", en="Nothing is to be done"),
    )


def _values(key: Key, one: Known) -> dict[str, Any]:
    moments = {
        "since": one.since,
        "told": one.told_at,
        "gone": one.gone_at,
        "silenced_until": one.silenced_until,
    }
    return {
        "alert": key[0],
        "subject": key[1],
        "severity": one.severity.value,
        "words": {"vi": one.words.vi, "en": one.words.en},
        "next_step": {"vi": one.step.vi, "en": one.step.en},
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


def _table(session: Session, known: dict[Key, Known]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Cảnh báo", "Alert"),
        ("Từ", "Since"),
        ("Đã báo", "Told"),
        ("Nội dung", "What"),
    ):
        table.add_column(session.word(vi, en))
    for (rule, _), one in known.items():
        told = "-" if one.told_at is None else f"{one.told_at.astimezone():%m-%d %H:%M}"
        since = f"{one.since.astimezone():%m-%d %H:%M}"
        words = f"{one.words.say(session.language)}\n{one.step.say(session.language)}"
        table.add_row(rule, since, told, words)
    return table
