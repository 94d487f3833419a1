"""
Each stage of the way by itself, in this process, beside the primitives it cannot do without.

The store, the exchange and the portal are the site's; only the loops around the roles are here. A
stage's processor time is that of this process and of the servers; the portal's is not counted, it
is not ours.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.benchmarks.conversion import SourceFile, measure_primitives
from lienthong.benchmarks.measuring import POSTGRESQL, RABBITMQ, Meter, Stage
from lienthong.benchmarks.primitives import (
    measure_durable,
    measure_http,
    measure_rabbitmq,
    measure_receipt,
    measure_seal,
)
from lienthong.benchmarks.sending import open_door
from lienthong.moving import Moving
from lienthong.store.database import reading
from lienthong.store.tables import messages
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.port import Broker
    from lienthong.benchmarks.measuring import Cost, Primitive
    from lienthong.benchmarks.site import Site
    from lienthong.samples import SingleRecord

WAIT = timedelta(seconds=1)
LIMITS = {
    "receive": ("consume", "seal", "durable"),
    # What was sealed is opened again, which costs the same.
    "expand": (
        *(
            "seal",
            "read",
            "map",
            "build",
            "parse",
            "xsd",
            "c14n",
            "sha256",
            "sign",
            "second",
            "seal",
        ),
        *("durable", "publish"),
    ),
    # The attempt before the call, the outcome after it; a receipt and an answer are sealed.
    "deliver": ("consume", "durable", "seal", "http", "receipt", "seal", "seal", "durable"),
    "results": ("seal", "publish", "durable"),
}
"""What each stage cannot do without; publishing and consuming only where RabbitMQ is the way."""
NAMES = {
    "receive": Text(vi="nhận", en="receive"),
    "expand": Text(vi="mở, ánh xạ, ký", en="expand"),
    "deliver": Text(vi="gửi Cổng", en="deliver"),
    "results": Text(vi="trả kết quả", en="results"),
    "way": Text(vi="cả chặng", en="the whole way"),
}


def measure_limits(site: Site, records: Sequence[SingleRecord]) -> dict[str, Primitive]:
    """Measure every primitive that this site's way has, on records like those."""
    installation = site.installation
    files = [
        SourceFile(agency=record.agency, file_name=record.file_name, body=record.body)
        for record in records
    ]
    found, documents = measure_primitives(installation, files)
    primitives = {primitive.key: primitive for primitive in found}
    others = [
        measure_seal(installation, documents),
        measure_durable(installation, documents),
        measure_http(calls=len(documents)),
        measure_receipt(installation, count=len(documents)),
    ]
    if site.servers is not None:
        agency = records[0].agency
        sender = site.servers.of_agency(installation, agency)
        bodies = [record.body for record in records]
        others += measure_rabbitmq(installation, sender, agency=agency, bodies=bodies)
    return primitives | {primitive.key: primitive for primitive in others}


def measure_stages(
    site: Site,
    records: Sequence[SingleRecord],
    primitives: dict[str, Primitive],
    *,
    progress: Callable[[Text], None],
) -> list[Stage]:
    """Bring `records` all the way, one stage after the other."""
    stages = []
    on_servers = site.servers is not None
    meter = Meter([RABBITMQ, POSTGRESQL] if on_servers else ())
    with site.installation.open_broker() as broker:
        works = {
            "receive": _receive(site, records, broker),
            "expand": _expand(site, broker),
            "deliver": _deliver(site, broker),
        }
        if on_servers:
            works["results"] = _results(site)
        for key, work in works.items():
            progress(NAMES[key])
            stages.append(stage_of(key, meter.measure(work, dossiers=len(records)), primitives))
    return stages


def stage_of(key: str, cost: Cost, primitives: dict[str, Primitive]) -> Stage:
    """Put a stage beside its primitives; the whole way has those of every stage."""
    keys = [one for limit in LIMITS.values() for one in limit] if key == "way" else LIMITS[key]
    return Stage(
        key=key,
        name=NAMES[key],
        cost=cost,
        primitives=tuple(primitives[one] for one in keys if one in primitives),
    )


def _receive(site: Site, records: Sequence[SingleRecord], broker: Broker) -> Callable[[], object]:
    if site.servers is None:

        def hand_in() -> None:
            with closing(open_door(site)) as door:
                door.send(records)

        return hand_in
    with closing(open_door(site)) as door:
        door.send(records)

    def take() -> None:
        with closing(site.installation.open_inbox()) as inbox:
            taker = Moving(site.installation).make_taker(broker, inbox)
            taken = 0
            while taken < len(records):
                taken += taker.step(wait=WAIT)

    return take


def _expand(site: Site, broker: Broker) -> Callable[[], object]:
    def expand() -> None:
        with closing(Moving(site.installation).make_expander(broker)) as expander:
            while expander.step():
                pass

    return expand


def _deliver(site: Site, broker: Broker) -> Callable[[], object]:
    def deliver() -> None:
        with closing(site.installation.open_channel()) as channel:
            deliverer = Moving(site.installation).make_deliverer(broker, channel)
            with deliverer.open_calls() as calls:
                steps = 0
                while steps % LOOK_EVERY or count_due(site):
                    deliverer.step(calls)
                    steps += 1
                deliverer.drain()

    return deliver


LOOK_EVERY = 10
"""Steps between two looks at what is left: looking is no part of the stage."""


def _results(site: Site) -> Callable[[], object]:
    def tell() -> None:
        with closing(site.installation.open_outbox()) as outbox:
            teller = Moving(site.installation).make_teller(outbox)
            while teller.step():
                pass

    return tell


def count_due(site: Site) -> int:
    """Return how many messages will be taken up again."""
    query = select(func.count()).select_from(messages).where(messages.c.due_at.is_not(None))
    with reading(site.installation.store) as connection:
        return int(connection.execute(query).scalar_one())
