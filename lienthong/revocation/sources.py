"""The sources of one installation, put together as its settings say, and what state they are in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.revocation.fetching import FetchLimits
from lienthong.revocation.folder import FolderSource
from lienthong.revocation.online import OnlineRules, OnlineSource
from lienthong.revocation.shelf import Shelf
from schemas.problem import Text
from signing import Demand, Evidence, Found, Kind, Revocation
from signing.crl import times_of_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from lienthong.revocation.profile import RevocationSettings
    from signing import Reason, RevocationSource

FOLDER = "revocation"
"""In the data directory; what was fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """One revocation list that is at hand; nothing of it is proven here."""

    origin: str
    issuer: str | None
    """None: it cannot be read."""
    this_update: datetime | None = None
    next_update: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Tell whether it is of no use any more."""
        due = self.next_update
        return self.this_update is None or (due is not None and due < now)

    def words(self, now: datetime) -> Text:
        """Say whose it is, how old, and when the next is due."""
        if self.this_update is None:
            return Text(vi=f"không đọc được {self.origin}", en=f"{self.origin} cannot be read")
        hours = f"{(now - self.this_update).total_seconds() / 3600:.0f}"
        due = "-" if self.next_update is None else f"{self.next_update:%Y-%m-%d %H:%M} UTC"
        return Text(
            vi=f"{self.issuer}: lập {hours} giờ trước, kế tiếp {due} ({self.origin})",
            en=f"{self.issuer}: {hours} hours old, next {due} ({self.origin})",
        )


@dataclass(frozen=True, slots=True)
class JoinedSource:
    """Several sources as one."""

    sources: tuple[RevocationSource, ...]

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:
        """Return what any of them has."""
        found = [one.find(certificate, issuer=issuer) for one in self.sources]
        return Found(
            evidence=tuple(piece for one in found for piece in one.evidence),
            reasons=tuple(reason for one in found for reason in one.reasons),
        )


class RevocationSources:
    """What the settings name: a folder, addresses, both or nothing."""

    def __init__(
        self, settings: RevocationSettings, *, data_dir: Path, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._beside: OnlineSource | None = None
        self._held: dict[Demand, Revocation] = {}
        self._shelf = Shelf(data_dir / FOLDER, max_bytes=settings.max_bytes)
        self._folder = (
            None
            if settings.folder is None
            else FolderSource(settings.folder, max_bytes=settings.max_bytes)
        )

    def beside(self, demand: Demand | None = None) -> Revocation:
        """
        Return how revocation is judged while messages are on their way: nobody waits.

        Args:
            demand: Of one policy; None: that of the installation.
        """
        wanted = demand or Demand(self._settings.demand)
        if wanted not in self._held:
            self._held[wanted] = self._revocation(wanted, self._online_beside)
        return self._held[wanted]

    def at_once(self, demand: Demand | None = None) -> Revocation:
        """Return how revocation is judged by a command: what is missing is fetched first."""
        return self._revocation(demand or Demand(self._settings.demand), self._online_at_once)

    def _revocation(
        self, demand: Demand, online: Callable[[Revocation], OnlineSource]
    ) -> Revocation:
        settings = self._settings
        plain = Revocation(
            demand=demand,
            max_age=timedelta(hours=settings.max_age_hours),
            authority_max_age=timedelta(days=settings.authority_max_age_days),
            believes_stated_time=settings.believe_stated_time,
        )
        if plain.demand is Demand.OFF:
            return plain
        sources: list[RevocationSource] = [] if self._folder is None else [self._folder]
        if settings.fetch:
            sources.append(online(plain))
        return replace(plain, source=JoinedSource(tuple(sources)))

    def _online_beside(self, freshness: Revocation) -> OnlineSource:
        # One for every policy: what one of them has fetched the others need not.
        if self._beside is None:
            self._beside = self._online(freshness, waits=False)
        return self._beside

    def _online_at_once(self, freshness: Revocation) -> OnlineSource:
        return self._online(freshness, waits=True)

    def _online(self, freshness: Revocation, *, waits: bool) -> OnlineSource:
        settings = self._settings
        rules = OnlineRules(
            limits=FetchLimits(
                timeout=timedelta(seconds=settings.timeout_seconds), max_bytes=settings.max_bytes
            ),
            freshness=freshness,
            further_lists=settings.lists,
            waits=waits,
        )
        self._shelf.remove_old(now=self._clock())
        return OnlineSource(self._shelf, rules=rules, clock=self._clock)

    def renew(self) -> None:
        """Fetch, beside everything else, what is half way to its end; cheap where nothing is."""
        if self._beside is not None:
            self._beside.renew()

    def states(self) -> list[ListState]:
        """Return every list at hand, also those that cannot be read."""
        return [_state(one) for one in self._lists()]

    @property
    def troubles(self) -> Sequence[Reason]:
        """What is wrong with the folder."""
        if self._folder is None:
            return ()
        list(self._folder.lists())
        return self._folder.troubles

    def _lists(self) -> Iterator[Evidence]:
        if self._folder is not None:
            yield from self._folder.lists()
        if self._settings.fetch:
            for held in self._shelf.all():
                if held.address.kind is Kind.CRL:
                    yield Evidence(kind=Kind.CRL, data=held.data, origin=held.address.url)


def _state(evidence: Evidence) -> ListState:
    times = times_of_list(evidence.data)
    if times is None:
        return ListState(origin=evidence.origin, issuer=None)
    issuer, this_update, next_update = times
    return ListState(
        origin=evidence.origin,
        issuer=issuer.rfc4514_string(),
        this_update=this_update,
        next_update=next_update,
    )
