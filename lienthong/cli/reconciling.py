"""The command that compares agency, store and portal, and lets go again what is missing there."""

from __future__ import annotations

import getpass
import sys
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.replaying import DryRun, Expect, Yes
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from lienthong.discrepancies import Discrepancy
    from lienthong.pages import PageFile
    from lienthong.reconciliation.listed import Listed
    from lienthong.reconciliation.reconciler import Reconciler
    from lienthong.store.reconciliations import Run, Wanted

EXAMPLES = 5


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(reconcile)


def reconcile(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    agency: Annotated[str | None, typer.Option(help="Only this agency")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Only dossiers of which something moved since, in local time",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The agency's list of what it has, in its own format; nothing is sent"),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, max=1000, help="Look-ups in a second at most")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last one; it is not begun again")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many findings are shown")] = 50,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all findings to this file")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with all findings")] = None,
    send_missing: Annotated[
        bool,
        typer.Option("--send-missing", help="Let go again what is proven missing, and only that"),
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", "-r", help="Why; it goes into the audit log")
    ] = None,
    expect: Expect = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """
    Compare what agencies sent with what the portal has, dossier by dossier.

    The portal is asked at a polite rate, twice about whatever does not agree.
    Example: lienthong reconcile --agency land-registration --since 2026-11-01
    """
    from lienthong.pages import PageFile
    from lienthong.reconciliation.asking import Stopped
    from lienthong.stopping import stop_on_signals
    from lienthong.store.standings import Scope

    session: Session = context.obj
    if send_missing and not dry_run and not (reason or "").strip():
        raise typer.BadParameter("say why: --reason", param_hint="--send-missing")
    if against is not None and agency is None:
        raise typer.BadParameter("say whose list it is: --agency", param_hint="--against")
    if agency is not None:
        session.installation.mappings.get(agency)
    stop = stop_on_signals()
    scope = Scope(agency=agency, since=None if since is None else since.astimezone())
    with ExitStack() as files:
        # At once: whoever waits for hours does not want to hear of a bad path then.
        table = None if csv is None else files.enter_context(PageFile(csv))
        page = None if html is None else files.enter_context(PageFile(html))
        try:
            run = _compare(session, scope, against=against, rate=rate, resume=resume, stop=stop)
        except Stopped:
            session.tell(
                Text(
                    vi="Đã dừng; làm tiếp bằng: lienthong reconcile --resume",
                    en="Stopped; go on with: lienthong reconcile --resume",
                )
            )
            finish(Exit.PARTLY)
            return
        _write_files(session, run, table=table, page=page)
    agrees = _show(session, run, limit=limit, as_json=as_json)
    if send_missing:
        _send_missing(session, run, reason=reason or "", expect=expect, dry_run=dry_run, yes=yes)
    finish(Exit.DONE if agrees else Exit.PARTLY)


def _compare(
    session: Session,
    scope: Any,
    *,
    against: Path | None,
    rate: float | None,
    resume: bool,
    stop: Event,
) -> Run:
    from lienthong.reaching import Reaching
    from lienthong.store.reconciliations import Wanted

    installation = session.installation
    listed = None if against is None else Reaching(installation).read_list(scope.agency, against)
    source = None if listed is None else listed.digest()
    wanted = Wanted(scope=scope, source=source)
    with Reaching(installation).open_reconciler(
        actor=getpass.getuser(), rate=rate, wait=stop.wait
    ) as reconciler:
        run = _resumed(session, reconciler, wanted) if resume else None
        if run is None:
            run = reconciler.begin(wanted, total=None if listed is None else listed.count())
        assert run is not None
        return _watched(session, reconciler, run, listed)


def _resumed(session: Session, reconciler: Reconciler, wanted: Wanted) -> Run | None:
    """Return the last comparison of this kind, taken up again; None where there is none."""
    from lienthong.store.database import reading
    from lienthong.store.reconciliations import last_run
    from lienthong.store.standings import Scope

    is_any = wanted.scope == Scope() and wanted.source is None
    with reading(session.installation.store) as connection:
        last = last_run(connection, wanted=None if is_any else wanted)
    if last is None:
        return None
    if last.source is not None and wanted.source is None:
        raise InputError(
            Problem(
                code="reconcile.list_wanted",
                message=Text(
                    vi="Lần đối soát gần nhất so với danh sách của cơ quan",
                    en="The last reconciliation is with an agency's list",
                ),
                suggestion=Text(
                    vi=f"Đưa lại danh sách đó: --against TỆP --agency {last.scope.agency}",
                    en=f"Give the same list again: --against FILE --agency {last.scope.agency}",
                ),
            )
        )
    return reconciler.resume(last)


def _watched(session: Session, reconciler: Reconciler, run: Run, listed: Listed | None) -> Run:
    """Work a comparison off, with a bar where somebody is looking."""
    if not session.err.is_terminal:
        return reconciler.work_off(run, listed=listed)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    words = {
        "comparing": session.word("Đối soát", "Comparing"),
        "confirming": session.word("Hỏi lại", "Asking again"),
    }
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task(words.get(run.phase, run.phase), total=run.total)

        def progress(at: Run) -> None:
            bar.update(task, completed=at.compared, description=words.get(at.phase, at.phase))

        return reconciler.work_off(run, listed=listed, progress=progress)


def _findings(session: Session, run: Run, **which: Any) -> Iterator[Discrepancy]:
    """Give the findings of a comparison, as they are in one moment."""
    from lienthong.store.database import reading
    from lienthong.store.reconciliations import read_findings

    with reading(session.installation.store) as connection:
        yield from read_findings(connection, run.id, **which)


def _write_files(
    session: Session, run: Run, *, table: PageFile | None, page: PageFile | None
) -> None:
    from lienthong.reconciliation import report

    if table is not None:
        table.write(report.csv_lines(_findings(session, run), session.language))
    if page is not None:
        counts = _counts(session, run)
        page.write(report.page(run, counts, _findings(session, run), session.language))


def _counts(session: Session, run: Run) -> dict[Any, int]:
    from lienthong.store.database import reading
    from lienthong.store.reconciliations import count_findings

    with reading(session.installation.store) as connection:
        return count_findings(connection, run.id)


def _show(session: Session, run: Run, *, limit: int, as_json: bool) -> bool:
    """Print what was found; return whether everything agrees."""
    from lienthong.discrepancies import AGREES, WORDS
    from lienthong.reconciliation.report import json_pieces

    counts = _counts(session, run)
    if as_json:
        for piece in json_pieces(run, counts, _findings(session, run), session.language):
            sys.stdout.write(piece)
        return not counts.keys() - AGREES
    session.say(
        Text(
            vi=f"Đã đối soát {run.compared} hồ sơ, hỏi Cổng {run.asked} lần",
            en=f"{run.compared} dossiers compared, the portal was asked {run.asked} times",
        )
    )
    if run.unreadable:
        session.say(
            Text(
                vi=f"{run.unreadable} bản ghi của danh sách không dùng được: xem bằng lienthong "
                "convert",
                en=f"{run.unreadable} records of the list cannot be used: see lienthong convert",
            ),
            style="yellow",
        )
    for kind, count in counts.items():
        style = None if kind in AGREES else "red"
        session.out.print(
            f"  {WORDS[kind].say(session.language)}: {count}", markup=False, style=style
        )
    if not counts.keys() - AGREES:
        session.say(Text(vi="Mọi hồ sơ đã gửi đều khớp", en="All that was delivered agrees"))
    for one in _findings(session, run, limit=limit):
        _print(session, one)
    hidden = sum(counts.values()) - limit
    if hidden > 0:
        session.tell(
            Text(
                vi=f"Còn {hidden} hồ sơ: thêm --limit, --csv hoặc --html",
                en=f"{hidden} more: see --limit, --csv or --html",
            )
        )
    return not counts.keys() - AGREES


def _print(session: Session, one: Discrepancy) -> None:
    from lienthong.discrepancies import WORDS

    words = WORDS[one.kind].say(session.language)
    out = session.out
    out.print(f"{one.dossier_code}  {one.agency}  {words}  {one.detail}".rstrip(), markup=False)
    for each in one.fields:
        values = "" if each.ours is None and each.theirs is None else f"{each.ours} ≠ {each.theirs}"
        out.print(f"    {each.field} {values}".rstrip(), markup=False)
    out.print(f"    → {one.next_step.say(session.language)}", markup=False)


def _send_missing(
    session: Session, run: Run, *, reason: str, expect: int | None, dry_run: bool, yes: bool
) -> None:
    from lienthong.discrepancies import Kind
    from lienthong.flows.replay import Missing

    def chosen() -> Iterator[Discrepancy]:
        for one in _findings(session, run, kinds=[Kind.MISSING]):
            if one.is_proven and one.sent_at is None and one.message_id is not None:
                yield one

    count = sum(1 for _ in chosen())
    session.tell(Text(vi=f"{count} hồ sơ thiếu ở Cổng", en=f"{count} are proven missing"))
    for one in islice(chosen(), EXAMPLES):
        session.tell(Text(vi=f"  {one.dossier_code}", en=f"  {one.dossier_code}"))
    if dry_run or not count:
        return
    if expect is None and not run.present:
        raise InputError(_shows_nothing(count))
    if expect is not None and expect != count:
        raise typer.BadParameter(f"{count} are missing, not {expect}; nothing was done")
    if not yes and not typer.confirm(session.word("Gửi lại?", "Send them again?")):
        return
    _carry_out(
        session,
        run,
        lambda: (Missing(message_id=str(one.message_id), since=one.found_at) for one in chosen()),
        reason=reason,
    )


def _carry_out(
    session: Session, run: Run, missing: Callable[[], Iterator[Any]], *, reason: str
) -> None:
    from lienthong.flows.replay import Order, Replayer

    installation = session.installation
    order = Order(actor=getpass.getuser(), reason=reason)
    done = 0
    with installation.open_broker() as broker:
        replayer = Replayer(store=installation.store, broker=broker, clock=installation.clock)
        for acted in replayer.resend_missing(list(missing()), order=order, run_id=run.id):
            if acted.problem is not None:
                session.problems([acted.problem], to_err=True)
            done += acted.problem is None
    session.tell(Text(vi=f"{done} hồ sơ sẽ được gửi lại", en=f"{done} will go again"))


def _shows_nothing(count: int) -> Problem:
    return Problem(
        code="reconcile.look_up_shows_nothing",
        message=Text(
            vi="Cổng trả lời «không có» cho mọi hồ sơ: có thể tra cứu của Cổng không cho thấy gì",
            en="The portal says of every dossier that it is not there: perhaps it shows none",
        ),
        suggestion=Text(
            vi=f"Nếu chắc chắn Cổng đã mất chúng: thêm --expect {count}",
            en=f"Where it has lost them for certain: add --expect {count}",
        ),
    )
