"""
Loading dossiers as ledgers, and writing changes of state back: the only writers of `state`.

A dossier has one ledger for what goes to the portal, under its code, and one for each agency that
is told about it, under code and agency: whoever does not take what it is told holds up nobody else.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, case, delete, literal_column, select

from lienthong.admission import Known, Ledger
from lienthong.channels.port import HandedFile, Packet
from lienthong.ids import SEPARATOR
from lienthong.states import NEEDS_SOMEBODY, State, check_transition
from lienthong.store.bulk import among, insert_rows, update_rows
from lienthong.store.tables import (
    dossiers,
    fetches,
    in_slices,
    messages,
    repeats,
    submissions,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.admission import Keyed
    from lienthong.store.work import Work

# Of what goes to an agency alone: the submission of another message is not looked at.
_OF_SUBMISSION = submissions.c.id == messages.c.submission_id
_IS_INBOUND = messages.c.packet == literal_column(f"'{Packet.INBOUND.value}'")
SAID = tuple(
    case((_IS_INBOUND, select(column).where(_OF_SUBMISSION).scalar_subquery())).label(column.name)
    for column in (submissions.c.service, submissions.c.sender)
)
"""By which service and from whom a message came, which `known_from` reads."""

# Built once: what a statement says costs more to put together than to run.
_DOSSIERS = select(dossiers).where(among(dossiers.c.code, "_codes"))
_DOSSIERS_TO_CHANGE = _DOSSIERS.order_by(dossiers.c.code).with_for_update()
_MESSAGES = (
    select(
        messages.c.id,
        messages.c.agency,
        messages.c.dossier_code,
        messages.c.sequence,
        messages.c.packet,
        messages.c.state,
        messages.c.content_digest,
        messages.c.version,
        messages.c.submission_id,
        messages.c.record,
        messages.c.status,
        messages.c.awaits_files,
        messages.c.source_digest,
        *SAID,
    )
    .where(among(messages.c.dossier_code, "_codes"))
    .order_by(messages.c.sequence, messages.c.id)
)
# What was rejected, of a dossier that has no row whose lock could stand for it.
_LOOSE_TO_CHANGE = (
    select(messages.c.id)
    .where(among(messages.c.dossier_code, "_codes"), messages.c.agency == bindparam("_agency"))
    .order_by(messages.c.id)
    .with_for_update()
)
_REPEATED = (
    select(messages.c.dossier_code, repeats.c.submission_id, repeats.c.record)
    .join(repeats, repeats.c.message_id == messages.c.id)
    .where(
        among(repeats.c.submission_id, "_submissions"),
        messages.c.packet == Packet.DOSSIER.value,
        among(messages.c.dossier_code, "_codes"),
    )
    .order_by(repeats.c.record)
)
_KEYED = select(
    messages.c.event_key, messages.c.id, messages.c.content_digest, messages.c.source_digest
).where(
    messages.c.agency == bindparam("_agency"),
    among(messages.c.event_key, "_keys"),
    messages.c.content_digest.is_not(None),
    messages.c.state.not_in([State.DISCARDED.value, State.REISSUED.value]),
)
_END_FETCH = delete(fetches).where(fetches.c.message_id == bindparam("_id"))


def ledger_of(packet: Packet, dossier_code: str, agency: str) -> str:
    """Return the code of the ledger in which a message stands."""
    if packet is Packet.INBOUND:
        return f"{dossier_code}{SEPARATOR}{agency}"
    return dossier_code


def dossier_of(ledger_code: str) -> str:
    """Return the code of the dossier whose ledger it is."""
    return ledger_code.partition(SEPARATOR)[0]


def receiver_of(ledger_code: str) -> str | None:
    """Return the agency that is told about a dossier in it; None for what goes to the portal."""
    return ledger_code.partition(SEPARATOR)[2] or None


TOLD = frozenset(
    {
        State.DELIVERED,
        State.PARKED,
        State.QUARANTINED,
        State.DISCARDED,
        State.SUPERSEDED,
        State.REISSUED,
    }
)
"""Changes that the agency is told of; rejections and repeats are told where they are made."""


def load_ledgers(
    connection: Connection, codes: Collection[str], *, agency: str, to_change: bool = False
) -> dict[str, Ledger]:
    """
    Return one ledger per code; a code never seen before gets an empty one of `agency`.

    Args:
        connection: Of the transaction.
        codes: Of the ledgers.
        agency: Of those that are new.
        to_change: Hold the dossiers until the end of the transaction; not needed where they are
            held already. All who hold several take them in the same order. Of a dossier that has
            no row yet, because all of it was rejected, the messages are held.
    """
    ledgers = {code: Ledger(code=code, agency=agency) for code in codes}
    query = _DOSSIERS_TO_CHANGE if to_change else _DOSSIERS
    for part in in_slices(sorted(ledgers)):
        for row in connection.execute(query, {"_codes": part}):
            ledger = ledgers[row.code]
            ledger.agency = row.agency
            ledger.next_sequence = row.next_sequence
            ledger.acknowledged = row.acknowledged
            ledger.is_new = False
        found = _load_messages(connection, part)
        loose = {row.dossier_code for code, row in found if ledgers[code].is_new}
        if to_change and loose:
            holding = {"_codes": sorted(loose), "_agency": agency}
            connection.execute(_LOOSE_TO_CHANGE, holding).all()
            # Before the lock was had, somebody else may have changed them.
            found = _load_messages(connection, part)
        for code, row in found:
            if row.agency == ledgers[code].agency:
                ledgers[code].messages.append(known_from(row))
    return ledgers


def _load_messages(connection: Connection, codes: Sequence[str]) -> list[tuple[str, Any]]:
    """Return the messages that stand in these ledgers, each with the code of its ledger."""
    rows = connection.execute(_MESSAGES, {"_codes": sorted({dossier_of(code) for code in codes})})
    wanted = frozenset(codes)
    found: list[tuple[str, Any]] = []
    for row in rows:
        code = ledger_of(Packet(row.packet), row.dossier_code, row.agency)
        if code in wanted:
            found.append((code, row))
    return found


def load_repeated(
    connection: Connection, ledgers: Mapping[str, Ledger], *, submission_ids: Collection[str]
) -> None:
    """Tell the ledgers which records of these submissions repeated a snapshot of theirs."""
    if not submission_ids:
        return
    for part in in_slices(sorted(ledgers)):
        rows = connection.execute(
            _REPEATED, {"_submissions": sorted(submission_ids), "_codes": part}
        )
        for row in rows:
            ledgers[row.dossier_code].repeated.append((row.submission_id, row.record))


def known_from(row: Row[Any]) -> Known:
    """Return one row of `messages`, with `SAID`, as a ledger holds it."""
    return Known(
        id=row.id,
        agency=row.agency,
        sequence=row.sequence or 0,
        packet=Packet(row.packet),
        state=State(row.state),
        content_digest=row.content_digest,
        version=row.version,
        submission_id=row.submission_id,
        record=row.record,
        status=row.status,
        awaits_files=row.awaits_files,
        source_digest=row.source_digest,
        service=row.service,
        sender=row.sender,
    )


def file_of(row: Any) -> HandedFile | None:
    """Return what a document for an agency is, of a row of `messages`."""
    return None if row.file is None else msgspec.json.decode(row.file, type=HandedFile)


def load_event_keys(
    connection: Connection, keys: Collection[str], *, agency: str
) -> dict[str, Keyed]:
    """Return, per event key of the agency that was admitted, its message and what that says."""
    found: dict[str, Keyed] = {}
    for part in in_slices(sorted(keys)):
        rows = connection.execute(_KEYED, {"_agency": agency, "_keys": part})
        found |= {row.event_key: (row.id, (row.content_digest, row.source_digest)) for row in rows}
    return found


def save_ledgers(work: Work, ledgers: Collection[Ledger]) -> None:
    """Write sequences back; dossiers with nothing admitted are not made."""
    new = [ledger for ledger in ledgers if ledger.is_new and ledger.next_sequence > 1]
    known = [ledger for ledger in ledgers if not ledger.is_new]
    if new:
        rows = [
            {"code": ledger.code, "agency": ledger.agency, "next_sequence": ledger.next_sequence}
            for ledger in new
        ]
        insert_rows(work.connection, dossiers, rows)
    if known:
        update_rows(
            work.connection,
            dossiers,
            [{"_code": ledger.code, "next_sequence": ledger.next_sequence} for ledger in known],
            by=("code",),
        )


def change_state(
    work: Work,
    message: Known,
    state: State,
    *,
    reason: str = "",
    **columns: str | bytes | int | bool | datetime | None,
) -> None:
    """
    Move one message to `state`, together with other columns that change with it.

    Raises:
        ForbiddenTransition: a bug; the transaction must not be committed.
    """
    changes = Changes(work)
    changes.move(message, state, reason=reason, detail={}, **columns)
    changes.write()


class Changes:
    """Changes of state of many messages, written together; nothing is changed before `write`."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}

    def move(
        self,
        message: Known,
        state: State,
        *,
        reason: str = "",
        detail: Mapping[str, str] = MappingProxyType({}),
        **columns: str | bytes | int | bool | datetime | None,
    ) -> None:
        """
        Have one message moved to `state`; `message` says so from now on.

        Args:
            message: Which.
            state: To which.
            reason: Why, in words.
            detail: What else the audit log says of it.
            columns: What else is set.

        Raises:
            ForbiddenTransition: a bug; the transaction must not be committed.
        """
        check_transition(message.state, state)
        if _settles(message, state):
            self._work.settle(message.id)
        if message.awaits_files is not None:
            # What it waited for is wanted no more, whether it goes or ends.
            columns = {**columns, "awaits_files": None}
            self._work.connection.execute(_END_FETCH, {"_id": message.id})
            message.awaits_files = None
        self._add(message, state=state.value, reason=reason, **columns)
        self._work.note(
            f"message.{state.value}", message.id, was=message.state.value, reason=reason, **detail
        )
        if state in TOLD and message.packet is not Packet.INBOUND:
            self._work.tell(
                message.agency,
                state.value,
                submission_id=message.submission_id,
                message_id=message.id,
            )
        message.state = state

    def stay(
        self, message: Known, *, reason: str, **columns: str | bytes | int | bool | datetime | None
    ) -> None:
        """Have columns of a message changed whose state stays."""
        self._add(message, reason=reason, **columns)

    def promote(self, ledger: Ledger) -> Known | None:
        """Make the message whose turn it is ready if it only waited for it, and return it."""
        turn = ledger.next_to_go()
        if turn is None or turn.state is not State.HELD or turn.awaits_files is not None:
            return None
        self.move(turn, State.READY, due_at=self._work.at)
        return turn

    def give_way(self, ledger: Ledger, parked: Known) -> None:
        """
        Have a snapshot that cannot go superseded, where a newer valid one waits behind it.

        The same as if that one had come afterwards: the agency has corrected itself.
        """
        newer = [
            message
            for message in ledger.messages
            if message.is_snapshot
            and message.sender == parked.sender
            and message.sequence > parked.sequence
            and message.state is State.HELD
        ]
        if not parked.is_snapshot or not newer:
            return
        # One change of a message after the other, each from the state before it.
        self.write()
        by = newer[0].id
        self.move(parked, State.SUPERSEDED, reason=f"by {by}", superseded_by=by)
        self.write()

    def write(self) -> None:
        """Write everything down, in one statement per set of columns."""
        for rows in self._rows.values():
            if update_rows(self._work.connection, messages, rows, by=("id", "state")) != len(rows):
                raise RuntimeError("a message changed while its dossier was held")
        self._rows = {}

    def _add(self, message: Known, **columns: Any) -> None:
        row = {
            "_id": message.id,
            "_state": message.state.value,
            "updated_at": self._work.at,
            **columns,
        }
        self._rows.setdefault(tuple(row), []).append(row)


def _settles(message: Known, state: State) -> bool:
    """Tell whether a message ends, or is let go again, that may have failed."""
    if message.state is State.HELD:
        return bool(message.awaits_files)
    # One whose attempt brought something else is settled with it.
    return message.state in NEEDS_SOMEBODY or (
        message.state in (State.UNKNOWN, State.RETRYING) and state is not State.SENDING
    )


def promote(work: Work, ledger: Ledger) -> Known | None:
    """Make the message whose turn it is ready if it only waited for its turn, and return it."""
    changes = Changes(work)
    turn = changes.promote(ledger)
    changes.write()
    return turn
