#!/usr/bin/env python3
"""
Write the digests of the packaged tables and agencies into their two index files.

    python scripts/update_index.py            write both
    python scripts/update_index.py --check    change nothing, exit 1 when one is out of date

What a table is and where it comes from is written by hand in `mappings/data/index.json` and kept;
only digests are renewed. The list of agencies is made from the files themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import yaml

MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"


def data_index() -> list[dict[str, object]]:
    """Return the table list with fresh digests."""
    entries = json.loads((MAPPINGS / "data" / "index.json").read_text("utf-8"))
    return [entry | {"sha256": digest(MAPPINGS / "data" / entry["file"])} for entry in entries]


def agency_index() -> list[dict[str, object]]:
    """Return one entry per agency file, in the order of their names."""
    entries = []
    for path in sorted((MAPPINGS / "agencies").glob("*.yaml")):
        content = yaml.safe_load(path.read_bytes())
        entries.append(
            {
                "name": content["mapping"],
                "version": content["version"],
                "file": path.name,
                "sha256": digest(path),
            }
        )
    return sorted(entries, key=lambda entry: str(entry["name"]))


def digest(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Renew the digests of tables and agencies")
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    check = parser.parse_args().check
    stale = 0
    for folder, entries in (("data", data_index()), ("agencies", agency_index())):
        path = MAPPINGS / folder / "index.json"
        text = json.dumps(entries, ensure_ascii=False, indent=2) + "\n"
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        if not check:
            path.write_text(text, "utf-8")
        sys.stdout.write(f"{'out of date' if check else 'written'}: {path}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
