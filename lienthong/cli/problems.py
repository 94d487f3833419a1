"""Commands on problems: failures of one cause; list, show, acknowledge, resolve, ignore, reopen."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from lienthong.owners import Owner
from lienthong.problem_states import Act, GroupState
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.problem_views import ProblemDetail, ProblemGroup
    from lienthong.operations.views import Words

ProblemId = Annotated[str, typer.Argument(help="Id; see: problems list")]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; it goes into the audit log", show_default=False)
]
SeenVersion = Annotated[
    int | None,
    typer.Option("--version", min=0, help="As problems show had it; refused if it changed since"),
]
problems = typer.Typer(
    help="Failures grouped by cause: what is wrong, who must act, what helps.",
    no_args_is_help=True,
)
_WAITING = (GroupState.OPEN, GroupState.ACKNOWLEDGED)
_STATES = {
    GroupState.OPEN: Text(vi="mở", en="open"),
    GroupState.ACKNOWLEDGED: Text(vi="đã nhận", en="acknowledged"),
    GroupState.RESOLVED: Text(vi="đã xong", en="resolved"),
    GroupState.IGNORED: Text(vi="bỏ qua", en="ignored"),
}
_OWNERS = {
    Owner.AGENCY: Text(vi="cơ quan", en="agency"),
    Owner.US: Text(vi="đơn vị vận hành", en="us"),
    Owner.PORTAL: Text(vi="Cổng", en="portal"),
    Owner.AUTHORITY: Text(vi="tổ chức chứng thực", en="certificate authority"),
}
_DONE = {
    Act.ACKNOWLEDGE: Text(vi="Đã nhận xử lý", en="Acknowledged"),
    Act.RESOLVE: Text(vi="Đã ghi là xong", en="Resolved"),
    Act.IGNORE: Text(vi="Đã bỏ qua", en="Ignored"),
    Act.REOPEN: Text(vi="Đã mở lại", en="Reopened"),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(problems, name="problems")


@problems.command("list")
def list_(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    state: Annotated[
        list[GroupState] | None,
        typer.Option(help="Only this state; may be repeated; default: open and acknowledged"),
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency")] = None,
    owner: Annotated[Owner | None, typer.Option(help="Only what these must act about")] = None,
    code: Annotated[
        str | None, typer.Option(help='Only of this code; "mapping.*": that begin so')
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only those last seen from then on"
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Only with these words in what is said; marks are optional")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many")] = 50,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after the list that gave this cursor")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    List failures grouped by cause, what failed last first.

    Example: lienthong problems list --owner agency
    """
    from lienthong.operations.problems import WantedProblems, find_problems
    from schemas.building import in_vietnam

    session: Session = context.obj
    wanted = WantedProblems(
        agency=agency,
        owner=owner,
        states=state or _WAITING,
        code=code,
        since=in_vietnam(since),
        text=text,
    )
    page = find_problems(session.installation, _operator(), wanted, cursor=cursor, limit=limit)
    if as_json:
        session.json(page.model_dump(mode="json"))
        return
    for one in page.problems:
        _print_line(session, one)
    if page.next is not None:
        more = page.next
        session.tell(Text(vi=f"Xem tiếp: --cursor {more}", en=f"Go on: --cursor {more}"))
    if not page.is_whole:
        session.tell(
            Text(
                vi="Thông điệp cũ chưa được tính; chạy: lienthong store index",
                en="Older messages are not counted yet; run: lienthong store index",
            )
        )


@problems.command()
def show(context: typer.Context, problem_id: ProblemId, as_json: AsJson = False) -> None:
    """
    Show one problem, what helps, and a few of its messages.

    Example: lienthong problems show 0f3c…
    """
    from lienthong.operations.problems import see_problem

    session: Session = context.obj
    found = see_problem(session.installation, _operator(), problem_id)
    if as_json:
        session.json(found.model_dump(mode="json"))
        return
    _print(session, found)


@problems.command()
def acknowledge(
    context: typer.Context, problem_id: ProblemId, reason: Reason, version: SeenVersion = None
) -> None:
    """
    Say that somebody is at it: new failures do not open it again.

    Example: lienthong problems acknowledge 0f3c… --reason "asked the agency"
    """
    _decide(context.obj, problem_id, Act.ACKNOWLEDGE, reason, version)


@problems.command()
def resolve(
    context: typer.Context, problem_id: ProblemId, reason: Reason, version: SeenVersion = None
) -> None:
    """
    Say that its cause is gone; the next failure opens it again.

    Example: lienthong problems resolve 0f3c… --reason "code list mended"
    """
    _decide(context.obj, problem_id, Act.RESOLVE, reason, version)


@problems.command()
def ignore(
    context: typer.Context, problem_id: ProblemId, reason: Reason, version: SeenVersion = None
) -> None:
    """
    Say that nobody is to be told of it; its messages are counted all the same.

    Example: lienthong problems ignore 0f3c… --reason "test records"
    """
    _decide(context.obj, problem_id, Act.IGNORE, reason, version)


@problems.command()
def reopen(
    context: typer.Context, problem_id: ProblemId, reason: Reason, version: SeenVersion = None
) -> None:
    """
    Take back what was decided about a problem.

    Example: lienthong problems reopen 0f3c… --reason "not mended after all"
    """
    _decide(context.obj, problem_id, Act.REOPEN, reason, version)


def _operator() -> Principal:
    """Return whoever has the machine: they may see every agency, and decide."""
    from lienthong.access.rights import EVERY, Grant, Principal, Role

    grants = (Grant(role=Role.OPERATOR, agencies=EVERY),)
    return Principal(name=getpass.getuser(), grants=grants)


def _decide(session: Session, problem_id: str, act: Act, reason: str, version: int | None) -> None:
    from lienthong.operations.problems import decide_problem

    decide_problem(
        session.installation, _operator(), problem_id, act, reason=reason, version=version
    )
    vi, en = _DONE[act]
    session.say(Text(vi=f"{vi}: {problem_id}", en=f"{en}: {problem_id}"))


def _state(session: Session, one: ProblemGroup) -> str:
    again = session.word(" (tái diễn)", " (again)") if one.is_reopened else ""
    return _STATES[one.state].say(session.language) + again


def _whose(session: Session, one: ProblemGroup) -> str:
    return one.agency or session.word("mọi cơ quan", "every agency")


def _print_line(session: Session, one: ProblemGroup) -> None:
    counts = session.word(
        f"{one.affected} thông điệp, {one.dossiers} hồ sơ",
        f"messages: {one.affected}, dossiers: {one.dossiers}",
    )
    owner = _OWNERS[one.owner].say(session.language)
    acts = session.word(f"xử lý: {owner}", f"owner: {owner}")
    line = f"{one.id}  {_state(session, one):<20} {counts}; {acts}; {_whose(session, one)}; "
    session.out.print(f"{line}{one.last_seen:%Y-%m-%d %H:%M}", markup=False)
    what = " ".join(part for part in (one.code, one.field, one.answer) if part)
    session.out.print(f"    {what}: {_say(session, one.title)}", markup=False)
    if one.remedy is not None:
        session.out.print(f"    → {_say(session, one.remedy)}", markup=False)


def _print(session: Session, one: ProblemDetail) -> None:
    rows = [
        (session.word("Vấn đề", "Problem"), _say(session, one.title)),
        (session.word("Mã lỗi", "Code"), one.code),
        (session.word("Trường", "Field"), one.field),
        (session.word("Mã trả lời", "Answer"), one.answer),
        (session.word("Cơ quan", "Agency"), _whose(session, one)),
        (session.word("Ai xử lý", "Owner"), _OWNERS[one.owner].say(session.language)),
        (session.word("Trạng thái", "State"), _state(session, one)),
        (session.word("Thông điệp", "Messages"), f"{one.affected} / {one.affected_ever}"),
        (session.word("Hồ sơ", "Dossiers"), str(one.dossiers)),
        (session.word("Lần đầu", "First seen"), f"{one.first_seen:%Y-%m-%d %H:%M:%S}"),
        (session.word("Lần cuối", "Last seen"), f"{one.last_seen:%Y-%m-%d %H:%M:%S}"),
        (session.word("Cách xử lý", "Remedy"), one.remedy and _say(session, one.remedy)),
        (
            session.word("Ánh xạ", "Mapping"),
            one.for_integrator and _say(session, one.for_integrator),
        ),
    ]
    rows += [(session.word("Có thể", "Helps"), _say(session, step.words)) for step in one.next]
    if one.decision is not None:
        said = one.decision
        when = f"{said.by}, {said.at:%Y-%m-%d %H:%M:%S}: {said.reason}"
        state = _STATES[said.state].say(session.language)
        rows.append((session.word("Quyết định", "Decided"), f"{state}, {when}"))
    rows.append((session.word("Phiên bản", "Version"), str(one.version)))
    for label, value in rows:
        if value:
            session.out.print(f"{label:<12} {value}", markup=False)
    for message in one.examples:
        dossier = message.dossier or "-"
        session.out.print(f"  {message.id}  {message.state.value:<12} {dossier}", markup=False)
    session.tell(
        Text(
            vi=f"Tất cả: lienthong messages list --problem {one.id}",
            en=f"All of them: lienthong messages list --problem {one.id}",
        )
    )


def _say(session: Session, words: Words) -> str:
    return session.word(words.vi, words.en)
