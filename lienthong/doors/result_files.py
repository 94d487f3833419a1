"""
Results as lines of JSON in `results/YYYY-MM-DD.jsonl`, in order, each once.

How far it got stands in the last line itself: whoever goes on reads it there, so a crash neither
doubles nor loses a line. A line that was cut off (by a crash, by a full disk) is taken away again.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from lienthong.store.results import result_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from lienthong.store.results import Result

TAIL_BYTES = 64 * 1024


def last_number(folder: Path) -> int:
    """Return the number of the last result that was written there; 0 for none."""
    for file in sorted(folder.glob("*.jsonl"), reverse=True):
        _mend(file)
        line = _last_line(file)
        if line:
            return int(json.loads(line)["number"])
    return 0


def append(folder: Path, found: Sequence[Result], *, day: date) -> None:
    """
    Write results down; when this returns, they are on the disk.

    Raises:
        OSError: none of them is.
    """
    folder.mkdir(exist_ok=True)
    lines = b"".join(
        json.dumps({"number": result.number, **result_values(result)}, ensure_ascii=False).encode()
        + b"\n"
        for result in found
    )
    with (folder / f"{day:%Y-%m-%d}.jsonl").open("ab", buffering=0) as file:
        before = file.tell()
        try:
            view = memoryview(lines)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _mend(file: Path) -> None:
    """Take away what stands behind the last whole line."""
    with file.open("rb+") as opened:
        size = opened.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - TAIL_BYTES)
            opened.seek(start)
            found = opened.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end != size:
            opened.truncate(end)


def _last_line(file: Path) -> bytes:
    """Return the last line of a file that ends with one."""
    with file.open("rb") as opened:
        end = opened.seek(0, os.SEEK_END)
        tail = b""
        while end:
            start = max(0, end - TAIL_BYTES)
            opened.seek(start)
            tail = opened.read(end - start) + tail
            lines = tail.splitlines()
            if len(lines) > 1 or start == 0:
                return lines[-1]
            end = start
    return b""
