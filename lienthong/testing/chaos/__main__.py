"""`python -m lienthong.testing.chaos`: the whole matrix, or some chapters of it."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lienthong.testing.chaos.matrix import CHAPTERS, Scale, prepared
from lienthong.testing.chaos.report import Page, entry_values
from lienthong.testing.disk import NoSmallDisk

if TYPE_CHECKING:
    from types import FrameType


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PORTAL_MODES = (False, True)


@app.command()
def main(
    messages: Annotated[int, typer.Option(min=1, help="In effect at the portal, in all")] = 200_000,
    seed: Annotated[int, typer.Option(min=0, help="Other dossiers, other moments")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="How often each fault is made")] = 2,
    chapter: Annotated[
        list[str] | None,
        typer.Option(help="Only this one; may be repeated; the page keeps the others"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the page and the JSON go, without an ending")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep the folder with all logs")] = False,
) -> None:
    """Run the crash matrix; the exit code is 1 when anything was lost, doubled or not as told."""
    _end_on_signals()
    # The doors warn in this process whenever a fault shows, which is what is wanted.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(stderr=True)
    chosen = [found for found in CHAPTERS if not chapter or found.name in chapter]
    folder = Path(tempfile.mkdtemp(prefix="lienthong-chaos-"))
    if not chosen:
        names = ", ".join(one.name for one in CHAPTERS)
        raise typer.BadParameter(f"there are these chapters: {names}", param_hint="--chapter")
    order = [(one.name, mode) for one in CHAPTERS for mode in PORTAL_MODES]
    waiting = [(found, idempotent) for found in chosen for idempotent in PORTAL_MODES]
    share = messages // len(waiting) + 1
    page = Page(out, order=order, keeps_others=bool(chapter))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, prepared(folder) as ground:
        task = progress.add_task("", total=len(waiting))
        for found, idempotent in waiting:
            begun_at = datetime.now(UTC)
            scale = Scale(
                seed=seed,
                effects=share,
                rounds=rounds,
                idempotent=idempotent,
                tell=lambda words: progress.update(task, description=words),
            )
            try:
                siege = found.besiege(ground, scale)
            except NoSmallDisk as error:
                page.leave_out(found, idempotent, f"left out: {error}")
            except Exception as error:  # noqa: BLE001 - the other chapters are worth having
                console.print_exception()
                said = f"broken off: {type(error).__name__}: {error}"
                page.leave_out(found, idempotent, said)
            else:
                page.add(
                    entry_values(found, siege, idempotent=idempotent, seed=seed, begun_at=begun_at)
                )
                counts = ", ".join(f"{k} {v}" for k, v in siege.findings.counts.items())
                console.print(f"{siege.plan.wish.name}: {siege.effects} messages, {counts}")
                for error_words in siege.errors:
                    console.print(f"  {error_words}")
            progress.advance(task)
    if out is None:
        sys.stdout.write(page.as_json())
    if keep or not page.holds:
        console.print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if page.holds else 1)


def _end_on_signals() -> None:
    """SIGTERM ends it as Ctrl-C does: servers and workers must not outlive it."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


if __name__ == "__main__":
    app()
