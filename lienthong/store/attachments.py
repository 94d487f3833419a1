"""
The files of dossiers in the store: the manifest of each message, and what is still to be fetched.

A message with files to fetch is held and has a row in `fetches`; whoever has the lease of that row
fetches, and its fence tells what is written under an older lease. Bytes are in the file store, and
a row of `blobs` names each; only who holds that row gives or takes a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, func, or_, select, update

from lienthong.attachments.inspecting import FoundFile
from lienthong.attachments.manifest import PreparedFile, digest_of, entry_of
from lienthong.store.bulk import insert_rows
from lienthong.store.database import insert_into
from lienthong.store.sealed import attachment_context
from lienthong.store.tables import attachments, blobs, fetches, messages, submissions
from mappings.attachments import DeclaredFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from lienthong.store.vault import Vault
    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One line of a manifest as the store has it."""

    number: int
    way: str
    declared: DeclaredFile | None
    """None: erased with the document."""
    found: FoundFile | None
    """None: not looked at yet."""
    blob: str | None
    """Its name in the file store."""

    @property
    def prepared(self) -> PreparedFile | None:
        """The same as a conversion has it; None when it was erased."""
        if self.declared is None:
            return None
        return PreparedFile(declared=self.declared, found=self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchClaim:
    """The right to fetch one message's files until the lease ends."""

    message_id: str
    agency: str
    fence: int


class FetchLost(Exception):
    """The lease ended and somebody else has gone on; nothing of this transaction may stay."""


def awaits(files: Sequence[PreparedFile]) -> int | None:
    """Return what `messages.awaits_files` is of a new message with these files."""
    return 0 if any(one.found is None for one in files) else None


def write_files(
    work: Work,
    files: Iterable[tuple[str, str, Sequence[PreparedFile]]],
    *,
    to_fetch: Collection[str],
) -> None:
    """
    Write the manifests of new messages down.

    Args:
        work: The transaction; the rows of the messages are there already.
        files: Message id, agency and files.
        to_fetch: The messages that wait for them; of others that never go, none is fetched.
    """
    rows: list[dict[str, Any]] = []
    due: list[dict[str, Any]] = []
    for message_id, agency, of_one in files:
        rows += [_row(work, message_id, one) for one in of_one]
        if message_id in to_fetch:
            due.append({"message_id": message_id, "agency": agency, "due_at": work.at, "fence": 0})
        elif all(one.found for one in of_one):
            note_complete(work, message_id, of_one)
    insert_rows(work.connection, attachments, rows)
    insert_rows(work.connection, fetches, due)


def _row(work: Work, message_id: str, one: PreparedFile) -> dict[str, Any]:
    declared, found = one.declared, one.found
    sealed = work.vault.seal(
        msgspec.json.encode(declared), context=attachment_context(message_id, declared.number)
    )
    return {
        "message_id": message_id,
        "number": declared.number,
        "way": declared.way,
        "declared": sealed,
        "size": None if found is None else found.size,
        "sha256": None if found is None else found.sha256,
        "kind": None if found is None else found.kind,
        "blob": None,
        "checked_at": None if found is None else work.at,
    }


def note_complete(work: Work, message_id: str, files: Sequence[PreparedFile]) -> None:
    """Have it written down that a dossier's files are all there, with the digest of all of them."""
    entries = [entry_of(one.declared, one.found) for one in files]
    work.note(
        "message.files_complete",
        message_id,
        files=len(entries),
        bytes=sum(one.found.size for one in files if one.found is not None),
        manifest=digest_of(entries),
    )


def load_files(connection: Connection, message_id: str, *, vault: Vault) -> tuple[KeptFile, ...]:
    """Return the manifest of a message, in order; empty where its mapping names no files."""
    query = select(attachments).where(attachments.c.message_id == message_id)
    rows = connection.execute(query.order_by(attachments.c.number)).all()
    return tuple(
        KeptFile(
            number=row.number,
            way=row.way,
            declared=None
            if row.declared is None
            else msgspec.json.decode(
                vault.open(row.declared, context=attachment_context(message_id, row.number)),
                type=DeclaredFile,
            ),
            found=None
            if row.sha256 is None
            else FoundFile(size=row.size, sha256=row.sha256, kind=row.kind or ""),
            blob=row.blob,
        )
        for row in rows
    )


def has_fetches(connection: Connection) -> bool:
    """Tell whether any message waits for its files."""
    return connection.execute(select(fetches.c.message_id).limit(1)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFetches:
    """Dossiers that have waited long for their files, all for one reason."""

    reason: str
    """A code of `attachments`; "" where nobody has looked yet."""
    count: int
    oldest: datetime


def read_late_fetches(connection: Connection, *, before: datetime) -> list[LateFetches]:
    """Return what was received before a moment and still waits for files, most first."""
    query = (
        select(messages.c.reason, func.count().label("count"), func.min(messages.c.created_at))
        .join(fetches, fetches.c.message_id == messages.c.id)
        .where(messages.c.created_at < before)
        .group_by(messages.c.reason)
    )
    found = [
        LateFetches(reason=reason or "", count=count, oldest=oldest)
        for reason, count, oldest in connection.execute(query)
    ]
    return sorted(found, key=lambda one: (-one.count, one.reason))


def claim_fetches(
    work: Work, *, limit: int, lease: timedelta, without: Collection[str] = ()
) -> list[FetchClaim]:
    """
    Take messages whose files are due, the longest due first, one at most of each agency.

    Args:
        work: The transaction.
        limit: At most so many.
        lease: How long nobody else takes them.
        without: Agencies that have enough in hand: a slow server keeps no other agency waiting.
    """
    free = or_(fetches.c.lease_until.is_(None), fetches.c.lease_until <= work.at)
    first = (
        select(fetches.c.agency, func.min(fetches.c.due_at).label("due_at"))
        .where(fetches.c.due_at <= work.at, free, fetches.c.agency.not_in(sorted(without)))
        .group_by(fetches.c.agency)
        .order_by(func.min(fetches.c.due_at))
        .limit(limit)
    )
    claimed: list[FetchClaim] = []
    for row in work.connection.execute(first).all():
        query = (
            select(fetches)
            .where(fetches.c.agency == row.agency, fetches.c.due_at <= work.at, free)
            .order_by(fetches.c.due_at, fetches.c.message_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = work.connection.execute(query).first()
        if found is None:
            continue
        work.connection.execute(
            update(fetches)
            .where(fetches.c.message_id == found.message_id)
            .values(lease_until=work.at + lease, fence=found.fence + 1)
        )
        claimed.append(
            FetchClaim(message_id=found.message_id, agency=found.agency, fence=found.fence + 1)
        )
    return claimed


def keep_fetches(work: Work, claims: Iterable[FetchClaim], *, lease: timedelta) -> None:
    """Prolong the leases of these; one that was lost is told when something is written for it."""
    for claim in claims:
        # One that was given back meanwhile is not taken away from others again.
        is_held = fetches.c.lease_until.is_not(None)
        work.connection.execute(
            update(fetches).where(*_of(claim), is_held).values(lease_until=work.at + lease)
        )


def hold_fetch(work: Work, claim: FetchClaim) -> None:
    """
    Hold a claim until the end of the transaction.

    Raises:
        FetchLost: somebody else has gone on.
    """
    query = select(fetches.c.message_id).where(*_of(claim)).with_for_update()
    if work.connection.execute(query).first() is None:
        raise FetchLost(claim.message_id)


def end_fetch(work: Work, claim: FetchClaim) -> None:
    """Have nothing more fetched for a message."""
    work.connection.execute(delete(fetches).where(fetches.c.message_id == claim.message_id))


def put_off(work: Work, claim: FetchClaim, *, due_at: datetime) -> None:
    """Give a claim back, to be taken again later."""
    work.connection.execute(
        update(fetches).where(*_of(claim)).values(lease_until=None, due_at=due_at)
    )


def tell_once(work: Work, claim: FetchClaim, what: str) -> bool:
    """Write down what an agency is told that a claimed message waits for; False: it was told."""
    is_new = or_(fetches.c.told.is_(None), fetches.c.told != what)
    telling = update(fetches).where(*_of(claim), is_new).values(told=what)
    return work.connection.execute(telling).rowcount == 1


def _of(claim: FetchClaim) -> tuple[Any, Any]:
    return fetches.c.message_id == claim.message_id, fetches.c.fence == claim.fence


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that waits for its files, as its fetcher needs it."""

    dossier_code: str
    state: str
    awaits_files: int | None
    submission_id: str
    submission_size: int
    created_at: datetime


def read_waiting(connection: Connection, message_id: str) -> Waiting:
    """Return what there is to know of a claimed message."""
    query = (
        select(
            messages.c.dossier_code,
            messages.c.state,
            messages.c.awaits_files,
            messages.c.submission_id,
            messages.c.created_at,
            submissions.c.size.label("submission_size"),
        )
        .join(submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id)
    )
    row = connection.execute(query).one()
    return Waiting(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def note_found(
    work: Work, claim: FetchClaim, number: int, found: FoundFile, *, blob: str | None
) -> None:
    """Write down what one file of a held claim is; it is not fetched again."""
    work.connection.execute(
        update(attachments)
        .where(attachments.c.message_id == claim.message_id, attachments.c.number == number)
        .values(
            size=found.size,
            sha256=found.sha256,
            kind=found.kind,
            blob=blob,
            checked_at=work.at,
        )
    )


def name_blob(work: Work, found: FoundFile, *, name: str) -> str:
    """
    Return the name under which these bytes are kept: `name`, or that of the same bytes before.

    The row is held until the end of the transaction, so that nobody removes what it names.
    """
    row = {"sha256": found.sha256, "name": name, "size": found.size, "kept_at": work.at}
    insertion = insert_into(work.connection, blobs).values(row)
    kept = insertion.on_conflict_do_update(
        index_elements=["sha256"], set_={"kept_at": work.at}
    ).returning(blobs.c.name)
    known: str = work.connection.execute(kept).scalar_one()
    return known


def rename_blob(work: Work, name: str, new: str) -> bool:
    """Have a kept file known under a new name; False when it was forgotten meanwhile."""
    of_name = blobs.c.name == name
    changed = work.connection.execute(update(blobs).where(of_name).values(name=new)).rowcount
    work.connection.execute(update(attachments).where(attachments.c.blob == name).values(blob=new))
    return changed == 1


def forget_blobs(work: Work, *, limit: int) -> list[str]:
    """Forget files that no manifest names any more; return their names, to be removed."""
    used = select(attachments.c.number).where(attachments.c.blob == blobs.c.name).exists()
    held = select(blobs.c.name).where(~used).limit(limit).with_for_update(skip_locked=True)
    names = list(work.connection.execute(held).scalars())
    if not names:
        return []
    # Once more: who named one of them between the look and the lock is seen only now.
    gone = delete(blobs).where(blobs.c.name.in_(names), ~used).returning(blobs.c.name)
    return list(work.connection.execute(gone).scalars())


def known_blobs(connection: Connection, names: Sequence[str]) -> set[str]:
    """Return those of `names` that a row speaks of."""
    return set(connection.execute(select(blobs.c.name).where(blobs.c.name.in_(names))).scalars())
