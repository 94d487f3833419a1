"""
What the agencies are told: the rows of `results`, put into words, and read by whoever tells them.

Two ways read the same rows. The publisher asks for what has no `published_at`: a flag, so that
whatever commits late is found late and not passed over. An agency that reads its results as a
list gives the number of the last one it has; numbers are given when the list is read, to rows that
are committed, by one reader at a time (the agency's row of `result_lists` is held until the
numbers are committed). So no row can come to stand behind a number that somebody has seen. Neither
trusts ids or times: on PostgreSQL a transaction that began earlier may commit later.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update

from lienthong.reasons import REASONS
from lienthong.states import State
from lienthong.store.database import insert_into, reading
from lienthong.store.portal_answers import load_words, no_columns, portal_problems
from lienthong.store.problems import open_problems
from lienthong.store.sealed import (
    problems_context,
    receipt_context,
    submission_problems_context,
)
from lienthong.store.submission_receipts import RECEIPT, load_receipts
from lienthong.store.tables import (
    in_slices,
    messages,
    receipts,
    result_lists,
    results,
    submissions,
)
from lienthong.store.vault import SealBroken
from lienthong.store.work import begin
from schemas.problem import Problem, Text
from schemas.receipts import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.store.database import Store
    from lienthong.store.portal_answers import Columns
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

REPEATED = "repeated"
LEFT_OUT = "left_out"
"""A record that the mapping leaves out: no message was made of it."""
_OF_A_FILE = {"received": "received", "refused": "refused", "broken_off": "expanded"}
"""Kinds that speak of a submission as a whole, and the state it came to by them."""
_REFUSALS = frozenset({State.PARKED.value, State.QUARANTINED.value})
"""Kinds for which the portal's own words, if it said any, are the reason."""
NUMBERED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing that an agency is told."""

    id: str
    number: int | None
    """Its place in the agency's list, once somebody read that far."""
    kind: str
    """receipt, received, refused, broken_off, repeated, left_out, or the state of a message."""
    at: datetime
    agency: str
    is_again: bool
    """Of `received`: the same hand-over came before, and this is its first answer again."""
    submission_id: str | None
    key: str | None
    """The sender's own id of the hand-over."""
    file_name: str | None
    record: int | None
    item: int | None
    dossier_code: str | None
    message_id: str | None
    """Of `repeated`: the first message, which the event repeats."""
    event_key: str | None
    state: str | None
    """That the kind speaks of; of `repeated`: where the first message stands now; of `receipt`:
    what it states. Of `left_out` None."""
    reason: str
    """In English, where the message still stands where the kind says; may be empty."""
    receipt: bytes | None
    """Of `receipt`, and of `received` again: ours, for what the agency sent; else the portal's."""
    problems: tuple[Problem, ...]


_RESULTS = (
    select(
        results,
        submissions.c.key.label("submission_key"),
        submissions.c.file_name,
        submissions.c.problems.label("file_problems"),
        messages.c.record,
        messages.c.item,
        messages.c.dossier_code,
        messages.c.event_key,
        messages.c.packet,
        messages.c.place,
        messages.c.mapping,
        messages.c.state,
        messages.c.reason,
        messages.c.problems,
        receipts.c.document.label("receipt"),
    )
    .outerjoin(submissions, submissions.c.id == results.c.submission_id)
    .outerjoin(messages, messages.c.id == results.c.message_id)
    .outerjoin(receipts, receipts.c.message_id == results.c.message_id)
)
_PENDING = (
    _RESULTS.where(
        results.c.published_at.is_(None),
        results.c.agency.not_in(bindparam("_without", expanding=True)),
    )
    .order_by(results.c.created_at, results.c.id)
    .limit(bindparam("_limit"))
)
PUBLISHING = timedelta(seconds=90)
"""Longer than the exchange may take to be reached and to confirm a batch."""
_PENDING_OF = _PENDING.where(results.c.agency.in_(bindparam("_of", expanding=True)))
_PUBLISHER = 0x4C54_0003
"""Name of the publishers' lock on PostgreSQL; any number that nothing else there uses."""
_LIST = (
    _RESULTS.where(results.c.agency == bindparam("_agency"), results.c.number > bindparam("_after"))
    .order_by(results.c.number)
    .limit(bindparam("_limit"))
)
_UNNUMBERED = (
    select(results.c.id)
    .where(results.c.agency == bindparam("_agency"), results.c.number.is_(None))
    .order_by(results.c.created_at, results.c.id)
    .limit(bindparam("_limit"))
)
_NUMBER = update(results).where(results.c.id == bindparam("_id"))


def may_publish(work: Work) -> bool:
    """
    Return whether this transaction may publish; if so, until its end nobody else's may.

    An agency's results would change places if two published at once. On SQLite, where publishing
    must not happen inside a transaction, the answer is yes: two publishers may then publish the
    same result, and its id says that it is the same.

    The transaction may stand still for `PUBLISHING` while the exchange confirms.
    """
    if work.connection.dialect.name != "postgresql":
        return True
    patience = f"{PUBLISHING.total_seconds():.0f}s"
    row = work.connection.execute(
        select(
            func.pg_try_advisory_xact_lock(_PUBLISHER),
            func.set_config("idle_in_transaction_session_timeout", patience, True),
        )
    ).one()
    return bool(row[0])


def pending(
    connection: Connection,
    *,
    vault: Vault,
    limit: int,
    without: Iterable[str] = (),
    of: Iterable[str] | None = None,
    columns: Columns = no_columns,
) -> list[Result]:
    """
    Return results that nobody has published yet, the earliest first.

    Args:
        connection: Of the transaction.
        vault: Opens what is sealed in them.
        limit: At most so many.
        without: Agencies that cannot be told now; theirs are left out.
        of: Agencies that are told at all; None is every one.
        columns: Knows the agencies' names of fields that the portal names.
    """
    values: dict[str, Any] = {"_limit": limit, "_without": sorted(without)}
    if of is None:
        rows = connection.execute(_PENDING, values).all()
        return _results(connection, rows, vault=vault, columns=columns)
    values["_of"] = sorted(of)
    rows = connection.execute(_PENDING_OF, values).all()
    return _results(connection, rows, vault=vault, columns=columns)


def mark_published(work: Work, ids: Iterable[str]) -> None:
    """Write down that these results were handed to their agencies."""
    for part in in_slices(list(ids)):
        # In the order in which numbers are given too, so that neither waits for the other in a
        # circle.
        work.connection.execute(
            select(results.c.id)
            .where(results.c.id.in_(part))
            .order_by(results.c.created_at, results.c.id)
            .with_for_update()
        )
        work.connection.execute(
            update(results).where(results.c.id.in_(part)).values(published_at=work.at)
        )


def list_results(
    store: Store,
    *,
    agency: str,
    after: int,
    limit: int,
    clock: Callable[[], datetime],
    columns: Columns = no_columns,
) -> list[Result]:
    """
    Return results of one agency by their numbers, those behind `after`; 0 is the beginning.

    Whoever goes on from the number of the last one it got is given every result once.
    """
    with reading(store) as connection:
        rows = connection.execute(_UNNUMBERED, {"_agency": agency, "_limit": 1}).all()
    if rows:
        with begin(store, at=clock) as work:
            _give_numbers(work, agency)
    with reading(store) as connection:
        found = connection.execute(_LIST, {"_agency": agency, "_after": after, "_limit": limit})
        return _results(connection, found.all(), vault=store.vault, columns=columns)


def _give_numbers(work: Work, agency: str) -> None:
    insertion = insert_into(work.connection, result_lists).values(agency=agency)
    work.connection.execute(insertion.on_conflict_do_nothing())
    first = work.connection.execute(
        select(result_lists.c.next_number).where(result_lists.c.agency == agency).with_for_update()
    ).scalar_one()
    found = work.connection.execute(
        _UNNUMBERED, {"_agency": agency, "_limit": NUMBERED_AT_ONCE}
    ).scalars()
    rows = [{"_id": id_, "number": number} for number, id_ in enumerate(found, start=first)]
    if rows:
        work.connection.execute(_NUMBER, rows)
        work.connection.execute(
            update(result_lists)
            .where(result_lists.c.agency == agency)
            .values(next_number=first + len(rows))
        )


def _results(
    connection: Connection, rows: Sequence[Row[Any]], *, vault: Vault, columns: Columns
) -> list[Result]:
    refused = sorted({row.message_id for row in rows if row.kind in _REFUSALS})
    words = load_words(connection, refused)
    of_files = {row.submission_id for row in rows if _statement_of(row) is not None}
    ours = load_receipts(connection, of_files, vault=vault)
    return [_result(row, words.get(row.message_id), ours, vault, columns) for row in rows]


def _result(
    row: Row[Any],
    words: Row[Any] | None,
    ours: Mapping[tuple[str, str], bytes],
    vault: Vault,
    columns: Columns,
) -> Result:
    detail = json.loads(row.detail)
    is_there_still = row.state == row.kind
    receipt: bytes | None = None
    statement = _statement_of(row)
    if statement is not None:
        receipt = ours.get((row.submission_id, statement))
    try:
        found = _problems(row, words if is_there_still else None, vault, columns)
        problems = tuple(problem.about(row.dossier_code) for problem in found)
        if row.receipt is not None and (is_there_still or row.kind == REPEATED):
            receipt = vault.open(row.receipt, context=receipt_context(row.message_id))
    except SealBroken as error:
        problems = (Problem(code=error.code, message=_UNREADABLE, suggestion=_ASK),)
    return Result(
        id=row.id,
        number=row.number,
        kind=row.kind,
        at=row.created_at,
        agency=row.agency,
        is_again=bool(detail.get("repeated", False)),
        submission_id=row.submission_id,
        key=row.key if row.key is not None else row.submission_key,
        file_name=row.file_name,
        # Of a repeat: where it stands in the file that came now, not in the first one.
        record=detail.get("record", row.record),
        item=row.item,
        # Of a record that was left out there is no message that would say it.
        dossier_code=detail.get("dossier", row.dossier_code),
        message_id=row.message_id,
        event_key=row.event_key,
        state=statement if row.kind == RECEIPT else _state(row),
        reason=row.reason if is_there_still or row.kind == REPEATED else "",
        receipt=receipt,
        problems=problems,
    )


def _statement_of(row: Row[Any]) -> str | None:
    """Return which of our receipts a result gives; None: none of ours."""
    if row.kind == RECEIPT:
        statement: str = json.loads(row.detail)["statement"]
        return statement
    # A repeat is answered with the first answer, all of it.
    is_again = row.kind == "received" and bool(json.loads(row.detail).get("repeated", False))
    return Statement.RECEIVED.value if is_again else None


def _state(row: Row[Any]) -> str | None:
    if row.kind in _OF_A_FILE:
        return _OF_A_FILE[row.kind]
    if row.kind == LEFT_OUT:
        return None
    state: str | None = row.state if row.kind == REPEATED else row.kind
    return state


def _problems(
    row: Row[Any], words: Row[Any] | None, vault: Vault, columns: Columns
) -> tuple[Problem, ...]:
    if row.kind in _OF_A_FILE:
        if row.kind == "received":
            return ()
        if row.submission_id is None:
            # A hand-over that was refused before it became a submission.
            return _told(json.loads(row.detail))
        context = submission_problems_context(row.submission_id)
        return open_problems(vault, row.file_problems, context=context)
    if row.message_id is None:
        return ()
    found = open_problems(vault, row.problems, context=problems_context(row.message_id))
    if words is None:
        return found
    return (*found, *portal_problems(words, message=row, vault=vault, columns=columns))


def _told(detail: dict[str, Any]) -> tuple[Problem, ...]:
    if "code" not in detail:
        return ()
    suggestion = Text(vi=detail["vi_help"], en=detail["en_help"]) if "vi_help" in detail else None
    message = Text(vi=detail["vi"], en=detail["en"])
    return (Problem(code=detail["code"], message=message, suggestion=suggestion),)


_UNREADABLE = Text(
    vi="Nội dung đã lưu không mở được",
    en="What was stored of it cannot be opened",
)
_ASK = Text(
    vi="Hỏi người vận hành: khóa của kho, hoặc chính nội dung đã lưu, bị hỏng",
    en="Ask the operator: the store's key, or what was stored, is damaged",
)


def result_values(result: Result) -> dict[str, Any]:
    """Return a result as agencies read it, whatever way it reaches them: values for JSON."""
    receipt = result.receipt
    return {
        "id": result.id,
        "kind": result.kind,
        "at": result.at.isoformat(),
        "agency": result.agency,
        "submission": result.submission_id,
        "key": result.key,
        "again": result.is_again,
        "file": result.file_name,
        "record": result.record,
        "item": result.item,
        "dossier": result.dossier_code,
        "message_id": result.message_id,
        "event_key": result.event_key,
        "state": result.state,
        "reason": result.reason or None,
        "reason_vi": REASONS.get(result.reason, result.reason) or None,
        "receipt": None
        if receipt is None
        else {
            "document": base64.b64encode(receipt).decode(),
            "digest": f"sha256:{hashlib.sha256(receipt).hexdigest()}",
        },
        "errors": [problem_values(problem) for problem in result.problems],
    }


def problem_values(problem: Problem) -> dict[str, Any]:
    """Return one finding in both languages: values for JSON."""
    place = {name: value for name, value in asdict(problem.place).items() if value is not None}
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "dossier": problem.dossier,
        "message": problem.message._asdict(),
        "source": place,
        "field": problem.field,
        "value": problem.value,
        "suggestion": problem.suggestion._asdict() if problem.suggestion else None,
    }
