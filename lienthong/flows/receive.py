"""
The one way in: whatever door a submission came through, it is durable before it is acknowledged.

The bytes go into the store in sealed pieces, each in a transaction of its own where there are
several; the row that makes the submission exist is written in the transaction of the last one. A
crash in between leaves pieces without a row, which nobody was told about and which are removed
after a while. Small submissions share one transaction.

A sender that gives its hand-over a key may hand over as often as it likes: the same key with the
same bytes is the same submission, and with other bytes it is refused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from lienthong.failpoints import Point, reached
from lienthong.flows.hints import EXPAND, publish_or_leave
from lienthong.ids import make_id
from lienthong.store.pieces import PIECE_BYTES, count_pieces, put_pieces, remove_pieces
from lienthong.store.submissions import (
    Submission,
    find_keys,
    insert_submissions,
    line_of,
    note_received,
    take_places,
)
from lienthong.store.work import begin
from lienthong.traces.recording import ending
from lienthong.traces.spans import receive_span
from lienthong.trouble import STORE_TROUBLE
from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from lienthong.flows.hints import Publisher
    from lienthong.store.database import Store
    from lienthong.store.work import Work
    from lienthong.traces.context import TraceContext
    from lienthong.traces.recording import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a sender hands over."""

    source: BinaryIO
    file_name: str
    agency: str
    door: str
    sender: str
    key: str | None = None
    """The sender's own id of this hand-over; a hand-over without one is always a new one."""
    service: str | None = None
    """Of a message of a peer to the agency, as it is published; None: from the agency itself."""
    proof: Mapping[str, str] = field(default_factory=dict)
    """What shows whose it is, for the audit log: codes, identifiers and digests."""
    trace: TraceContext | None = None
    """The sender's own span, where it named one."""
    queue: str | None = None
    """From which it was taken, where it was one."""

    @property
    def line(self) -> str:
        """In which it is expanded, and its key is its own."""
        return line_of(self.agency, service=self.service, sender=self.sender)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an offer: it is here, and cannot be lost."""

    submission_id: str
    agency: str
    sha256: str
    size: int
    """Bytes."""
    is_repeat: bool
    """It was here before: this is the first answer again."""
    trace: TraceContext | None = None
    """The span in which it was received, now; None where traces are off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConflict:
    """The key came before with other bytes; nothing was taken over."""

    problem: Problem
    submission_id: str
    """What came before."""
    sha256: str
    """Of the other bytes."""


class _Undone(Exception):
    """One of several that belong together was not taken over, so none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One offer whose bytes are in the hand (or, but for the last piece, in the store)."""

    id: str
    offer: Offer
    sha256: str
    size: int
    last_piece: bytes
    last_number: int
    span: Span


def receive(
    offer: Offer,
    *,
    store: Store,
    broker: Publisher,
    clock: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _bytes: None,
    together: Callable[[Work], None] = lambda _work: None,
) -> Taken:
    """
    Take one submission of any size over; when this returns, it cannot be lost.

    The hint that starts its expansion is published last: if that fails, the workers find it.

    Args:
        offer: What is handed over.
        store: The store.
        broker: The exchange.
        clock: Tells the time.
        progress: Is told of bytes as they are read.
        together: Writes what must be durable exactly when the submission is; what it raises undoes
            both, and is raised.

    Raises:
        InputError: it cannot be read to its end, or its key came before with other bytes; nothing
            is left behind.
    """
    span = _begin(offer)
    with ending(span):
        outcome = _receive(
            offer, span, store=store, clock=clock, progress=progress, together=together
        )
        _tell_trace(span, outcome)
        if isinstance(outcome, KeyConflict):
            raise InputError(outcome.problem)
        reached(Point.RECEIVE_COMMITTED)
        publish_or_leave(
            broker, EXPAND, [offer.line], at=clock(), traces={offer.line: span.context}
        )
    reached(Point.RECEIVE_HINTED)
    return outcome


def _receive(
    offer: Offer,
    span: Span,
    *,
    store: Store,
    clock: Callable[[], datetime],
    progress: Callable[[int], None],
    together: Callable[[Work], None],
) -> Taken | KeyConflict:
    submission_id = make_id(clock())
    try:
        read = _read_in(offer, submission_id, span, store=store, clock=clock, progress=progress)
        with begin(store, at=clock, actor=offer.sender) as work:
            _check_pieces(work, read)
            (outcome,) = _register(work, [read])
            if isinstance(outcome, KeyConflict) or outcome.is_repeat:
                remove_pieces(work.connection, submission_id)
            if isinstance(outcome, Taken):
                together(work)
            reached(Point.RECEIVE_REGISTERED)
    except STORE_TROUBLE:
        # Its commit may have done its work, or be about to: what has no row in the end is nobody's,
        # and swept away.
        raise
    except Exception:
        with suppress(*STORE_TROUBLE), begin(store, at=clock) as work:
            remove_pieces(work.connection, submission_id)
        raise
    return outcome


def _begin(offer: Offer) -> Span:
    return receive_span(door=offer.door, agency=offer.agency, parent=offer.trace, queue=offer.queue)


def _tell_trace(span: Span, outcome: Taken | KeyConflict) -> None:
    span.note(submission=outcome.submission_id)
    if isinstance(outcome, KeyConflict):
        span.fail(outcome.problem.code)
    else:
        span.note(size=outcome.size, repeated=outcome.is_repeat)


def receive_together(
    offers: Sequence[Offer], *, store: Store, broker: Publisher, clock: Callable[[], datetime]
) -> list[Taken | KeyConflict]:
    """
    Take small submissions over, all of them or, where a key came before with other bytes, none.

    Args: as `receive_many`; two offers with one key and other bytes are the caller's mistake.

    Returns:
        One item per offer. Where one is a conflict, nothing was taken over.
    """
    outcomes: list[Taken | KeyConflict] = []

    def check(found: list[Taken | KeyConflict]) -> None:
        if any(isinstance(outcome, KeyConflict) for outcome in found):
            outcomes.extend(found)
            raise _Undone

    try:
        return _receive_many(offers, store=store, broker=broker, clock=clock, check=check)
    except _Undone:
        with begin(store, at=clock) as work:
            for offer, outcome in zip(offers, outcomes, strict=True):
                if isinstance(outcome, KeyConflict):
                    _note_conflict(work, offer, outcome)
        return outcomes


def receive_many(
    offers: Sequence[Offer], *, store: Store, broker: Publisher, clock: Callable[[], datetime]
) -> list[Taken | KeyConflict]:
    """
    Take small submissions over in one transaction, in their order; see `receive`.

    Args:
        offers: Each at most one piece (1 MiB) in size, or a few: all of them are in memory at once.
        store: The store.
        broker: The exchange.
        clock: Tells the time.
    """
    return _receive_many(offers, store=store, broker=broker, clock=clock)


def _receive_many(
    offers: Sequence[Offer],
    *,
    store: Store,
    broker: Publisher,
    clock: Callable[[], datetime],
    check: Callable[[list[Taken | KeyConflict]], None] = lambda _outcomes: None,
) -> list[Taken | KeyConflict]:
    with ExitStack() as spans:
        pieces = {}
        reads = []
        for offer in offers:
            span = _begin(offer)
            spans.callback(span.end)
            read, earlier = _read_whole(offer, make_id(clock()), span)
            reads.append(read)
            pieces[read.id] = earlier
        with begin(store, at=clock) as work:
            outcomes = _register(work, reads)
            check(outcomes)
            for read, outcome in zip(reads, outcomes, strict=True):
                if isinstance(outcome, Taken) and not outcome.is_repeat:
                    put_pieces(work, [(read.id, *piece) for piece in pieces[read.id]])
            reached(Point.RECEIVE_REGISTERED)
        reached(Point.RECEIVE_COMMITTED)
        for read, outcome in zip(reads, outcomes, strict=True):
            _tell_trace(read.span, outcome)
    lines: dict[str, TraceContext | None] = {}
    for read, outcome in zip(reads, outcomes, strict=True):
        if isinstance(outcome, Taken):
            lines.setdefault(read.offer.line, read.span.context)
    publish_or_leave(broker, EXPAND, sorted(lines), at=clock(), traces=lines)
    reached(Point.RECEIVE_HINTED)
    return outcomes


def _read_whole(
    offer: Offer, submission_id: str, span: Span
) -> tuple[_Read, list[tuple[int, bytes, bool]]]:
    """Read a small offer; return it with the pieces before its last one."""
    *earlier, (number, body, _) = _pieces(offer.source)
    digest = hashlib.sha256()
    for _, part, _ in earlier:
        digest.update(part)
    digest.update(body)
    read = _Read(
        id=submission_id,
        offer=offer,
        sha256=digest.hexdigest(),
        size=sum(len(part) for _, part, _ in earlier) + len(body),
        last_piece=body,
        last_number=number,
        span=span,
    )
    return read, earlier


def _read_in(
    offer: Offer,
    submission_id: str,
    span: Span,
    *,
    store: Store,
    clock: Callable[[], datetime],
    progress: Callable[[int], None],
) -> _Read:
    digest = hashlib.sha256()
    size = 0
    try:
        for number, body, is_last in _pieces(offer.source):
            digest.update(body)
            size += len(body)
            if is_last:
                progress(len(body))
                return _Read(
                    id=submission_id,
                    offer=offer,
                    sha256=digest.hexdigest(),
                    size=size,
                    last_piece=body,
                    last_number=number,
                    span=span,
                )
            with begin(store, at=clock) as work:
                put_pieces(work, [(submission_id, number, body, False)])
            reached(Point.RECEIVE_PIECE_WRITTEN)
            progress(len(body))
    except OSError as error:
        raise InputError(_not_taken(error.strerror or type(error).__name__)) from error
    raise AssertionError("every source has a last piece")


def _check_pieces(work: Work, read: _Read) -> None:
    if count_pieces(work.connection, read.id) != read.last_number:
        # This process stood still for so long that they were taken for left over.
        raise InputError(_not_taken("its first bytes are gone: send it again"))


def _pieces(source: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Cut a source into pieces: number, bytes, whether it is the last; at least one."""
    number = 0
    body = _read_full(source)
    while len(body) == PIECE_BYTES and (following := _read_full(source)):
        yield number, body, False
        number, body = number + 1, following
    yield number, body, True


def _read_full(source: BinaryIO) -> bytes:
    """Read a whole piece, however little the source gives at a time."""
    piece = source.read(PIECE_BYTES)
    if len(piece) == PIECE_BYTES or not piece:
        return piece
    gathered = bytearray(piece)
    while len(gathered) < PIECE_BYTES and (more := source.read(PIECE_BYTES - len(gathered))):
        gathered += more
    return bytes(gathered)


def _register(work: Work, reads: Sequence[_Read]) -> list[Taken | KeyConflict]:
    """Make submissions exist, each in its place in its line, or find that they do."""
    counts = Counter(read.offer.line for read in reads)
    # First of all: from here on nobody else receives for these lines, so a key that is not
    # there now cannot come before the end of this transaction.
    places = take_places(work, counts)
    known = {line: find_keys(work.connection, line, _keys(reads, line)) for line in counts}
    new: list[tuple[Submission, int]] = []
    outcomes: list[Taken | KeyConflict] = []
    for read in reads:
        offer = read.offer
        before = known[offer.line].get(offer.key) if offer.key is not None else None
        if before is not None:
            outcomes.append(_again(work, read, *before))
            continue
        if offer.key is not None:
            known[offer.line][offer.key] = (read.id, read.sha256)
        submission = _submission(read, work.at)
        # At once, so that nobody is told of a repeat before the first.
        note_received(work, submission)
        new.append((submission, places[offer.line]))
        places[offer.line] += 1
        outcomes.append(_taken(read, read.id, is_repeat=False))
    put_pieces(
        work,
        [
            (read.id, read.last_number, read.last_piece, True)
            for read, outcome in zip(reads, outcomes, strict=True)
            if isinstance(outcome, Taken) and not outcome.is_repeat
        ],
    )
    insert_submissions(work, new)
    return outcomes


def _keys(reads: Sequence[_Read], line: str) -> set[str]:
    return {
        read.offer.key for read in reads if read.offer.line == line and read.offer.key is not None
    }


def _again(work: Work, read: _Read, submission_id: str, sha256: str) -> Taken | KeyConflict:
    if sha256 == read.sha256:
        work.note("submission.repeated", submission_id, door=read.offer.door)
        if read.offer.service is None:
            work.tell(read.offer.agency, "received", submission_id=submission_id, repeated=True)
        return _taken(read, submission_id, is_repeat=True)
    conflict = KeyConflict(
        problem=_key_conflict(read.offer), submission_id=submission_id, sha256=read.sha256
    )
    _note_conflict(work, read.offer, conflict)
    return conflict


def _note_conflict(work: Work, offer: Offer, conflict: KeyConflict) -> None:
    work.note(
        "submission.key_conflict", conflict.submission_id, door=offer.door, sha256=conflict.sha256
    )


def _taken(read: _Read, submission_id: str, *, is_repeat: bool) -> Taken:
    return Taken(
        submission_id=submission_id,
        agency=read.offer.agency,
        sha256=read.sha256,
        size=read.size,
        is_repeat=is_repeat,
        trace=read.span.context,
    )


def _submission(read: _Read, at: datetime) -> Submission:
    offer = read.offer
    return Submission(
        id=read.id,
        agency=offer.agency,
        door=offer.door,
        sender=offer.sender,
        file_name=offer.file_name,
        sha256=read.sha256,
        size=read.size,
        received_at=at,
        key=offer.key,
        service=offer.service,
        proof=offer.proof,
        trace=None if read.span.context is None else read.span.context.header,
    )


def small_offer(  # noqa: PLR0913 - one argument per fact of an offer
    body: bytes,
    *,
    file_name: str,
    agency: str,
    door: str,
    sender: str,
    key: str | None,
    service: str | None = None,
    proof: Mapping[str, str] = MappingProxyType({}),
    trace: TraceContext | None = None,
    queue: str | None = None,
) -> Offer:
    """Return an offer of bytes that are in the hand already."""
    return Offer(
        source=BytesIO(body),
        file_name=file_name,
        agency=agency,
        door=door,
        sender=sender,
        key=key,
        service=service,
        proof=proof,
        trace=trace,
        queue=queue,
    )


def _key_conflict(offer: Offer) -> Problem:
    return Problem(
        code="submission.key_conflict",
        message=Text(
            vi=f"Khóa «{offer.key}» đã được dùng cho một lần gửi khác có nội dung khác",
            en=f"Key '{offer.key}' was used before for a hand-over with other content",
        ),
        place=Place(file=offer.file_name),
        suggestion=Text(
            vi="Mỗi nội dung mới cần một khóa mới; gửi lại nguyên văn thì giữ khóa cũ",
            en="Give new content a new key; keep the key only to send the very same bytes again",
        ),
    )


def _not_taken(cause: str) -> Problem:
    return Problem(
        code="submission.not_taken",
        message=Text(
            vi=f"Chưa nhận tệp: {cause}. Không có gì được lưu",
            en=f"The file was not taken over: {cause}. Nothing was kept",
        ),
        suggestion=Text(
            vi="Kiểm tra tệp còn đọc được, rồi gửi lại",
            en="Check that the file can be read, then send it again",
        ),
    )
