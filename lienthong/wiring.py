"""
One installation, put together: the only place that picks concrete classes from the settings.

Everything is made when it is first asked for, so that a command that only reads mappings opens no
store. Development keys are made by themselves only where nobody has configured keys or a target.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from random import Random
from socket import gethostname
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import structlog

from adapters.options import ZipOptions
from broker.sqlite import SqliteBroker
from lienthong.agencies import make_agency, make_receiver, stamp_of
from lienthong.attachments.blobs import FolderBlobs
from lienthong.attachments.manifest import FileLimits
from lienthong.attachments.sources import FileSources
from lienthong.breaker import Breaker
from lienthong.bucket import Bucket
from lienthong.channels.dictionaries import no_dictionaries
from lienthong.channels.dvcqg_json import JsonChannel
from lienthong.channels.lgsp import LgspChannel
from lienthong.channels.port import Direction
from lienthong.channels.security import SecurityKeys
from lienthong.channels.sessions import SessionFile
from lienthong.channels.soap import SoapChannel
from lienthong.decisions import LookUpRules
from lienthong.drift.fetching import fetch_document
from lienthong.drift.impact import touched_by
from lienthong.drift.kinds import kinds_of
from lienthong.drift.looking import Looker, LookRules
from lienthong.drift.profile import has_dictionaries
from lienthong.drift.watch import AnswerWatch, WatchRules
from lienthong.drift.watched import WatchedChannel
from lienthong.flows.acknowledge import Acknowledger
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.fetch import Fetcher, FetchRules
from lienthong.flows.hints import QUEUES
from lienthong.flows.incoming import Sender, format_of
from lienthong.flows.retain import PayloadClass
from lienthong.flows.take import Taker
from lienthong.flows.tell import Teller
from lienthong.inbound.peer import Peer, PeerKeys
from lienthong.inbound.taking import Taking
from lienthong.keyring import OPERATOR, Keyring
from lienthong.pacing import Pacer
from lienthong.policies import Policies
from lienthong.policy_settings import AGENCY_DOCUMENT, PORTAL_RECEIPT
from lienthong.receivers.channel import AgencyChannel
from lienthong.receivers.folder import FolderReceiver
from lienthong.receivers.hook import HookReceiver
from lienthong.receivers.lanes import Lane, Lanes
from lienthong.receivers.queue import QueueReceiver
from lienthong.reconciliation.asking import PoliteAsker
from lienthong.reconciliation.comparing import CompareRules
from lienthong.reconciliation.listed import Listed
from lienthong.reconciliation.nightly import Nightly
from lienthong.reconciliation.reconciler import Reconciler
from lienthong.retry import Backoff
from lienthong.revocation.sources import RevocationSources
from lienthong.session_sealing import VaultSealing
from lienthong.sharing.filtering import Filter
from lienthong.sharing.sharer import Sharer
from lienthong.store.audit import Entry
from lienthong.store.database import open_postgresql, open_sqlite, open_store
from lienthong.store.work import PRODUCT
from mappings import load_agencies, load_mapping
from mappings.catalogue import load_catalogue
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    Hash,
    PlainSigner,
    Revocation,
    RsaPadding,
    SigningError,
    VerificationPolicy,
    XadesSigner,
)
from signing.second import SecondOpinion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from sqlalchemy import Engine

    from broker.port import Broker, Inbox, Outbox
    from broker.rabbitmq import RabbitSettings
    from lienthong.agencies import Agency
    from lienthong.attachments.blobs import BlobStore
    from lienthong.channels.port import Channel
    from lienthong.channels.profile import TargetProfile
    from lienthong.drifts import Drift, Touched
    from lienthong.flows.hints import Publisher
    from lienthong.inbound.profile import PeerProfile
    from lienthong.receivers.lanes import Receiver
    from lienthong.receivers.profile import ReceiverProfile
    from lienthong.settings import BrokerSettings, Settings
    from lienthong.store.database import Store
    from mappings import Agencies
    from mappings.catalogue import Service
    from signing import SigningKey

log = structlog.get_logger()

RESULTS_PATIENCE = timedelta(seconds=30)
"""Before an agency whose results queue is missing or full is tried again."""
KEY_FILE = "store.keys"
"""The store's master keys, in the data directory where no other place is given."""
PORTAL_SESSION = "portal-session"
"""The session with a portal that wants a login, sealed; processes of one machine share it."""
CATALOGUE = "catalogue.json"


def steady() -> float:
    """Return seconds that go on while this process, or its machine, stands still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Installation:
    """What the commands and the workers of one process share. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._agencies: dict[str, tuple[object, Agency]] = {}
        self._lock = Lock()

    def clock(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)

    @cached_property
    def engine(self) -> Engine:
        """The database of the message store, whatever is in it."""
        settings = self.settings.store
        if settings.url is None:
            return open_sqlite(self.settings.data_dir / "store.sqlite")
        return open_postgresql(settings.url, password=settings.password.get_secret_value())

    @property
    def key_file(self) -> Path:
        """The store's master keys."""
        return self.settings.store.key_file or self.settings.data_dir / KEY_FILE

    @cached_property
    def store(self) -> Store:
        """The message store."""
        return open_store(
            self.engine,
            key_file=self.key_file,
            encrypt=self.settings.store.encrypt,
            now=self.clock(),
        )

    @property
    def retention(self) -> dict[PayloadClass, timedelta | None]:
        """How long each class of payloads is kept; None is for ever."""
        days: dict[str, int | None] = self.settings.retention.model_dump()
        return {
            PayloadClass(name): None if kept is None else timedelta(days=kept)
            for name, kept in days.items()
        }

    @cached_property
    def mappings(self) -> Agencies:
        """The agencies that come with the product and the site's own."""
        return load_agencies(self.settings.mappings_dir)

    @property
    def catalogue_file(self) -> Path:
        """The services that are to be connected."""
        return self.settings.data_dir / CATALOGUE

    @property
    def services(self) -> Mapping[str, tuple[Service, ...]]:
        """The services that are to be connected, by procedure; read anew each time."""
        return load_catalogue(self.catalogue_file).by_procedure()

    @cached_property
    def keyring(self) -> Keyring:
        """The signing keys and what is trusted."""
        folder = self.settings.keys_dir or self.settings.data_dir / "keys"
        is_free = self.settings.keys_dir is None and not self.settings.target
        return Keyring(
            folder,
            may_make_development_keys=is_free,
            clock=self.clock,
            memory=self.settings.data_dir,
        )

    @cached_property
    def policies(self) -> Policies:
        """By which policy each use judges signatures."""
        target = self.settings.target
        return Policies(
            self.settings.policies,
            pinned=self.keyring.policy,
            timestamps=self.keyring.believed_timestamps,
            revocation=self.revocation_sources,
            receipt_trust=() if target is None else target.receipt_trust,
        )

    def policy_of_keys(self, holder: str) -> VerificationPolicy:
        """
        Return by which policy what a holder signs is judged: seals by what the keyring pins.

        Raises:
            ConfigError: nobody is pinned.
        """
        if holder == OPERATOR:
            return self.keyring.policy()
        # What authorities say of our own keys is told apart from whether they can sign.
        return replace(self.policies.load(AGENCY_DOCUMENT), revocation=Revocation())

    @cached_property
    def revocation_sources(self) -> RevocationSources:
        """Where what authorities have revoked is known from."""
        settings = self.settings
        return RevocationSources(settings.revocation, data_dir=settings.data_dir, clock=self.clock)

    def agency(self, name: str, service: str | None = None) -> Agency:
        """
        Return one agency, compiled once; again when its keys or the catalogue have changed.

        Args:
            name: Of its mapping.
            service: Of what peers send to it, which needs no key; None: what it sends itself.

        Raises:
            ConfigError: nobody configured it, or its mapping is wrong.
            signing.KeyUnusable: it has no key that can be used.
        """
        with self._lock:
            if service is not None:
                return make_receiver(self.mappings.get(name), service)
            key = self._agency_key(name)
            # The key itself, not its certificate: what opens a token may have changed.
            stamp = (key, _stamp_of(self.catalogue_file))
            known = self._agencies.get(name)
            if known is not None and known[0] == stamp:
                return known[1]
            agency = make_agency(
                self.mappings.get(name),
                signer=self._signer(key),
                services=self.services,
                limits=self.file_limits,
            )
            self._agencies[name] = (stamp, agency)
            return agency

    @property
    def file_limits(self) -> FileLimits:
        """How large the files of a dossier may be."""
        settings = self.settings.attachments
        return FileLimits(
            file_bytes=settings.max_file_bytes, dossier_bytes=settings.max_dossier_bytes
        )

    @cached_property
    def blobs(self) -> BlobStore:
        """
        Where the files of dossiers are kept.

        Raises:
            ConfigError: it is set to something that cannot be used.
        """
        settings = self.settings.attachments
        if settings.store is None:
            return FolderBlobs(self.settings.data_dir / "attachments")
        parts = urlsplit(settings.store)
        if parts.scheme == "file":
            return FolderBlobs(Path(unquote(parts.path)))
        # It is large, and not for those who keep files in a folder.
        from lienthong.attachments.s3 import S3Blobs  # noqa: PLC0415

        return S3Blobs(settings)

    def archive_ratio(self, agency: str) -> int | None:
        """Return how much files of an agency's archives may unpack; None: it sends none."""
        try:
            source = self.mappings.get(agency).source
        except ConfigError:
            # Its mapping cannot be used now; whoever needs it is told so.
            return None
        return source.max_ratio if isinstance(source, ZipOptions) else None

    @cached_property
    def file_sources(self) -> FileSources:
        """Where the files of dossiers are fetched from. Raises ConfigError."""
        return FileSources(self.settings.attachments.servers)

    def make_fetcher(self, broker: Broker) -> Fetcher:
        """Return what fetches the files of dossiers; one per worker. Raises ConfigError."""
        settings = self.settings.attachments
        return Fetcher(
            store=self.store,
            broker=broker,
            sources=self.file_sources,
            blobs=self.blobs,
            rules=FetchRules(
                slots=settings.slots,
                per_agency=settings.slots_per_agency,
                lease=timedelta(seconds=settings.lease_seconds),
                backoff=Backoff(
                    first=timedelta(seconds=settings.backoff_first_seconds),
                    longest=timedelta(seconds=settings.backoff_longest_seconds),
                ),
                limits=self.file_limits,
                tell_after=timedelta(seconds=settings.tell_after_seconds),
                max_ratio=self.archive_ratio,
            ),
            clock=self.clock,
            random=Random(),  # noqa: S311 - jitter, no secret
        )

    def signer(self, name: str, *, digest: Hash | None = None) -> XadesSigner:
        """Return what signs for one agency now; `digest` goes before the settings' hash.
        Raises as `agency` does."""
        return self._signer(self._agency_key(name), digest=digest)

    def plain_signer(self, name: str, *, digest: Hash | None = None) -> PlainSigner:
        """Return what signs for one agency now, without XAdES. Raises as `agency` does."""
        key, settings = self._agency_key(name), self.settings.signing
        return PlainSigner(
            key,
            rsa_padding=RsaPadding(settings.rsa_padding),
            digest=digest or self._digest,
            second=SecondOpinion(key.certificate, every=settings.second_check_every),
        )

    def _agency_key(self, name: str) -> SigningKey:
        converter = self.mappings.get(name)
        return self.keyring.agency_key(name, converter.agency_code, converter.agency_name)

    @property
    def _digest(self) -> Hash | None:
        chosen = self.settings.signing.hash
        return None if chosen is None else Hash(chosen)

    def _signer(self, key: SigningKey, *, digest: Hash | None = None) -> XadesSigner:
        settings = self.settings.signing
        return XadesSigner(
            key,
            rsa_padding=RsaPadding(settings.rsa_padding),
            digest=digest or self._digest,
            second=SecondOpinion(key.certificate, every=settings.second_check_every),
        )

    def column_of(self, mapping: str, packet: str, field: str) -> str | None:
        """
        Return the agency's own name of what a portal field is made of, or None.

        Args:
            mapping: The stamp of the message's mapping; one that has changed since says nothing.
            packet: The message's.
            field: As the portal calls it.
        """
        try:
            converter = self.mappings.get(mapping.partition("@")[0])
        except ConfigError:
            return None
        return converter.column_of(packet, field) if stamp_of(converter) == mapping else None

    def agency_code(self, name: str) -> str:
        """Return the code of an agency; needs no key."""
        return self.mappings.get(name).agency_code

    @cached_property
    def rabbit_settings(self) -> RabbitSettings:
        """
        How RabbitMQ is reached, and the plan of its queues, those of the agencies included.

        Raises:
            ConfigError: this installation does not use RabbitMQ.
        """
        if self.settings.broker.kind != "rabbitmq":
            raise ConfigError(
                Text(
                    vi='Bản cài đặt này không dùng RabbitMQ; đặt [broker] kind = "rabbitmq" và '
                    "urls trong lienthong.toml",
                    en='this installation does not use RabbitMQ; set [broker] kind = "rabbitmq" '
                    "and urls in lienthong.toml",
                ),
                code="settings.no_rabbitmq",
            )
        return _rabbit_settings(self.settings.broker, tuple(self.mappings.names()))

    @property
    def queued_agencies(self) -> frozenset[str]:
        """The agencies that have a results queue; none where there is no RabbitMQ."""
        settings = self.settings.broker
        if settings.kind != "rabbitmq":
            return frozenset()
        return frozenset(settings.agencies or self.mappings.names())

    @property
    def unqueued_agencies(self) -> frozenset[str]:
        """Those that read their results as a list or in a folder, as far as this machine knows."""
        return frozenset(self.mappings.names()) - self.queued_agencies

    def open_broker(self) -> Broker:
        """Open the exchange, one instance per thread."""
        if self.settings.broker.kind == "rabbitmq":
            # pika is not for those who keep everything in files.
            from broker.rabbitmq import RabbitBroker  # noqa: PLC0415

            return RabbitBroker(self.rabbit_settings, clock=self.clock)
        folder = self.settings.data_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                Text(
                    vi=f"Không tạo được thư mục dữ liệu {folder}: {error.strerror}",
                    en=f"the data directory {folder} cannot be made: {error.strerror}",
                ),
                code="settings.data_dir",
            ) from error
        return SqliteBroker(folder / "broker.sqlite", clock=self.clock)

    @cached_property
    def target(self) -> TargetProfile:
        """
        The portal's profile.

        Raises:
            ConfigError: no target is configured.
        """
        if self.settings.target is None:
            raise ConfigError(
                Text(
                    vi="Chưa cấu hình Cổng: thêm [target] endpoint vào lienthong.toml "
                    "hoặc đặt LIENTHONG_TARGET__ENDPOINT",
                    en="no portal is configured: give [target] endpoint in lienthong.toml "
                    "or LIENTHONG_TARGET__ENDPOINT",
                ),
                code="settings.no_target",
            )
        return self.settings.target

    def open_channel(self) -> Channel:
        """Open the connections to the portal; what it answers is watched."""
        channel = self._open_channel()
        if not self.settings.drift.answers:
            return channel
        return WatchedChannel(channel, self._make_watch())

    def _make_watch(self) -> AnswerWatch:
        settings, target = self.settings.drift, self.target
        return AnswerWatch(
            target=target.endpoint,
            kinds=lambda: kinds_of(target, code_names=settings.code_names),
            rules=WatchRules(
                learn_answers=settings.learn_answers,
                returned_after=timedelta(hours=settings.returned_after_hours),
            ),
            store=lambda: self.store,
            touched=self.touched_by,
            clock=self.clock,
        )

    @contextmanager
    def open_looker(self) -> Iterator[Looker]:
        """
        Put together what looks at the portal's documents and dictionaries.

        Raises:
            ConfigError: no target is configured.
        """
        settings, target = self.settings.drift, self.target
        with ExitStack() as stack:
            dictionaries = None
            if has_dictionaries(settings, target):
                channel = stack.enter_context(closing(self.open_dictionaries()))
                dictionaries = channel.fetch
            yield Looker(
                target=target.endpoint,
                rules=LookRules(
                    documents=settings.documents,
                    every=timedelta(hours=settings.check_hours),
                    returned_after=timedelta(hours=settings.returned_after_hours),
                ),
                fetch_document=partial(fetch_document, settings=settings, target=target),
                fetch_entries=dictionaries,
                store=self.store,
                touched=self.touched_by,
                clock=self.clock,
            )

    def touched_by(self, drifts: Sequence[Drift]) -> list[list[Touched]]:
        """Return which mappings each of some drifts concerns; one that is wrong is left out."""
        files = []
        for name in self.mappings.names():
            with suppress(ConfigError):
                files.append(load_mapping(self.mappings.path(name)))
        return [touched_by(drift, files) for drift in drifts]

    def _open_channel(self) -> Channel:
        if self.target.channel == "dvcqg-json":
            return self._open_json_channel()
        if self.target.channel == "lgsp":
            return LgspChannel(self.target, clock=self.clock, session_file=self._session_file())
        policy = None
        if self.target.wants_receipts:
            policy = self.policies.load(PORTAL_RECEIPT)
        return SoapChannel(
            self.target,
            receipt_policy=policy,
            clock=self.clock,
            security_keys=self._security_keys(),
        )

    def open_dictionaries(self) -> JsonChannel:
        """
        Open the channel that hands out the portal's dictionaries.

        Raises:
            ConfigError: the target is none that has them.
        """
        if self.target.channel != "dvcqg-json":
            raise no_dictionaries()
        return self._open_json_channel()

    def _open_json_channel(self) -> JsonChannel:
        return JsonChannel(self.target, clock=self.clock, session_file=self._session_file())

    def _session_file(self) -> SessionFile:
        file = self.settings.data_dir / PORTAL_SESSION
        return SessionFile(file, sealing=VaultSealing(lambda: self.store.vault))

    def try_security_key(self) -> None:
        """
        Load the key that signs messages to the portal, where one does.

        Raises:
            ConfigError, SigningError: it cannot be used.
        """
        keys, profile = self._security_keys(), self.target.security
        if keys is not None and profile is not None and profile.signature:
            keys.signing().check_usable_at(self.clock())

    def _security_keys(self) -> SecurityKeys | None:
        """
        Return what the portal's WS-Security needs; None where its profile has none.

        Raises:
            ConfigError: there is no agency of the name in `signed_by`.
            TrustUnusable: a file of `answer_trust` cannot be used.
        """
        profile = self.target.security
        if profile is None:
            return None
        holder = profile.signed_by
        if holder != OPERATOR:
            self.mappings.get(holder)  # raises ConfigError where there is no such agency

        def signing_key() -> SigningKey:
            if holder == OPERATOR:
                return self.keyring.operator_key()
            return self._agency_key(holder)

        return SecurityKeys(
            signing=signing_key,
            answers=self.policies.load(PORTAL_RECEIPT, roots=profile.answer_trust)
            if profile.signed_answers
            else None,
            digest=self._digest,
            second_check_every=self.settings.signing.second_check_every,
        )

    def make_peers(self, publisher: Publisher) -> dict[str, Peer]:
        """Put together who may send messages down to agencies; one that is wrong is left out."""
        peers = {}
        taking = Taking(
            store=lambda: self.store,
            publisher=publisher,
            clock=self.clock,
            agencies=self.mappings.names,
            retry_after_seconds=self.settings.http.retry_after_seconds,
        )
        for name, profile in self.settings.peers.items():
            try:
                peers[name] = Peer(
                    name,
                    profile,
                    taking=taking,
                    keys=self.peer_keys(profile),
                    clock=self.clock,
                    retry_after_seconds=self.settings.http.retry_after_seconds,
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
            trust = self.policies.load(PORTAL_RECEIPT, roots=soap.trust)
        return PeerKeys(trust=trust, signing=self.keyring.operator_key)

    def open_inbox(self) -> Inbox:
        """Open the way in for the agencies' messages. Raises as `rabbit_settings` does."""
        from broker.rabbitmq import RabbitInbox  # noqa: PLC0415 - see open_broker

        return RabbitInbox(
            self.rabbit_settings, clock=self.clock, prefetch=self.settings.broker.prefetch
        )

    def open_outbox(self) -> Outbox:
        """Open the way to the agencies' results queues. Raises as `rabbit_settings` does."""
        from broker.rabbitmq import RabbitOutbox  # noqa: PLC0415 - see open_broker

        return RabbitOutbox(self.rabbit_settings)

    def make_taker(self, broker: Broker, inbox: Inbox) -> Taker:
        """Put the role that takes the agencies' messages together."""
        return Taker(
            inbox=inbox,
            store=self.store,
            broker=broker,
            senders=self.sender,
            clock=self.clock,
            largest_bytes=self.settings.broker.largest_message_bytes,
        )

    def sender(self, name: str) -> Sender:
        """Return what an agency's profile says of its messages; needs no key."""
        converter = self.mappings.get(name)
        return Sender(name=name, code=converter.agency_code, format=format_of(converter.source))

    def make_teller(self, outbox: Outbox) -> Teller:
        """Put the role that publishes results together."""
        return Teller(
            outbox=outbox,
            agencies=self.queued_agencies,
            store=self.store,
            clock=self.clock,
            patience=RESULTS_PATIENCE,
            columns=self.column_of,
        )

    @property
    def in_use(self) -> list[Entry]:
        """Which settings and mappings this machine works with, for the audit log; no secrets."""
        settings = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True)
        program = {"sha256": sha256(settings.encode()).hexdigest(), "program": version("lienthong")}
        entries = [Entry(action="settings.used", subject=gethostname(), detail=program)]
        for name in self.mappings.names():
            # One that is wrong is not in use; its agency's files are held and say so.
            with suppress(ConfigError):
                found = self.mappings.get(name)
                entries.append(
                    Entry(
                        action="mapping.used",
                        subject=name,
                        detail={"version": found.version, "sha256": found.digest},
                    )
                )
        return entries

    def make_acknowledger(self) -> Acknowledger:
        """Put the role together that signs receipts for the agencies."""
        return Acknowledger(
            store=self.store,
            signer=lambda: self._signer(self.keyring.operator_key()),
            installation=self.settings.receipts.installation,
            agency_codes=self.agency_code,
            clock=self.clock,
        )

    def make_expander(self, broker: Broker) -> Expander:
        """Put the expansion role together."""
        return Expander(
            store=self.store,
            broker=broker,
            agencies=self.agency,
            clock=self.clock,
            lease=timedelta(seconds=self.settings.expansion.lease_seconds),
            retry_after=timedelta(seconds=self.settings.expansion.retry_seconds),
        )

    def make_deliverer(self, broker: Broker, channel: Channel) -> Deliverer:
        """Put the delivery role together."""
        rules = self.settings.delivery
        backoff = self._backoff
        random = Random()  # noqa: S311 - jitter, not a secret
        return Deliverer(
            store=self.store,
            broker=broker,
            channel=channel,
            rules=DeliveryRules(
                slots=rules.slots,
                lease=timedelta(seconds=rules.lease_seconds),
                longest_call=self.target.longest_call,
                crash_limit=rules.crash_limit,
                backoff=backoff,
                look_ups=LookUpRules(
                    shows_content=self.target.shows_content,
                    quiet_period=self.target.quiet_period,
                    resend_unproven_progress=self.target.resend_unproven_progress,
                ),
                portals=frozenset(
                    name for name, peer in self.settings.peers.items() if peer.is_portal
                ),
                rows_per_call=self.target.progress_rows_per_call,
                shared=self.shared_agencies,
            ),
            pacer=self.make_pacer(backoff=backoff, random=random),
            agency_codes=self.agency_code,
            clock=self.clock,
            steady=steady,
            random=random,
        )

    def open_agency_channel(self) -> AgencyChannel:
        """
        Open the ways to the agencies that get what peers send them.

        Raises:
            ConfigError: a file of TLS cannot be used.
        """
        backoff = self._backoff
        lanes = {
            name: Lane(
                receiver=self._open_receiver(name, profile),
                pacer=Pacer(
                    breaker=self._make_breaker(
                        backoff=backoff,
                        random=Random(),  # noqa: S311 - jitter, not a secret
                        longest_call=profile.longest_call,
                        slots=profile.slots,
                    )
                ),
                slots=profile.slots,
            )
            for name, profile in self.settings.receivers.items()
        }
        return AgencyChannel(Lanes(lanes))

    def _open_receiver(self, name: str, profile: ReceiverProfile) -> Receiver:
        if profile.folder is not None:
            return FolderReceiver(profile.folder)
        if profile.hook is not None:
            return HookReceiver(profile.hook, name=name)
        return QueueReceiver(self.open_outbox)

    def make_agency_deliverer(self, broker: Broker, channel: AgencyChannel) -> Deliverer:
        """Put the role together that hands over what peers send to the agencies."""
        rules = self.settings.delivery
        longest = [one.longest_call for one in self.settings.receivers.values()]
        return Deliverer(
            store=self.store,
            broker=broker,
            channel=channel,
            rules=DeliveryRules(
                slots=channel.lanes.slots,
                lease=timedelta(seconds=rules.lease_seconds),
                longest_call=max(longest, default=timedelta(0)),
                crash_limit=rules.crash_limit,
                backoff=self._backoff,
                # Every way is safe to repeat, so nothing is waited for and nothing is proven.
                look_ups=LookUpRules(
                    shows_content=False,
                    quiet_period=timedelta(0),
                    resend_unproven_progress=True,
                ),
                direction=Direction.TO_AGENCIES,
            ),
            pacer=channel.lanes,
            agency_codes=self.agency_code,
            clock=self.clock,
            steady=steady,
            random=Random(),  # noqa: S311 - jitter, not a secret
        )

    @property
    def shared_agencies(self) -> frozenset[str]:
        """The agencies of whose dossiers others may be told."""
        return frozenset(one.sender for one in self.settings.sharing.values())

    def make_sharer(self, publisher: Publisher) -> Sharer:
        """
        Put the role together that shares delivered dossiers with other agencies.

        Raises:
            ConfigError: a profile names a field that there is not.
        """
        return Sharer(
            store=self.store,
            publisher=publisher,
            profiles={
                name: (profile, Filter(name, profile))
                for name, profile in self.settings.sharing.items()
            },
            clock=self.clock,
        )

    @property
    def _backoff(self) -> Backoff:
        rules = self.settings.delivery
        return Backoff(
            first=timedelta(seconds=rules.backoff_first_seconds),
            longest=timedelta(seconds=rules.backoff_longest_seconds),
        )

    @contextmanager
    def open_reconciler(
        self, *, actor: str, rate: float | None = None, wait: Callable[[float], bool]
    ) -> Iterator[Reconciler]:
        """
        Put together what compares agency, store and portal, with connections of its own.

        Args:
            actor: Who asks for it.
            rate: Look-ups in a second at most; None: as the settings say.
            wait: Waits so many seconds; True where it was asked to stop.
        """
        settings = self.settings.reconcile
        pacer = self.make_pacer(backoff=self._backoff, random=Random())  # noqa: S311 - jitter
        slowest = min(rate or settings.rate, self.target.rate_per_second or math.inf)
        pacer.bucket = Bucket(rate=slowest, burst=1)
        with closing(self.open_channel()) as channel:
            yield Reconciler(
                store=self.store,
                asker=PoliteAsker(
                    channel=channel,
                    pacer=pacer,
                    agency_codes=self.agency_code,
                    clock=self.clock,
                    wait=wait,
                ),
                rules=CompareRules(
                    shows_content=self.target.shows_content,
                    quiet_period=self.target.quiet_period,
                ),
                again_after=timedelta(seconds=settings.again_seconds),
                clock=self.clock,
                actor=actor,
            )

    def make_nightly(self, stop: Event) -> Nightly:
        """Put the role together that compares each day. Raises ConfigError without a target."""
        return Nightly(
            settings=self.settings.reconcile,
            zone=ZoneInfo(self.target.time_zone),
            store=self.store,
            clock=self.clock,
            reconcilers=partial(self.open_reconciler, actor=PRODUCT, wait=stop.wait),
            must_stop=stop.is_set,
        )

    def read_list(self, agency: str, file: Path) -> Listed:
        """Return an agency's list, read through its own mapping. Raises as `mappings.get`."""
        return Listed(
            file, converter=self.mappings.get(agency), vault=self.store.vault, clock=self.clock
        )

    def make_pacer(self, *, backoff: Backoff, random: Random) -> Pacer:
        """Put together what decides how many calls may start."""
        target = self.target
        rate = target.rate_per_second
        return Pacer(
            breaker=self._make_breaker(
                backoff=backoff,
                random=random,
                longest_call=target.longest_call,
                slots=self.settings.delivery.slots,
            ),
            bucket=None if rate is None else Bucket(rate=rate, burst=target.burst),
            windows=target.windows,
        )

    def _make_breaker(
        self, *, backoff: Backoff, random: Random, longest_call: timedelta, slots: int
    ) -> Breaker:
        rules = self.settings.delivery
        # One probe costs nothing: who is back is noticed sooner than a message is tried.
        longest = min(backoff.longest, timedelta(seconds=rules.breaker_longest_seconds))
        return Breaker(
            threshold=rules.breaker_threshold,
            backoff=replace(backoff, longest=longest),
            random=random,
            window=timedelta(seconds=rules.breaker_window_seconds),
            minimum_calls=rules.breaker_minimum_calls,
            share=rules.breaker_share,
            strange_threshold=rules.strange_answers,
            busy_longest=timedelta(seconds=rules.breaker_busy_longest_seconds),
            probe_patience=2 * longest_call,
            slots=slots,
        )


def _rabbit_settings(settings: BrokerSettings, agencies: tuple[str, ...]) -> RabbitSettings:
    from broker.rabbitmq import Plan, RabbitSettings, Secret, Tls  # noqa: PLC0415

    return RabbitSettings(
        urls=settings.urls,
        user=settings.user,
        password=Secret(settings.password.get_secret_value()),
        tls=Tls(
            ca_file=settings.ca_file,
            certificate=settings.client_certificate,
            key=settings.client_key,
        ),
        plan=Plan(
            prefix=settings.prefix,
            queues=QUEUES,
            delivery_limit=settings.delivery_limit,
            agencies=settings.agencies or agencies,
        ),
        heartbeat=timedelta(seconds=settings.heartbeat_seconds),
        blocked_timeout=timedelta(seconds=settings.blocked_timeout_seconds),
    )


def _stamp_of(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
