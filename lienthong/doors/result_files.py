"""
Results as lines of JSON in `results/YYYY-MM-DD.jsonl`, in order, each once.

How far it got stands in the last line itself: whoever goes on reads it there, so a crash neither
doubles nor loses a line. A line that was cut off (by a crash, by a full disk) is taken away again.
It stands in the worker's own folder as well, for agencies that take away what they have read.
What has another name is not looked at, and what was not written here is not changed.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from lienthong.doors.moves import write_json
from lienthong.store.results import result_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from lienthong.store.results import Result

TAIL_BYTES = 64 * 1024
NOTED = "told.json"
"""In the worker's folder: the number of the last result that was written down."""
_OURS = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")
_BEGINS = b'{"number": '


class NotOurs(OSError):
    """A file of results has something in it that was not written here."""


def last_number(folder: Path) -> int:
    """
    Return the number of the last result that was written there; 0 for none.

    Raises:
        NotOurs: the last line does not say.
        OSError: it cannot be read, or mended.
    """
    ours = (file for file in folder.glob("*.jsonl") if _OURS.fullmatch(file.name))
    for file in sorted(ours, reverse=True):
        _mend(file)
        line = _last_line(file)
        if line:
            return _number(line, file)
    return 0


def noted_number(work: Path) -> int:
    """
    Return what `note_number` noted; 0 for nothing. Raises as `last_number` does.

    Args:
        work: The worker's folder.
    """
    file = work / NOTED
    try:
        return _number(file.read_bytes(), file)
    except FileNotFoundError:
        return 0


def note_number(work: Path, number: int) -> None:
    """
    Note the last number apart from the results.

    Raises:
        OSError: what was noted before stays.
    """
    write_json(work / NOTED, {"number": number})


def _number(line: bytes, file: Path) -> int:
    try:
        number = json.loads(line)["number"]
    except (ValueError, TypeError, KeyError):
        number = None
    if type(number) is not int:
        raise NotOurs(0, f"{file.parent.name}/{file.name}: its last line is no result")
    return number


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
    """
    Take a line away that was cut off; a whole one gets its end.

    Raises:
        NotOurs: what stands behind the last whole line is no part of a result.
    """
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
        if end == size:
            return
        opened.seek(end)
        rest = opened.read()
        if _is_whole(rest):
            opened.write(b"\n")
            return
        # Where a machine lost its power, zeros may stand for what did not reach the disk.
        begun = rest.rstrip(b"\0")[: len(_BEGINS)]
        if not _BEGINS.startswith(begun):
            raise NotOurs(0, f"{file.parent.name}/{file.name}: its last line is no result")
        opened.truncate(end)


def _is_whole(line: bytes) -> bool:
    try:
        return line.startswith(_BEGINS) and bool(json.loads(line))
    except ValueError:
        return False


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
