"""
Receipts for agencies in the store: which are due, what was signed, and reading it back.

A submission is due from the moment it is received, by a flag: whatever commits late is found late.
The flag goes with the receipt, and only where the submission still stands where it stood when that
was written; one that was refused meanwhile stays due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from lienthong.store.bulk import insert_rows, update_rows
from lienthong.store.problems import open_problems
from lienthong.store.sealed import submission_problems_context, submission_receipt_context
from lienthong.store.submissions import SubmissionState
from lienthong.store.tables import in_slices, submission_receipts, submissions
from lienthong.store.vault import SealBroken
from schemas.receipts import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

RECEIPT = "receipt"
"""Kind of the result with which an agency is given one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReceipt:
    """A submission about which something is to be signed."""

    submission_id: str
    agency: str
    door: str
    sender: str
    digest: str
    """SHA-256 of the bytes received, lower-case hexadecimal."""
    size: int
    received_at: datetime
    state: str
    """In which it was read."""
    statements: tuple[Statement, ...]
    """What is not signed yet; may be nothing any more."""
    codes: tuple[str, ...]
    """Why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipt:
    """One that was signed."""

    submission_id: str
    statement: Statement
    document: bytes
    """Exactly as it is given to the agency."""
    digest: str
    """SHA-256 of it, lower-case hexadecimal."""
    signer: str
    """Fingerprint of the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Receipts that are still to be made."""

    count: int
    oldest: datetime | None


def due_receipts(
    connection: Connection, *, vault: Vault, limit: int, only: str | None = None
) -> list[DueReceipt]:
    """
    Return submissions about which something is to be signed, the longest due first.

    Args:
        connection: Of the transaction.
        vault: Opens why they were refused.
        limit: At most so many.
        only: The id of the one that matters.
    """
    query = select(submissions).where(submissions.c.receipt_due_at.is_not(None))
    if only is not None:
        query = query.where(submissions.c.id == only)
    order = (submissions.c.receipt_due_at, submissions.c.id)
    rows = connection.execute(query.order_by(*order).limit(limit)).all()
    have = _statements(connection, [row.id for row in rows])
    return [_due(row, have, vault) for row in rows]


def write_receipts(
    work: Work, made: Sequence[tuple[DueReceipt, Sequence[SignedReceipt]]]
) -> list[SignedReceipt]:
    """
    Write down what was signed, tell the agencies, and let the flags go.

    What others hold, or have written meanwhile, is left: an agency never gets two of a kind.

    Returns:
        What was written.
    """
    wanted = {due.submission_id: (due, signed) for due, signed in made}
    # In nobody's way: others change these rows, and wait for several of them in their own order.
    held = work.connection.execute(
        select(submissions.c.id)
        .where(submissions.c.id.in_(list(wanted)))
        .order_by(submissions.c.id)
        .with_for_update(skip_locked=True)
    )
    ours = [wanted[submission_id] for submission_id in held.scalars()]
    have = _statements(work.connection, [due.submission_id for due, _ in ours])
    new = [
        (due, receipt)
        for due, signed in ours
        for receipt in signed
        if (receipt.submission_id, receipt.statement) not in have
    ]
    insert_rows(work.connection, submission_receipts, [_row(work, receipt) for _, receipt in new])
    rows = [
        {"_id": due.submission_id, "_state": due.state, "receipt_due_at": None} for due, _ in ours
    ]
    update_rows(work.connection, submissions, rows, by=("id", "state"))
    for due, receipt in new:
        said = {"statement": receipt.statement.value, "digest": receipt.digest}
        work.note("receipt.made", due.submission_id, **said, signer=receipt.signer)
        work.tell(
            due.agency,
            RECEIPT,
            submission_id=due.submission_id,
            statement=receipt.statement.value,
        )
    return [receipt for _, receipt in new]


def read_receipts(
    connection: Connection, submission_id: str, *, vault: Vault
) -> list[SignedReceipt]:
    """
    Return what was signed about one submission: nothing, that it was received, that it was refused.

    Raises:
        SealBroken: one of them cannot be opened.
    """
    rows = connection.execute(
        select(submission_receipts)
        .where(submission_receipts.c.submission_id == submission_id)
        .order_by(submission_receipts.c.statement)
    )
    return [_signed(row, vault) for row in rows]


def load_receipts(
    connection: Connection, submission_ids: Collection[str], *, vault: Vault
) -> dict[tuple[str, str], bytes]:
    """
    Return documents of many submissions, by submission and statement.

    One that cannot be opened is left out: it keeps nobody from the others.
    """
    found = {}
    for part in in_slices(sorted(submission_ids)):
        query = select(submission_receipts).where(submission_receipts.c.submission_id.in_(part))
        for row in connection.execute(query):
            try:
                found[row.submission_id, row.statement] = _signed(row, vault).document
            except SealBroken:
                continue
    return found


def read_backlog(connection: Connection) -> Backlog:
    """Return how many receipts are to be made, and since when."""
    count, oldest = connection.execute(
        select(func.count(), func.min(submissions.c.receipt_due_at)).where(
            submissions.c.receipt_due_at.is_not(None)
        )
    ).one()
    return Backlog(count=count, oldest=oldest)


def refuse_in_receipt(work: Work, submission_ids: Collection[str]) -> None:
    """Have it signed, too, that these submissions were refused."""
    for part in in_slices(sorted(submission_ids)):
        work.connection.execute(
            update(submissions).where(submissions.c.id.in_(part)).values(receipt_due_at=work.at)
        )


def _due(row: Row[Any], have: set[tuple[str, Statement]], vault: Vault) -> DueReceipt:
    is_refused = row.state == SubmissionState.REFUSED.value
    wanted = (Statement.RECEIVED, Statement.REFUSED) if is_refused else (Statement.RECEIVED,)
    return DueReceipt(
        submission_id=row.id,
        agency=row.agency,
        door=row.door,
        sender=row.sender,
        digest=row.sha256,
        size=row.size,
        received_at=row.received_at,
        state=row.state,
        statements=tuple(one for one in wanted if (row.id, one) not in have),
        codes=_codes(row, vault) if is_refused else (),
    )


def _codes(row: Row[Any], vault: Vault) -> tuple[str, ...]:
    context = submission_problems_context(row.id)
    try:
        found = open_problems(vault, row.problems, context=context)
    except SealBroken:
        # That it was refused can be said all the same.
        return ()
    return tuple(dict.fromkeys(problem.code for problem in found))


def _statements(connection: Connection, ids: Sequence[str]) -> set[tuple[str, Statement]]:
    have = set()
    for part in in_slices(ids):
        query = select(submission_receipts.c.submission_id, submission_receipts.c.statement)
        rows = connection.execute(query.where(submission_receipts.c.submission_id.in_(part)))
        have |= {(row.submission_id, Statement(row.statement)) for row in rows}
    return have


def _row(work: Work, receipt: SignedReceipt) -> dict[str, Any]:
    statement = receipt.statement.value
    context = submission_receipt_context(receipt.submission_id, statement)
    return {
        "submission_id": receipt.submission_id,
        "statement": statement,
        "document": work.vault.seal(receipt.document, context=context),
        "digest": receipt.digest,
        "signer": receipt.signer,
        "made_at": work.at,
    }


def _signed(row: Row[Any], vault: Vault) -> SignedReceipt:
    context = submission_receipt_context(row.submission_id, row.statement)
    return SignedReceipt(
        submission_id=row.submission_id,
        statement=Statement(row.statement),
        document=vault.open(row.document, context=context),
        digest=row.digest,
        signer=row.signer,
    )
