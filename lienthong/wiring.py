"""
One installation, put together: the only place that picks concrete classes from the settings.

Everything is made when it is first asked for, so that a command that only reads mappings opens no
store. Development keys are made by themselves only where nobody has configured keys or a target.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from importlib.metadata import version
from random import Random
from socket import gethostname
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from broker.sqlite import SqliteBroker
from lienthong.agencies import make_agency, stamp_of
from lienthong.breaker import Breaker
from lienthong.bucket import Bucket
from lienthong.channels.security import SecurityKeys
from lienthong.channels.soap import SoapChannel
from lienthong.decisions import LookUpRules
from lienthong.evidence.authorities import HttpAuthority, obtain
from lienthong.evidence.checking import check_log
from lienthong.evidence.packing import Packer
from lienthong.evidence.reverifying import Pace, Reverifier, Roots
from lienthong.evidence.sealing import Sealer
from lienthong.evidence.stamp_checking import StampJudge
from lienthong.evidence.stamping import Stamper
from lienthong.evidence.stamps import StampRules, read_countdown
from lienthong.evidence.witnesses import FolderWitness, open_witness
from lienthong.flows.acknowledge import Acknowledger
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.hints import DELIVER, EXPAND
from lienthong.flows.incoming import Sender, format_of
from lienthong.flows.retain import PayloadClass
from lienthong.flows.take import Taker
from lienthong.flows.tell import Teller
from lienthong.keyring import OPERATOR, Keyring
from lienthong.pacing import Pacer
from lienthong.policies import Policies
from lienthong.policy_settings import AGENCY_DOCUMENT, PORTAL_RECEIPT, PolicyName
from lienthong.retry import Backoff
from lienthong.revocation.sources import RevocationSources
from lienthong.store.audit import Entry
from lienthong.store.database import open_postgresql, open_sqlite, open_store, reading
from mappings import load_agencies
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
from signing.augmenting import (
    add_timestamp,
    add_values,
    is_stamped,
    stamped_bytes,
    stamped_claims,
)
from signing.collecting import collect_values
from signing.second import SecondOpinion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509
    from sqlalchemy import Connection, Engine

    from broker.port import Broker, Inbox, Outbox
    from broker.rabbitmq import RabbitSettings
    from lienthong.agencies import Agency
    from lienthong.channels.port import Channel
    from lienthong.channels.profile import TargetProfile
    from lienthong.evidence.checking import Checked
    from lienthong.evidence.stamps import Countdown
    from lienthong.evidence.witnesses import Memory, Witness
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
CATALOGUE = "catalogue.json"
WITNESS = "witness"
"""Where seals are remembered when nobody has said where; better than nothing, and no more."""


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

    def agency(self, name: str) -> Agency:
        """
        Return one agency, compiled once; again when its keys or the catalogue have changed.

        Raises:
            ConfigError: nobody configured it, or its mapping is wrong.
            signing.KeyUnusable: it has no key that can be used.
        """
        with self._lock:
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
            )
            self._agencies[name] = (stamp, agency)
            return agency

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
        """Open the connections to the portal."""
        policy = None
        if self.target.receipts == "required":
            policy = self.policies.load(PORTAL_RECEIPT)
        return SoapChannel(
            self.target,
            receipt_policy=policy,
            clock=self.clock,
            security_keys=self._security_keys(),
        )

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
            second_check_every=self.settings.signing.second_check_every,
        )

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

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """Who remembers the seals of the audit log."""
        named = self.settings.audit.witnesses
        if named is None:
            return (FolderWitness(self.settings.data_dir / WITNESS),)
        token = self.settings.audit.witness_token.get_secret_value()
        return tuple(open_witness(one, token=token) for one in named)

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

    def make_sealer(self) -> Sealer:
        """Put the role that seals the audit log together."""
        return Sealer(
            self.store.engine,
            key=self.keyring.operator_key,
            witnesses=self.witnesses,
            clock=self.clock,
            operators=self._operators,
        )

    def _operators(self) -> frozenset[str] | None:
        """Return whose seals are followed; None where nobody is pinned, or not all can be known."""
        with suppress(ConfigError, SigningError):
            return self.keyring.seal_policy().signers
        return None

    def make_packer(self, *, waits: bool = False) -> Packer:
        """Put together what writes evidence packs; `waits` for what authorities say of signers."""
        sources = self.revocation_sources
        return Packer(
            self.store,
            converters=self.mappings.get,
            key=self.keyring.operator_key,
            roots=self._pinned_roots(),
            clock=self.clock,
            revocation=lambda: (sources.at_once() if waits else sources.beside()).source,
        )

    def make_reverifier(self) -> Reverifier:
        """Put the role together that checks seals and packs again."""
        settings = self.settings.audit
        return Reverifier(
            self.store,
            packer=self.make_packer(),
            policy=self.keyring.seal_policy,
            roots=lambda: Roots(
                documents=self._pinned_roots(),
                receipts=self._receipt_roots(),
                stamps=self.keyring.believed_timestamps().trust_anchors,
            ),
            pace=Pace(
                period=timedelta(days=settings.reverify_days),
                sample=timedelta(seconds=settings.sample_seconds),
            ),
            clock=self.clock,
            random=Random(),  # noqa: S311 - which packs are looked at, not a secret
        )

    def _pinned_roots(self) -> tuple[x509.Certificate, ...]:
        """Return every root that the operator's and the agencies' certificates may lead to."""
        found: list[x509.Certificate] = []
        for load in (self.keyring.policy, partial(self.policies.load, AGENCY_DOCUMENT)):
            # Where nobody is pinned nobody is believed, and a pack says so.
            with suppress(ConfigError):
                found += load().trust_anchors
        return tuple(dict.fromkeys(found))

    def _receipt_roots(self) -> tuple[x509.Certificate, ...]:
        target = self.settings.target
        if target is None or target.receipts != "required":
            return ()
        return self.policies.load(PORTAL_RECEIPT).trust_anchors

    @property
    def stamp_rules(self) -> StampRules | None:
        """How the audit log is time-stamped; None where nobody is asked."""
        settings = self.settings.audit
        if settings.timestamp_url is None:
            return None
        return StampRules(
            every=timedelta(seconds=settings.timestamp_seconds),
            warn_after=timedelta(seconds=settings.timestamp_warn_seconds),
            within=timedelta(seconds=settings.timestamp_within_seconds),
        )

    @property
    def authority(self) -> HttpAuthority:
        """
        Who issues time-stamps.

        Raises:
            ConfigError: nobody is named who could be asked.
        """
        settings = self.settings.audit
        if settings.timestamp_url is None:
            raise ConfigError(
                Text(
                    vi="Chưa có tổ chức cấp dấu thời gian: đặt [audit] timestamp_url",
                    en="no time-stamp authority is named: set [audit] timestamp_url",
                ),
                code="settings.no_timestamp_url",
            )
        return HttpAuthority(
            settings.timestamp_url,
            user=settings.timestamp_user,
            password=settings.timestamp_password.get_secret_value(),
        )

    def make_stamper(self) -> Stamper:
        """Put the role that has the audit log time-stamped together. Raises as `authority`."""
        authority, rules = self.authority, self.stamp_rules
        assert rules is not None
        return Stamper(
            self.store,
            authority=authority,
            policy=self.keyring.timestamp_policy,
            rules=rules,
            clock=self.clock,
            random=Random(),  # noqa: S311 - jitter, not a secret
        )

    def stamp_document(self, document: bytes) -> bytes:
        """
        Return a signed document with a time-stamp beside its signature (XAdES baseline T).

        Raises:
            signing.DocumentUnsignable: it has no signature that could get one.
            signing.TimestampRefused: what the authority answered is not believed.
            AuthorityAway: it did not answer.
            ConfigError: nobody is named who could be asked, or trusted.
        """
        data, policy = stamped_bytes(document), self.keyring.timestamp_policy()
        stamp = obtain(self.authority, data, policy=policy, now=self.clock())
        return add_timestamp(document, stamp.token)

    def enclose_values(self, document: bytes, *, policy: PolicyName = AGENCY_DOCUMENT) -> bytes:
        """
        Return a signed document with all that proves it for good (XAdES baseline LT).

        Args:
            document: Gets a time-stamp first if it has none.
            policy: By which its signer is judged.

        Raises:
            signing.DocumentUnsignable: it has no signature, or has values already, or something is
                not known that they must prove.
            ConfigError: nobody is named who could be asked about revocation.
            and as `stamp_document`.
        """
        judged = self.policies.load(policy, waits=True)
        if judged.revocation.source is None:
            raise ConfigError(
                Text(
                    vi='Mức LT cần dữ liệu thu hồi: đặt [revocation] demand = "when-available"',
                    en="baseline LT needs revocation data: set [revocation] demand = "
                    '"when-available"',
                ),
                code="revocation.off",
            )
        judged = replace(
            judged,
            timestamps=self.keyring.timestamp_policy(),
        )
        stamped = document if is_stamped(document) else self.stamp_document(document)
        values = collect_values(stamped_claims(stamped), policy=judged, now=self.clock())
        return add_values(stamped, values)

    def countdown(self) -> Countdown | None:
        """Return which sealed rows have no time-stamp yet; None where nobody is asked for any."""
        rules = self.stamp_rules
        if rules is None:
            return None
        with reading(self.store) as connection:
            return read_countdown(connection, rules=rules, now=self.clock())

    def _stamp_judge(self) -> StampJudge:
        tolerance = timedelta(seconds=self.settings.audit.timestamp_tolerance_seconds)
        return StampJudge(
            policy=self.keyring.believed_timestamps(), now=self.clock(), tolerance=tolerance
        )

    def check_log(
        self,
        connection: Connection,
        *,
        witnesses: Sequence[Memory] | None = None,
        operators: Collection[str] = (),
        progress: Callable[[int], object] = lambda _rows: None,
    ) -> Checked:
        """
        Check the whole audit log.

        Args:
            connection: Reading.
            witnesses: Default: the configured ones.
            operators: SHA-256 of who may have sealed; default: of the operator's certificates here.
            progress: Is told how many rows were checked.
        """
        try:
            policy = self.keyring.seal_policy()
        except ConfigError:
            # Nobody is trusted yet; so no seal is, but a log without seals holds.
            policy = VerificationPolicy()
        if operators:
            policy = replace(policy, signers=frozenset(operators))
        return check_log(
            connection,
            vault=self.store.vault,
            policy=policy,
            stamps=self._stamp_judge(),
            witnesses=self.witnesses if witnesses is None else witnesses,
            progress=progress,
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
        backoff = Backoff(
            first=timedelta(seconds=rules.backoff_first_seconds),
            longest=timedelta(seconds=rules.backoff_longest_seconds),
        )
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
            ),
            pacer=self.make_pacer(backoff=backoff, random=random),
            agency_codes=self.agency_code,
            clock=self.clock,
            steady=steady,
            random=random,
        )

    def make_pacer(self, *, backoff: Backoff, random: Random) -> Pacer:
        """Put together what decides how many calls may start."""
        rules, target = self.settings.delivery, self.target
        rate = target.rate_per_second
        # One probe costs nothing: a portal that is back is noticed sooner than a message is tried.
        longest = min(backoff.longest, timedelta(seconds=rules.breaker_longest_seconds))
        return Pacer(
            breaker=Breaker(
                threshold=rules.breaker_threshold,
                backoff=replace(backoff, longest=longest),
                random=random,
                window=timedelta(seconds=rules.breaker_window_seconds),
                minimum_calls=rules.breaker_minimum_calls,
                share=rules.breaker_share,
                strange_threshold=rules.strange_answers,
                busy_longest=timedelta(seconds=rules.breaker_busy_longest_seconds),
                probe_patience=2 * target.longest_call,
                slots=rules.slots,
            ),
            bucket=None if rate is None else Bucket(rate=rate, burst=target.burst),
            windows=target.windows,
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
            queues=(EXPAND, DELIVER),
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
