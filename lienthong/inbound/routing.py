"""Which agency a message is for. Nobody is guessed: who is not named by the settings is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.inbound.message import texts_named
from lienthong.inbound.refusals import INVALID, agency_unknown, not_taken

if TYPE_CHECKING:
    from lienthong.inbound.message import Message
    from lienthong.inbound.profile import PeerRoutes


def agency_of(message: Message, routes: PeerRoutes) -> str:
    """
    Return the agency by its unit's code, else by the procedure, else the one of all others.

    Raises:
        NotTaken: nobody receives it, or it names several.
    """
    for name, table in (
        (routes.unit_field, routes.units),
        (routes.procedure_field, routes.procedures),
    ):
        if not table:
            continue
        # What stands around a message says for whom it is; inside it other units may be named.
        said = texts_named(message.envelope, name) or texts_named(message.fields, name)
        found = {table[one] for one in said if one in table}
        if len(found) > 1:
            raise not_taken(
                INVALID,
                "inbound.agency_ambiguous",
                f"{name} có nhiều giá trị, của nhiều cơ quan",
                f"{name} has several values, of several agencies",
                name=name,
            )
        if found:
            return found.pop()
    if routes.otherwise is None:
        raise agency_unknown()
    return routes.otherwise
