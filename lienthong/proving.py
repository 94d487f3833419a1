"""
What proves, put together from one installation: seals and their checks, time-stamps, packs.

Delivery needs none of it, so it stands apart from what moves dossiers (`lienthong.moving`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, partial
from random import Random
from typing import TYPE_CHECKING

from lienthong.evidence.authorities import HttpAuthority, obtain
from lienthong.evidence.checking import check_log
from lienthong.evidence.gathering import gather
from lienthong.evidence.packing import Packer
from lienthong.evidence.reverifying import Pace, Reverifier, Roots
from lienthong.evidence.sealing import Sealer
from lienthong.evidence.stamp_checking import StampJudge
from lienthong.evidence.stamping import Stamper
from lienthong.evidence.stamps import StampRules, read_countdown
from lienthong.evidence.witnesses import FolderWitness, open_witness
from lienthong.policy_settings import AGENCY_DOCUMENT, PORTAL_RECEIPT, PolicyName
from lienthong.store.database import reading
from lienthong.store.work import begin, tell_time
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import SigningError, VerificationPolicy
from signing.augmenting import (
    add_timestamp,
    add_values,
    is_stamped,
    stamped_bytes,
    stamped_claims,
)
from signing.collecting import collect_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cryptography import x509
    from sqlalchemy import Connection

    from lienthong.evidence.checking import Checked
    from lienthong.evidence.packing import Wanted
    from lienthong.evidence.stamps import Countdown
    from lienthong.evidence.witnesses import Memory, Witness
    from lienthong.wiring import Installation

WITNESS = "witness"
"""In the data directory; the witness where none is named."""


class Proving:
    """The parts of one installation that make and check evidence."""

    def __init__(self, installation: Installation) -> None:
        """Remember whose; parts are made when they are asked for."""
        self._of = installation

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """Who remembers the seals of the audit log."""
        named = self._of.settings.audit.witnesses
        if named is None:
            return (FolderWitness(self._of.settings.data_dir / WITNESS),)
        token = self._of.settings.audit.witness_token.get_secret_value()
        return tuple(open_witness(one, token=token) for one in named)

    def make_sealer(self) -> Sealer:
        """Put the role that seals the audit log together."""
        return Sealer(
            self._of.store.engine,
            key=self._of.keyring.operator_key,
            witnesses=self.witnesses,
            clock=self._of.store_time,
            operators=self._operators,
        )

    def _operators(self) -> frozenset[str] | None:
        """Return whose seals are followed; None where nobody is pinned, or not all can be known."""
        with suppress(ConfigError, SigningError):
            return self._of.keyring.seal_policy().signers
        return None

    def make_packer(self, *, waits: bool = False) -> Packer:
        """Put together what writes evidence packs; `waits` for what authorities say of signers."""
        sources = self._of.revocation_sources
        return Packer(
            self._of.store,
            converters=self._of.mappings.get,
            key=self._of.keyring.operator_key,
            roots=self._pinned_roots(),
            clock=self._of.clock,
            revocation=lambda: (sources.at_once() if waits else sources.beside()).source,
        )

    def begin_export(self, wanted: Wanted, *, actor: str, **more: str) -> list[Text]:
        """
        Write down who takes personal data out, of which messages, before any of it is read.

        The rows are sealed at once: a pack tells of its own making.

        Args:
            wanted: Which pack.
            actor: Who takes it.
            more: Said in the rows besides.

        Returns:
            Why some witness was not told.

        Raises:
            InputError: there is no such dossier.
            signing.KeyUnusable: the operator's key cannot sign; nothing was written down.
        """
        store = self._of.store
        self._of.keyring.operator_key().check_usable_at(self._of.store_time())
        with reading(store) as connection:
            gathered = gather(connection, wanted.dossier, agency=wanted.agency)
        with begin(store, at=self._of.clock, actor=actor) as work:
            for message in gathered.messages:
                work.note("evidence.exported", message.id, whole_files=wanted.whole_files, **more)
        sealer = self.make_sealer()
        sealer.step()
        return list(sealer.troubles.values())

    def make_reverifier(self) -> Reverifier:
        """Put the role together that checks seals and packs again."""
        settings = self._of.settings.audit
        return Reverifier(
            self._of.store,
            packer=self.make_packer(),
            policy=self._of.keyring.seal_policy,
            roots=lambda: Roots(
                documents=self._pinned_roots(),
                receipts=self._receipt_roots(),
                stamps=self._of.keyring.believed_timestamps().trust_anchors,
            ),
            pace=Pace(
                period=timedelta(days=settings.reverify_days),
                sample=timedelta(seconds=settings.sample_seconds),
            ),
            clock=self._of.store_time,
            random=Random(),  # noqa: S311 - which packs are looked at, not a secret
        )

    def _pinned_roots(self) -> tuple[x509.Certificate, ...]:
        """Return every root that the operator's and the agencies' certificates may lead to."""
        found: list[x509.Certificate] = []
        for load in (self._of.keyring.policy, partial(self._of.policies.load, AGENCY_DOCUMENT)):
            # Where nobody is pinned nobody is believed, and a pack says so.
            with suppress(ConfigError):
                found += load().trust_anchors
        return tuple(dict.fromkeys(found))

    def _receipt_roots(self) -> tuple[x509.Certificate, ...]:
        target = self._of.settings.target
        if target is None or not target.wants_receipts:
            return ()
        return self._of.policies.load(PORTAL_RECEIPT).trust_anchors

    @property
    def stamp_rules(self) -> StampRules | None:
        """How the audit log is time-stamped; None where nobody is asked."""
        settings = self._of.settings.audit
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
        settings = self._of.settings.audit
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
            self._of.store,
            authority=authority,
            policy=self._of.keyring.timestamp_policy,
            rules=rules,
            clock=self._of.store_time,
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
        data, policy = stamped_bytes(document), self._of.keyring.timestamp_policy()
        stamp = obtain(self.authority, data, policy=policy, now=self._of.clock())
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
        judged = self._of.policies.load(policy, waits=True)
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
            timestamps=self._of.keyring.timestamp_policy(),
        )
        stamped = document if is_stamped(document) else self.stamp_document(document)
        values = collect_values(stamped_claims(stamped), policy=judged, now=self._of.clock())
        return add_values(stamped, values)

    def countdown(self) -> Countdown | None:
        """Return which sealed rows have no time-stamp yet; None where nobody is asked for any."""
        rules = self.stamp_rules
        if rules is None:
            return None
        store = self._of.store
        with reading(store) as connection:
            now = tell_time(store, connection, at=self._of.clock)
            return read_countdown(connection, rules=rules, now=now)

    def _stamp_judge(self) -> StampJudge:
        tolerance = timedelta(seconds=self._of.settings.audit.timestamp_tolerance_seconds)
        return StampJudge(
            policy=self._of.keyring.believed_timestamps(),
            now=self._of.store_time(),
            tolerance=tolerance,
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
            policy = self._of.keyring.seal_policy()
        except ConfigError:
            # Nobody is trusted yet; so no seal is, but a log without seals holds.
            policy = VerificationPolicy()
        if operators:
            policy = replace(policy, signers=frozenset(operators))
        return check_log(
            connection,
            vault=self._of.store.vault,
            policy=policy,
            stamps=self._stamp_judge(),
            witnesses=self.witnesses if witnesses is None else witnesses,
            progress=progress,
        )
