#!/usr/bin/env python3
"""
Measure what very large files take: made, then read and mapped record by record, as a flow does.

Nothing is signed or written, which `lienthong bench` measures. Each file is read by a process of
its own, so that its peak memory is that of this reading.

    python scripts/large_files.py FOLDER                     1 GB each, 100 MB of workbook
    python scripts/large_files.py FOLDER --megabytes 50      smaller, to try it
    python scripts/large_files.py FOLDER --only csv --only xml
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from adapters import JsonLinesOptions, SourceRecord, read_records
from lienthong.samples import generate_large_csv, write_samples
from mappings import load_agencies

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1_000_000
AGENCIES = {
    "csv": "land-registration",
    "jsonl": "igate-one-stop",
    "xml": "business-registration",
    "xlsx": "ward-civil-status",
}
HEADER_ROWS = 4
CHUNK_ROWS = 500


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Peak memory and speed of very large files")
    parser.add_argument("folder", type=Path, help="gets the files; they stay there")
    parser.add_argument("--megabytes", type=int, default=1000, help="of a file; a workbook a tenth")
    parser.add_argument("--only", choices=AGENCIES, action="append", help="formats")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.read is not None:
        read(wanted.read, wanted.only[0])
        return 0
    wanted.folder.mkdir(parents=True, exist_ok=True)
    samples = write_samples(wanted.folder / "samples", dossiers=260, bad=0)
    tell("| file | records | records/s | MB/s | peak memory |\n|---|--:|--:|--:|--:|")
    for kind in wanted.only or AGENCIES:
        size = wanted.megabytes * MB // (10 if kind == "xlsx" else 1)
        path = wanted.folder / f"large.{kind}"
        if not path.exists() or path.stat().st_size < size:
            MAKERS[kind](path, samples.of(AGENCIES[kind]).path, size)
        words = [sys.executable, __file__, str(wanted.folder), "--only", kind, "--read", str(path)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
        found = json.loads(done.stdout)
        megabytes = path.stat().st_size / MB
        tell(
            f"| {megabytes:,.0f} MB {kind.upper()} | {found['records']:,} "
            f"| {found['records'] / found['seconds']:,.0f} "
            f"| {megabytes / found['seconds']:.1f} | {found['peak'] / MB:.0f} MB |"
        )
    return 0


def read(path: Path, kind: str) -> None:
    """Read and map a file; print what that took as JSON."""
    converter = load_agencies(None).get(AGENCIES[kind])
    options = JsonLinesOptions() if kind == "jsonl" else converter.source
    begun, records = time.perf_counter(), 0
    with path.open("rb") as source:
        for record in read_records(source, file_name=path.name, options=options):
            if not isinstance(record, SourceRecord) or not converter.convert(record).events:
                raise SystemExit(f"{path}: a record that should be good is not: {record.number}")
            records += 1
    seconds = time.perf_counter() - begun
    # Not ru_maxrss: it begins with what the parent had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    tell(json.dumps({"records": records, "seconds": seconds, "peak": peak}))


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_csv(path: Path, _: Path, size: int) -> None:
    """Write a table in TCVN3."""
    generate_large_csv(path, size_bytes=size)


def make_jsonl(path: Path, sample: Path, size: int) -> None:
    """Write the sample's records again and again, one a line."""
    records = json.loads(sample.read_bytes())["data"]
    lines = b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records)
    _repeat(path, b"", lines, b"", size)


def make_xml(path: Path, sample: Path, size: int) -> None:
    """Write the sample's records again and again between its first and last line."""
    text = sample.read_bytes()
    first = re.search(rb"<(\w+:)?HoSo[\s>]", text)
    last = text.rindex(b"HoSo>", 0, text.rindex(b"</")) + len(b"HoSo>")
    assert first is not None
    _repeat(path, text[: first.start()], text[first.start() : last], text[last:], size)


def _repeat(path: Path, head: bytes, body: bytes, tail: bytes, size: int) -> None:
    with path.open("wb") as file:
        written = file.write(head)
        while written < size:
            written += file.write(body)
        file.write(tail)


def make_xlsx(path: Path, sample: Path, size: int) -> None:
    """Write the sample's rows again and again below each other, packed hardly at all."""
    with (
        zipfile.ZipFile(sample) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        sheets = [name for name in old.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in old.namelist():
            if name not in sheets:
                new.writestr(name, old.read(name))
        text = old.read(sheets[0]).decode()
        rows = re.findall(r"<row .*?</row>", text, re.DOTALL)
        start, end = text.index(rows[HEADER_ROWS]), text.rindex("</row>") + len("</row>")
        templates = [re.split(r'(?<=r=")([A-Z]*)\d+(?=")', row) for row in rows[HEADER_ROWS:]]
        with new.open(sheets[0], "w", force_zip64=True) as sheet:
            sheet.write(text[:start].encode())
            number = HEADER_ROWS
            while path.stat().st_size < size:
                chunk = []
                for _ in range(CHUNK_ROWS):
                    template = templates[(number - HEADER_ROWS) % len(templates)]
                    number += 1
                    parts = (
                        part if at % 2 == 0 else f"{part}{number}"
                        for at, part in enumerate(template)
                    )
                    chunk.append("".join(parts))
                sheet.write("".join(chunk).encode())
            sheet.write(text[end:].encode())


MAKERS: dict[str, Callable[[Path, Path, int], None]] = {
    "csv": make_csv,
    "jsonl": make_jsonl,
    "xml": make_xml,
    "xlsx": make_xlsx,
}


if __name__ == "__main__":
    raise SystemExit(main())
