"""
Retention: payloads are erased when their time is over, and the proof of what was done stays.

What is erased are bytes that carry people's data: raw submissions, signed documents, the portal's
raw answers, and results: those that were published, and those that stood long enough in the list of
an agency without a results queue. Digests, sizes, states, attempts with their outcome,
receipts and the audit log stay. Nothing is touched of a message that has not ended: one that is
unfinished, parked, quarantined or unknown, or rejected and not corrected yet, keeps its source and
its document however old they are; of what was rejected only the files that were fetched go, since
they are fetched again for whatever corrects it. Every erasure is a row of the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, or_, select, update

from lienthong.states import State
from lienthong.store.batches import among, count, lock, pages
from lienthong.store.database import reading
from lienthong.store.indexing import forget_persons
from lienthong.store.tables import (
    attachments,
    attempts,
    messages,
    results,
    submission_pieces,
    submissions,
)
from lienthong.store.work import PRODUCT, begin, tell_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement

    from lienthong.store.batches import Key
    from lienthong.store.database import Store
    from lienthong.store.work import Work

BATCH = 200
"""Rows per transaction."""
BATCH_OF_SUBMISSIONS = 20
"""The same of submissions, each of which may be many pieces."""
_HAS_ENDED = messages.c.state.in_(
    [
        State.DELIVERED.value,
        State.REISSUED.value,
        State.DISCARDED.value,
        State.SUPERSEDED.value,
    ]
)
_IS_REJECTED_WITH_FILES = and_(
    messages.c.state == State.REJECTED.value,
    exists().where(attachments.c.message_id == messages.c.id, attachments.c.blob.is_not(None)),
)


class PayloadClass(Enum):
    """What is kept for a time of its own; the values are those of `[retention]`."""

    SUBMISSIONS = "submissions"
    """Raw bytes as they came, and what was wrong with them as a whole."""
    DOCUMENTS = "documents"
    """Signed documents of messages that have ended, their files, what was found in their records,
    and what was corrected there; the files of rejected ones."""
    ANSWERS = "answers"
    """The portal's raw answers and its own words, and digests of what was sent as JSON."""
    RESULTS = "results"
    """What agencies were told, once it is published or, without a queue, could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What was done, or would be, about one class."""

    payloads: PayloadClass
    before: datetime
    """What ended before it is erased."""
    erased: int
    """Or, without `apply`, how many would be."""
    kept: int
    """As old, but of messages that have not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One class in the store."""

    key: Key
    aged: Callable[[datetime], ColumnElement[bool]]
    """Whether something is there to erase that is older than a moment."""
    ended: ColumnElement[bool]
    """Whether nobody needs it any more."""
    erase: Callable[[Work, ColumnElement[bool]], int]
    """Erase from the rows that meet a condition; return how many there were."""
    batch: int = BATCH


def _erase_submissions(work: Work, condition: ColumnElement[bool]) -> int:
    erased = work.connection.execute(
        update(submissions)
        .where(condition)
        .values(erased_at=work.at, problems=None)
        .returning(submissions.c.id)
    )
    ids = list(erased.scalars())
    work.connection.execute(
        delete(submission_pieces).where(submission_pieces.c.submission_id.in_(ids))
    )
    return len(ids)


def _erase_documents(work: Work, condition: ColumnElement[bool]) -> int:
    due = list(work.connection.execute(select(messages.c.id).where(condition)).scalars())
    ended = select(messages.c.id).where(messages.c.id.in_(due), _HAS_ENDED)
    erased = list(work.connection.execute(ended).scalars())
    # Their files too: what no manifest names any more is removed from the file store by itself.
    files = update(attachments).where(attachments.c.message_id.in_(due))
    work.connection.execute(files.values(blob=None))
    named = update(attachments).where(attachments.c.message_id.in_(ended))
    work.connection.execute(named.values(declared=None))
    # A file's name is made of values of its message, if its mapping says so.
    erasing = update(messages).where(messages.c.id.in_(ended))
    nothing = dict.fromkeys(("document", "problems", "corrections", "file"))
    work.connection.execute(erasing.values(nothing))
    forget_persons(work.connection, erased)
    return len(due)


def _erase_answers(work: Work, condition: ColumnElement[bool]) -> int:
    nothing = dict.fromkeys(("message", "answer", "answer_digest", "payload_digest", "headers"))
    erasing = update(attempts).where(condition).values(nothing)
    return work.connection.execute(erasing).rowcount


def _erase_results(work: Work, condition: ColumnElement[bool]) -> int:
    return work.connection.execute(delete(results).where(condition)).rowcount


_RULES: dict[PayloadClass, _Rule] = {
    PayloadClass.SUBMISSIONS: _Rule(
        key=(submissions.c.id,),
        aged=lambda before: and_(
            submissions.c.due_at.is_(None),
            submissions.c.expanded_at < before,
            submissions.c.erased_at.is_(None),
        ),
        ended=~exists().where(messages.c.submission_id == submissions.c.id, ~_HAS_ENDED),
        erase=_erase_submissions,
        batch=BATCH_OF_SUBMISSIONS,
    ),
    PayloadClass.DOCUMENTS: _Rule(
        key=(messages.c.id,),
        aged=lambda before: and_(
            messages.c.updated_at < before,
            or_(messages.c.document.is_not(None), messages.c.problems.is_not(None)),
        ),
        ended=or_(_HAS_ENDED, _IS_REJECTED_WITH_FILES),
        erase=_erase_documents,
    ),
    PayloadClass.ANSWERS: _Rule(
        key=(attempts.c.message_id, attempts.c.kind, attempts.c.number),
        aged=lambda before: and_(
            attempts.c.ended_at < before,
            or_(
                attempts.c.answer.is_not(None),
                attempts.c.message.is_not(None),
                attempts.c.payload_digest.is_not(None),
                attempts.c.headers.is_not(None),
            ),
        ),
        ended=exists().where(messages.c.id == attempts.c.message_id, _HAS_ENDED),
        erase=_erase_answers,
    ),
}


def _rule_of_results(unqueued: Collection[str]) -> _Rule:
    has_no_queue = results.c.agency.in_(sorted(unqueued))
    return _Rule(
        key=(results.c.id,),
        aged=lambda before: or_(
            results.c.published_at < before, and_(has_no_queue, results.c.created_at < before)
        ),
        ended=or_(results.c.published_at.is_not(None), has_no_queue),
        erase=_erase_results,
    )


def retain(
    store: Store,
    *,
    ages: Mapping[PayloadClass, timedelta | None],
    unqueued: Collection[str],
    clock: Callable[[], datetime],
    apply: bool,
    actor: str = PRODUCT,
) -> list[Retained]:
    """
    Erase what is older than its class is kept, a few rows at a time, beside running workers.

    Args:
        store: The store.
        ages: How long each class is kept; None, or no entry, is for ever.
        unqueued: Agencies without a results queue, whose results are old by themselves. Of one that
            is not known here nobody can say whether it could read them.
        clock: Tells the time where the store does not: a wrong one must not erase anything early.
        apply: False only counts.
        actor: Who asked for it.

    Returns:
        One line per class that is not kept for ever.
    """
    with reading(store) as connection:
        now = tell_time(store, connection, at=clock)
    found = []
    rules = _RULES | {PayloadClass.RESULTS: _rule_of_results(unqueued)}
    for payloads, rule in rules.items():
        age = ages.get(payloads)
        if age is None:
            continue
        before = now - age
        aged = rule.aged(before)
        old = count(store, rule.key, aged)
        due = count(store, rule.key, aged & rule.ended)
        erased = due
        if apply and due:
            erased = 0
            for keys in pages(store, rule.key, aged & rule.ended, size=rule.batch):
                with begin(store, at=clock, actor=actor) as work:
                    erased += _erase(work, payloads, rule, keys, before=before)
        found.append(
            Retained(payloads=payloads, before=before, erased=erased, kept=max(old - due, 0))
        )
    return found


def _erase(
    work: Work,
    payloads: PayloadClass,
    rule: _Rule,
    keys: Sequence[tuple[Any, ...]],
    *,
    before: datetime,
) -> int:
    due = rule.aged(before) & rule.ended
    held = [tuple(row) for row in lock(work.connection, rule.key, due, keys=keys)]
    # Once more `due`: what was reissued between the look and the lock is seen only now.
    erased = rule.erase(work, among(rule.key, held) & due) if held else 0
    if erased:
        work.note("retention.erased", payloads.value, count=erased, before=before.isoformat())
    return erased
