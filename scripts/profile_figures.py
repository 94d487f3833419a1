#!/usr/bin/env python3
"""
Write into docs/profiles/README.md how every packaged profile fares against its sample files.

Each file is converted as `lienthong convert` does, for two seeds; values are read from the signed
documents and compared with those written apart from the mappings (docs/samples.md).

    python scripts/profile_figures.py            write the table
    python scripts/profile_figures.py --check    change nothing, exit 1 when it is out of date
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from lienthong.samples import write_profiles, write_samples
from lienthong.testing.sample_runs import Judgement, judge, run_sample
from mappings import load_agencies
from signing import XadesSigner, load_pem, make_development_pki

PAGE = Path(__file__).resolve().parent.parent / "docs" / "profiles" / "README.md"
SEEDS = (2020, 7)
NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
HEAD = (
    "| profile | good records | fields compared | right | defects put in | found at their place "
    "| false alarms |\n|---|--:|--:|--:|--:|--:|--:|\n"
)
BLOCK = re.compile(
    r"(?<=<!-- figures: python scripts/profile_figures.py -->\n).*?(?=<!-- end -->)", re.DOTALL
)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Figures of the packaged profiles")
    parser.add_argument("--check", action="store_true", help="change nothing")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = HEAD + "".join(
            row(agency, judgement) for agency, judgement in sorted(judgements(Path(folder)).items())
        )
    sys.stdout.write(table)
    page = PAGE.read_text("utf-8")
    fresh = BLOCK.sub(lambda _: table, page)
    if fresh == page:
        return 0
    if chosen.check:
        sys.stderr.write(f"{PAGE} is out of date\n")
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def judgements(folder: Path) -> dict[str, Judgement]:
    """Return one judgement per agency, over all seeds."""
    pki = make_development_pki(folder, agencies={"mau": ("H29", "Mẫu")}, now=NOW, kind="ec")
    files = pki.agencies["mau"]
    signer = XadesSigner(load_pem(files.key, files.certificate, passphrase=None))
    converters = load_agencies(None)
    found: dict[str, Judgement] = {}
    for seed in SEEDS:
        for write in (write_samples, write_profiles):
            for sample in write(folder / str(seed), seed=seed).files:
                converter = converters.get(sample.agency)
                run = run_sample(sample, converter=converter, signer=signer, now=NOW)
                before = found.get(sample.agency)
                found[sample.agency] = before + judge(run) if before else judge(run)
    return found


def row(agency: str, judgement: Judgement) -> str:
    """Return one line of the table."""
    values = judgement.values
    # A field that nobody expects is no right one either.
    cells = (
        f"[{agency}]({agency}.md)",
        f"{judgement.good:,}",
        f"{values.fields:,}",
        f"{values.right:,}" + (f" (+{len(values.unnamed)} not asked)" if values.unnamed else ""),
        f"{judgement.seeded:,}",
        f"{judgement.found:,}",
        f"{len(judgement.false_alarms):,}",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.exit(main())
