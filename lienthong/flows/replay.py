"""What an operator does to a message: resend the same document, or discard it, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.admission import Ledger
from lienthong.flows.hints import DELIVER, publish_or_leave
from lienthong.states import MAY_DISCARD, MAY_RESEND, State
from lienthong.store.delivery import take_over
from lienthong.store.ledgers import change_state, known_from, load_ledgers, promote
from lienthong.store.queries import message_not_found
from lienthong.store.tables import messages
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from broker.port import Broker
    from lienthong.admission import Known
    from lienthong.store.database import Store


def resend(
    message_id: str, *, store: Store, broker: Broker, actor: str, reason: str, at: datetime
) -> None:
    """
    Let the same signed document go again, under the same message id.

    Raises:
        InputError: there is no such message, or it is in a state that cannot be resent.
    """
    with begin(store, at=at, actor=actor) as work:
        ledger, message = _find(work.connection, message_id, MAY_RESEND, verb="resend")
        # A look-up may be out for it: with the fence moved on, its answer changes nothing.
        take_over(work, ledger.code)
        change_state(
            work, message, State.READY, reason=reason, due_at=at, abandons=0, unknown_since=None
        )
    publish_or_leave(broker, DELIVER, [ledger.code], at=at)


def discard(
    message_id: str, *, store: Store, broker: Broker, actor: str, reason: str, at: datetime
) -> None:
    """
    End a message for good without sending it; what waited behind it goes on.

    Raises:
        InputError: there is no such message, or it is in a state that cannot be discarded.
    """
    with begin(store, at=at, actor=actor) as work:
        ledger, message = _find(work.connection, message_id, MAY_DISCARD, verb="discard")
        change_state(work, message, State.DISCARDED, reason=reason, due_at=None)
        follower = promote(work, ledger)
    if follower is not None:
        publish_or_leave(broker, DELIVER, [ledger.code], at=at)


def _find(
    connection: Connection, message_id: str, allowed: Collection[State], *, verb: str
) -> tuple[Ledger, Known]:
    row = connection.execute(select(messages).where(messages.c.id == message_id)).first()
    if row is None:
        raise message_not_found(message_id)
    if State(row.state) not in allowed:
        states = ", ".join(sorted(state.value for state in allowed))
        raise InputError(
            Problem(
                code=f"message.cannot_{verb}",
                message=Text(
                    vi=f"Thông điệp {message_id} đang ở trạng thái {row.state}; "
                    f"chỉ thực hiện được với: {states}",
                    en=f"Message {message_id} is {row.state}; "
                    f"{verb} is possible only for: {states}",
                ),
            )
        )
    if row.dossier_code is None:
        return Ledger(code="", agency=row.agency), known_from(row)
    ledger = load_ledgers(connection, [row.dossier_code], agency=row.agency, to_change=True)[
        row.dossier_code
    ]
    known = {message.id: message for message in ledger.messages}
    return ledger, known.get(message_id, known_from(row))
