"""Commands on bulk replays: messages jobs list, show, pause, resume, cancel."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Session
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.store.replay_jobs import Job, JobProgress
    from lienthong.store.work import Work

JobId = Annotated[str, typer.Argument(help="Id; see: messages jobs list")]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; it goes into the audit log", show_default=False)
]
MOST = 50
"""Jobs that are listed."""

jobs = typer.Typer(
    help="Bulk replays that one person asked for and another approved.", no_args_is_help=True
)


def register(messages: typer.Typer) -> None:
    """Add the commands of this module."""
    messages.add_typer(jobs, name="jobs")


@jobs.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List bulk replays, the latest first; asking and approving are for the operators' HTTP API.

    Example: lienthong messages jobs list
    """
    from itertools import islice

    from lienthong.store.database import reading
    from lienthong.store.replay_jobs import list_jobs

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        found = list(islice(list_jobs(connection), MOST))
    if as_json:
        session.json([_values(job) for job in found])
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Mã", "Id"),
        ("Việc", "Verb"),
        ("Trạng thái", "State"),
        ("Số lượng", "Count"),
        ("Người yêu cầu", "Asked by"),
        ("Người duyệt", "Decided by"),
        ("Lý do", "Reason"),
    ):
        table.add_column(session.word(vi, en))
    for job in found:
        shown = (job.id, job.verb.value, job.state.value, str(job.count), job.asked_by)
        table.add_row(*shown, job.decided_by or "-", job.reason)
    session.out.print(table)


@jobs.command()
def show(context: typer.Context, job_id: JobId, as_json: AsJson = False) -> None:
    """
    Show one bulk replay, and how far it is.

    Example: lienthong messages jobs show 0193a5c2-…
    """
    from lienthong.store.database import reading
    from lienthong.store.replay_jobs import read_job, read_progress

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        job = read_job(connection, job_id)
        progress = read_progress(connection, job)
    values = _values(job, progress)
    if as_json:
        session.json(values)
        return
    for name, value in values.items():
        if value not in (None, "", {}):
            session.out.print(f"{name:<14} {value}", markup=False)


@jobs.command()
def pause(context: typer.Context, job_id: JobId, reason: Reason) -> None:
    """
    Let a bulk replay rest; a part of at most 100 messages that is under way is ended before.

    Example: lienthong messages jobs pause 0193a5c2-… --reason "portal is slow"
    """
    from lienthong.replay_states import JobState
    from lienthong.store.replay_jobs import enter

    def rest(work: Work, job: Job) -> None:
        enter(work, job, JobState.PAUSED, note="replay.paused", why=reason)

    _steer(context.obj, job_id, rest, Text(vi=f"Đã tạm dừng {job_id}", en=f"{job_id} is paused"))


@jobs.command()
def resume(context: typer.Context, job_id: JobId, reason: Reason) -> None:
    """
    Let a bulk replay go on that was paused, or that stopped because too much failed.

    Example: lienthong messages jobs resume 0193a5c2-… --reason "portal repaired"
    """
    from lienthong.store.replay_jobs import resume as go_on

    def again(work: Work, job: Job) -> None:
        go_on(work, job, why=reason)

    _steer(context.obj, job_id, again, Text(vi=f"{job_id} chạy tiếp", en=f"{job_id} goes on"))


@jobs.command()
def cancel(context: typer.Context, job_id: JobId, reason: Reason) -> None:
    """
    End a bulk replay; what it has done stays done, the rest is left as it is.

    Example: lienthong messages jobs cancel 0193a5c2-… --reason "wrong selection"
    """
    from lienthong.replay_states import JobState
    from lienthong.store.replay_jobs import enter

    def end(work: Work, job: Job) -> None:
        enter(work, job, JobState.CANCELLED, note="replay.cancelled", why=reason)

    _steer(context.obj, job_id, end, Text(vi=f"Đã hủy {job_id}", en=f"{job_id} is cancelled"))


def _steer(session: Session, job_id: str, change: Callable[[Work, Job], None], done: Text) -> None:
    from lienthong.store.replay_jobs import read_job
    from lienthong.store.work import begin

    installation = session.installation
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        change(work, read_job(work.connection, job_id, to_change=True))
    session.say(done)


def _values(job: Job, progress: JobProgress | None = None) -> dict[str, Any]:
    values = {
        "id": job.id,
        "verb": job.verb.value,
        "state": job.state.value,
        "why": job.why,
        "selection": dict(job.selection),
        "agencies": list(job.agencies),
        "count": job.count,
        "digest": job.digest,
        "reason": job.reason,
        "rate": job.rate,
        "stop_percent": job.stop_percent,
        "asked_by": job.asked_by,
        "asked_at": job.asked_at.isoformat(),
        "decided_by": job.decided_by,
        "decided_at": job.decided_at.isoformat() if job.decided_at else None,
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
    }
    if progress is not None:
        values |= {
            "done": progress.done,
            "refused": dict(progress.refused),
            "failed_again": progress.failed_again,
            "left": progress.left,
        }
    return values
