"""
What the whole way does under load: as fast as it goes, at a steady pace, after an outage, and
beside a dossier that never gets through.

Workers, portal and servers are processes of their own, as at a site. A scenario sends records that
no other has sent, waits until they have arrived, and reads in the store when each did. At the end
the portal's own record is compared with the store, dossier by dossier.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, select

from lienthong.agreement import Agreement, compare
from lienthong.benchmarks.measuring import Cost, percentile
from lienthong.benchmarks.sending import PacedSender, open_door
from lienthong.benchmarks.stages import count_due
from lienthong.samples import single_records
from lienthong.sandbox import read_ledger
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.queries import delivered_events, is_idle
from lienthong.store.tables import messages, results, submissions
from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Select

    from lienthong.benchmarks.site import Site
    from lienthong.samples import SingleRecord

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""After so long without any progress a scenario is given up."""
WARM_UP = 60
SENDER = "senders"
NOT_OURS = frozenset({"portal", SENDER})
"""Whose processor time is not the product's."""
POISON_AFTER = 0.2
"""Of a scenario's records go before the poison."""
ALMOST_DRAINED = 3
"""Messages that are due at any moment because fresh ones come."""
ENDLESS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the moment a record was to be sent, in seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """As fast as it goes."""

    dossiers: int
    seconds: float
    cpu: Mapping[str, float]
    """Microseconds per dossier, by part; the senders are this process."""

    @property
    def per_second(self) -> float:
        """How many dossiers a second."""
        return self.dossiers / self.seconds

    @property
    def cost(self) -> Cost:
        """What one dossier costs the product."""
        ours = sum(spent for name, spent in self.cpu.items() if name not in NOT_OURS)
        return Cost(cpu=ours, wall=1e6 / self.per_second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """At a steady pace."""

    per_second: float
    receipt: Latency
    """Until the portal's receipt was in the store."""
    told: Latency | None
    """Until the agency's queue had it; None where there are no queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """After the portal was away."""

    held: int
    seconds: float
    """From its return until the last held message was delivered."""
    fresh: Latency
    """Of those that came meanwhile, one a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """Beside one dossier on which the portal always cuts the connection."""

    dossiers: int
    """The poisonous one included."""
    delivered: int
    poison: str
    """The state it was in when all others had arrived."""
    before: Latency
    """Of those that were sent before it."""
    beside: Latency


class Runner:
    """Runs scenarios one after the other on one site whose workers run."""

    def __init__(self, site: Site, *, first: int, watch: Callable[[Text, int, int], None]) -> None:
        """
        Put a runner together.

        Args:
            site: Its workers run.
            first: Number of a first dossier that nobody has used.
            watch: Is told what is done now, how far it is and how far it will go.
        """
        self._site = site
        self._store = site.installation.store
        self._clock = site.installation.clock
        self._first = first
        self._watch = watch

    def warm_up(self) -> None:
        """Return when the workers have their keys, statements and connections."""
        self._sustain(WARM_UP, Text(vi="làm nóng", en="warming up"))

    def sustain(self, dossiers: int) -> Sustained:
        """Send so many as fast as they are taken."""
        return self._sustain(dossiers, Text(vi="nhanh nhất có thể", en="as fast as it goes"))

    def _sustain(self, dossiers: int, what: Text) -> Sustained:
        first, records = self._records(dossiers)
        goal = self._count(_DELIVERED) + dossiers
        begun, used, own = self._clock(), self._site.cpu(), time.process_time()
        with closing(open_door(self._site)) as door:
            door.send(records)
        self._wait(what, _DELIVERED, goal, of=dossiers)
        spent = {name: after - used.get(name, 0) for name, after in self._site.cpu().items()}
        spent[SENDER] = time.process_time() - own
        ended = max(arrival.delivered_at for arrival in self._arrivals(first))
        return Sustained(
            dossiers=dossiers,
            seconds=(ended - begun).total_seconds(),
            cpu={name: seconds / dossiers * 1e6 for name, seconds in spent.items()},
        )

    def keep_pace(self, *, per_second: float, seconds: float) -> Steady:
        """Send at a steady pace for a while."""
        dossiers = round(per_second * seconds)
        what = Text(vi=f"{per_second:g} hồ sơ/giây", en=f"{per_second:g} dossiers/s")
        first, sender = self._send_paced(dossiers, per_second=per_second, what=what)
        arrivals = self._arrivals(first)
        return Steady(
            per_second=per_second,
            receipt=_latency(sender.sent_at, {one.key: one.delivered_at for one in arrivals}),
            told=None
            if self._site.servers is None
            else _latency(sender.sent_at, {one.key: one.told_at for one in arrivals}),
        )

    def _send_paced(
        self, dossiers: int, *, per_second: float, what: Text
    ) -> tuple[int, PacedSender]:
        first, records = self._records(dossiers)
        goal = self._count(_DELIVERED) + dossiers
        sender = PacedSender(self._site, records, per_second=per_second)
        sender.start()
        self._wait(what, _DELIVERED, goal, of=dossiers)
        sender.join()
        self._rest()
        return first, sender

    def catch_up(self, held: int) -> CaughtUp:
        """
        Have so many wait for the portal, then let it come back while fresh ones come.

        These come from the first delivery on: what comes before the workers know that the portal is
        back waits with the held ones, by its urgency.
        """
        self._site.misbehave(mode="refuse")
        first, records = self._records(held)
        expanded = self._count(_EXPANDED) + held
        holding = Text(vi="giữ lại khi Cổng vắng", en="held while the portal is away")
        with closing(open_door(self._site)) as door:
            door.send(records)
        self._wait(holding, _EXPANDED, expanded, of=held)
        fresh_first, fresh_records = self._first, single_records(ENDLESS, first=self._first)
        self._first += ENDLESS
        fresh = PacedSender(self._site, fresh_records, per_second=1)
        draining = Text(vi="gửi bù", en="catching up")
        before = self._count(_DELIVERED)
        self._site.behave()
        begun = self._clock()
        self._wait(draining, _DELIVERED, before + 1, of=1)
        fresh.start()
        self._drain(draining, held)
        fresh.stop()
        self._rest()
        ended = max(arrival.delivered_at for arrival in self._arrivals(first))
        arrived = {
            one.key: one.delivered_at
            for one in self._arrivals(fresh_first)
            if fresh.sent_at[one.key] < ended
        }
        return CaughtUp(
            held=held,
            seconds=(ended - begun).total_seconds(),
            fresh=_latency(fresh.sent_at, arrived),
        )

    def poison(self, dossiers: int, *, per_second: float) -> Poisoned:
        """Send so many at a steady pace, one of which the portal never answers."""
        first, records = self._records(dossiers)
        place = next(
            place
            for place in range(int(dossiers * POISON_AFTER), dossiers)
            if sum(record.dossier == records[place].dossier for record in records) == 1
        )
        poison = records[place]
        before = self._count(_DELIVERED)
        self._site.misbehave(mode="drop_before", pattern=poison.dossier)
        sender = PacedSender(self._site, records, per_second=per_second)
        sender.start()
        what = Text(vi="một hồ sơ hỏng", en="one poison dossier")
        self._wait(what, _DELIVERED, before + dossiers - 1, of=dossiers - 1)
        sender.join()
        delivered = self._count(_DELIVERED) - before
        state = self._state_of(poison)
        self._site.behave()
        self._wait(what, _DELIVERED, before + dossiers, of=dossiers)
        self._rest()
        arrived = {one.key: one.delivered_at for one in self._arrivals(first)}
        healthy = [record.key for record in records if record is not poison]
        return Poisoned(
            dossiers=dossiers,
            delivered=delivered,
            poison=state,
            before=_latency(sender.sent_at, {key: arrived[key] for key in healthy[:place]}),
            beside=_latency(sender.sent_at, {key: arrived[key] for key in healthy[place:]}),
        )

    def compare(self) -> Agreement:
        """Compare the portal's record with the store; everything has come to rest."""
        self._rest()
        with reading(self._store) as connection:
            return compare(delivered_events(connection), read_ledger(self._site.ledger))

    def _records(self, count: int) -> tuple[int, list[SingleRecord]]:
        first = self._first
        # No agency has more dossiers than there are records.
        self._first += count
        return first, list(single_records(count, first=first))

    def _count(self, query: Select[int]) -> int:
        with reading(self._store) as connection:
            return connection.execute(query).scalar_one()

    def _wait(self, what: Text, query: Select[int], goal: int, *, of: int) -> None:
        """Wait until a count has come to `goal`, which is `of` more than it was."""
        patience = _Patience()
        while (count := self._count(query)) < goal:
            self._watch(what, of - (goal - count), of)
            patience.look(count)
        self._watch(what, of, of)

    def _drain(self, what: Text, held: int) -> None:
        patience = _Patience()
        while (due := count_due(self._site)) > ALMOST_DRAINED:
            self._watch(what, max(held - due, 0), held)
            patience.look(due)
        self._watch(what, held, held)

    def _rest(self) -> None:
        """Wait until nothing moves by itself any more and the agencies were told everything."""
        patience = _Patience()
        while True:
            with reading(self._store) as connection:
                # On an embedded exchange nobody publishes results: they are read as lists.
                on_servers = self._site.servers is not None
                untold = connection.execute(_UNTOLD).scalar_one() if on_servers else 0
                if not untold and is_idle(connection):
                    return
            patience.look(untold)

    def _state_of(self, record: SingleRecord) -> str:
        query = select(messages.c.state).where(messages.c.dossier_code == record.dossier)
        with reading(self._store) as connection:
            return str(connection.execute(query).scalar_one())

    def _arrivals(self, first: int) -> list[_Arrival]:
        with reading(self._store) as connection:
            rows = connection.execute(_ARRIVALS, {"_keys": f"{first}-%"}).all()
        return [_Arrival(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Arrival:
    key: str
    delivered_at: datetime
    told_at: datetime | None


class _Patience:
    """Sleeps between two looks, and gives up when nothing has changed for long."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._since = time.monotonic()

    def look(self, found: int) -> None:
        """
        Wait a moment.

        Raises:
            PeerError: what is waited for does not come.
        """
        now = time.monotonic()
        if found != self._last:
            self._last, self._since = found, now
        if now - self._since > PATIENCE_SECONDS:
            raise PeerError(
                Text(
                    vi=f"{PATIENCE_SECONDS:g} giây không có tiến triển; xem nhật ký các tiến trình "
                    "trong thư mục đo (--folder)",
                    en=f"no progress for {PATIENCE_SECONDS:g} s; see the logs of the processes in "
                    "the folder of the measurement (--folder)",
                ),
                retryable=False,
                code="bench.stuck",
            )
        time.sleep(LOOK_SECONDS)


_DELIVERED = (
    select(func.count()).select_from(messages).where(messages.c.state == State.DELIVERED.value)
)
_EXPANDED = (
    select(func.count()).select_from(submissions).where(submissions.c.expanded_at.is_not(None))
)
_UNTOLD = select(func.count()).select_from(results).where(results.c.published_at.is_(None))
_ARRIVALS = (
    select(submissions.c.key, messages.c.updated_at, results.c.published_at)
    .select_from(messages)
    .join(submissions, submissions.c.id == messages.c.submission_id)
    .outerjoin(
        results,
        and_(results.c.message_id == messages.c.id, results.c.kind == State.DELIVERED.value),
    )
    .where(submissions.c.key.like(bindparam("_keys")), messages.c.state == State.DELIVERED.value)
)
"""A delivered message does not change any more."""


def _latency(sent_at: Mapping[str, datetime], arrived: Mapping[str, datetime | None]) -> Latency:
    seconds = [(at - sent_at[key]).total_seconds() for key, at in arrived.items() if at is not None]
    return Latency(
        count=len(seconds),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        p99=percentile(seconds, 0.99),
        longest=percentile(seconds, 1),
    )
