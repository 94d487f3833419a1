"""What operators do to one message: resend, reissue, correct, discard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.flows.replay import Order, Replayer
from lienthong.operations.messages import agency_of_message
from lienthong.operations.views import ActedView
from lienthong.replay_states import Verb
from schemas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.access.rights import Principal
    from lienthong.corrections import Wish
    from lienthong.flows.hints import Publisher
    from lienthong.wiring import Installation


__all__ = ["Verb", "act_on_message", "correct_message"]


def act_on_message(
    installation: Installation,
    principal: Principal,
    message_id: str,
    verb: Verb,
    *,
    reason: str,
    publisher: Publisher,
) -> ActedView:
    """
    Do something to one message; its state decides whether that can be done.

    Raises:
        Forbidden: it may be seen, but not acted on.
        InputError: there is none that whoever asks may see, or nothing was done, and why.
    """
    agency = agency_of_message(installation, principal, message_id)
    principal.need(Right.REPLAY_ONE, agency)
    order = Order(actor=principal.name, reason=reason)
    replayer = Replayer(store=installation.store, broker=publisher, clock=installation.clock)
    ids = [message_id]
    acting = {
        Verb.RESEND: lambda: replayer.resend(ids, order=order),
        Verb.REISSUE: lambda: replayer.reissue(ids, order=order, agencies=installation.agency),
        Verb.DISCARD: lambda: replayer.discard(ids, order=order),
    }[verb]()
    (acted,) = acting
    if acted.problem is not None:
        raise InputError(acted.problem)
    return ActedView(id=acted.message_id, new_id=acted.new_id)


def correct_message(
    installation: Installation,
    principal: Principal,
    message_id: str,
    wishes: Sequence[Wish],
    *,
    reason: str,
    publisher: Publisher,
) -> ActedView:
    """
    Reissue one message, some values of whose source record are corrected; the source stays.

    Raises:
        Forbidden: it may be seen, but not corrected.
        InputError: there is none that whoever asks may see, or nothing was done, and why.
    """
    agency = agency_of_message(installation, principal, message_id)
    principal.need(Right.EDIT, agency)
    replayer = Replayer(store=installation.store, broker=publisher, clock=installation.clock)
    acted = replayer.correct(
        message_id,
        wishes,
        order=Order(actor=principal.name, reason=reason),
        agencies=installation.agency,
    )
    if acted.problem is not None:
        raise InputError(acted.problem)
    return ActedView(id=acted.message_id, new_id=acted.new_id)
