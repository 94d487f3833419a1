"""
Putting messages into the index that were there before it, while the workers run.

Numbers are read from the signed documents; of what went to agencies, whose files have other fields,
from the records as they were received. It may be stopped at any moment and begun again: how far it
is stands in the store. What was erased has nothing to be found by.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, true, update

from lienthong.channels.port import Packet
from lienthong.failures import causes_of_findings
from lienthong.states import State
from lienthong.store.batches import lock
from lienthong.store.database import insert_into, reading
from lienthong.store.indexing import BACKFILL, IndexRows, forget_persons, forget_problems
from lienthong.store.problems import open_problems
from lienthong.store.sealed import document_context, problems_context
from lienthong.store.tables import backfills, messages
from lienthong.store.vault import SealBroken
from lienthong.store.work import PRODUCT, begin
from schemas.errors import InputError
from schemas.identities import identity_numbers_of
from schemas.parser import parse_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import ColumnElement, Row

    from lienthong.flows.reread import Source
    from lienthong.store.database import Store
    from lienthong.store.work import Work
    from schemas.problem import Problem

BATCH = 200
"""Messages per transaction."""
PAUSE_SECONDS = 0.05
"""Before what a worker holds is asked for again."""
_COLUMNS = (
    messages.c.agency,
    messages.c.packet,
    messages.c.state,
    messages.c.updated_at,
    messages.c.document,
    messages.c.problems,
)
_STANDS = frozenset({State.REJECTED.value, State.HELD.value})
"""States in which a message stands in what was found of it."""
_IS_IT = backfills.c.name == BACKFILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What one run did."""

    messages: int
    unread: tuple[str, ...]
    """Ids of those that have a document whose numbers could not be read: it does not open, or the
    record that it was made of cannot be read any more. They are found by all else."""


def begin_again(store: Store, *, clock: Callable[[], datetime], actor: str = PRODUCT) -> None:
    """Have all messages gone through anew, those that are in the index too."""
    with begin(store, at=clock, actor=actor) as work:
        last = work.connection.execute(select(func.max(messages.c.id))).scalar()
        if last is not None:
            values = {"after": "", "until": last}
            making = insert_into(work.connection, backfills).values(name=BACKFILL, **values)
            work.connection.execute(
                making.on_conflict_do_update(index_elements=["name"], set_=values)
            )


def index_messages(
    store: Store,
    source: Source,
    *,
    clock: Callable[[], datetime],
    actor: str = PRODUCT,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Indexed:
    """
    Index the messages that are not, from where it was left.

    Args:
        store: The store.
        source: Reads records again.
        clock: Asked once per transaction.
        actor: Who asked for it.
        on_progress: Called with how many are done, and how many there were at the beginning.
    """
    done, total = 0, count_unindexed(store)
    unread: list[str] = []
    while page := _next_page(store):
        numbers = _numbers_of_records(store, source, page)
        left = page
        while left:
            with begin(store, at=clock, actor=actor) as work:
                keys = [(message_id,) for message_id in left]
                rows = lock(work.connection, (messages.c.id,), true(), keys=keys, columns=_COLUMNS)
                unread += _write(work, rows, numbers)
                held = set(left) - {row.id for row in rows}
                if not held:
                    _go_on(work, after=page[-1])
            left = sorted(held)
            if left:
                sleep(PAUSE_SECONDS)
        done += len(page)
        on_progress(done, total)
    with begin(store, at=clock, actor=actor) as work:
        if work.connection.execute(delete(backfills).where(_IS_IT)).rowcount:
            work.note("store.indexed", "messages", count=done, unread=len(unread))
    return Indexed(messages=done, unread=tuple(unread))


def count_unindexed(store: Store) -> int:
    """Return how many messages are still to be gone through."""
    query = select(func.count()).select_from(messages).join(backfills, _is_left())
    with reading(store) as connection:
        return int(connection.execute(query).scalar_one())


def _is_left() -> ColumnElement[bool]:
    return _IS_IT & (messages.c.id > backfills.c.after) & (messages.c.id <= backfills.c.until)


def _next_page(store: Store) -> list[str]:
    query = select(messages.c.id).join(backfills, _is_left()).order_by(messages.c.id).limit(BATCH)
    with reading(store) as connection:
        return list(connection.execute(query).scalars())


def _go_on(work: Work, *, after: str) -> None:
    work.connection.execute(update(backfills).where(_IS_IT).values(after=after))


def _numbers_of_records(
    store: Store, source: Source, page: Sequence[str]
) -> Mapping[str, tuple[str, ...] | None]:
    """Return the numbers of what went to agencies, None where its record cannot be read."""
    query = select(messages.c.id).where(
        messages.c.id.in_(page),
        messages.c.packet == Packet.INBOUND.value,
        messages.c.document.is_not(None),
    )
    with reading(store) as connection:
        inbound = list(connection.execute(query).scalars())
    if not inbound:
        return {}
    source.read(inbound)
    return {message_id: _numbers_of_record(source, message_id) for message_id in inbound}


def _numbers_of_record(source: Source, message_id: str) -> tuple[str, ...] | None:
    try:
        return source.made_from(message_id).record.events[0].identities
    except InputError:
        return None


def _write(
    work: Work, rows: Sequence[Row[Any]], numbers: Mapping[str, tuple[str, ...] | None]
) -> list[str]:
    """Index the messages of `rows`; return those whose numbers could not be read."""
    forget_persons(work.connection, [row.id for row in rows])
    # Those of problems that were erased stay.
    forget_problems(work.connection, [row.id for row in rows if row.problems is not None])
    index = IndexRows(work.vault)
    unread = []
    for row in rows:
        try:
            context = problems_context(row.id)
            told = open_problems(work.vault, row.problems, context=context)
            index.add_problems(row.id, told)
            _stand(work, row, told)
            found = numbers.get(row.id) if row.id in numbers else _numbers_of(work, row)
        except (SealBroken, InputError):
            found = None
        if found is None:
            unread.append(row.id)
        elif row.document is not None:
            index.add_persons(row.id, found)
    index.write(work.connection)
    return unread


def _stand(work: Work, row: Row[Any], told: Sequence[Problem]) -> None:
    """Have a message counted under what it stands in since it was found."""
    is_down = row.packet == Packet.INBOUND.value
    causes = causes_of_findings(row.agency, told, is_down=is_down)
    if causes and row.state in _STANDS:
        work.fail(row.id, causes, at=row.updated_at)


def _numbers_of(work: Work, row: Row[Any]) -> tuple[str, ...]:
    if row.document is None:
        return ()
    document = work.vault.open(row.document, context=document_context(row.id))
    return identity_numbers_of(parse_xml(document))
