"""The command messages list: by state, dossier, person, problem or time, page by page."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from lienthong.reasons import REASONS
from lienthong.states import State
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.store.queries import MessageLine
    from lienthong.store.selection import Cursor, Selection

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Since = Annotated[
    datetime | None, typer.Option(formats=_TIMES, help="Only those that changed from then on")
]
Until = Annotated[
    datetime | None, typer.Option(formats=_TIMES, help="Only those that changed before then")
]
Person = Annotated[
    str | None,
    typer.Option(help="Only with this identity number or tax code; - asks for it; in no log"),
]
WithProblem = Annotated[
    str | None,
    typer.Option(
        "--problem",
        help="Only with an error of this code (mapping.*: that begin so), or of this problem",
    ),
]
WithText = Annotated[
    str | None, typer.Option("--text", help="Only what ever had an error with these words")
]
From = Annotated[
    str | None, typer.Option("--cursor", help="Go on after the message that has this cursor")
]


def register(messages: typer.Typer) -> None:
    """Add the command of this module."""
    messages.command("list")(list_)


def list_(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    state: Annotated[
        list[State] | None, typer.Option(help="Only this state; may be repeated")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency")] = None,
    dossier: Annotated[str | None, typer.Option(help="Only this dossier code")] = None,
    person: Person = None,
    problem: WithProblem = None,
    text: WithText = None,
    why: Annotated[str | None, typer.Option(help="Only with this in the reason")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many")] = 50,
    cursor: From = None,
    as_json: AsJson = False,
) -> None:
    """
    List messages, the latest change first.

    Example: lienthong messages list --state parked --state rejected
    """
    from lienthong.cli.machine import line_values
    from lienthong.store.selection import Selection
    from schemas.building import in_vietnam

    session: Session = context.obj
    if person == "-":
        person = typer.prompt(session.word("Số giấy tờ", "Identity number"), err=True)
    selection = Selection(
        states=state or (),
        agency=agency,
        dossier_code=dossier,
        person=person,
        problem=problem,
        text=text,
        why=why,
        since=in_vietnam(since),
        until=in_vietnam(until),
        before=_cursor(cursor),
        limit=limit,
    )
    lines = _find(session, selection)
    if as_json:
        session.json(
            [{**line_values(line, session.language), "cursor": str(line.cursor)} for line in lines]
        )
        return
    for line in lines:
        _print(session, line)
    if len(lines) == limit:
        following = str(lines[-1].cursor)
        session.tell(
            Text(
                vi=f"Chỉ hiện {limit} dòng: thêm --limit, hoặc xem tiếp: --cursor {following}",
                en=f"Only {limit} shown: see --limit, or go on: --cursor {following}",
            )
        )


def _find(session: Session, selection: Selection) -> list[MessageLine]:
    from lienthong.store.database import reading
    from lienthong.store.indexing import is_indexed, note_search
    from lienthong.store.queries import list_messages
    from lienthong.store.work import begin

    store = session.installation.store
    with reading(store) as connection:
        if selection.text is not None:
            from lienthong.operations.problem_words import with_causes

            selection = with_causes(connection, selection, vault=store.vault)
        lines = list_messages(connection, selection, vault=store.vault)
        by = (selection.person, selection.problem, selection.causes)
        by_index = any(one is not None for one in by)
        is_whole = not by_index or is_indexed(connection)
    if selection.person is not None:
        # That somebody looked for a person is part of the log, whatever was found.
        with begin(store, at=session.installation.clock, actor=getpass.getuser()) as work:
            note_search(work, selection.person, found=len(lines))
    if not is_whole:
        session.tell(
            Text(
                vi="Thông điệp cũ chưa được lập chỉ mục; chạy: lienthong store index",
                en="Older messages are not in the index yet; run: lienthong store index",
            )
        )
    return lines


def _print(session: Session, line: MessageLine) -> None:
    where = line.place.say(session.language)
    session.out.print(
        f"{line.id}  {line.state.value:<12}{line.dossier_code or '-':<34} {line.agency}  {where}",
        markup=False,
    )
    if line.reason:
        session.out.print(f"    {reason_of(session, line)}", markup=False)
    for problem in line.problems:
        session.out.print(
            f"    {problem.code}: {problem.message.say(session.language)}", markup=False
        )


def reason_of(session: Session, line: MessageLine) -> str:
    """Say why a message stands where it stands."""
    return session.word(REASONS.get(line.reason, line.reason), line.reason)


def _cursor(text: str | None) -> Cursor | None:
    from lienthong.store.selection import Cursor

    if text is None:
        return None
    try:
        return Cursor.parse(text)
    except ValueError as error:
        raise typer.BadParameter("a cursor is what --json says of a message") from error
