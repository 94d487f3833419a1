#!/usr/bin/env python3
"""
Lose answers after the portal's commit, and say what became of everything.

    python scripts/commit_then_drop.py [--count 10000] [--channel soap|dvcqg-json]
        [--idempotent|--not-idempotent] [--look-up content|existence] [--rows-per-call 1]
        [--seed 1] [--folder FOLDER]

Adds, updates and progress rows are mixed; four of five deliveries lose their answer. Exit code 1
where anything was doubled, failed wrongly, did not end or came out of order.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from lienthong.logs import configure_logs
from lienthong.sandbox import LookUpShows
from lienthong.testing.lost_answers import Trial, lose_answers
from lienthong.testing.portal_site import AGENCY, AGENCY_CODE
from signing import make_development_pki


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="answers that are lost")
    parser.add_argument("--channel", choices=("soap", "dvcqg-json"), default="soap")
    parser.add_argument("--idempotent", action="store_true", help="the portal knows a repeat")
    parser.add_argument("--not-idempotent", dest="idempotent", action="store_false")
    parser.add_argument("--look-up", choices=("content", "existence"), default="content")
    parser.add_argument("--rows-per-call", type=int, default=1, help="progress rows; dvcqg-json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="an empty one; else a temporary one")
    return parser.parse_args()


def main() -> int:
    """Run one trial and print its verdict."""
    given = _read_arguments()
    configure_logs(verbose=False)
    trial = Trial(
        channel=given.channel,
        count=given.count,
        idempotent=given.idempotent,
        look_up_shows=LookUpShows(given.look_up),
        rows_per_call=given.rows_per_call,
        seed=given.seed,
    )
    temporary = TemporaryDirectory() if given.folder is None else nullcontext(str(given.folder))
    columns = ("answers lost", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with temporary as name, Progress(*columns) as progress:
        folder = Path(name)
        pki = make_development_pki(
            folder / "keys",
            agencies={AGENCY: (AGENCY_CODE, AGENCY)},
            now=datetime.now(UTC),
            kind="ec",
        )
        bar = progress.add_task("", total=trial.count)
        verdict = lose_answers(
            trial,
            folder=folder,
            pki=pki,
            tell=lambda lost: progress.update(bar, completed=min(lost, trial.count)),
        )
    for field in fields(verdict):
        value = getattr(verdict, field.name)
        shown = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
        sys.stdout.write(f"{field.name:<18}{shown:>10}\n")
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
