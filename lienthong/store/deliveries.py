"""What was delivered of each procedure, for the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from lienthong.channels.port import Packet
from lienthong.states import State
from lienthong.store.tables import messages

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class Delivered(NamedTuple):
    """The dossiers of one agency in one procedure that are at the portal."""

    agency: str
    procedure: str
    messages: int
    last_at: datetime


def count_delivered(connection: Connection) -> list[Delivered]:
    """Return what was delivered, by agency and procedure; reads every message."""
    query = (
        select(
            messages.c.agency,
            messages.c.procedure,
            func.count(),
            func.max(messages.c.updated_at),
        )
        .where(
            messages.c.state == State.DELIVERED.value,
            messages.c.packet == Packet.DOSSIER.value,
            messages.c.procedure.is_not(None),
        )
        .group_by(messages.c.agency, messages.c.procedure)
    )
    return [Delivered(*row) for row in connection.execute(query)]
