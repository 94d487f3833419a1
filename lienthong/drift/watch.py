"""
Watching answers as they arrive, in a thread of its own: no delivery waits for it or fails by it.

An answer is put into a queue and its call goes on. What is much alike is known by its shape after
one comparison in memory; the store is asked only while something is learnt, when a shape is new,
and once in a while to see what an operator or another process has decided.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from lienthong.drift.comparing import compare, merge
from lienthong.drift.differing import gather
from lienthong.logs import kind_and_place
from lienthong.store.contracts import (
    NOTHING,
    are_open,
    close_returned,
    count_open,
    raise_drifts,
    read_contract,
    write_contract,
)
from lienthong.store.database import reading
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import datetime, timedelta

    from lienthong.channels.port import Answer, LookUp
    from lienthong.drift.kinds import Judged, Kinds
    from lienthong.drift.shapes import Shape
    from lienthong.drifts import Drift, Event, Touched
    from lienthong.store.contracts import Contract
    from lienthong.store.database import Store

log = structlog.get_logger()

MOST_WAITING = 200
"""Answers that wait to be looked at; more are let go unseen, the next will look the same."""
MOST_SHAPES = 200
"""Shapes of one kind that are remembered as fitting."""
LOOK_AGAIN_SECONDS = 30.0
"""After which the store is asked what others have decided meanwhile."""
LET_GO_SECONDS = 10.0
"""How long closing waits for the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """How a target is watched."""

    learn_answers: int
    """Of each kind, before what differs counts."""
    returned_after: timedelta
    """How long the old shape must be back before a drift is over by itself."""


@dataclass(slots=True)
class _Known:
    """What this process knows of one subject."""

    contract: Contract
    read_at: float
    fitting: set[Hashable] = field(default_factory=set)
    """Shapes that were compared before."""
    told: dict[str, float] = field(default_factory=dict)
    """Drifts by id, and when they were last written down as seen."""


class AnswerWatch:
    """Watches the answers of one target. `see` may be called from any thread."""

    def __init__(
        self,
        *,
        target: str,
        kinds: Callable[[], Kinds],
        rules: WatchRules,
        store: Callable[[], Store],
        touched: Callable[[Sequence[Drift]], list[list[Touched]]],
        clock: Callable[[], datetime],
    ) -> None:
        """
        Put it together; nothing is opened before the first answer.

        Args:
            target: By which it is known in the store.
            kinds: Makes what tells answers apart.
            rules: How it is watched.
            store: Opens the message store.
            touched: Tells which mappings each of some drifts concerns.
            clock: Tells the time, aware.
        """
        self._target = target
        self._make_kinds = kinds
        self._kinds: Kinds | None = None
        self._rules = rules
        self._store = store
        self._touched = touched
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._waiting: Queue[tuple[str, Answer | LookUp] | None] = Queue(MOST_WAITING)
        self._thread: Thread | None = None
        self._lock = Lock()
        self._is_broken = False

    def see(self, service: str, result: Answer | LookUp) -> None:
        """Have one answer looked at; returns at once, and never fails."""
        if result.raw is None:
            return
        if self._thread is None:
            self._begin()
        with suppress(Full):
            self._waiting.put_nowait((service, result))

    def close(self) -> None:
        """Look at what waits, and end."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            with suppress(Full):
                self._waiting.put(None, timeout=LET_GO_SECONDS)
            thread.join(LET_GO_SECONDS)

    def look(self, service: str, result: Answer | LookUp) -> list[Event]:
        """Look at one answer now; return what was raised. Raises what the store raises."""
        if self._kinds is None:
            self._kinds = self._make_kinds()
        judged = self._kinds.judge(service, result)
        if judged is None:
            return []
        subject = judged.subjects[-1]
        known = self._know(subject, judged)
        if judged.shape is None:
            open_ = [one for one in judged.drifts if not _is_accepted(one, known.contract)]
            return self._tell(known, open_)
        if not known.contract.is_settled:
            if judged.may_be_learnt:
                self._learn(known, subject, judged.shape)
            return []
        shape_key = (judged.shape.form, frozenset(judged.shape.features.items()))
        if shape_key in known.fitting:
            return []
        found = compare(known.contract.fingerprint, judged.shape, subject=subject)
        if found:
            return self._tell(known, gather(found, touching=set(), subject=subject))
        if len(known.fitting) < MOST_SHAPES:
            known.fitting.add(shape_key)
        return []

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                # A daemon: whatever it does, a process can end.
                self._thread = Thread(target=self._run, name="drift", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                seen = self._waiting.get(timeout=LOOK_AGAIN_SECONDS)
            except Empty:
                continue
            if seen is None:
                return
            try:
                self.look(*seen)
                self._is_broken = False
            except Exception as error:  # noqa: BLE001 - the boundary of the watch
                # Whatever is wrong with it, or with the store, deliveries go on.
                if not self._is_broken:
                    log.warning("drift.watch_failed", **kind_and_place(error))
                self._is_broken = True

    def _know(self, subject: str, judged: Judged) -> _Known:
        """Return what is known of a subject, read again where it is old."""
        known = self._known.get(subject)
        now = monotonic()
        if known is not None and now - known.read_at < LOOK_AGAIN_SECONDS:
            return known
        store = self._store()
        with reading(store) as connection:
            contract = read_contract(connection, self._target, subject)
            has_open = count_open(connection, self._target, judged.subjects) > 0
        if known is None or known.contract.fingerprint != contract.fingerprint:
            known = _Known(contract, now)
        known.contract, known.read_at = contract, now
        self._known[subject] = known
        if judged.shape is not None and has_open:
            self._let_end(judged, contract)
        return known

    def _let_end(self, judged: Judged, contract: Contract) -> None:
        """End drifts that have not been seen for long, where an answer now fits."""
        assert judged.shape is not None
        subject = judged.subjects[-1]
        if not contract.is_settled or compare(contract.fingerprint, judged.shape, subject=subject):
            return
        with begin(self._store(), at=self._clock) as work:
            before = work.at - self._rules.returned_after
            for id_ in close_returned(work, self._target, judged.subjects, before=before):
                log.info("drift.returned", id=id_)

    def _learn(self, known: _Known, subject: str, shape: Shape) -> None:
        with begin(self._store(), at=self._clock) as work:
            before = read_contract(work.connection, self._target, subject, lock=True)
            if before.is_settled:
                known.contract = before
                return
            answers = before.answers + 1
            settle = answers >= self._rules.learn_answers
            learnt = merge(before.fingerprint, shape)
            write_contract(
                work,
                self._target,
                subject,
                fingerprint=learnt,
                answers=answers,
                settle=settle,
            )
            if settle:
                work.note("drift.learnt", self._target, part=subject, answers=answers)
            known.contract = read_contract(work.connection, self._target, subject)

    def _tell(self, known: _Known, found: list[Drift]) -> list[Event]:
        now = monotonic()
        fresh = [
            one
            for one in found
            if now - known.told.get(one.id_for(self._target), -LOOK_AGAIN_SECONDS)
            >= LOOK_AGAIN_SECONDS
        ]
        if not fresh:
            return []
        with reading(self._store()) as connection:
            old = are_open(connection, self._target, fresh)
        # Reading the mappings takes long, so before the transaction, and once.
        new = [one for one in fresh if one not in old]
        touched = dict(zip(new, self._touched(new), strict=True)) if new else {}
        with begin(self._store(), at=self._clock) as work:
            # An operator may just have accepted it.
            contract = read_contract(work.connection, self._target, fresh[0].subject)
            fresh = [one for one in fresh if not _is_accepted(one, contract)]
            found_now = {one: touched.get(one, ()) for one in fresh}
            raised = raise_drifts(work, self._target, found_now)
        for one in fresh:
            if len(known.told) < MOST_SHAPES:
                known.told[one.id_for(self._target)] = now
        warn(raised)
        return raised


def warn(raised: list[Event]) -> None:
    """Log each event once."""
    for event in raised:
        log.warning(
            "drift.found",
            id=event.id,
            subject=event.drift.subject,
            kind=event.drift.kind.value,
            words=event.drift.words.en,
            mappings=len(event.touched),
        )


def _is_accepted(drift: Drift, contract: Contract) -> bool:
    """Tell whether accepting a drift would change nothing."""
    patch = drift.patch
    return contract != NOTHING and all(
        contract.fingerprint.get(name) == value for name, value in patch.items()
    )
