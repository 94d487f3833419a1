"""Agencies that hand over through a door, again and again until they are told that it was taken."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import DBAPIError

from broker.port import BrokerError
from lienthong.testing.chaos.load import AGENCIES, Fate, submissions
from schemas.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lienthong.testing.chaos.load import Effect, Submission

PAUSE_SECONDS = 0.1


class Door(Protocol):
    """One way into the exchange; for one thread."""

    def hand_over(self, submission: Submission) -> bool:
        """Offer one submission; True only when it was acknowledged, False when that is not sure."""

    def close(self) -> None:
        """End what it holds open."""


@dataclass(slots=True)
class Truth:
    """What the agencies were promised, in their order; thread-safe."""

    effects: dict[str, list[Effect]] = field(default_factory=dict)
    """By dossier, in order; a dossier that is refused for good has none."""
    fates: dict[str, list[tuple[str, int, Fate]]] = field(default_factory=dict)
    """By agency: key of the submission, record, and what must become of it."""
    refused: set[str] = field(default_factory=set)
    """Dossiers that the portal refuses for good."""
    records: int = 0
    submissions: int = 0
    expected: int = 0
    """Effects that must happen in all."""
    uncertain: int = 0
    """Hand-overs that had to be offered again."""
    _lock: Lock = field(default_factory=Lock)

    def add(self, submission: Submission) -> None:
        """Note what was acknowledged."""
        with self._lock:
            self.submissions += 1
            self.records += len(submission.records)
            fates = self.fates.setdefault(submission.agency, [])
            for number, sent in enumerate(submission.records, start=1):
                self.effects.setdefault(sent.dossier, []).extend(sent.effects)
                self.expected += len(sent.effects)
                fates.append((submission.key, number, sent.fate))
                if sent.fate is Fate.REFUSED:
                    self.refused.add(sent.dossier)

    def note_uncertain(self) -> None:
        """Count a hand-over that must be offered again."""
        with self._lock:
            self.uncertain += 1


class Feeding:
    """
    One thread per agency that hands over as long as it is wanted.

    Args:
        open_door: Opens a door of the agency's own.
        seed: Of the load.
        batch: Records per submission.
        has_room: Whether more may be handed over now; asked before each.
    """

    def __init__(
        self,
        open_door: Callable[[str], Door],
        *,
        seed: int,
        batch: int,
        has_room: Callable[[Truth], bool],
    ) -> None:
        self.truth = Truth()
        self.failures: list[Exception] = []
        self._open_door = open_door
        self._has_room = has_room
        self._enough = Event()
        self._threads = [
            Thread(
                target=self._guard,
                args=(agency, submissions(agency, seed=seed, batch=batch)),
                name=f"feed-{agency}",
                daemon=True,
            )
            for agency in AGENCIES
        ]

    def start(self) -> None:
        """Begin to hand over."""
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended an agency that should still hand over."""
        for error in self.failures:
            raise error

    def finish(self) -> None:
        """Stop after what is being handed over is acknowledged."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _guard(self, agency: str, offers: Iterator[Submission]) -> None:
        door: Door | None = None
        try:
            door = self._open(agency)
            while not self._enough.is_set():
                if self._has_room(self.truth):
                    self._hand_over(door, next(offers))
                else:
                    time.sleep(PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - told at the end, in the thread that asks
            self.failures.append(error)
        finally:
            if door is not None:
                door.close()

    def _open(self, agency: str) -> Door:
        """Open the door, however long nobody answers there."""
        while True:
            try:
                return self._open_door(agency)
            except (DBAPIError, BrokerError, PeerError):
                time.sleep(PAUSE_SECONDS)

    def _hand_over(self, door: Door, submission: Submission) -> None:
        # An agency that was not told offers the same again, under the same key, for ever.
        while not door.hand_over(submission):
            self.truth.note_uncertain()
            time.sleep(PAUSE_SECONDS)
        self.truth.add(submission)
