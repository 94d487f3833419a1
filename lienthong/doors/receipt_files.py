"""Receipts in `results/receipts/`: one file for each, as it was signed, beside the results."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from lienthong.doors.moves import fitting, shown
from lienthong.store.submission_receipts import RECEIPT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lienthong.store.results import Result

FOLDER = "receipts"
"""Inside `results`."""


def write_receipts(place: Path, found: Iterable[Result]) -> None:
    """
    Write the receipts among results; when this returns, they are on the disk.

    Args:
        place: `results` of an agency's folder.
        found: Results that are about to be written down; after a crash they come again, and the
            same file with the same bytes takes the place of the first.

    Raises:
        OSError: not all of them are.
    """
    folder = place / FOLDER
    for result in found:
        if result.kind == RECEIPT and result.receipt is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / _name_of(result), result.receipt)


def _name_of(result: Result) -> str:
    name = PurePath(shown(result.file_name or "-")).name
    return fitting(name, f".{result.state}-{(result.submission_id or '')[-12:]}.xml")


def _write(path: Path, document: bytes) -> None:
    draft = path.with_name(fitting(f".{path.name}", ".part"))
    try:
        with draft.open("wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
