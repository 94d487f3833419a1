"""
Delivery in the store, before an attempt: claiming dossiers, and writing down what is to be done.

A claim is a lease on the dossier with a fence that grows with every claim. Whatever is written
for a claim names its fence. What an attempt brought is written down in `outcomes`.

Everything is done for many dossiers at once: a statement costs more to send than to run. Rows of
`dossiers` are held first and in the order of their codes, or skipped where others hold them, so
that transactions never wait for each other in a circle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, exists, func, literal_column, or_, select, update

from lienthong.channels.port import Found, HandedFile, Outcome, Packet
from lienthong.delivery_causes import DeliveryCause
from lienthong.failures import causes_of_delivery
from lienthong.ids import SEPARATOR
from lienthong.states import State
from lienthong.store.bulk import among, by_dialect, insert_rows
from lienthong.store.ledgers import Changes, file_of, load_ledgers
from lienthong.store.sealed import document_context
from lienthong.store.submissions import PORTAL_DOORS, agency_of
from lienthong.store.tables import agencies, attempts, dossiers, messages, submissions
from lienthong.store.vault import SealBroken
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Row, Select, TableValuedAlias

    from lienthong.admission import Known, Ledger
    from lienthong.store.work import Work

SEND = "send"
LOOK_UP = "lookup"
LOOKED_AT = 500
"""Of what is due so many, the most urgent ones, are looked through for rows that may share a call:
where next to all of it are dossiers, looking further would cost more than a call."""
BROKEN = "its stored document cannot be opened"
DIFFERENT = Text(vi="giá trị băm không khớp", en="its digest is another")
KILLS_WORKER = "its worker ended again and again while sending it"
_CAUSES = {BROKEN: DeliveryCause.DAMAGED, KILLS_WORKER: DeliveryCause.KILLS_WORKER}

# Built once: what a statement says costs more to put together than to run. The names with an
# underscore are of the WHERE; an update or insert sets the columns that its parameters name.
_IS_FREE = or_(dossiers.c.lease_until.is_(None), dossiers.c.lease_until <= bindparam("_now"))
_FREE = (
    select(dossiers.c.code, dossiers.c.fence)
    .where(among(dossiers.c.code, "_codes"), _IS_FREE)
    .with_for_update(skip_locked=True)
)
_TO_AGENCY = messages.c.packet == literal_column(f"'{Packet.INBOUND.value}'")
# As `ledgers.ledger_of`.
_AGENCY_LEDGER = messages.c.dossier_code + SEPARATOR + messages.c.agency
LEDGER = case((_TO_AGENCY, _AGENCY_LEDGER), else_=messages.c.dossier_code)
"""In which a message stands, and by which whoever holds several sorts."""


_OPEN = (State.SENDING.value, State.UNKNOWN.value)
"""States of what is not sent but looked up next."""


def _backlog(direction: ColumnElement[bool], ledger: ColumnElement[str]) -> Select[Any]:
    """Return the query for dossiers of one direction that have had something due for a while."""
    return (
        select(dossiers.c.code, dossiers.c.fence, messages.c.deadline, messages.c.due_at)
        .select_from(messages.join(dossiers, dossiers.c.code == ledger))
        .where(
            direction,
            messages.c.due_at.is_not(None),
            messages.c.due_at <= bindparam("_before"),
            _IS_FREE,
        )
        # Of equally urgent ones the longest due; both from the index of what is due.
        .order_by(messages.c.deadline, messages.c.due_at)
        .limit(bindparam("_limit"))
        .with_for_update(of=dossiers, skip_locked=True)
    )


_TO_PORTAL = messages.c.packet != literal_column(f"'{Packet.INBOUND.value}'")
_BACKLOG = _backlog(_TO_PORTAL, messages.c.dossier_code)
# While some agencies rest: one of the others at a time, so that what is due of those that rest is
# neither read nor claimed; of these what is open.
_BACKLOG_BY_SENDER = _backlog(
    and_(_TO_PORTAL, messages.c.agency == bindparam("_agency")), messages.c.dossier_code
)
_OPEN_OF_RESTING = _backlog(
    and_(_TO_PORTAL, among(messages.c.agency, "_resting"), messages.c.state.in_(_OPEN)),
    messages.c.dossier_code,
)
_SENDERS = select(agencies.c.name)
# One agency at a time: no row of one that rests, or has enough, is looked at.
_BACKLOG_OF_AGENCY = _backlog(
    and_(_TO_AGENCY, messages.c.agency == bindparam("_agency")), _AGENCY_LEDGER
)


def _waiting(direction: ColumnElement[bool], given: TableValuedAlias) -> Select[Any]:
    """Return the query for those of the given agencies that have had something due for a while."""
    first = (
        select(messages.c.id)
        .where(
            direction,
            messages.c.agency == given.c.value,
            messages.c.due_at.is_not(None),
            messages.c.due_at <= bindparam("_before"),
        )
        .limit(1)
        .scalar_subquery()
    )
    return select(given.c.value).where(first.is_not(None))


_WAITING = by_dialect("_agencies", partial(_waiting, _TO_AGENCY))
_WAITING_TO_PORTAL = by_dialect("_agencies", partial(_waiting, _TO_PORTAL))
_urgent = (
    select(
        messages.c.dossier_code,
        messages.c.agency,
        messages.c.packet,
        messages.c.state,
        messages.c.attempts,
        messages.c.deadline,
        messages.c.due_at,
    )
    .where(
        messages.c.packet != literal_column(f"'{Packet.INBOUND.value}'"),
        messages.c.due_at.is_not(None),
        messages.c.due_at <= bindparam("_before"),
    )
    .order_by(messages.c.deadline, messages.c.due_at)
    .limit(LOOKED_AT)
    .subquery("urgent")
)
_FRESH_ROWS = (
    select(dossiers.c.code, dossiers.c.fence)
    .select_from(_urgent.join(dossiers, dossiers.c.code == _urgent.c.dossier_code))
    .where(
        _urgent.c.agency == bindparam("_agency"),
        _urgent.c.packet == Packet.PROGRESS.value,
        _urgent.c.state == State.READY.value,
        _urgent.c.attempts == 0,
        _IS_FREE,
    )
    .order_by(_urgent.c.deadline, _urgent.c.due_at)
    .limit(bindparam("_limit"))
    .with_for_update(of=dossiers, skip_locked=True)
)
"""Dossiers of one agency whose next message seems to be a progress row that was never tried."""
_filed = messages.alias("filed")
# Whoever filed it there has it there; the agency's first word about it is an update. What another
# agency was told of that code says nothing of this one's dossier.
_FILED_AT_PORTAL = exists().where(
    _filed.c.dossier_code == messages.c.dossier_code,
    _filed.c.agency == messages.c.agency,
    _filed.c.packet == Packet.INBOUND.value,
    _filed.c.submission_id == submissions.c.id,
    submissions.c.service == Packet.DOSSIER.value,
    submissions.c.door.in_(PORTAL_DOORS),
    # Another peer may send such a message, too, of what the portal never heard of.
    among(submissions.c.sender, "_portals"),
    or_(dossiers.c.missing_since.is_(None), _filed.c.created_at > dossiers.c.missing_since),
)
_IS_AT_PORTAL = or_(dossiers.c.at_portal, _FILED_AT_PORTAL).label("at_portal")
_CLAIM = (
    update(dossiers)
    .where(among(dossiers.c.code, "_codes"))
    .values(lease_until=bindparam("_until"), fence=dossiers.c.fence + 1)
)
_LEASES = select(dossiers.c.code, dossiers.c.lease_until).where(among(dossiers.c.code, "_codes"))
END_CLAIM = update(dossiers).where(among(dossiers.c.code, "_codes")).values(lease_until=None)
_ROWS = (
    select(
        messages.c.id,
        messages.c.agency,
        messages.c.dossier_code,
        messages.c.document,
        messages.c.document_digest,
        messages.c.attempts,
        messages.c.failures,
        messages.c.abandons,
        messages.c.was_update,
        messages.c.unknown_since,
        messages.c.due_at,
        messages.c.created_at,
        messages.c.file,
        _IS_AT_PORTAL,
    )
    .select_from(messages.join(dossiers, dossiers.c.code == LEDGER))
    .where(among(messages.c.id, "_ids"))
)
_ARE_AT_PORTAL = (
    select(messages.c.id, messages.c.packet, _IS_AT_PORTAL)
    .select_from(messages.join(dossiers, dossiers.c.code == LEDGER))
    .where(among(messages.c.id, "_ids"))
)
_LOOK_UPS = (
    select(attempts.c.message_id, func.count().label("look_ups"))
    .where(among(attempts.c.message_id, "_ids"), attempts.c.kind == LOOK_UP)
    .group_by(attempts.c.message_id)
)
_OPEN_ATTEMPTS = update(attempts).where(
    attempts.c.message_id == bindparam("_id"), attempts.c.ended_at.is_(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do for one dossier, already written down as an attempt."""

    ledger: str
    """Code of the ledger that was claimed."""
    dossier_code: str
    agency: str
    fence: int
    message_id: str
    packet: Packet
    number: int
    """Of this attempt, 1-based, sends and look-ups counted apart."""
    is_look_up: bool
    is_updating: bool
    """For a look-up: whether the attempt whose fate is open was an update."""
    document: bytes
    """Empty for a look-up."""
    document_digest: str
    file: HandedFile | None
    failures: int
    unknown_since: datetime | None
    made_at: datetime
    """When the message was made."""
    begun_at: datetime
    """When this attempt was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """How dossiers are claimed for delivery."""

    lease: timedelta
    crash_limit: int
    """A message whose attempts were abandoned so often is parked."""
    grace: timedelta
    """How long what is due is left to its hint before it counts as backlog."""
    portals: frozenset[str] = frozenset()
    """Peers that are the portal: what they file is there already."""
    resting: frozenset[str] = frozenset()
    """Agencies of which nothing is sent now; what is open is looked up all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What `start` found to do."""

    hinted: list[Task | datetime | None]
    """For each code that was given, in order: a task to carry out; a moment before which there is
    nothing to do, because it must wait or another worker has it, or the present moment where it is
    to be looked at again at once; None for nothing to do."""
    backlog: list[Task]
    """Of dossiers that no code named, the most urgent ones of each lane."""
    full: frozenset[str | None]
    """Lanes of which as many dossiers were claimed as asked for, with something to do: there may be
    more."""


def start(
    work: Work, codes: Sequence[str], *, backlog: Mapping[str | None, int], claiming: Claiming
) -> Started:
    """
    Claim dossiers and write down the attempt that the next message of each needs.

    Args:
        work: The transaction.
        codes: Of ledgers whose turn it may be; one that stands here twice is taken once.
        backlog: At most so many more are taken from what has been due for a while, by the agency
            they go to; None: to a portal.
        claiming: How.
    """
    wanted = sorted(set(codes))
    fences = _free(work, _FREE, {"_codes": wanted}) if wanted else {}
    _claim(work, fences, claiming=claiming)
    found_in = _find_backlog(work, backlog, claiming=claiming)
    backlog_fences = {code: fence for found in found_in.values() for code, fence in found.items()}
    _claim(work, backlog_fences, claiming=claiming)
    ledgers = load_ledgers(work.connection, [*fences, *backlog_fences], agency="")
    outcomes = _Beginning(work, fences | backlog_fences, ledgers, claiming=claiming).run()
    found = {code: outcomes.pop(code) for code in backlog_fences}
    outcomes |= _leases(work, set(wanted) - fences.keys())
    return Started(
        hinted=[outcomes.pop(code, None) for code in codes],
        backlog=[task for task in found.values() if isinstance(task, Task)],
        full=frozenset(
            lane
            for lane, claimed in found_in.items()
            # Those that need somebody else first would be found again at once.
            if len(claimed) == backlog[lane] and any(found[code] for code in claimed)
        ),
    )


def start_rows(work: Work, agency: str, *, limit: int, claiming: Claiming) -> list[Task]:
    """
    Claim dossiers of an agency whose turn is a progress row that was never tried, and begin these.

    Args:
        work: The transaction.
        agency: Whose.
        limit: At most so many, the most urgent ones of what has been due for a while.
        claiming: How.
    """
    due = {"_before": work.at - claiming.grace, "_limit": limit, "_agency": agency}
    fences = _free(work, _FRESH_ROWS, due)
    _claim(work, fences, claiming=claiming)
    ledgers = load_ledgers(work.connection, list(fences), agency="")
    beginning = _Beginning(work, fences, ledgers, claiming=claiming, fresh_rows=True)
    return [task for task in beginning.run().values() if isinstance(task, Task)]


def _find_backlog(
    work: Work, backlog: Mapping[str | None, int], *, claiming: Claiming
) -> dict[str | None, dict[str, int]]:
    """Return what is free to be claimed of what has been due for a while, with its fences."""
    before = work.at - claiming.grace
    given = [agency for agency in backlog if agency is not None]
    found: dict[str | None, dict[str, int]] = {}
    if None in backlog:
        due = {"_before": before, "_limit": backlog[None]}
        if claiming.resting:
            found[None] = _find_beside(work, claiming.resting, due)
        else:
            found[None] = _free(work, _BACKLOG, due)
    if given:
        who = _WAITING[work.connection.dialect.name]
        waiting = work.connection.execute(who, {"_agencies": given, "_before": before})
        for agency in waiting.scalars().all():
            of_agency = {"_before": before, "_limit": backlog[agency], "_agency": agency}
            found[agency] = _free(work, _BACKLOG_OF_AGENCY, of_agency)
    return found


def _find_beside(work: Work, resting: Collection[str], due: Mapping[str, Any]) -> dict[str, int]:
    """Return the most urgent of what is free for the portal, of agencies that do not rest."""
    connection, now = work.connection, {"_now": work.at}
    names = {agency_of(line) for line in connection.execute(_SENDERS).scalars()}
    who = _WAITING_TO_PORTAL[connection.dialect.name]
    others = {"_agencies": sorted(names - set(resting)), "_before": due["_before"]}
    rows = list(connection.execute(_OPEN_OF_RESTING, {**now, **due, "_resting": sorted(resting)}))
    for agency in connection.execute(who, others).scalars().all():
        rows += connection.execute(_BACKLOG_BY_SENDER, {**now, **due, "_agency": agency})
    # Those that are too many are held until the end of this transaction, and no longer.
    rows.sort(key=lambda row: (row.deadline, row.due_at))
    return dict(islice(((row.code, row.fence + 1) for row in rows), due["_limit"]))


def _free(work: Work, query: Select[Any], which: Mapping[str, Any]) -> dict[str, int]:
    """Return what `query` finds to be free, with the fences that claims of them get."""
    rows = work.connection.execute(query, {"_now": work.at, **which})
    return {row.code: row.fence + 1 for row in rows}


def _claim(work: Work, fences: Mapping[str, int], *, claiming: Claiming) -> None:
    if fences:
        until = work.at + claiming.lease
        work.connection.execute(_CLAIM, {"_codes": list(fences), "_until": until})


def _leases(work: Work, codes: Collection[str]) -> dict[str, Task | datetime | None]:
    """Return until when others have these dossiers; now, where somebody just holds the row."""
    if not codes:
        return {}
    rows = work.connection.execute(_LEASES, {"_codes": sorted(codes)})
    return {row.code: max(row.lease_until or work.at, work.at) for row in rows}


class _Beginning:
    """The beginning of attempts for claimed dossiers; read first, decided, then written."""

    def __init__(
        self,
        work: Work,
        fences: dict[str, int],
        ledgers: dict[str, Ledger],
        *,
        claiming: Claiming,
        fresh_rows: bool = False,
    ) -> None:
        self._work = work
        self._fresh_rows = fresh_rows
        """Only progress rows that were never tried are begun."""
        self._fences = fences
        self._ledgers = ledgers
        self._until = work.at + claiming.lease
        self._crash_limit = claiming.crash_limit
        self._portals = claiming.portals
        self._resting = claiming.resting
        self._changes = Changes(work)
        self._attempts: list[dict[str, Any]] = []
        self._released: list[str] = []
        self._codes: dict[str, str] = {}
        """Dossiers by the message whose turn it is."""

    def run(self) -> dict[str, Task | datetime | None]:
        turns = {code: self._next_to_go(code) for code in self._fences}
        self._codes = {turn.id: code for code, turn in turns.items() if turn is not None}
        ids = [turn.id for turn in turns.values() if turn]
        rows = _rows(self._work.connection, ids, portals=self._portals)
        open_fates = {
            turn.id: Outcome.UNKNOWN if turn.state is State.SENDING else Found.FAILED
            for turn in turns.values()
            if turn and turn.state in (State.SENDING, State.UNKNOWN)
        }
        look_ups = _count_look_ups(self._work.connection, list(open_fates))
        outcomes: dict[str, Task | datetime | None] = {}
        for code, turn in turns.items():
            outcome = None
            if turn is not None:
                outcome = self._begin(turn, rows[turn.id], look_ups.get(turn.id, 0))
            if not isinstance(outcome, Task):
                self._released.append(code)
            outcomes[code] = outcome
        self._write(open_fates)
        return outcomes

    def _next_to_go(self, code: str) -> Known | None:
        turn = self._ledgers[code].next_to_go()
        if turn is None or not self._fresh_rows:
            return turn
        is_row = turn.packet is Packet.PROGRESS and turn.state is State.READY
        return turn if is_row else None

    def _begin(self, turn: Known, row: Row[Any], look_ups: int) -> Task | datetime | None:
        if self._fresh_rows and row.attempts:
            return None
        if turn.state is State.SENDING:
            # Whoever made this attempt never came back: its fate is open.
            self._changes.move(
                turn,
                State.UNKNOWN,
                reason="the worker that sent it is gone",
                unknown_since=self._work.at,
                due_at=self._until,
                abandons=row.abandons + 1,
            )
            self._fail(turn, DeliveryCause.WORKER_GONE)
            return self._task(turn, row, number=look_ups + 1, is_look_up=True)
        if turn.state not in (State.READY, State.RETRYING, State.UNKNOWN):
            return None
        due_at: datetime | None = row.due_at
        if due_at is None or due_at > self._work.at:
            return due_at
        if turn.state is State.UNKNOWN:
            return self._task(turn, row, number=look_ups + 1, is_look_up=True)
        if row.agency in self._resting:
            # It stays as it is, and due: whoever looks after the pause finds it.
            return None
        if row.abandons >= self._crash_limit:
            return self._park(turn, reason=KILLS_WORKER)
        try:
            task = self._task(turn, row, number=row.attempts + 1, is_look_up=False)
        except SealBroken:
            return self._park(turn, reason=BROKEN)
        self._changes.move(
            turn,
            State.SENDING,
            was_update=task.is_updating,
            attempts=task.number,
            # When nobody comes back with an answer, it is taken up again.
            due_at=self._until,
        )
        return task

    def _park(self, turn: Known, *, reason: str) -> datetime | None:
        self._changes.move(turn, State.PARKED, reason=reason, due_at=None)
        self._fail(turn, _CAUSES[reason])
        ledger = self._ledgers[self._codes[turn.id]]
        self._changes.give_way(ledger, turn)
        return self._work.at if self._changes.promote(ledger) is not None else None

    def _fail(self, turn: Known, cause: DeliveryCause) -> None:
        is_down = turn.packet is Packet.INBOUND
        self._work.fail(turn.id, causes_of_delivery(cause, turn.agency, is_down=is_down))

    def _task(self, turn: Known, row: Row[Any], *, number: int, is_look_up: bool) -> Task:
        document = b""
        if not is_look_up:
            context = document_context(turn.id)
            document = self._work.vault.open(row.document, context=context)
            if hashlib.sha256(document).hexdigest() != row.document_digest:
                raise SealBroken(context, DIFFERENT)
        is_updating = (
            row.was_update if is_look_up else _is_update(turn.packet, at_portal=row.at_portal)
        )
        self._attempts.append(
            {
                "message_id": turn.id,
                "kind": LOOK_UP if is_look_up else SEND,
                "number": number,
                "is_updating": is_updating,
                "started_at": self._work.at,
            }
        )
        if is_look_up:
            self._work.note("message.looked_up", turn.id, number=number)
        ledger = self._codes[turn.id]
        return Task(
            ledger=ledger,
            dossier_code=row.dossier_code,
            agency=row.agency,
            fence=self._fences[ledger],
            message_id=turn.id,
            packet=turn.packet,
            number=number,
            is_look_up=is_look_up,
            is_updating=is_updating,
            document=document,
            document_digest=row.document_digest,
            file=file_of(row),
            failures=row.failures,
            unknown_since=row.unknown_since,
            made_at=row.created_at,
            begun_at=self._work.at,
        )

    def _write(self, open_fates: Mapping[str, Outcome | Found]) -> None:
        connection = self._work.connection
        if open_fates:
            # Whoever made them is gone, or will be late: then its answer is written over this.
            connection.execute(
                _OPEN_ATTEMPTS,
                [
                    {
                        "_id": message_id,
                        "ended_at": self._work.at,
                        "outcome": outcome.value,
                        "detail": "abandoned",
                    }
                    for message_id, outcome in open_fates.items()
                ],
            )
        self._changes.write()
        if self._attempts:
            insert_rows(connection, attempts, self._attempts)
        if self._released:
            connection.execute(END_CLAIM, {"_codes": self._released})


def _rows(
    connection: Connection, ids: Sequence[str], *, portals: Collection[str]
) -> dict[str, Any]:
    if not ids:
        return {}
    found = connection.execute(_ROWS, {"_ids": ids, "_portals": sorted(portals)})
    return {row.id: row for row in found}


def which_update(
    connection: Connection, ids: Sequence[str], *, portals: Collection[str]
) -> frozenset[str]:
    """Return those of some messages that would go as updates if they went now."""
    if not ids:
        return frozenset()
    rows = connection.execute(_ARE_AT_PORTAL, {"_ids": ids, "_portals": sorted(portals)})
    return frozenset(
        row.id for row in rows if _is_update(Packet(row.packet), at_portal=row.at_portal)
    )


def _is_update(packet: Packet, *, at_portal: bool) -> bool:
    return packet is Packet.DOSSIER and at_portal


def _count_look_ups(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    if not ids:
        return {}
    return {row.message_id: row.look_ups for row in connection.execute(_LOOK_UPS, {"_ids": ids})}


def take_over(work: Work, code: str) -> None:
    """End whatever claim there is on a ledger, for a person who decides about its dossier."""
    work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == code)
        .values(fence=dossiers.c.fence + 1, lease_until=None)
    )
