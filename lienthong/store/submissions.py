"""
What came through a door: its bytes in pieces, its place among its agency's, and who expands it.

An agency's submissions are expanded one after the other in the order of their arrival, by the one
worker that has the agency's lease. The pieces of a submission may come before its row does; what
has no row was acknowledged to nobody, and is removed after a while.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from lienthong.store.bulk import insert_rows, update_rows
from lienthong.store.database import insert_into, reading
from lienthong.store.sealed import piece_context, submission_problems_context
from lienthong.store.tables import agencies, expansions, in_slices, submission_pieces, submissions
from schemas.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import BinaryIO

    from _typeshed import WriteableBuffer
    from sqlalchemy import Connection

    from lienthong.store.database import Store
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

PIECE_BYTES = 1024 * 1024
"""Of every piece but the last, before it is sealed."""
SMALL_BYTES = 8 * PIECE_BYTES
"""Of small submissions that are read at once; the others are read when it is their turn."""


class SubmissionState(Enum):
    """Where a submission stands."""

    RECEIVED = "received"
    EXPANDED = "expanded"
    HELD = "held"
    """It cannot be expanded now (no usable key, say); it goes on by itself."""
    REFUSED = "refused"
    """The file as a whole cannot be read; the agency must send another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One file or message body that an agency sent."""

    id: str
    agency: str
    door: str
    sender: str
    file_name: str
    sha256: str
    size: int
    """Bytes."""
    received_at: datetime
    key: str | None = None
    """The sender's own id of this hand-over; unique per agency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One unfinished submission as its expansion finds it."""

    id: str
    agency: str
    arrival: int
    file_name: str
    size: int
    records_done: int
    due_at: datetime
    tries: int
    """How often its expansion was begun since it last got on, this time included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpansionClaim:
    """The right to expand one agency's submissions until the lease ends."""

    agency: str
    fence: int
    lease_until: datetime


class ClaimLost(Exception):
    """The lease ended and somebody else has gone on; nothing of this transaction may stay."""


_OPENED = (
    select(
        submissions.c.id,
        submissions.c.agency,
        submissions.c.arrival,
        submissions.c.file_name,
        submissions.c.size,
        submissions.c.records_done,
        submissions.c.due_at,
        submissions.c.tries,
    )
    .where(
        submissions.c.agency == bindparam("_agency"),
        submissions.c.due_at.is_not(None),
        submissions.c.arrival > bindparam("_after"),
    )
    .order_by(submissions.c.arrival)
    .limit(bindparam("_limit"))
)
_UPDATE = update(submissions).where(submissions.c.id == bindparam("_id"))


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


def take_places(work: Work, counts: dict[str, int]) -> dict[str, int]:
    """
    Reserve places in the rows of agencies, for the rest of this transaction in nobody else's way.

    Returns:
        The first of each agency's places. They are taken in the order in which transactions
        commit, whatever the clocks of several machines say.
    """
    first = {}
    for agency in sorted(counts):
        insertion = insert_into(work.connection, agencies).values(name=agency)
        work.connection.execute(insertion.on_conflict_do_nothing())
        after: int = work.connection.execute(
            update(agencies)
            .where(agencies.c.name == agency)
            .values(next_arrival=agencies.c.next_arrival + counts[agency])
            .returning(agencies.c.next_arrival)
        ).scalar_one()
        first[agency] = after - counts[agency]
    return first


def find_keys(
    connection: Connection, agency: str, keys: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return, per hand-over key of the agency that came before, submission id and SHA-256."""
    found: dict[str, tuple[str, str]] = {}
    for part in in_slices(sorted(keys)):
        rows = connection.execute(
            select(submissions.c.key, submissions.c.id, submissions.c.sha256).where(
                submissions.c.agency == agency, submissions.c.key.in_(part)
            )
        )
        found |= {row.key: (row.id, row.sha256) for row in rows}
    return found


def insert_submissions(work: Work, offered: Sequence[tuple[Submission, int]]) -> None:
    """Write submissions down, each with its place in its agency's row, due at once."""
    rows: list[dict[str, Any]] = []
    for submission, arrival in offered:
        rows.append(
            {
                "id": submission.id,
                "agency": submission.agency,
                "arrival": arrival,
                "door": submission.door,
                "key": submission.key,
                "sender": submission.sender,
                "file_name": submission.file_name,
                "sha256": submission.sha256,
                "size": submission.size,
                "state": SubmissionState.RECEIVED.value,
                "received_at": submission.received_at,
                "due_at": submission.received_at,
            }
        )
        work.note(
            "submission.received",
            submission.id,
            agency=submission.agency,
            door=submission.door,
            sha256=submission.sha256,
            size=submission.size,
        )
        work.tell(submission.agency, "received", submission_id=submission.id)
    if rows:
        insert_rows(work.connection, submissions, rows)


def insert_submission(work: Work, submission: Submission) -> None:
    """Write one submission down, due at once."""
    place = take_places(work, {submission.agency: 1})[submission.agency]
    insert_submissions(work, [(submission, place)])


def due_agencies(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Return agencies whose first unfinished submission is due and which nobody expands."""
    first_due = (
        select(submissions.c.due_at)
        .where(submissions.c.agency == agencies.c.name, submissions.c.due_at.is_not(None))
        .order_by(submissions.c.arrival)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(agencies.c.name)
        .outerjoin(expansions, expansions.c.agency == agencies.c.name)
        .where(
            or_(expansions.c.lease_until.is_(None), expansions.c.lease_until <= now),
            first_due <= now,
        )
        .order_by(agencies.c.name)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def claim_expansion(work: Work, agency: str, *, lease: timedelta) -> ExpansionClaim | None:
    """Return the right to expand an agency's submissions, or None when another worker has it."""
    insertion = insert_into(work.connection, expansions).values(agency=agency)
    work.connection.execute(insertion.on_conflict_do_nothing())
    until = work.at + lease
    fence = work.connection.execute(
        update(expansions)
        .where(
            expansions.c.agency == agency,
            or_(expansions.c.lease_until.is_(None), expansions.c.lease_until <= work.at),
        )
        .values(lease_until=until, fence=expansions.c.fence + 1)
        .returning(expansions.c.fence)
    ).scalar()
    if fence is None:
        return None
    first = (
        select(submissions.c.id)
        .where(submissions.c.agency == agency, submissions.c.due_at.is_not(None))
        .order_by(submissions.c.arrival)
        .limit(1)
    )
    work.connection.execute(
        update(submissions)
        .where(submissions.c.id == first.scalar_subquery())
        .values(tries=submissions.c.tries + 1)
    )
    return ExpansionClaim(agency=agency, fence=fence, lease_until=until)


def keep_claim(work: Work, claim: ExpansionClaim, *, lease_until: datetime | None) -> None:
    """
    Prolong a claim, or with None end it.

    Raises:
        ClaimLost: somebody else has the agency by now.
    """
    kept = work.connection.execute(
        update(expansions)
        .where(
            expansions.c.agency == claim.agency,
            expansions.c.fence == claim.fence,
            # A claim that was ended, by a commit whose answer got lost, is not taken up again.
            expansions.c.lease_until.is_not(None),
        )
        .values(lease_until=lease_until)
    )
    if kept.rowcount != 1:
        raise ClaimLost(claim.agency)


def open_submissions(
    connection: Connection, agency: str, *, after: int, limit: int
) -> list[Opened]:
    """Return unfinished submissions of the agency whose place is behind `after`, in order."""
    rows = connection.execute(_OPENED, {"_agency": agency, "_after": after, "_limit": limit})
    return [Opened(**row._mapping) for row in rows]  # noqa: SLF001 - the public name of a namedtuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ends, or suspends, the expansion of one submission."""

    submission: Opened
    records_done: int
    state: SubmissionState
    problems: Sequence[Problem] = ()
    due_at: datetime | None = None
    """Set for a submission that goes on later."""


def advance(work: Work, done: Sequence[tuple[Opened, int]]) -> None:
    """Note how many records are done; the claim is to be checked in the same transaction."""
    rows = [
        {"_id": submission.id, "records_done": records, "tries": 0} for submission, records in done
    ]
    update_rows(work.connection, submissions, rows, by=("id",))


def finish_expansions(work: Work, ended: Sequence[Ended]) -> None:
    """End or suspend expansions; the claim is to be checked in the same transaction."""
    rows = []
    for end in ended:
        submission_id, state = end.submission.id, end.state
        context = submission_problems_context(submission_id)
        rows.append(
            {
                "_id": submission_id,
                "state": state.value,
                "records_done": end.records_done,
                "tries": 0,
                "problems": seal_problems(work.vault, end.problems, context=context),
                "expanded_at": work.at if end.due_at is None else None,
                "due_at": end.due_at,
            }
        )
        codes = ",".join(sorted({problem.code for problem in end.problems}))
        work.note(f"submission.{state.value}", submission_id, codes=codes)
        if end.problems and state is not SubmissionState.HELD:
            kind = "refused" if state is SubmissionState.REFUSED else "broken_off"
            work.tell(end.submission.agency, kind, submission_id=submission_id)
    update_rows(work.connection, submissions, rows, by=("id",))


def forget_tries(work: Work, submission_id: str) -> None:
    """Note that a worker left a submission where it was of its own will."""
    work.connection.execute(_UPDATE, {"_id": submission_id, "tries": 0})


def seal_problems(vault: Vault, problems: Sequence[Problem], *, context: str) -> bytes | None:
    """Return problems, which quote values, as a column holds them; None for none."""
    if not problems:
        return None
    plain = json.dumps([msgspec.to_builtins(problem) for problem in problems], ensure_ascii=False)
    return vault.seal(plain.encode(), context=context)


def open_problems(vault: Vault, sealed: bytes | None, *, context: str) -> tuple[Problem, ...]:
    """Return the problems that a column holds."""
    if sealed is None:
        return ()
    return msgspec.json.decode(vault.open(sealed, context=context), type=tuple[Problem, ...])


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
