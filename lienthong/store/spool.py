"""
The folder in which stores of version 0001 kept raw bytes, one file per submission: they come into
the store, and the folder goes.

May be killed anywhere and begun again: a file is removed once all its pieces are committed, and
pieces that are there already are not written twice.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.store.database import reading
from lienthong.store.pieces import PIECE_BYTES, put_pieces
from lienthong.store.tables import submission_pieces, submissions
from lienthong.store.work import begin
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Row

    from lienthong.store.database import Store

SPOOL = "spool"
"""Name of the folder, in the data directory."""
PARTIAL = ".part"
"""How the name of a file ends that was never complete: nobody was told it had been received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtIn:
    """What became of the files of the folder."""

    files: int
    """Whose bytes are in the store now, and which are gone."""
    damaged: tuple[str, ...]
    """That are not what was received, by their digest: left, and their submissions wait."""
    unknown: tuple[str, ...]
    """That no submission speaks of: left."""


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def bring_in(
    store: Store,
    folder: Path,
    *,
    clock: Callable[[], datetime],
    actor: str = "lienthong",
    progress: Callable[[int, int], object] = _silent,
) -> BroughtIn:
    """
    Bring the raw bytes in `folder` into the store, sealed as the store seals.

    Args:
        store: Of the present version.
        folder: Need not be there.
        clock: For the rows that are written.
        actor: For the audit log.
        progress: Is told the files that are done and how many there were.

    Raises:
        ConfigError: a file cannot be read or removed.
    """
    damaged, unknown = [], []
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    for number, path in enumerate(paths):
        progress(number, len(paths))
        row = _find(store, path.name)
        try:
            if row is None and path.suffix == PARTIAL:
                path.unlink()
            elif row is None:
                unknown.append(path.name)
            elif row.erased_at is None and _digest(path) != row.sha256:
                damaged.append(path.name)
            else:
                if row.erased_at is None:
                    _bring_in(store, path, row.size, clock=clock, actor=actor)
                path.unlink()
        except OSError as error:
            raise _unusable(path, error) from error
    progress(len(paths), len(paths))
    with suppress(OSError):
        # Stays for whatever was left in it.
        folder.rmdir()
    return BroughtIn(
        files=len(paths) - len(damaged) - len(unknown),
        damaged=tuple(damaged),
        unknown=tuple(unknown),
    )


def _find(store: Store, submission_id: str) -> Row[Any, Any, Any] | None:
    query = select(submissions.c.sha256, submissions.c.size, submissions.c.erased_at)
    with reading(store) as connection:
        return connection.execute(query.where(submissions.c.id == submission_id)).first()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bring_in(
    store: Store, path: Path, size: int, *, clock: Callable[[], datetime], actor: str
) -> None:
    """Write the pieces of one file that are not there yet, each in a transaction of its own."""
    held = select(submission_pieces.c.number).where(submission_pieces.c.submission_id == path.name)
    with reading(store) as connection:
        present = set(connection.execute(held).scalars())
    # Also an empty file has one piece: its last.
    count = max(1, -(-size // PIECE_BYTES))
    with path.open("rb") as file:
        for number in range(count):
            body = file.read(PIECE_BYTES)
            if number in present:
                continue
            is_last = number == count - 1
            with begin(store, at=clock, actor=actor) as work:
                put_pieces(work, [(path.name, number, body, is_last)])
                if is_last:
                    work.note("submission.brought_in", path.name, pieces=count)


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không đọc hoặc xóa được {path} ({error.strerror}): sửa quyền truy cập rồi chạy "
            "lại; những tệp đã chuyển vào kho không bị ảnh hưởng",
            en=f"{path} cannot be read or removed ({error.strerror}): mend its permissions and run "
            "it again; what is in the store already is not touched",
        ),
        code="store.spool",
    )
