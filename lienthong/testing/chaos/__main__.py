"""`python -m lienthong.testing.chaos`: the whole matrix, or some chapters of it."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lienthong.testing.chaos.matrix import CHAPTERS, Scale, prepared
from lienthong.testing.chaos.report import Entry, Run, as_page, as_values, named
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
        list[str] | None, typer.Option(help="Only this one; may be repeated")
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
    begun, begun_at = time.monotonic(), datetime.now(UTC)
    entries: list[Entry] = []
    left_out: list[str] = []
    waiting = [(found, idempotent) for found in chosen for idempotent in PORTAL_MODES]
    share = messages // len(waiting) + 1

    def so_far() -> Run:
        return Run(
            command=f"make crash-matrix SEED={seed} MESSAGES={messages}",
            seed=seed,
            begun_at=begun_at,
            seconds=time.monotonic() - begun,
            entries=entries,
            left_out=[*left_out, *(f"{named(*one)}: not run" for one in waiting)],
        )

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, prepared(folder) as ground:
        task = progress.add_task("", total=len(waiting))
        while waiting:
            found, idempotent = waiting.pop(0)
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
                left_out.append(f"{named(found, idempotent)}: left out: {error}")
            except Exception as error:  # noqa: BLE001 - the other chapters are worth having
                console.print_exception()
                said = f"{type(error).__name__}: {error}"
                left_out.append(f"{named(found, idempotent)}: broken off: {said}")
            else:
                entries.append(Entry(chapter=found, idempotent=idempotent, siege=siege))
                counts = ", ".join(f"{k} {v}" for k, v in siege.findings.counts.items())
                console.print(f"{siege.plan.wish.name}: {siege.effects} messages, {counts}")
                for error_words in siege.errors:
                    console.print(f"  {error_words}")
            progress.advance(task)
            if out is not None:
                # After each, so that a run that is stopped shows what it did.
                _write(so_far(), out)
    run = so_far()
    if out is None:
        sys.stdout.write(_as_json(run))
    if keep or not run.holds:
        console.print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if run.holds else 1)


def _as_json(run: Run) -> str:
    return json.dumps(as_values(run), ensure_ascii=False, indent=1) + "\n"


def _write(run: Run, out: Path) -> None:
    out.with_suffix(".json").write_text(_as_json(run), encoding="utf-8")
    out.with_suffix(".md").write_text(as_page(run), encoding="utf-8")


def _end_on_signals() -> None:
    """SIGTERM ends it as Ctrl-C does: servers and workers must not outlive it."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


if __name__ == "__main__":
    app()
