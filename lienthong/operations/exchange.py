"""The exchange as it stands now: its queues, and how they differ from the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.port import BrokerError
from lienthong.flows.hints import QUEUES
from lienthong.operations.site_views import DriftView, QueuesView, QueueView
from lienthong.operations.views import Words

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.wiring import Installation


def see_queues(installation: Installation, principal: Principal) -> QueuesView:
    """
    Return how many messages wait in which queue; an exchange that is away is an answer, too.

    Raises:
        Forbidden: whoever asks neither sees every agency nor administers.
    """
    principal.need_whole()
    kind = installation.settings.broker.kind
    try:
        if kind == "rabbitmq":
            return _see_rabbitmq(installation)
        with installation.open_broker() as broker:
            queues = [QueueView(name=name, messages=broker.depth(name)) for name in QUEUES]
    except BrokerError as error:
        return QueuesView(
            kind=kind,
            is_reachable=False,
            trouble=_words(error),
            queues=[],
            is_checked=False,
            drifts=[],
        )
    return QueuesView(
        kind=kind, is_reachable=True, trouble=None, queues=queues, is_checked=True, drifts=[]
    )


def _see_rabbitmq(installation: Installation) -> QueuesView:
    # pika is not for those who keep everything in files.
    from broker.rabbitmq import check, read_depths  # noqa: PLC0415

    settings = installation.rabbit_settings
    depths = read_depths(settings)
    drifts, trouble = [], None
    try:
        drifts = check(settings)
    except BrokerError as error:
        # As a rule the user of workers may not configure.
        trouble = _words(error)
    return QueuesView(
        kind="rabbitmq",
        is_reachable=True,
        trouble=trouble,
        queues=[QueueView(name=name, messages=count) for name, count in depths.items()],
        is_checked=trouble is None,
        drifts=[
            DriftView(
                name=drift.what.name,
                trouble=drift.trouble.value,
                words=Words(vi=drift.vi, en=drift.en),
            )
            for drift in drifts
        ],
    )


def _words(error: BrokerError) -> Words:
    return Words(vi=error.vi, en=error.en)
