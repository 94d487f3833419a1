"""
Sealing everything that the store keeps as new values are sealed, while the workers run.

Needed after encryption was switched on (or off), and after a rotation that was made because a data
key may be known to others. It may be stopped at any moment and begun again: what is done is told
by how a value begins, and is not touched twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, bindparam, exists, func, select, update

from lienthong.store import sealed
from lienthong.store.batches import count, lock, pages
from lienthong.store.pieces import PIECE_BYTES
from lienthong.store.tables import (
    accounts,
    attachments,
    attempts,
    messages,
    pulls,
    receipts,
    search_keys,
    submission_pieces,
    submission_receipts,
    submissions,
)
from lienthong.store.vault import SealBroken
from lienthong.store.work import PRODUCT, begin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Row

    from lienthong.store.batches import Key
    from lienthong.store.database import Store
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

BATCH = 200
"""Values per transaction."""
BATCH_OF_PIECES = 8
"""The same of raw bytes, of which one value is up to 1 MiB."""
PASSES = 3
"""How often what workers held is come back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What one run did."""

    values: int
    left: int
    """Still sealed otherwise: workers held them, or have not learnt of the newest key yet."""
    broken: tuple[SealBroken, ...]
    """What does not open, each with its place; it was left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One sealed column, and what the context of a value is made from."""

    column: Column[Any]
    key: Key
    context: Callable[[Row[Any]], str]
    also: tuple[ColumnElement[Any], ...] = ()
    """What the context needs besides the key."""
    only: ColumnElement[bool] | None = None
    batch: int = BATCH


_ATTEMPT: Key = (attempts.c.message_id, attempts.c.kind, attempts.c.number)
_SIZE = (
    select(submissions.c.size)
    .where(submissions.c.id == submission_pieces.c.submission_id)
    .scalar_subquery()
    .label("size")
)
_COLUMNS = (
    _Column(
        column=submissions.c.problems,
        key=(submissions.c.id,),
        context=lambda row: sealed.submission_problems_context(row.id),
    ),
    _Column(
        column=messages.c.document,
        key=(messages.c.id,),
        context=lambda row: sealed.document_context(row.id),
    ),
    _Column(
        column=messages.c.problems,
        key=(messages.c.id,),
        context=lambda row: sealed.problems_context(row.id),
    ),
    _Column(
        column=messages.c.corrections,
        key=(messages.c.id,),
        context=lambda row: sealed.corrections_context(row.id),
    ),
    _Column(
        column=attachments.c.declared,
        key=(attachments.c.message_id, attachments.c.number),
        context=lambda row: sealed.attachment_context(row.message_id, row.number),
    ),
    _Column(
        column=attempts.c.message,
        key=_ATTEMPT,
        context=lambda row: sealed.words_context(row.message_id, row.kind, row.number),
    ),
    _Column(
        column=attempts.c.answer,
        key=_ATTEMPT,
        context=lambda row: sealed.answer_context(row.message_id, row.kind, row.number),
    ),
    _Column(
        column=attempts.c.headers,
        key=_ATTEMPT,
        context=lambda row: sealed.headers_context(row.message_id, row.kind, row.number),
    ),
    _Column(
        column=receipts.c.document,
        key=(receipts.c.message_id,),
        context=lambda row: sealed.receipt_context(row.message_id),
    ),
    _Column(
        column=submission_receipts.c.document,
        key=(submission_receipts.c.submission_id, submission_receipts.c.statement),
        context=lambda row: sealed.submission_receipt_context(row.submission_id, row.statement),
    ),
    _Column(
        column=pulls.c.salt,
        key=(pulls.c.source,),
        context=lambda row: sealed.salt_context(row.source),
    ),
    _Column(
        column=search_keys.c.secret,
        key=(search_keys.c.name,),
        context=lambda row: sealed.search_key_context(row.name),
    ),
    _Column(
        column=accounts.c.totp,
        key=(accounts.c.id,),
        context=lambda row: sealed.totp_context(row.id),
    ),
    _Column(
        column=accounts.c.totp_next,
        key=(accounts.c.id,),
        context=lambda row: sealed.next_totp_context(row.id),
    ),
    _Column(
        column=submission_pieces.c.body,
        key=(submission_pieces.c.submission_id, submission_pieces.c.number),
        context=lambda row: sealed.piece_context(
            row.submission_id, row.number, is_last=(row.number + 1) * PIECE_BYTES >= row.size
        ),
        also=(_SIZE,),
        # Pieces whose submission is still coming in: which is the last is not known yet.
        only=exists().where(submissions.c.id == submission_pieces.c.submission_id),
        batch=BATCH_OF_PIECES,
    ),
)


def reseal(
    store: Store,
    *,
    clock: Callable[[], datetime],
    actor: str = PRODUCT,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Resealed:
    """
    Seal with the newest data key everything that is not; plainly, where encryption is off.

    Args:
        store: The store.
        clock: Asked once per transaction.
        actor: Who asked for it.
        on_progress: Called with how many are done, and how many there were at the beginning.

    Raises:
        StoreKeyMissing: a data key cannot be opened.
    """
    store.vault.refresh()
    total = left = _count_stale(store)
    done = 0
    broken: dict[str, SealBroken] = {}
    for _ in range(PASSES):
        for column in _COLUMNS:
            stale = _is_stale(store.vault, column)
            for keys in pages(store, column.key, stale, size=column.batch):
                with begin(store, at=clock, actor=actor) as work:
                    done += _seal_batch(work, column, keys, broken=broken)
                on_progress(done, total)
        left = max(_count_stale(store) - len(broken), 0)
        if left == 0:
            break
    with begin(store, at=clock, actor=actor) as work:
        key_id = work.vault.newest_key_id
        work.note("vault.resealed", "store", key=key_id, values=done, left=left, broken=len(broken))
    return Resealed(values=done, left=left, broken=tuple(broken.values()))


def _count_stale(store: Store) -> int:
    return sum(count(store, column.key, _is_stale(store.vault, column)) for column in _COLUMNS)


def _is_stale(vault: Vault, column: _Column) -> ColumnElement[bool]:
    prefix = vault.prefix
    begins = func.substr(column.column, 1, len(prefix), type_=LargeBinary)
    stale = column.column.is_not(None) & (begins != prefix)
    return stale if column.only is None else stale & column.only


def _seal_batch(
    work: Work,
    column: _Column,
    keys: Sequence[tuple[Any, ...]],
    *,
    broken: dict[str, SealBroken],
) -> int:
    """Seal those of `keys` that can be had now; what does not open goes to `broken`."""
    stale = _is_stale(work.vault, column)
    columns = (column.column.label("value"), *column.also)
    changes = []
    for row in lock(work.connection, column.key, stale, keys=keys, columns=columns):
        context = column.context(row)
        try:
            plain = work.vault.open(row.value, context=context)
        except SealBroken as error:
            broken[context] = error
            continue
        new = work.vault.seal(plain, context=context)
        key = {f"_{part.name}": getattr(row, part.name) for part in column.key}
        changes.append({**key, column.column.name: new})
    if changes:
        of_row = (part == bindparam(f"_{part.name}") for part in column.key)
        work.connection.execute(update(column.column.table).where(*of_row), changes)
    return len(changes)
