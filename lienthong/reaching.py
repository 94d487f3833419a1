"""
What reaches the portal, put together from one installation: channels, their pace and their watch.

What asks it without sending (reconciliation, the look at its documents) is put together here, too.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lienthong.breaker import Breaker
from lienthong.bucket import Bucket
from lienthong.channels.dictionaries import no_dictionaries
from lienthong.channels.dvcqg_json import JsonChannel
from lienthong.channels.lgsp import LgspChannel
from lienthong.channels.security import SecurityKeys
from lienthong.channels.sessions import SessionFile
from lienthong.channels.soap import SoapChannel
from lienthong.drift.fetching import fetch_document
from lienthong.drift.impact import touched_by
from lienthong.drift.kinds import kinds_of
from lienthong.drift.looking import Looker, LookRules
from lienthong.drift.profile import has_dictionaries
from lienthong.drift.watch import AnswerWatch, WatchRules
from lienthong.drift.watched import WatchedChannel
from lienthong.flows.replay_preview import Previewer
from lienthong.keyring import OPERATOR
from lienthong.pacing import Pacer
from lienthong.policy_settings import PORTAL_RECEIPT
from lienthong.reconciliation.asking import PoliteAsker
from lienthong.reconciliation.comparing import CompareRules
from lienthong.reconciliation.listed import Listed
from lienthong.reconciliation.looking import PortalView
from lienthong.reconciliation.nightly import Nightly
from lienthong.reconciliation.reconciler import Reconciler
from lienthong.retry import Backoff
from lienthong.session_sealing import VaultSealing
from lienthong.store.work import PRODUCT
from mappings import load_mapping
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from threading import Event

    from lienthong.channels.port import Channel
    from lienthong.drifts import Drift, Touched
    from lienthong.wiring import Installation
    from signing import SigningKey


PORTAL_SESSION = "portal-session"
"""The session with a portal that wants a login, sealed; processes of one machine share it."""


class Reaching:
    """The parts of one installation that talk to its target."""

    def __init__(self, installation: Installation) -> None:
        """Remember whose; parts are made when they are asked for."""
        self._of = installation

    def open_channel(self) -> Channel:
        """Open the connections to the portal; what it answers is watched."""
        channel = self._open_channel()
        if not self._of.settings.drift.answers:
            return channel
        return WatchedChannel(channel, self._make_watch())

    def _open_channel(self) -> Channel:
        if self._of.target.channel == "dvcqg-json":
            return self._open_json_channel()
        if self._of.target.channel == "lgsp":
            return LgspChannel(
                self._of.target, clock=self._of.clock, session_file=self._session_file()
            )
        policy = None
        if self._of.target.wants_receipts:
            policy = self._of.policies.load(PORTAL_RECEIPT)
        return SoapChannel(
            self._of.target,
            receipt_policy=policy,
            clock=self._of.clock,
            security_keys=self._security_keys(),
        )

    def open_dictionaries(self) -> JsonChannel:
        """
        Open the channel that hands out the portal's dictionaries.

        Raises:
            ConfigError: the target is none that has them.
        """
        if self._of.target.channel != "dvcqg-json":
            raise no_dictionaries()
        return self._open_json_channel()

    def _open_json_channel(self) -> JsonChannel:
        return JsonChannel(self._of.target, clock=self._of.clock, session_file=self._session_file())

    def _session_file(self) -> SessionFile:
        file = self._of.settings.data_dir / PORTAL_SESSION
        return SessionFile(file, sealing=VaultSealing(lambda: self._of.store.vault))

    def try_security_key(self) -> None:
        """
        Load the key that signs messages to the portal, where one does.

        Raises:
            ConfigError, SigningError: it cannot be used.
        """
        keys, profile = self._security_keys(), self._of.target.security
        if keys is not None and profile is not None and profile.signature:
            keys.signing().check_usable_at(self._of.clock())

    def _security_keys(self) -> SecurityKeys | None:
        """
        Return what the portal's WS-Security needs; None where its profile has none.

        Raises:
            ConfigError: there is no agency of the name in `signed_by`.
            TrustUnusable: a file of `answer_trust` cannot be used.
        """
        profile = self._of.target.security
        if profile is None:
            return None
        holder = profile.signed_by
        if holder != OPERATOR:
            self._of.mappings.get(holder)  # raises ConfigError where there is no such agency

        def signing_key() -> SigningKey:
            if holder == OPERATOR:
                return self._of.keyring.operator_key()
            return self._of.agency_key(holder)

        return SecurityKeys(
            signing=signing_key,
            answers=self._of.policies.load(PORTAL_RECEIPT, roots=profile.answer_trust)
            if profile.signed_answers
            else None,
            digest=self._of.hash,
            second_check_every=self._of.settings.signing.second_check_every,
        )

    @property
    def backoff(self) -> Backoff:
        """How long is waited between two attempts."""
        rules = self._of.settings.delivery
        return Backoff(
            first=timedelta(seconds=rules.backoff_first_seconds),
            longest=timedelta(seconds=rules.backoff_longest_seconds),
        )

    def make_pacer(self, *, backoff: Backoff, random: Random) -> Pacer:
        """Put together what decides how many calls may start."""
        target = self._of.target
        rate = target.rate_per_second
        return Pacer(
            breaker=self.make_breaker(
                backoff=backoff,
                random=random,
                longest_call=target.longest_call,
                slots=self._of.settings.delivery.slots,
            ),
            bucket=None if rate is None else Bucket(rate=rate, burst=target.burst),
            windows=target.windows,
        )

    def make_breaker(
        self, *, backoff: Backoff, random: Random, longest_call: timedelta, slots: int
    ) -> Breaker:
        """Put together what stops calls to one that does not answer, by the settings' rules."""
        rules = self._of.settings.delivery
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

    def _make_watch(self) -> AnswerWatch:
        settings, target = self._of.settings.drift, self._of.target
        return AnswerWatch(
            target=target.endpoint,
            kinds=lambda: kinds_of(target, code_names=settings.code_names),
            rules=WatchRules(
                learn_answers=settings.learn_answers,
                returned_after=timedelta(hours=settings.returned_after_hours),
            ),
            store=lambda: self._of.store,
            touched=self.touched_by,
            clock=self._of.clock,
        )

    @contextmanager
    def open_looker(self) -> Iterator[Looker]:
        """
        Put together what looks at the portal's documents and dictionaries.

        Raises:
            ConfigError: no target is configured.
        """
        settings, target = self._of.settings.drift, self._of.target
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
                store=self._of.store,
                touched=self.touched_by,
                clock=self._of.store_time,
            )

    def touched_by(self, drifts: Sequence[Drift]) -> list[list[Touched]]:
        """Return which mappings each of some drifts concerns; one that is wrong is left out."""
        files = []
        for name in self._of.mappings.names():
            with suppress(ConfigError):
                files.append(load_mapping(self._of.mappings.path(name)))
        return [touched_by(drift, files) for drift in drifts]

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
        with closing(self._of.open_channel()) as channel:
            yield Reconciler(
                store=self._of.store,
                asker=self._make_asker(channel, rate=rate, wait=wait),
                rules=self._compare_rules,
                again_after=timedelta(seconds=self._of.settings.reconcile.again_seconds),
                clock=self._of.store_time,
                actor=actor,
            )

    @contextmanager
    def open_portal_view(self, *, wait: Callable[[float], bool]) -> Iterator[PortalView]:
        """
        Put together what says what the portal has of single dossiers, at the pace of comparisons.

        It writes nothing down, so its answers are not watched for drift.

        Args:
            wait: As of `open_reconciler`.
        """
        with closing(self._open_channel()) as channel:
            yield PortalView(
                store=self._of.store,
                asker=self._make_asker(channel, rate=None, wait=wait),
                rules=self._compare_rules,
                clock=self._of.store_time,
            )

    def make_previewer(self, *, portal: PortalView | None = None) -> Previewer:
        """Put together what says what one order would do; `portal` is asked where it is given."""
        return Previewer(
            store=self._of.store,
            agencies=self._of.agency,
            clock=self._of.clock,
            portals=self._of.portals,
            portal=portal,
        )

    def _make_asker(
        self, channel: Channel, *, rate: float | None, wait: Callable[[float], bool]
    ) -> PoliteAsker:
        pacer = self.make_pacer(backoff=self.backoff, random=Random())  # noqa: S311 - jitter
        allowed = rate or self._of.settings.reconcile.rate
        slowest = min(allowed, self._of.target.rate_per_second or math.inf)
        pacer.bucket = Bucket(rate=slowest, burst=1)
        return PoliteAsker(
            channel=channel,
            pacer=pacer,
            agency_codes=self._of.agency_code,
            clock=self._of.store_time,
            wait=wait,
        )

    @property
    def _compare_rules(self) -> CompareRules:
        return CompareRules(
            shows_content=self._of.target.shows_content,
            quiet_period=self._of.target.quiet_period,
        )

    def make_nightly(self, stop: Event) -> Nightly:
        """
        Put the role together that compares each day; none is begun while the portal is paused.

        Raises:
            ConfigError: no target is configured.
        """
        return Nightly(
            settings=self._of.settings.reconcile,
            zone=ZoneInfo(self._of.target.time_zone),
            store=self._of.store,
            clock=self._of.store_time,
            reconcilers=partial(self.open_reconciler, actor=PRODUCT, wait=stop.wait),
            must_stop=lambda: stop.is_set() or self._of.pauses.look().of_portal is not None,
        )

    def read_list(self, agency: str, file: Path) -> Listed:
        """Return an agency's list, read through its own mapping. Raises as `mappings.get`."""
        return Listed(
            file,
            converter=self._of.mappings.get(agency),
            vault=self._of.store.vault,
            clock=self._of.store_time,
        )
