"""
The role `share`: from what was delivered to submissions for the agencies that may know of it.

A delivered message is due by a flag until everybody whom a profile names has it: the submissions
are durable, under the message's id, before the flag goes, so that a crash in between costs a
repeat. What no profile covers goes nowhere. What cannot be shared holds up nothing else: it is
written down with the reason.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import structlog

from lienthong.channels.port import Packet
from lienthong.flows.receive import KeyConflict, receive, receive_many, small_offer
from lienthong.flows.used import note_used
from lienthong.store.audit import Entry
from lienthong.store.database import reading
from lienthong.store.shares import (
    NO_PROFILE,
    TERMS,
    delivered_since,
    due_shares,
    later_than,
    load_shares,
    note_not_shared,
    settle_shares,
)
from lienthong.store.submissions import SHARING_DOOR, find_keys
from lienthong.store.work import begin
from mappings.dates import VIETNAM
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from lienthong.flows.hints import Publisher
    from lienthong.flows.receive import Offer
    from lienthong.sharing.filtering import Filter
    from lienthong.sharing.profile import SharingProfile
    from lienthong.store.database import Store
    from lienthong.store.shares import DueShare
    from lienthong.store.work import Work

log = structlog.get_logger()

BATCH = 50
"""Messages of one round."""


class _Older(Exception):
    """The receiver has something newer of this dossier; nothing of the transaction may stay."""


class Sharer:
    """
    The role `share`; one instance per thread. Several processes may have it.

    A dossier's messages are delivered one after the other, and each process hands them on in that
    order, so whichever is faster, nobody is told of the second before the first.
    """

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        profiles: Mapping[str, tuple[SharingProfile, Filter]],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._profiles = profiles
        self._clock = clock
        self._noted: set[str] = set()
        """Profiles whose terms are in the log."""

    def step(self) -> int:
        """
        Share what is longest due; return how many messages were looked at.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        with reading(self._store) as connection:
            due = due_shares(connection, vault=self._store.vault, limit=BATCH)
        if not due:
            return 0
        day = self._clock().astimezone(VIETNAM).date()
        shared, offers, withheld = self._offers(due, day)
        self._note_terms({name for _, name in shared})
        outcomes = (
            receive_many(offers, store=self._store, broker=self._publisher, clock=self._clock)
            if offers
            else []
        )
        with begin(self._store, at=self._clock) as work:
            settled = settle_shares(work, [one.message_id for one in due])
            for (one, name), outcome in zip(shared, outcomes, strict=True):
                if one.message_id not in settled:
                    # Another process was faster, and has written it down.
                    continue
                if isinstance(outcome, KeyConflict):
                    # It was shared before, by the profile as it was then.
                    profile, _ = self._profiles[name]
                    work.note("dossier.shared_before", one.message_id, profile=name, to=profile.to)
                    continue
                self._note(work, one, name, sha256=outcome.sha256)
            for one, without, why in withheld:
                if one.message_id in settled:
                    note_not_shared(work, one.message_id, profile=without, code=why)
        return len(due)

    def _offers(
        self, due: Sequence[DueShare], day: date
    ) -> tuple[list[tuple[DueShare, str]], list[Offer], list[tuple[DueShare, str | None, str]]]:
        """Return what is shared by which profile, as offers, and what is not, and why."""
        shared: list[tuple[DueShare, str]] = []
        offers: list[Offer] = []
        withheld: list[tuple[DueShare, str | None, str]] = []
        senders = {profile.sender for profile, _ in self._profiles.values()}
        for one in due:
            if one.agency not in senders:
                withheld.append((one, None, NO_PROFILE))
            for name in self._covering(one, day):
                if one.document is None:
                    withheld.append((one, name, one.why_none))
                    continue
                try:
                    offers.append(self._offer(one, name))
                except ConfigError as error:
                    # It concerns this document alone; once its version is there, `share_past` has
                    # it shared.
                    words = " ".join(error.text.en.split())
                    log.error(  # noqa: TRY400 - its words are ours
                        "sharing.not_shared", message_id=one.message_id, profile=name, words=words
                    )
                    withheld.append((one, name, error.code))
                    continue
                shared.append((one, name))
            withheld += self._out_of_force(one, day)
        return shared, offers, withheld

    def share_past(
        self, name: str, *, since: datetime, tell: Callable[[ConfigError], None]
    ) -> Iterator[bool]:
        """
        Share by one profile what was delivered since a moment; yield for each whether it is new.

        What is older than something that the receiver has of the same dossier stays: it would put
        the dossier back. Going on after a break costs nothing: what was shared is not shared twice.

        Args:
            name: Of the profile.
            since: The moment.
            tell: Is told of a document of a schema version that is not installed; the others go on.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        profile, filter_ = self._profiles[name]
        self._note_terms({name})
        with reading(self._store) as connection:
            every = delivered_since(connection, profile.sender, since=since)
        for ids in (every[start : start + BATCH] for start in range(0, len(every), BATCH)):
            with reading(self._store) as connection:
                found = load_shares(connection, ids, vault=self._store.vault)
            # It may take long, and the last day may end meanwhile.
            is_in_force = profile.is_in_force(self._clock().astimezone(VIETNAM).date())
            for one in found:
                is_covered = is_in_force and _is_covered(one, profile, filter_)
                is_meant = one.document is not None and is_covered
                try:
                    yield is_meant and self._share_past(one, name)
                except ConfigError as error:
                    tell(error)
                    yield False

    def _share_past(self, one: DueShare, name: str) -> bool:
        offer = self._offer(one, name)
        digest = hashlib.sha256(offer.source.read()).hexdigest()
        offer.source.seek(0)

        def write(work: Work) -> None:
            # The line is held by now: nobody can share a newer one meanwhile.
            if find_keys(work.connection, offer.line, later_than(work.connection, one.message_id)):
                raise _Older
            self._note(work, one, name, sha256=digest)

        with reading(self._store) as connection:
            if find_keys(connection, offer.line, [one.message_id]):
                return False
        try:
            receive(
                offer,
                store=self._store,
                broker=self._publisher,
                clock=self._clock,
                together=write,
            )
        except _Older:
            return False
        return True

    def _covering(self, one: DueShare, day: date) -> list[str]:
        """Return the profiles by which a message is shared today."""
        return [
            name
            for name, (profile, filter_) in self._profiles.items()
            if profile.is_in_force(day) and _is_covered(one, profile, filter_)
        ]

    def _out_of_force(self, one: DueShare, day: date) -> list[tuple[DueShare, str | None, str]]:
        """Return the profiles by which it would be shared if they were in force, and why not."""
        return [
            (one, name, "ended" if day > profile.until else "not_begun")
            for name, (profile, filter_) in self._profiles.items()
            if not profile.is_in_force(day) and _is_covered(one, profile, filter_)
        ]

    def _note_terms(self, names: set[str]) -> None:
        """Have what profiles say in the log before anything is shared by them, each once."""
        if names <= self._noted:
            return
        entries = [
            Entry(action=TERMS, subject=terms_of(profile), detail={"text": text_of(profile)})
            for profile, _ in (self._profiles[name] for name in sorted(names - self._noted))
        ]
        note_used(self._store, entries, clock=self._clock)
        self._noted |= names

    def _note(self, work: Work, one: DueShare, name: str, *, sha256: str) -> None:
        """Write down with whom, which bytes, and on which terms."""
        profile, _ = self._profiles[name]
        work.note(
            "dossier.shared",
            one.message_id,
            profile=name,
            to=profile.to,
            sha256=sha256,
            terms=terms_of(profile),
        )

    def _offer(self, one: DueShare, name: str) -> Offer:
        profile, filter_ = self._profiles[name]
        assert one.document is not None
        return small_offer(
            filter_.apply(one.document, packet=one.packet),
            file_name=f"{one.packet.value}.xml",
            agency=profile.to,
            door=SHARING_DOOR,
            sender=name,
            key=one.message_id,
            service=one.packet.value,
            proof={"shared": one.message_id, "terms": terms_of(profile)},
        )


def _is_covered(one: DueShare, profile: SharingProfile, filter_: Filter) -> bool:
    # Of an old snapshot the status was not kept: it is none of those that a profile names.
    status = one.status or "" if one.packet is Packet.DOSSIER else None
    return (
        one.agency == profile.sender
        and filter_.shares(one.packet)
        and profile.covers(procedure=one.procedure, status=status)
    )


def text_of(profile: SharingProfile) -> str:
    """Return all that a profile says, as JSON."""
    return profile.model_dump_json(by_alias=True)


def terms_of(profile: SharingProfile) -> str:
    """Return the SHA-256 of all that a profile says; `sharing list` shows the same."""
    return hashlib.sha256(text_of(profile).encode()).hexdigest()
