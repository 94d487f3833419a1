"""
Looking at a target's documents and dictionaries, once a day or when asked to.

What is seen first is the contract; a document whose namespace is that of a bundled schema has to
agree with that schema from the first look on. Where several machines look on the same day, the
second finds nothing new.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from lienthong.drift.differing import differ, gather
from lienthong.drift.documents import bundled_like, read_document
from lienthong.drift.listing import ENTRY, WATCHED, read_entries
from lienthong.drift.watch import warn
from lienthong.drifts import Drift, Kind
from lienthong.store.contracts import (
    close_returned,
    note_looked,
    raise_drifts,
    read_contract,
    write_contract,
)
from lienthong.store.database import reading
from lienthong.store.work import begin
from schemas.errors import LienthongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta
    from typing import Any

    from lienthong.channels.dictionaries import Dictionary
    from lienthong.drifts import Event, Fingerprint, Touched
    from lienthong.store.database import Store
    from schemas.problem import Text

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 15 * 60.0
"""After a look that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look at one subject brought."""

    subject: str
    is_first: bool = False
    """Whether it was not known before."""
    raised: tuple[Event, ...] = ()
    trouble: Text | None = None
    """Why there was nothing to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRules:
    """When and how far it is looked."""

    documents: tuple[str, ...]
    every: timedelta
    returned_after: timedelta


class Looker:
    """Looks at what one target says of itself."""

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        target: str,
        rules: LookRules,
        fetch_document: Callable[[str], bytes],
        fetch_entries: Callable[[Dictionary], Sequence[Any]] | None,
        store: Store,
        touched: Callable[[Sequence[Drift]], list[list[Touched]]],
        clock: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Put it together.

        Args:
            target: By which it is known in the store.
            rules: What is looked at, and when.
            fetch_document: Gets a document by its name; raises LienthongError.
            fetch_entries: Gets a dictionary; None: the target has none.
            store: The message store.
            touched: Tells which mappings each of some drifts concerns.
            clock: Tells the time, aware.
            steady: Tells seconds that go on whatever happens to the clock.
        """
        self._target = target
        self._rules = rules
        self._fetch_document = fetch_document
        self._fetch_entries = fetch_entries
        self._store = store
        self._touched = touched
        self._clock = clock
        self._steady = steady
        self._failed_at: dict[str, float] = {}

    def step(self) -> None:
        """Look at what is due."""
        now = self._clock()
        for subject, fetch in self._subjects():
            failed = self._failed_at.get(subject)
            if failed is not None and self._steady() - failed < TRY_AGAIN_SECONDS:
                continue
            with reading(self._store) as connection:
                seen_at = read_contract(connection, self._target, subject).seen_at
            if seen_at is not None and now - seen_at < self._rules.every:
                continue
            looked = self._look(subject, fetch)
            if looked.trouble is None:
                self._failed_at.pop(subject, None)
            else:
                self._failed_at[subject] = self._steady()
                words = looked.trouble.en
                log.warning("drift.look_failed", subject=subject, words=words)

    def look_at_all(self) -> list[Looked]:
        """Look at everything now."""
        return [self._look(subject, fetch) for subject, fetch in self._subjects()]

    def _subjects(self) -> Iterator[tuple[str, Callable[[], Fingerprint]]]:
        for name in self._rules.documents:
            yield f"document {name}", partial(self._read_document, name)
        if self._fetch_entries is not None:
            for one in WATCHED:
                yield f"list {one.value}", partial(self._read_entries, one)

    def _read_document(self, name: str) -> Fingerprint:
        return read_document(self._fetch_document(name), name=name)

    def _read_entries(self, dictionary: Dictionary) -> Fingerprint:
        assert self._fetch_entries is not None
        return read_entries(dictionary, self._fetch_entries(dictionary))

    def _look(self, subject: str, fetch: Callable[[], Fingerprint]) -> Looked:
        try:
            found = fetch()
        except LienthongError as error:
            return Looked(subject=subject, trouble=error.text)
        with reading(self._store) as connection:
            known = read_contract(connection, self._target, subject)
        is_first = known.seen_at is None
        learnt = known.fingerprint
        if is_first:
            learnt = (bundled_like(found) if subject.startswith("document ") else None) or found
        told = self._told(learnt, found, subject)
        with begin(self._store, at=self._clock) as work:
            again = read_contract(work.connection, self._target, subject, lock=True)
            if again.fingerprint != known.fingerprint:
                # Somebody looked, or accepted something, in this moment: the next look sees it.
                return Looked(subject=subject)
            if is_first:
                write_contract(
                    work, self._target, subject, fingerprint=learnt, answers=1, settle=True
                )
                work.note("drift.learnt", self._target, part=subject)
            note_looked(work, self._target, subject)
            raised = raise_drifts(work, self._target, told)
            before = work.at - self._rules.returned_after
            close_returned(work, self._target, [subject], before=before)
        warn(raised)
        return Looked(subject=subject, is_first=is_first, raised=tuple(raised))

    def _told(
        self, learnt: Fingerprint, found: Fingerprint, subject: str
    ) -> dict[Drift, list[Touched]]:
        """Return what is to be told, each with the mappings that it touches."""
        counts = [sum(one.startswith(f"{ENTRY} ") for one in each) for each in (learnt, found)]
        if subject.startswith("list ") and counts[0] and not counts[1]:
            # No portal without procedures: it is trouble, and not the end of all of them.
            empty = Drift(
                subject=subject,
                kind=Kind.FORM,
                place="form",
                before=f"{counts[0]} entries",
                after="0 entries",
            )
            return dict(zip([empty], self._touched([empty]), strict=True))
        drifts = differ(learnt, found, subject=subject)
        if not drifts:
            return {}
        touched = dict(zip(drifts, self._touched(drifts), strict=True))
        # A field that is filled; what every mapping goes through is said once for all of them.
        touching = {one for one, each in touched.items() if any(two.fields for two in each)}
        told = gather(drifts, touching=touching, subject=subject)
        return {one: touched.get(one, []) for one in told}
