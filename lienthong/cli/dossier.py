"""The command about one dossier: everything that ever happened to it, and what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lienthong.timeline import Standing, Step, Timeline
    from schemas.problem import Language


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(dossier)


def dossier(
    context: typer.Context,
    code: Annotated[
        str, typer.Argument(help="Code of the dossier, or the agency's own key of an event of it")
    ],
    agency: Annotated[
        str | None, typer.Option(help="Name of its mapping, where several have that code")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many steps")] = 200,
    as_json: AsJson = False,
) -> None:
    """
    Show everything that ever happened to a dossier, oldest first, and what happens next.

    Example: lienthong dossier H29.15-250707-0001
    """
    from lienthong.store.database import reading
    from lienthong.timeline import tell_timeline

    session: Session = context.obj
    store = session.installation.store
    with reading(store) as connection:
        told = tell_timeline(
            connection,
            _code_of(connection, code, agency=agency),
            agency=agency,
            limit=limit,
            vault=store.vault,
        )
    if as_json:
        session.json(_values(told, session.language))
    else:
        _print(session, told)


def _code_of(connection: Connection, name: str, *, agency: str | None) -> str:
    """Return the code of the dossier that is meant; raises InputError where several may be."""
    from lienthong.evidence.gathering import find_codes

    codes = find_codes(connection, name, agency=agency)
    if len(codes) <= 1:
        return codes[0] if codes else name
    shown = ", ".join(codes[:5])
    raise InputError(
        Problem(
            code="dossier.several",
            message=Text(
                vi=f"Khóa này có ở nhiều hồ sơ: {shown}", en=f"Several dossiers have it: {shown}"
            ),
            suggestion=Text(vi="Chọn một mã hồ sơ, hoặc --agency", en="Give a code, or --agency"),
        )
    )


def _values(told: Timeline, language: Language) -> dict[str, Any]:
    return {
        "dossier": told.dossier,
        "agency": told.agency,
        "acknowledged": told.acknowledged,
        "now": told.now.say(language),
        "next": [one.say(language) for one in told.next],
        "messages": [_standing_values(one, language) for one in told.messages],
        "messages_before": told.messages_before,
        "steps": [_step_values(one, language) for one in told.steps],
        "steps_before": told.steps_before,
    }


def _standing_values(one: Standing, language: Language) -> dict[str, Any]:
    return {
        "id": one.id,
        "packet": one.packet,
        "sequence": one.sequence,
        "state": one.state.value,
        "reason": one.reason.say(language),
        "errors": list(one.errors),
        "due_at": one.due_at.isoformat() if one.due_at else None,
    }


def _step_values(one: Step, language: Language) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "step": one.name,
        "text": one.text.say(language),
        "detail": one.detail.say(language) if one.detail else None,
        "actor": one.actor,
        "message": one.message,
        "submission": one.submission,
        "audit_row": one.row,
    }


def _print(session: Session, told: Timeline) -> None:
    from lienthong.step_words import word_of

    out, language = session.out, session.language
    out.print(f"{told.dossier}  {told.agency}", markup=False, style="bold")
    session.say(told.now)
    for following in told.next:
        out.print(f"  → {following.say(language)}", markup=False)
    if told.messages_before:
        session.tell(
            Text(
                vi=f"Không hiện {told.messages_before} thông điệp trước đó",
                en=f"{told.messages_before} earlier messages are not shown",
            )
        )
    for message in told.messages:
        is_down = message.packet == "inbound"
        state = word_of(f"message.{message.state.value}", is_down=is_down).say(language)
        reason = message.reason.say(language)
        out.print(
            f"  {message.id}  {message.packet:<21} {state}{f' ({reason})' if reason else ''}",
            markup=False,
        )
        for error in message.errors:
            out.print(f"      {error}", markup=False)
    out.print()
    if told.steps_before:
        session.tell(
            Text(
                vi=f"Không hiện {told.steps_before} bước trước đó: thêm --limit",
                en=f"{told.steps_before} earlier steps are not shown: see --limit",
            )
        )
    for step in told.steps:
        _print_step(session, step)


def _print_step(session: Session, step: Step) -> None:
    who = f"  [{step.actor}]" if step.actor else ""
    about = step.message or step.submission or ""
    words = step.text.say(session.language)
    session.out.print(
        f"  {step.at.astimezone():%Y-%m-%d %H:%M:%S}  {words}{who}  {about}".rstrip(), markup=False
    )
    if step.detail is not None:
        session.out.print(f"      {step.detail.say(session.language)}", markup=False)
