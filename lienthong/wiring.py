"""
One installation, put together: what its commands and workers share.

Beside `moving`, `reaching` and `proving`, which build on it, the only place that picks concrete
classes from the settings. Everything is made when it is first asked for, so that a command that
only reads mappings opens no store. Development keys are made by themselves only where nobody has
configured keys or a target.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from socket import gethostname
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import structlog

from adapters.options import ZipOptions
from broker.sqlite import SqliteBroker
from lienthong.agencies import make_agency, make_receiver, stamp_of
from lienthong.attachments.blobs import FolderBlobs
from lienthong.attachments.manifest import FileLimits
from lienthong.attachments.sources import FileSources
from lienthong.flows.hints import QUEUES
from lienthong.flows.incoming import Sender, format_of
from lienthong.flows.retain import PayloadClass
from lienthong.keyring import OPERATOR, Keyring
from lienthong.pause_watch import PauseWatch
from lienthong.policies import Policies
from lienthong.policy_settings import AGENCY_DOCUMENT
from lienthong.revocation.sources import RevocationSources
from lienthong.store.audit import Entry
from lienthong.store.database import open_postgresql, open_sqlite, open_store
from lienthong.store.work import StoreTime
from mappings import load_agencies
from mappings.catalogue import load_catalogue
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    Hash,
    PlainSigner,
    Revocation,
    RsaPadding,
    VerificationPolicy,
    XadesSigner,
)
from signing.second import SecondOpinion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from broker.port import Broker, Inbox, Outbox
    from broker.rabbitmq import RabbitSettings
    from lienthong.agencies import Agency
    from lienthong.attachments.blobs import BlobStore
    from lienthong.channels.port import Channel
    from lienthong.channels.profile import TargetProfile
    from lienthong.settings import BrokerSettings, Settings
    from lienthong.store.database import Store
    from mappings import Agencies
    from mappings.catalogue import Service
    from signing import SigningKey

log = structlog.get_logger()

KEY_FILE = "store.keys"
"""The store's master keys, in the data directory where no other place is given."""
CATALOGUE = "catalogue.json"


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
    def store_time(self) -> StoreTime:
        """What tells the time as the store does, where it has a clock of its own."""
        return StoreTime(lambda: self.store, clock=self.clock)

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

    @cached_property
    def pauses(self) -> PauseWatch:
        """What people have stopped, as this process knows it."""
        return PauseWatch(lambda: self.store, clock=self.clock)

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
            key = self.agency_key(name)
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

    def signer(self, name: str, *, digest: Hash | None = None) -> XadesSigner:
        """Return what signs for one agency now; `digest` goes before the settings' hash.
        Raises as `agency` does."""
        return self._signer(self.agency_key(name), digest=digest)

    def plain_signer(self, name: str, *, digest: Hash | None = None) -> PlainSigner:
        """Return what signs for one agency now, without XAdES. Raises as `agency` does."""
        key, settings = self.agency_key(name), self.settings.signing
        return PlainSigner(
            key,
            rsa_padding=RsaPadding(settings.rsa_padding),
            digest=digest or self.hash,
            second=SecondOpinion(key.certificate, every=settings.second_check_every),
        )

    def agency_key(self, name: str) -> SigningKey:
        """Return the key that signs for one agency now. Raises as `agency` does."""
        converter = self.mappings.get(name)
        return self.keyring.agency_key(name, converter.agency_code, converter.agency_name)

    @property
    def hash(self) -> Hash | None:
        """Which digests signatures are made of; None: what fits each key."""
        chosen = self.settings.signing.hash
        return None if chosen is None else Hash(chosen)

    def operator_signer(self) -> XadesSigner:
        """Return what signs receipts now. Raises as `keyring.operator_key`."""
        return self._signer(self.keyring.operator_key())

    def _signer(self, key: SigningKey, *, digest: Hash | None = None) -> XadesSigner:
        settings = self.settings.signing
        return XadesSigner(
            key,
            rsa_padding=RsaPadding(settings.rsa_padding),
            digest=digest or self.hash,
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

    @property
    def portals(self) -> frozenset[str]:
        """The peers that are the portal: what they file is there already."""
        return frozenset(name for name, peer in self.settings.peers.items() if peer.is_portal)

    @property
    def shared_agencies(self) -> frozenset[str]:
        """The agencies of whose dossiers others may be told."""
        return frozenset(one.sender for one in self.settings.sharing.values())

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
        # By name: it builds on this module, and whoever only reads needs none of it.
        channel: Channel = import_module("lienthong.reaching").Reaching(self).open_channel()
        return channel

    def sender(self, name: str) -> Sender:
        """Return what an agency's profile says of its messages; needs no key."""
        converter = self.mappings.get(name)
        return Sender(name=name, code=converter.agency_code, format=format_of(converter.source))

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

    @property
    def in_use(self) -> list[Entry]:
        """Which settings and mappings this machine works with, for the audit log; no secrets."""
        # Where each process is watched differs on one machine, and moves no dossier.
        said = self.settings.model_dump(mode="json", exclude={"metrics"})
        settings = json.dumps(said, sort_keys=True)
        program = {"sha256": sha256(settings.encode()).hexdigest(), "program": version("lienthong")}
        entries = [Entry(action="settings.used", subject=gethostname(), detail=program)]
        for name in self.mappings.names():
            # One that is wrong is not in use; its agency's files are held and say so.
            with suppress(ConfigError):
                found = self.mappings.file(name)
                entries.append(
                    Entry(
                        action="mapping.used",
                        subject=name,
                        detail={"version": found.version, "sha256": found.digest},
                    )
                )
        return entries


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
