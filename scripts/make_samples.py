#!/usr/bin/env python3
"""
Write the sample files of the six agencies that came first, and what a conversion must make of them:
expected-errors.csv, the errors put in; expected-values.jsonl, one line for each good record with
what the portal must get (null: must be absent; not named: not judged).

With --profiles those of the eight later formats instead.

    python scripts/make_samples.py samples                      272 records each, seed 2020
    python scripts/make_samples.py samples --dossiers 5000 --bad 50 --seed 7
    python scripts/make_samples.py samples --large-mb 200       also a large land registration table
    python scripts/make_samples.py profiles --profiles --dossiers 120
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.samples import generate_large_csv, write_profiles, write_samples

if TYPE_CHECKING:
    from lienthong.samples import SampleSet

COLUMNS = ("file", "record", "row", "column", "line", "path", "code", "field", "dossier")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write sample files of the packaged agencies")
    parser.add_argument("folder", type=Path, help="made if it is missing")
    parser.add_argument("--dossiers", type=int, default=260, help="good dossiers per file")
    parser.add_argument("--bad", type=int, default=12, help="spoilt records per file")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--profiles", action="store_true", help="the eight later formats")
    parser.add_argument(
        "--large-mb", type=int, default=0, help="size of the large table, 10^6 bytes"
    )
    chosen = parser.parse_args()
    write = write_profiles if chosen.profiles else write_samples
    samples = write(chosen.folder, dossiers=chosen.dossiers, bad=chosen.bad, seed=chosen.seed)
    write_expected(chosen.folder / "expected-errors.csv", samples=samples)
    write_truth(chosen.folder / "expected-values.jsonl", samples=samples)
    for file in samples.files:
        sys.stdout.write(f"{file.path}  {file.records} records, {len(file.bad_records)} bad\n")
    if chosen.large_mb:
        path = chosen.folder / "land-registration-large.csv"
        rows = generate_large_csv(path, size_bytes=chosen.large_mb * 1_000_000, seed=chosen.seed)
        sys.stdout.write(f"{path}  {rows} records\n")
    return 0


def write_expected(path: Path, *, samples: SampleSet) -> None:
    """Write one row per seeded error."""
    with path.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        for file in samples.files:
            for error in file.expected:
                place = error.place
                writer.writerow(
                    (
                        error.file,
                        error.record,
                        place.row,
                        place.column,
                        place.line,
                        place.path,
                        error.code,
                        error.field,
                        error.dossier,
                    )
                )


def write_truth(path: Path, *, samples: SampleSet) -> None:
    """Write one line per good record, in the order of the files."""
    with path.open("w", encoding="utf-8") as lines:
        for file in samples.files:
            for dossier in file.truth:
                line = {"agency": file.agency, "file": file.path.name, **asdict(dossier)}
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
