"""
What authorities say at the addresses in their certificates, fetched beside the deliveries.

A question is answered from the shelf, at once; what is missing or half way to its end is fetched
in a thread beside it, one call per address at a time, and a server that fails is left alone for a
while. Only what can be believed replaces what is held: a page of HTML, or another authority's list,
changes nothing. Questions come for proven chains only, so no forged certificate makes us call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from lienthong.revocation.addresses import addresses_for
from lienthong.revocation.fetching import FetchLimits, fetch
from lienthong.revocation.shelf import Held, Shelf
from schemas.errors import ConfigError, PeerError
from signing import Evidence, Found, Kind, Reason, Status
from signing.ocsp import build_request
from signing.revocation import judge_evidence
from signing.standing import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography import x509

    from lienthong.revocation.addresses import Address
    from signing import Revocation

log = structlog.get_logger()

CALLS_AT_ONCE = 4
SOONEST = timedelta(minutes=1)
"""Between two calls to one address."""
LATEST = timedelta(hours=1)
"""The longest pause after failures in a row."""
MOST_TROUBLES = 1024
"""Addresses whose failures are remembered."""
MOST_RENEWED = 256
"""Addresses whose answers are kept fresh without being asked for."""
RENEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """An address that failed."""

    reason: Reason
    pause: timedelta
    until: float
    """Steady seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRules:
    """How answers are fetched."""

    limits: FetchLimits
    freshness: Revocation
    """The policy: a newer answer is fetched when half of its time is over."""
    further_lists: tuple[str, ...] = ()
    """Addresses of lists that certificates do not name."""
    waits: bool = False
    """Fetch before answering: for commands, never where messages are on their way."""


class OnlineSource:
    """Asks authorities, and remembers. Thread-safe."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        rules: OnlineRules,
        clock: Callable[[], datetime],
        steady: Callable[[], float] = monotonic,
    ) -> None:
        self._shelf = shelf
        self._rules = rules
        self._clock = clock
        self._steady = steady
        self._troubles: dict[str, _Trouble] = {}
        self._asked: dict[str, tuple[Address, x509.Certificate, x509.Certificate]] = {}
        """With the certificate and its issuer."""
        self._renewed_at = monotonic()
        self._under_way: set[str] = set()
        self._changed = Condition()

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:
        """Return what is held about the certificate, and why something is not."""
        addresses = addresses_for(certificate, further_lists=self._rules.further_lists)
        if self._rules.waits:
            self._refresh_due(addresses, certificate, issuer)
            return self._held(addresses)
        found = self._held(addresses)
        self._refresh_due(addresses, certificate, issuer)
        return found

    def _held(self, addresses: Sequence[Address]) -> Found:
        held = [self._shelf.get(one) for one in addresses]
        troubles = [self._troubles.get(one.key) for one in addresses]
        return Found(
            evidence=tuple(_evidence(one) for one in held if one is not None),
            reasons=tuple(one.reason for one in troubles if one is not None),
        )

    def _refresh_due(
        self,
        addresses: Sequence[Address],
        certificate: x509.Certificate,
        issuer: x509.Certificate,
    ) -> None:
        now = self._clock()
        for address in addresses:
            if len(self._asked) < MOST_RENEWED:
                self._asked[address.key] = (address, certificate, issuer)
            if self._is_due(address, now):
                self._refresh(address, certificate, issuer)

    def renew(self) -> None:
        """
        Fetch anew what was asked for before and is half way to its end, at most once a minute.

        So that the first message after a quiet weekend does not find everything stale.
        """
        if monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        self._renewed_at = monotonic()
        now = self._clock()
        for address, certificate, issuer in list(self._asked.values()):
            if self._is_due(address, now):
                self._refresh(address, certificate, issuer)

    def wait(self, *, seconds: float) -> bool:
        """Wait until nothing is being fetched; tell whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout=seconds)

    def _is_due(self, address: Address, now: datetime) -> bool:
        trouble = self._troubles.get(address.key)
        if trouble is not None and self._steady() < trouble.until and not self._rules.waits:
            return False
        held = self._shelf.get(address)
        return held is None or now >= held.refresh_at

    def _refresh(
        self, address: Address, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> None:
        with self._changed:
            # Looked at again: another thread may just have fetched it.
            if address.key in self._under_way or not self._is_due(address, self._clock()):
                return
            if len(self._under_way) >= CALLS_AT_ONCE:
                # It is asked for again with the next message.
                return
            self._under_way.add(address.key)
        if self._rules.waits:
            self._fetch(address, certificate, issuer)
            return
        Thread(
            target=self._fetch, args=(address, certificate, issuer), name="revocation", daemon=True
        ).start()

    def _fetch(
        self, address: Address, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> None:
        try:
            trouble = self._try(address, certificate, issuer)
            if trouble is None:
                self._troubles.pop(address.key, None)
            else:
                self._note(address, trouble)
        finally:
            with self._changed:
                self._under_way.discard(address.key)
                self._changed.notify_all()

    def _try(
        self, address: Address, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Reason | None:
        """Fetch and keep what can be believed; return why not."""
        is_list = address.kind is Kind.CRL
        try:
            request = None if is_list else build_request(certificate, issuer)
            data = fetch(address.url, limits=self._rules.limits, ocsp_request=request)
        except (PeerError, ConfigError) as error:
            return Reason(code=error.code, vi=error.text.vi, en=error.text.en)
        now = self._clock()
        max_age = self._rules.freshness.longest_age(certificate)
        evidence = Evidence(kind=address.kind, data=data, origin=address.url)
        question = Question(
            certificate=certificate,
            issuer=issuer,
            fresh_at=now,
            now=now,
            max_age=max_age,
            clock_skew=timedelta(minutes=5),
        )
        standing = judge_evidence(question, evidence, lists=self._lists(certificate))
        if standing.status is Status.UNDECIDED:
            return standing.reasons[0]
        life = max_age
        if standing.this_update is not None and standing.next_update is not None:
            life = min(life, standing.next_update - standing.this_update)
        pause = max(life / 2, SOONEST)
        held = Held(address=address, data=data, fetched_at=now, refresh_at=now + pause)
        try:
            self._shelf.put(held)
        except OSError as error:
            detail = error.strerror or "I/O"
            return Reason(
                code="revocation.not_kept",
                vi=f"Không lưu được dữ liệu thu hồi của {address.url}: {detail}",
                en=f"What {address.url} answers cannot be kept: {detail}",
            )
        log.info("revocation.fetched", url=address.url, kind=address.kind.value, bytes=len(data))
        return None

    def _lists(self, certificate: x509.Certificate) -> Sequence[Evidence]:
        addresses = addresses_for(certificate, further_lists=self._rules.further_lists)
        lists = [self._shelf.get(one) for one in addresses if one.kind is Kind.CRL]
        return [_evidence(one) for one in lists if one is not None]

    def _note(self, address: Address, reason: Reason) -> None:
        before = self._troubles.get(address.key)
        pause = SOONEST if before is None else min(before.pause * 2, LATEST)
        if len(self._troubles) >= MOST_TROUBLES:
            self._troubles.clear()
        self._troubles[address.key] = _Trouble(
            reason=reason, pause=pause, until=self._steady() + pause.total_seconds()
        )
        log.warning("revocation.not_fetched", url=address.url, code=reason.code)


def _evidence(held: Held) -> Evidence:
    return Evidence(kind=held.address.kind, data=held.data, origin=held.address.url)
