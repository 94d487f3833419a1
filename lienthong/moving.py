"""
What moves dossiers, put together from one installation: the roles, up to the portal and down.

What reaches the portal stands apart (`lienthong.reaching`), and so does what proves
(`lienthong.proving`).
"""

from __future__ import annotations

import time
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import structlog

from lienthong.channels.port import Direction
from lienthong.decisions import LookUpRules
from lienthong.flows.acknowledge import Acknowledger
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.fetch import Fetcher, FetchRules
from lienthong.flows.replay_jobs import ReplayRunner
from lienthong.flows.take import Taker
from lienthong.flows.tell import Teller
from lienthong.inbound.peer import Peer, PeerKeys
from lienthong.inbound.taking import Taking
from lienthong.pacing import Pacer
from lienthong.policy_settings import PORTAL_RECEIPT
from lienthong.reaching import Reaching
from lienthong.receivers.channel import AgencyChannel
from lienthong.receivers.folder import FolderReceiver
from lienthong.receivers.hook import HookReceiver
from lienthong.receivers.lanes import Lane, Lanes
from lienthong.receivers.queue import QueueReceiver
from lienthong.retry import Backoff
from lienthong.sharing.filtering import Filter
from lienthong.sharing.sharer import Sharer
from schemas.errors import ConfigError
from signing import SigningError

if TYPE_CHECKING:
    from broker.port import Broker, Inbox, Outbox
    from lienthong.channels.port import Channel
    from lienthong.flows.hints import Publisher
    from lienthong.inbound.profile import PeerProfile
    from lienthong.receivers.lanes import Receiver
    from lienthong.receivers.profile import ReceiverProfile
    from lienthong.wiring import Installation

log = structlog.get_logger()

RESULTS_PATIENCE = timedelta(seconds=30)
"""Before an agency whose results queue is missing or full is tried again."""


def steady() -> float:
    """Return seconds that go on while this process, or its machine, stands still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Moving:
    """The parts of one installation that take dossiers in, on and down."""

    def __init__(self, installation: Installation) -> None:
        """Remember whose; parts are made when they are asked for."""
        self._of = installation
        self._reaching = Reaching(installation)

    def make_fetcher(self, broker: Broker) -> Fetcher:
        """Return what fetches the files of dossiers; one per worker. Raises ConfigError."""
        settings = self._of.settings.attachments
        return Fetcher(
            store=self._of.store,
            broker=broker,
            sources=self._of.file_sources,
            blobs=self._of.blobs,
            rules=FetchRules(
                slots=settings.slots,
                per_agency=settings.slots_per_agency,
                lease=timedelta(seconds=settings.lease_seconds),
                backoff=Backoff(
                    first=timedelta(seconds=settings.backoff_first_seconds),
                    longest=timedelta(seconds=settings.backoff_longest_seconds),
                ),
                limits=self._of.file_limits,
                tell_after=timedelta(seconds=settings.tell_after_seconds),
                max_ratio=self._of.archive_ratio,
            ),
            clock=self._of.clock,
            random=Random(),  # noqa: S311 - jitter, no secret
        )

    def make_peers(self, publisher: Publisher) -> dict[str, Peer]:
        """Put together who may send messages down to agencies; one that is wrong is left out."""
        peers = {}
        taking = Taking(
            store=lambda: self._of.store,
            publisher=publisher,
            clock=self._of.clock,
            agencies=self._of.mappings.names,
            pauses=self._of.pauses.look,
            retry_after_seconds=self._of.settings.http.retry_after_seconds,
        )
        for name, profile in self._of.settings.peers.items():
            try:
                peers[name] = Peer(
                    name,
                    profile,
                    taking=taking,
                    keys=self.peer_keys(profile),
                    clock=self._of.clock,
                    retry_after_seconds=self._of.settings.http.retry_after_seconds,
                )
            except (ConfigError, SigningError) as error:
                log.error("inbound.peer_unusable", peer=name, cause=error.code)  # noqa: TRY400
        return peers

    def peer_keys(self, profile: PeerProfile) -> PeerKeys:
        """
        Return what proves a peer, and us to it, over SOAP.

        Raises:
            ConfigError, SigningError: a file of `trust` cannot be used.
        """
        soap = profile.soap
        trust = None
        if soap is not None and soap.trust:
            # Its own roots, never the keyring's: an agency must not pass for a peer.
            trust = self._of.policies.load(PORTAL_RECEIPT, roots=soap.trust)
        return PeerKeys(trust=trust, signing=self._of.keyring.operator_key)

    def make_taker(self, broker: Broker, inbox: Inbox) -> Taker:
        """Put the role that takes the agencies' messages together."""
        return Taker(
            inbox=inbox,
            store=self._of.store,
            broker=broker,
            senders=self._of.sender,
            clock=self._of.clock,
            largest_bytes=self._of.settings.broker.largest_message_bytes,
            queue_of=self._of.rabbit_settings.plan.inbound,
            pauses=self._of.pauses.look,
        )

    def make_teller(self, outbox: Outbox) -> Teller:
        """Put the role that publishes results together."""
        return Teller(
            outbox=outbox,
            agencies=self._of.queued_agencies,
            store=self._of.store,
            clock=self._of.clock,
            patience=RESULTS_PATIENCE,
            columns=self._of.column_of,
            queue_of=self._of.rabbit_settings.plan.results_queue,
        )

    def make_acknowledger(self) -> Acknowledger:
        """Put the role together that signs receipts for the agencies."""
        return Acknowledger(
            store=self._of.store,
            signer=self._of.operator_signer,
            installation=self._of.settings.receipts.installation,
            agency_codes=self._of.agency_code,
            clock=self._of.clock,
        )

    def make_expander(self, broker: Broker) -> Expander:
        """Put the expansion role together."""
        return Expander(
            store=self._of.store,
            broker=broker,
            agencies=self._of.agency,
            clock=self._of.clock,
            lease=timedelta(seconds=self._of.settings.expansion.lease_seconds),
            retry_after=timedelta(seconds=self._of.settings.expansion.retry_seconds),
        )

    def make_replay_runner(self, broker: Broker) -> ReplayRunner:
        """Put the role together that carries bulk replays out."""
        return ReplayRunner(
            store=self._of.store,
            broker=broker,
            agencies=self._of.agency,
            clock=self._of.clock,
        )

    def make_deliverer(self, broker: Broker, channel: Channel) -> Deliverer:
        """Put the delivery role together."""
        rules = self._of.settings.delivery
        backoff = self._reaching.backoff
        random = Random()  # noqa: S311 - jitter, not a secret
        return Deliverer(
            store=self._of.store,
            broker=broker,
            channel=channel,
            rules=DeliveryRules(
                slots=rules.slots,
                lease=timedelta(seconds=rules.lease_seconds),
                longest_call=self._of.target.longest_call,
                crash_limit=rules.crash_limit,
                backoff=backoff,
                look_ups=LookUpRules(
                    shows_content=self._of.target.shows_content,
                    quiet_period=self._of.target.quiet_period,
                    resend_unproven_progress=self._of.target.resend_unproven_progress,
                ),
                portals=self._of.portals,
                rows_per_call=self._of.target.progress_rows_per_call,
                shared=self._of.shared_agencies,
            ),
            pacer=self._reaching.make_pacer(backoff=backoff, random=random),
            agency_codes=self._of.agency_code,
            clock=self._of.clock,
            steady=steady,
            random=random,
            pauses=self._of.pauses.look,
        )

    def open_agency_channel(self) -> AgencyChannel:
        """
        Open the ways to the agencies that get what peers send them.

        Raises:
            ConfigError: a file of TLS cannot be used.
        """
        backoff = self._reaching.backoff
        lanes = {
            name: Lane(
                receiver=self._open_receiver(name, profile),
                pacer=Pacer(
                    breaker=self._reaching.make_breaker(
                        backoff=backoff,
                        random=Random(),  # noqa: S311 - jitter, not a secret
                        longest_call=profile.longest_call,
                        slots=profile.slots,
                    )
                ),
                slots=profile.slots,
            )
            for name, profile in self._of.settings.receivers.items()
        }
        return AgencyChannel(Lanes(lanes))

    def _open_receiver(self, name: str, profile: ReceiverProfile) -> Receiver:
        if profile.folder is not None:
            return FolderReceiver(profile.folder)
        if profile.hook is not None:
            return HookReceiver(profile.hook, name=name)
        return QueueReceiver(self._of.open_outbox)

    def make_agency_deliverer(self, broker: Broker, channel: AgencyChannel) -> Deliverer:
        """Put the role together that hands over what peers send to the agencies."""
        rules = self._of.settings.delivery
        longest = [one.longest_call for one in self._of.settings.receivers.values()]
        return Deliverer(
            store=self._of.store,
            broker=broker,
            channel=channel,
            rules=DeliveryRules(
                slots=channel.lanes.slots,
                lease=timedelta(seconds=rules.lease_seconds),
                longest_call=max(longest, default=timedelta(0)),
                crash_limit=rules.crash_limit,
                backoff=self._reaching.backoff,
                # Every way is safe to repeat, so nothing is waited for and nothing is proven.
                look_ups=LookUpRules(
                    shows_content=False,
                    quiet_period=timedelta(0),
                    resend_unproven_progress=True,
                ),
                direction=Direction.TO_AGENCIES,
            ),
            pacer=channel.lanes,
            agency_codes=self._of.agency_code,
            clock=self._of.clock,
            steady=steady,
            random=Random(),  # noqa: S311 - jitter, not a secret
            pauses=self._of.pauses.look,
        )

    def make_sharer(self, publisher: Publisher) -> Sharer:
        """
        Put the role together that shares delivered dossiers with other agencies.

        Raises:
            ConfigError: a profile names a field that there is not.
        """
        return Sharer(
            store=self._of.store,
            publisher=publisher,
            profiles={
                name: (profile, Filter(name, profile))
                for name, profile in self._of.settings.sharing.items()
            },
            clock=self._of.clock,
        )
