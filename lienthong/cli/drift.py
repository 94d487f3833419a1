"""Commands on the target's contract: drift list, show, accept, check."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.drift.looking import Looked
    from lienthong.drifts import Event

drift = typer.Typer(
    help="What has changed in the portal's answers, documents and dictionaries.",
    no_args_is_help=True,
)
MAPPINGS_SHOWN = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(drift, name="drift")


@drift.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended")] = False,
    as_json: AsJson = False,
) -> None:
    """
    List what differs from the contract and is still open, the latest first.

    Example: lienthong drift list --all
    """
    from lienthong.store.contracts import list_events
    from lienthong.store.database import reading

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        events = list_events(connection, only_open=not everything)
    if as_json:
        session.json([event_values(one, session) for one in events])
        return
    if not events:
        session.say(Text(vi="Không có thay đổi nào", en="Nothing has changed"))
        return
    _print_events(session, events)


@drift.command()
def show(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="Id of the event, or how it begins")],
    as_json: AsJson = False,
) -> None:
    """
    Show one event: what has changed, which mappings it touches, what to do.

    Example: lienthong drift show 3fa9c2
    """
    session: Session = context.obj
    found = _find(session, event)
    if as_json:
        session.json(event_values(found, session))
        return
    _print_event(session, found)


@drift.command()
def accept(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log")],
    events: Annotated[
        list[str] | None, typer.Argument(help="Ids of events, or how they begin")
    ] = None,
    learnt: Annotated[
        bool,
        typer.Option("--learnt", help="Also take what was learnt so far as all there is to learn"),
    ] = False,
) -> None:
    """
    Make what has changed part of the contract; it is not told again.

    Example: lienthong drift accept 3fa9c2 --reason "announced in letter 12/2026"
    """
    from lienthong.store.contracts import accept as accept_one
    from lienthong.store.contracts import settle_all
    from lienthong.store.work import begin

    session: Session = context.obj
    if not events and not learnt:
        raise typer.BadParameter("name events, or give --learnt", param_hint="EVENTS")
    installation = session.installation
    found = [_find_open(session, one) for one in events or ()]
    target = installation.target.endpoint if learnt else ""
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        for one in {event.id: event for event in found}.values():
            accept_one(work, one, reason=reason)
        settled = settle_all(work, target) if learnt else []
    for one in found:
        session.say(Text(vi=f"{one.id}: đã chấp nhận", en=f"{one.id}: accepted"))
    for subject in settled:
        session.say(Text(vi=f"{subject}: đã chốt", en=f"{subject}: learnt"))


@drift.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Look at the portal's documents and dictionaries now.

    Answers are watched as they arrive. Exit code 1 while anything is open.

    Example: lienthong drift check --json
    """
    from lienthong.reaching import Reaching
    from lienthong.store.contracts import list_events
    from lienthong.store.database import reading

    session: Session = context.obj
    installation = session.installation
    with Reaching(installation).open_looker() as looker:
        looked = looker.look_at_all()
    with reading(installation.store) as connection:
        events = list_events(connection, only_open=True)
    if as_json:
        session.json(
            {
                "looked": [
                    {
                        "subject": one.subject,
                        "first": one.is_first,
                        "raised": [event.id for event in one.raised],
                        "trouble": one.trouble and one.trouble.say(session.language),
                    }
                    for one in looked
                ],
                "open": [event_values(one, session) for one in events],
            }
        )
    else:
        _print_looked(session, looked)
        if events:
            _print_events(session, events)
    if any(one.trouble for one in looked):
        finish(Exit.UNREACHABLE)
    finish(Exit.PARTLY if events else Exit.DONE)


def event_values(event: Event, session: Session) -> dict[str, Any]:
    """Return an event for machines."""
    one = event.drift
    return {
        "id": event.id,
        "target": event.target,
        "subject": one.subject,
        "kind": one.kind.value,
        "place": one.place,
        "before": one.before or None,
        "after": one.after or None,
        "words": one.words.say(session.language),
        "remedy": one.remedy.say(session.language),
        "mappings": [
            {"mapping": each.mapping, "fields": list(each.fields)} for each in event.touched
        ],
        "state": event.ending.value,
        "found_at": event.found_at.isoformat(),
        "seen_at": event.seen_at.isoformat(),
        "ended_at": event.ended_at.isoformat() if event.ended_at else None,
        "ended_by": event.ended_by,
        "reason": event.reason,
    }


def open_words(count: int) -> Text:
    """Say how many events are open."""
    return Text(
        vi=f"{count} thay đổi phía Cổng chưa xử lý; xem: lienthong drift list",
        en=f"{count} changes at the portal are open; see: lienthong drift list",
    )


def _print_events(session: Session, events: list[Event]) -> None:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Mã", "Id"),
        ("Từ", "Since"),
        ("Trạng thái", "State"),
        ("Ở", "In"),
        ("Thay đổi", "Change"),
        ("Ánh xạ", "Mappings"),
    ):
        table.add_column(session.word(vi, en))
    for one in events:
        named = [each.mapping for each in one.touched]
        more = "…" if len(named) > MAPPINGS_SHOWN else ""
        table.add_row(
            one.id,
            f"{one.found_at.astimezone():%Y-%m-%d %H:%M}",
            one.ending.value,
            escape(one.drift.subject),
            escape(one.drift.words.say(session.language)),
            ", ".join(named[:MAPPINGS_SHOWN]) + more,
        )
    session.out.print(table)


def _print_event(session: Session, event: Event) -> None:
    one = event.drift
    facts = (
        (session.word("Mã", "Id"), f"{event.id}  {event.ending.value}"),
        (session.word("Cổng", "Target"), event.target),
        (session.word("Ở", "In"), one.subject),
        (session.word("Thay đổi", "Change"), one.words.say(session.language)),
        (session.word("Từ", "Since"), f"{event.found_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        (session.word("Thấy", "Last seen"), f"{event.seen_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        (session.word("Cần làm", "To do"), one.remedy.say(session.language)),
    )
    for label, value in facts:
        session.out.print(f"{label:<12}{value}", markup=False)
    if event.ended_at is not None:
        ended = f"{event.ended_at.astimezone():%Y-%m-%d %H:%M:%S}"
        label = session.word("Kết thúc", "Ended")
        session.out.print(
            f"{label:<12}{ended} {event.ended_by}: {event.reason or '-'}", markup=False
        )
    for each in event.touched:
        fields = ", ".join(each.fields) or session.word("tất cả bản tin", "all its messages")
        session.out.print(f"  {each.mapping}: {fields}", markup=False)


def _print_looked(session: Session, looked: list[Looked]) -> None:
    if not looked:
        session.say(
            Text(
                vi="Không có tài liệu ([drift] documents) hay danh mục nào để xem; trả lời của "
                "Cổng vẫn được theo dõi khi gửi",
                en="There are no documents ([drift] documents) and no dictionaries to look at; "
                "answers are watched as they arrive",
            )
        )
    for one in looked:
        if one.trouble is not None:
            words = one.trouble
        elif one.raised:
            count = len(one.raised)
            words = Text(vi=f"{count} thay đổi mới", en=f"{count} new changes")
        elif one.is_first:
            words = Text(vi="lần đầu, đã ghi nhận", en="seen for the first time, and learnt")
        else:
            words = Text(vi="không có gì mới", en="nothing new")
        session.out.print(f"{one.subject}: {words.say(session.language)}", markup=False)


def _find_open(session: Session, start: str) -> Event:
    from lienthong.drifts import Ending

    found = _find(session, start)
    if found.ending is not Ending.OPEN:
        raise _wrong(
            "drift.not_open",
            vi=f"{found.id} không còn mở ({found.ending.value})",
            en=f"{found.id} is not open any more ({found.ending.value})",
        )
    return found


def _find(session: Session, start: str) -> Event:
    from lienthong.store.contracts import find_events
    from lienthong.store.database import reading

    with reading(session.installation.store) as connection:
        found = find_events(connection, start.strip().lower())
    if len(found) != 1 or not start.strip():
        count = len(found) if start.strip() else 0
        raise _wrong(
            "drift.unknown",
            vi=f"{count} thay đổi có mã bắt đầu bằng {start!r}",
            en=f"{count} events have an id that begins with {start!r}",
        )
    return found[0]


def _wrong(code: str, *, vi: str, en: str) -> InputError:
    return InputError(
        Problem(
            code=code,
            message=Text(vi=vi, en=en),
            suggestion=Text(
                vi="Xem mã: lienthong drift list --all",
                en="See the ids: lienthong drift list --all",
            ),
        )
    )
