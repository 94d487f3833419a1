"""
Moving files so that nothing is ever written over, on local disks and on NFS.

Within one file system only: a move is a link and an unlink, or a rename where there are no links.
A crash between the two leaves the file under both names, which the key of its hand-over sees.
"""

from __future__ import annotations

import json
import os
import unicodedata
from typing import TYPE_CHECKING, Any

from lienthong.doors.heads import LONGEST_NAME

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_BYTES = 255
"""Of a name, on every usual file system."""


def move(source: Path, folder: Path, *, mark: str) -> Path:
    """
    Move a file into a folder under its own name, or, where that is taken, under a marked one.

    Returns:
        Where it is now.

    Raises:
        OSError: it stays where it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (source.name, fitting(source.name, f"~{mark}", before_ending=True)):
        target = folder / name
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise
        except OSError:
            # No links on this file system, or none to files of others.
            if os.path.lexists(target):
                continue
            source.rename(target)
        else:
            source.unlink()
        return target
    raise FileExistsError(17, "exists", str(folder / source.name))


def fitting(name: str, addition: str, *, before_ending: bool = False) -> str:
    """Return a name with an addition, shortened so that a file system takes it."""
    stem, ending = os.path.splitext(name) if before_ending else (name, "")
    if len(os.fsencode(ending)) > LONGEST_BYTES // 4:
        stem, ending = name, ""
    room = LONGEST_BYTES - len(os.fsencode(addition + ending))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + addition + ending


def shown(name: str) -> str:
    """Return a file's name as text: bytes that are no UTF-8, and controls, become a mark."""
    text = os.fsencode(name).decode("utf-8", "replace")
    clean = (
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter)[0] == "C" else letter
        for letter in unicodedata.normalize("NFC", text)
    )
    return "".join(clean)[:LONGEST_NAME] or "\N{REPLACEMENT CHARACTER}"


def write_json(path: Path, value: Any) -> None:
    """Write a file that is there as a whole or not at all."""
    draft = path.with_name(fitting(f".{path.name}", ".part"))
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
