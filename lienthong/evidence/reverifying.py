"""
Checking our own evidence again and again: every seal within a period, and packs by sample.

Which seals are due follows from the time: of a period that is a third over, the first third of
them. So nothing has to be remembered, a restart leaves out only what it stood still for, and
several processes may do it. What does not hold is told once, and kept as an alarm until a later
check of the same place finds it right. Nothing waits for this, and nothing is stopped by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from lienthong.evidence import verify_evidence as verifier
from lienthong.evidence.alarms import Alarm, note_found, note_gone, open_alarms
from lienthong.evidence.checking import check_seals
from lienthong.evidence.packing import Wanted
from lienthong.evidence.stamp_checking import StampJudge
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.tables import messages, seals
from lienthong.store.work import begin
from schemas.errors import ConfigError, InputError
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta
    from random import Random
    from typing import IO

    from cryptography import x509

    from lienthong.evidence.packing import Packer
    from lienthong.store.database import Store
    from signing import VerificationPolicy

log = structlog.get_logger()

AT_ONCE = 20
"""Seals in one transaction that reads."""
STEP_SECONDS = 0.25
"""How long one step may be at it; the rest comes with the next."""
IN_MEMORY = 8 * 1024 * 1024
"""Bytes of a pack; a larger one is on disk while it is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often what is checked again."""

    period: timedelta
    """In which every seal is."""
    sample: timedelta
    """Between two packs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Whom packs are checked under; each use has its own."""

    documents: tuple[x509.Certificate, ...] = ()
    """What signers of documents and packs must lead to."""
    receipts: tuple[x509.Certificate, ...] = ()
    """Those of the portal's receipts; none: `documents`."""
    stamps: tuple[x509.Certificate, ...] = ()
    """Those of time-stamp authorities; none: time-stamps are said not to be judged."""


class Reverifier:
    """Checks what is due; one per process, in a thread of its own."""

    def __init__(  # noqa: PLR0913 - put together in one place
        self,
        store: Store,
        *,
        packer: Packer,
        policy: Callable[[], VerificationPolicy],
        roots: Callable[[], Roots],
        pace: Pace,
        clock: Callable[[], datetime],
        random: Random,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        """
        Put it together.

        Args:
            store: Whose evidence it is.
            packer: Makes packs.
            policy: Who may have signed seals; raises ConfigError while nobody is pinned.
            roots: Returns whom packs are checked under now.
            pace: How often.
            clock: Tells the time.
            random: Picks samples.
            steady: Tells seconds that go on whatever happens to the clock.
        """
        self._store = store
        self._packer = packer
        self._policy = policy
        self._roots = roots
        self._pace = pace
        self._clock = clock
        self._random = random
        self._checked: int | None = None
        """The seal that was checked last; None before the first."""
        self._steady = steady
        self._sampled_at: float | None = None

    def step(self) -> int:
        """Check a little of what is due; return how many seals and packs that were."""
        try:
            return self._check_seals() + self._check_sample()
        except SigningError as error:
            # A key or a trusted file that cannot be used now: who needs it to work says so, too.
            log.warning("evidence.not_checked", code=error.code, words=error.en)
            return 0
        except ConfigError as error:
            log.warning("evidence.not_checked", code=error.code, words=str(error))
            return 0

    def _check_seals(self) -> int:
        with reading(self._store) as connection:
            newest = connection.execute(select(func.max(seals.c.id))).scalar() or 0
        due = ceil(newest * self._phase())
        if self._checked is None:
            self._checked = max(due - 1, 0)
        if due < self._checked:
            # The next period has begun: what is left of the last one comes first.
            if self._checked < newest:
                due = newest
            else:
                self._checked = 0
        ends = monotonic() + STEP_SECONDS
        done = 0
        while self._checked < due and monotonic() < ends:
            last = min(self._checked + AT_ONCE, due)
            self._check_part(self._checked + 1, last)
            done += last - self._checked
            self._checked = last
        return done

    def _phase(self) -> float:
        """Return how much of the present period is over, from 0 up to 1."""
        seconds = self._pace.period.total_seconds()
        return (self._clock().timestamp() % seconds) / seconds

    def _check_part(self, first: int, last: int) -> None:
        policy = self._policy()
        # Without a root for them a time-stamp could only be called a stranger's.
        is_trusting = bool(policy.timestamps.trust_anchors)
        judge = StampJudge(policy=policy.timestamps, now=self._clock())
        with reading(self._store) as connection:
            found = check_seals(
                connection,
                vault=self._store.vault,
                policy=policy,
                first=first,
                last=last,
                stamps=judge if is_trusting else None,
            )
            known = open_alarms(connection)
        wrong = [Alarm(code=one.code, row=one.row, seal=one.seal) for one in found.faults]
        here = [one for one in known if one.seal is not None and first <= one.seal <= last]
        self._tell(wrong, known=known, looked_at=here)

    def _check_sample(self) -> int:
        now, pause = self._steady(), self._pace.sample.total_seconds()
        if self._sampled_at is not None and now - self._sampled_at < pause:
            return 0
        self._sampled_at = now
        with reading(self._store) as connection:
            known = [one for one in open_alarms(connection) if one.message is not None]
        picked = [self._pick(), known[0].message if known else None]
        return sum(self._check_pack(one) for one in picked if one is not None)

    def _pick(self) -> str | None:
        """Return a delivered message, any of them; their ids are in the order of their times."""
        is_delivered = messages.c.state == State.DELIVERED.value
        with reading(self._store) as connection:
            ends = select(func.min(messages.c.id), func.max(messages.c.id))
            first, last = connection.execute(ends).one()
            if first is None:
                return None
            query = select(messages.c.id).where(is_delivered).order_by(messages.c.id).limit(1)
            start = self._between(first, last)
            found = connection.execute(query.where(messages.c.id >= start)).scalar()
            return found or connection.execute(query).scalar()

    def _between(self, first: str, last: str) -> str:
        try:
            low, high = UUID(first).int, UUID(last).int
        except (ValueError, AttributeError):
            # Somebody gave a message another kind of id.
            return first
        return str(UUID(int=self._random.randint(low, max(low, high))))

    def _check_pack(self, message: str) -> int:
        query = select(messages.c.dossier_code, messages.c.agency).where(messages.c.id == message)
        with reading(self._store) as connection:
            row = connection.execute(query).first()
            known = open_alarms(connection)
        if row is None or row.dossier_code is None:
            return 0
        wanted = Wanted(dossier=row.dossier_code, agency=row.agency, with_sources=False)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as target:
            try:
                self._packer.pack(target, wanted)
                codes = self._false_codes(target)
            except InputError as error:
                # What somebody made of the store is not a reason to stop.
                codes = [error.code]
            except OSError as error:
                # A full disk, most often: the next sample tries again.
                log.warning("evidence.not_checked", cause=type(error).__name__, errno=error.errno)
                return 0
        of_dossier = [one for one in known if one.message is not None]
        here = [one for one in of_dossier if one.message == message]
        wrong = [Alarm(code=code, message=message) for code in codes]
        self._tell(wrong, known=known, looked_at=here)
        return 1

    def _false_codes(self, pack: IO[bytes]) -> list[str]:
        roots = self._roots()
        means = verifier.Means(
            roots=[_as_root(one) for one in roots.documents],
            receipt_roots=[_as_root(one) for one in roots.receipts],
            stamp_roots=[_as_root(one) for one in roots.stamps],
            now=self._clock(),
        )
        report = verifier.verify(pack, means)
        return sorted({one.code for one in report.lines if one.kind == verifier.FALSE})

    def _tell(
        self, wrong: Sequence[Alarm], *, known: Sequence[Alarm], looked_at: Sequence[Alarm]
    ) -> None:
        """Write down what is newly wrong, and what of that looked at is right again."""
        new = [one for one in dict.fromkeys(wrong) if one not in known]
        right = [one for one in looked_at if one not in wrong]
        if not new and not right:
            return
        with begin(self._store, at=self._clock) as work:
            for alarm in new:
                note_found(work, alarm)
            for alarm in right:
                note_gone(work, alarm)
        for alarm in new:
            log.error(
                "evidence.fault_found",
                code=alarm.code,
                row=alarm.row,
                seal=alarm.seal,
                message_id=alarm.message,
            )


def _as_root(certificate: x509.Certificate) -> verifier.Certificate:
    return verifier.Certificate(certificate.public_bytes(Encoding.DER))
