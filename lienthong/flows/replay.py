"""
What an operator does to messages, one or a selected many, each with a reason: resend the same
document, also where the portal has lost it, reissue from the same source, or discard.

Resend and reissue are never confused: a resend is the same signed bytes under the same id; a
reissue is a new message made by the mapping that is installed now, linked to the old one, which
stays as it is. One message that cannot be acted on stops no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.admission import Ledger
from lienthong.channels.port import Packet
from lienthong.corrections import check_wishes
from lienthong.flows.hints import hint_due
from lienthong.flows.missing import let_go_again
from lienthong.flows.reread import Source
from lienthong.states import MAY_CORRECT, MAY_DISCARD, MAY_REISSUE, MAY_RESEND, State
from lienthong.store.database import reading
from lienthong.store.delivery import LEDGER, take_over
from lienthong.store.ledgers import SAID, change_state, known_from, ledger_of, load_ledgers, promote
from lienthong.store.queries import message_not_found
from lienthong.store.reconciliations import note_sent
from lienthong.store.reissuing import put_in_place
from lienthong.store.tables import in_slices, messages
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from lienthong.admission import Known
    from lienthong.agencies import AgencyFinder
    from lienthong.corrections import Wish
    from lienthong.flows.hints import Publisher
    from lienthong.store.database import Store
    from lienthong.store.work import Work

TOGETHER = 100
"""Messages per transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for something to be done to messages, and why; both go into the audit log."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What became of one message of an order."""

    message_id: str
    problem: Problem | None = None
    """Why nothing was done to it; None when it was done."""
    new_id: str | None = None
    """Of a reissue: the new message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A dossier that the portal does not have any more."""

    message_id: str
    """The snapshot that should be in effect."""
    since: datetime
    """When the portal first said so: what moved since was not asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done to one message, with everything that is checked before."""

    allowed: Collection[State]
    """States in which it may be done."""
    act: Callable[[Work, Ledger, Known, Order], tuple[str | None, Ledger]]
    """
    Does it, and gives the id of the new message, where there is one, and the dossier that it is
    in. Raises InputError, with nothing changed, where it may not be done.
    """


def do(work: Work, message_id: str, deed: Deed, *, order: Order) -> tuple[Acted, Ledger | None]:
    """Do it to one message; return what became of it, and its dossier where it was done."""
    try:
        ledger, message = _find(work, message_id, deed.allowed)
        new_id, ledger = deed.act(work, ledger, message, order)
    except InputError as error:
        return Acted(message_id=message_id, problem=error.problem), None
    promote(work, ledger)
    return Acted(message_id=message_id, new_id=new_id), ledger


def do_all(
    work: Work, message_ids: Iterable[str], deed: Deed, *, order: Order
) -> tuple[list[Acted], list[str]]:
    """
    Do it to messages, by ledger as everybody takes several of them, in one transaction.

    Returns:
        What became of each, and the ledgers that have something to deliver now: hints of these
        are to be published once the transaction is committed.
    """
    acted, moving = [], set()
    for message_id in message_ids:
        one, ledger = do(work, message_id, deed, order=order)
        acted.append(one)
        if ledger is None:
            continue
        turn = ledger.next_to_go()
        if turn is not None and turn.state is State.READY:
            moving.add(ledger.code)
    return acted, sorted(moving)


def reissuing(source: Source, *, allowed: Collection[State] = MAY_REISSUE) -> Deed:
    """Return what a reissue does with what was made of the sources that `source` has read."""

    def act(work: Work, ledger: Ledger, message: Known, order: Order) -> tuple[str, Ledger]:
        made = source.made_from(message.id)
        return put_in_place(work, ledger, message, made=made, reason=order.reason)

    return Deed(allowed=allowed, act=act)


class Replayer:
    """Carries operators' orders out."""

    def __init__(self, *, store: Store, broker: Publisher, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock

    def resend(self, message_ids: Sequence[str], *, order: Order) -> Iterator[Acted]:
        """Let the same signed documents go again, under the same ids; yield as it goes on."""
        return self._act(message_ids, order, RESENDING)

    def resend_missing(
        self, found: Sequence[Missing], *, order: Order, run_id: str
    ) -> Iterator[Acted]:
        """
        Let dossiers go again that the portal does not have any more; yield as it goes on.

        The snapshot that should be in effect goes, as the same signed document under the same id,
        and behind it the dossier's progress rows.

        Args:
            found: By a comparison.
            order: Who and why.
            run_id: Of the comparison; it notes what was let go.
        """
        by_message = {one.message_id: one for one in found}

        def one(work: Work, ledger: Ledger, message: Known, order: Order) -> tuple[None, Ledger]:
            since = by_message[message.id].since
            let_go_again(work, ledger, message, since=since, reason=order.reason)
            note_sent(work, run_id, [ledger.code])
            return None, ledger

        return self._act(list(by_message), order, Deed(allowed={State.DELIVERED}, act=one))

    def discard(self, message_ids: Sequence[str], *, order: Order) -> Iterator[Acted]:
        """End messages without sending them; what waited behind them goes on."""
        return self._act(message_ids, order, DISCARDING)

    def reissue(
        self,
        message_ids: Sequence[str],
        *,
        order: Order,
        agencies: AgencyFinder,
    ) -> Iterator[Acted]:
        """
        Make new messages from the sources of these, by the mappings as they are now.

        Args:
            message_ids: In any order.
            order: Who and why.
            agencies: Gives an agency by name and service; where it cannot, its messages stay as
                they are.
        """
        source = Source(self._store, agencies, clock=self._clock)
        for part in in_slices(list(message_ids)):
            source.read(part)
            yield from self._act(part, order, reissuing(source))

    def correct(
        self,
        message_id: str,
        wishes: Sequence[Wish],
        *,
        order: Order,
        agencies: AgencyFinder,
    ) -> Acted:
        """
        Make a new message from the source of one, some of whose values are corrected.

        Raises:
            InputError: what is wanted cannot be tried; whether the source takes it is told as of
                any order.
        """
        check_wishes(wishes)
        source = Source(self._store, agencies, clock=self._clock, wishes={message_id: wishes})
        source.read([message_id])
        (acted,) = self._act([message_id], order, reissuing(source, allowed=MAY_CORRECT))
        return acted

    def _act(self, message_ids: Sequence[str], order: Order, deed: Deed) -> Iterator[Acted]:
        waiting = iter(in_order(self._store, message_ids))
        while part := list(islice(waiting, TOGETHER)):
            with begin(self._store, at=self._clock, actor=order.actor) as work:
                acted, moving = do_all(work, [each for each, _ in part], deed, order=order)
            hint_due(self._broker, moving, at=work.at)
            yield from acted


def in_order(store: Store, message_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """
    Return messages, each once, with their ledgers (None: no dossier, or no such message).

    By ledger: whoever holds several of them takes them in the same order.
    """
    found: dict[str, str | None] = {}
    with reading(store) as connection:
        for part in in_slices(sorted(set(message_ids))):
            query = select(messages.c.id, LEDGER.label("ledger")).where(messages.c.id.in_(part))
            query = query.order_by(LEDGER, messages.c.sequence)
            found |= {row.id: row.ledger for row in connection.execute(query)}
    strange = sorted(set(message_ids) - found.keys())
    return [*found.items(), *((message_id, None) for message_id in strange)]


def _resend(work: Work, ledger: Ledger, message: Known, order: Order) -> tuple[None, Ledger]:
    # A look-up may be out for it: with the fence moved on, its answer changes nothing.
    take_over(work, ledger.code)
    change_state(
        work,
        message,
        State.READY,
        reason=order.reason,
        due_at=work.at,
        abandons=0,
        unknown_since=None,
    )
    return None, ledger


def _discard(work: Work, ledger: Ledger, message: Known, order: Order) -> tuple[None, Ledger]:
    change_state(work, message, State.DISCARDED, reason=order.reason, due_at=None)
    return None, ledger


RESENDING = Deed(allowed=MAY_RESEND, act=_resend)
DISCARDING = Deed(allowed=MAY_DISCARD, act=_discard)


def _find(work: Work, message_id: str, allowed: Collection[State]) -> tuple[Ledger, Known]:
    row = work.connection.execute(select(messages).where(messages.c.id == message_id)).first()
    if row is None:
        raise message_not_found(message_id)
    ledger = Ledger(code="", agency=row.agency)
    if row.dossier_code is not None:
        code = ledger_of(Packet(row.packet), row.dossier_code, row.agency)
        ledger = load_ledgers(work.connection, [code], agency=row.agency, to_change=True)[code]
    known = {message.id: message for message in ledger.messages}
    message = known.get(message_id) or _hold(work, message_id)
    if message.state not in allowed:
        raise InputError(_wrong_state(message, allowed))
    return ledger, message


def _hold(work: Work, message_id: str) -> Known:
    """Return a message that no dossier stands for, held until the end of the transaction."""
    query = select(messages, *SAID).where(messages.c.id == message_id).with_for_update()
    return known_from(work.connection.execute(query).one())


def _wrong_state(message: Known, allowed: Collection[State]) -> Problem:
    states = ", ".join(sorted(state.value for state in allowed))
    return Problem(
        code="message.wrong_state",
        message=Text(
            vi=f"Thông điệp {message.id} đang ở trạng thái {message.state.value}; "
            f"chỉ thực hiện được với: {states}",
            en=f"Message {message.id} is {message.state.value}; "
            f"this is possible only for: {states}",
        ),
        suggestion=Text(
            vi=f"Xem: lienthong messages show {message.id}",
            en=f"See: lienthong messages show {message.id}",
        ),
    )
