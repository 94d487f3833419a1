"""
The bytes of submissions: in pieces, sealed, read again from any place.

The pieces of a submission may come before its row does; what has no row was acknowledged to
nobody, and is removed after a while.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select

from lienthong.store.bulk import insert_rows
from lienthong.store.database import reading
from lienthong.store.sealed import piece_context
from lienthong.store.tables import in_slices, submission_pieces, submissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import BinaryIO

    from _typeshed import WriteableBuffer
    from sqlalchemy import Connection

    from lienthong.store.database import Store
    from lienthong.store.expansions import Opened
    from lienthong.store.work import Work

PIECE_BYTES = 1024 * 1024
"""Of every piece but the last, before it is sealed."""
SMALL_BYTES = 8 * PIECE_BYTES
"""Of small submissions that are read at once; the others are read when it is their turn."""


def put_pieces(work: Work, pieces: Iterable[tuple[str, int, bytes, bool]]) -> None:
    """Write pieces down, sealed: submission id, number, bytes, whether it is the last."""
    rows = [
        {
            "submission_id": submission_id,
            "number": number,
            "body": work.vault.seal(
                body, context=piece_context(submission_id, number, is_last=is_last)
            ),
            "taken_at": work.at,
        }
        for submission_id, number, body, is_last in pieces
    ]
    if rows:
        insert_rows(work.connection, submission_pieces, rows)


def count_pieces(connection: Connection, submission_id: str) -> int:
    """Return how many pieces of a submission there are."""
    query = select(func.count()).where(submission_pieces.c.submission_id == submission_id)
    return int(connection.execute(query).scalar_one())


def remove_pieces(connection: Connection, submission_id: str) -> None:
    """Remove the pieces of a submission, unless it was taken over."""
    row = select(submissions.c.id).where(submissions.c.id == submission_id)
    connection.execute(
        delete(submission_pieces).where(
            submission_pieces.c.submission_id == submission_id, ~row.exists()
        )
    )


def remove_orphans(connection: Connection, *, before: datetime) -> int:
    """Remove pieces that nobody added to since `before` and that no row speaks of."""
    pieces = submission_pieces.alias()
    orphans = (
        select(pieces.c.submission_id)
        .outerjoin(submissions, submissions.c.id == pieces.c.submission_id)
        .where(submissions.c.id.is_(None))
        .group_by(pieces.c.submission_id)
        .having(func.max(pieces.c.taken_at) < before)
    )
    removed = connection.execute(
        delete(submission_pieces).where(submission_pieces.c.submission_id.in_(orphans))
    )
    return removed.rowcount


def load_small(store: Store, opened: Sequence[Opened]) -> dict[str, bytes]:
    """Return the sealed bytes of submissions of one piece, by id; of the first few MiB of them."""
    small = set()
    room = SMALL_BYTES
    for submission in opened:
        room -= submission.size
        if room >= 0 and submission.size <= PIECE_BYTES:
            small.add(submission.id)
    bodies: dict[str, bytes] = {}
    with reading(store) as connection:
        for part in in_slices(sorted(small)):
            rows = connection.execute(
                select(submission_pieces.c.submission_id, submission_pieces.c.body).where(
                    submission_pieces.c.submission_id.in_(part), submission_pieces.c.number == 0
                )
            )
            bodies |= {row.submission_id: row.body for row in rows}
    return bodies


def open_source(store: Store, submission: Opened, small: Mapping[str, bytes]) -> BinaryIO:
    """
    Return the bytes of a submission, to be read from any place.

    Raises:
        SealBroken: they are not what was stored; reading raises it as well.
    """
    sealed = small.get(submission.id)
    if sealed is not None:
        context = piece_context(submission.id, 0, is_last=True)
        return io.BytesIO(store.vault.open(sealed, context=context))
    return io.BufferedReader(PieceReader(store, submission.id, size=submission.size))


class PieceReader(io.RawIOBase):
    """The bytes of one submission, read piece by piece; may be read from any place."""

    def __init__(self, store: Store, submission_id: str, *, size: int) -> None:
        super().__init__()
        self._store = store
        self._id = submission_id
        self._size = size
        self._position = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the present place."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """
        Read up to the end of the present piece, as files do.

        Raises:
            OSError: a piece is not there any more.
        """
        if self._position >= self._size:
            return 0
        number, start = divmod(self._position, PIECE_BYTES)
        view = memoryview(buffer).cast("B")
        part = self._piece(number)[start : start + len(view)]
        view[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _piece(self, number: int) -> bytes:
        if self._held[0] != number:
            with reading(self._store) as connection:
                sealed = connection.execute(
                    select(submission_pieces.c.body).where(
                        and_(
                            submission_pieces.c.submission_id == self._id,
                            submission_pieces.c.number == number,
                        )
                    )
                ).scalar()
            if sealed is None:
                raise OSError(f"piece {number} of its bytes is missing")
            is_last = (number + 1) * PIECE_BYTES >= self._size
            context = piece_context(self._id, number, is_last=is_last)
            self._held = (number, self._store.vault.open(sealed, context=context))
        return self._held[1]
