#!/usr/bin/env python3
"""
Fetch one large file into a file store, and say what memory that took.

    python scripts/attachment_figures.py FOLDER [MIB]

The server is a process of its own; the file is made while it is sent, and is never whole anywhere
but in FOLDER.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lienthong.attachments.blobs import FolderBlobs, sealed_parts
from lienthong.attachments.inspecting import Inspector
from lienthong.attachments.profile import FileServer
from lienthong.attachments.sources import FileSources
from lienthong.store.database import make_tables, open_sqlite, open_store
from lienthong.testing.file_server import serving_files
from mappings.attachments import DeclaredFile
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024


def _serve(mebibytes: int, port: Any, over: Any) -> None:
    def make() -> Iterator[bytes]:
        yield b"%PDF-1.7\n"
        block = os.urandom(MIB)
        for _ in range(mebibytes):
            yield block
        yield b"\n%%EOF\n"

    with serving_files() as site:
        site.streams["/large.pdf"] = make
        port.put(site.url)
        over.wait()


def main() -> None:
    """Measure, and print it."""
    folder, mebibytes = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2048
    spawn = multiprocessing.get_context("spawn")
    port, over = spawn.Queue(), spawn.Event()
    server = spawn.Process(target=_serve, args=(mebibytes, port, over))
    server.start()
    url = port.get()
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_sqlite(folder / "store.sqlite")
    make_tables(engine)
    vault = open_store(engine, key_file=folder / "store.keys", now=datetime.now(UTC)).vault
    profile = FileServer(url=f"{url}/", agencies=("a",), allow_http=True, allow_private=True)
    declared = DeclaredFile(
        number=1, place=Place(), name="large.pdf", way="url", source=f"{url}/large.pdf"
    )
    inspector = Inspector(declared, limit=1 << 40)

    def checked(parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            inspector.feed(part)
            yield part

    before, begun = _peak(), time.monotonic()
    with FileSources({"a": profile}).open(declared, agency="a", limit=1 << 40) as parts:
        FolderBlobs(folder / "files").write(
            "large", sealed_parts(checked(parts), name="large", vault=vault)
        )
    seconds, found = time.monotonic() - begun, inspector.finish()
    over.set()
    server.join()
    sys.stdout.write(
        f"{found.size / MIB:,.0f} MiB in {seconds:.1f} s; peak {before:.0f} → {_peak():.0f} MiB\n"
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
