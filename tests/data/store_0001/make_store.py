"""
Makes store.tar.xz, by the code of commit c838b4f, whose tables are version 0001.

    git worktree add /tmp/old c838b4f && cd /tmp/old && make env
    .venv/bin/python …/tests/data/store_0001/make_store.py store.tar.xz

Everything in it is the old program's own doing: files of made-up people go in by `receive`, are
expanded, signed with development keys and delivered to a portal that answers from a list. It is
left as a site is left when its workers are killed: every state, attempts nobody ended, a file half
expanded, one held, one refused, bytes nobody was told about, sealed and unsealed audit rows.
"""

import io
import sqlite3
import sys
import tarfile
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from threading import Event

from broker.memory import MemoryBroker
from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.decisions import LookUpRules
from lienthong.flows import expand as expanding
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.receive import Offer, receive
from lienthong.flows.replay import discard, resend
from lienthong.retry import Backoff
from lienthong.samples import write_samples
from lienthong.settings import load_settings
from lienthong.states import State
from lienthong.store import audit
from lienthong.store.database import reading
from lienthong.store.delivery import start
from lienthong.store.queries import list_messages
from lienthong.store.work import begin
from lienthong.wiring import Installation
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import make_development_pki

FILES = 55
HELD = "district-portalqh"
HALF = "health-department"
UNTOUCHED = "igate-one-stop"
PEER_WORDS = "Hồ sơ đã tồn tại: Nguyễn Văn Ắ"


class Clock:
    now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(milliseconds=7)
        return self.now


class Portal:
    """Answers in turn with everything a portal may answer."""

    answers = cycle(
        [Answer(outcome=Outcome.DELIVERED, code="0", http_status=200, raw=b"<ok/>",
                receipt=b"<BienNhan>\x00\xff</BienNhan>")] * 5
        + [Answer(outcome=Outcome.DELIVERED, code="0", http_status=200, raw=b"")] * 2
        + [
            Answer(outcome=Outcome.EXISTS, code="1", message=PEER_WORDS, raw=b"\x00\x01"),
            Answer(outcome=Outcome.REJECTED, code="99", message=PEER_WORDS, detail="refused"),
            Answer(outcome=Outcome.BUSY, http_status=503, detail="503", raw=b"<html>"),
            Answer(outcome=Outcome.UNKNOWN, detail="connection lost"),
            Answer(outcome=Outcome.UNRECOGNISED, http_status=200, raw=b"?" * 300),
            Answer(outcome=Outcome.NOT_SENT, detail="refused"),
        ]
    )  # fmt: skip
    look_ups = cycle([LookUp(found=found, raw=b"<kq/>") for found in Found])

    def send(self, _request):
        return next(self.answers)

    def look_up(self, *, agency_code, dossier_code):
        return next(self.look_ups)

    def close(self):
        pass


def make(folder):
    clock = Clock()
    installation = Installation(load_settings(file=None, data_dir=folder / "data"))
    named = {name: installation.mappings.get(name) for name in installation.mappings.names()}
    make_development_pki(
        folder / "data" / "keys",
        agencies={name: (one.agency_code, one.agency_name) for name, one in named.items()},
        now=clock(),
        kind="ec",
    )
    engine = installation.engine
    broker = MemoryBroker(clock=clock, sleep=lambda _seconds: None)

    def take(agency, name, source):
        offer = Offer(source=source, file_name=name, agency=agency, door="file", sender="mẫu")
        return receive(offer, engine=engine, spool=installation.spool, broker=broker, at=clock())

    def agency(name):
        if name == HELD:
            raise ConfigError(Text(vi="thiếu khóa", en="no key"), code="signing.no_key")
        return installation.agency(name)

    samples = write_samples(folder / "files", dossiers=FILES, bad=5)
    first = [take(f.agency, f.path.name, f.path.open("rb")) for f in samples.files]
    # Refused, and larger than one piece; empty; a file that came again, so that all is a repeat.
    big = take("land-registration", "hỏng.csv", io.BytesIO(b"khong,phai,ho so\n" * 150_000))
    empty = take("ward-civil-status", "trống.csv", io.BytesIO(b""))
    land = samples.of("land-registration")
    again = take("land-registration", land.path.name, land.path.open("rb"))

    expanding.BATCH = 10
    expander = Expander(
        engine=engine,
        broker=broker,
        spool=installation.spool,
        agencies=agency,
        clock=clock,
        lease=timedelta(minutes=2),
        retry_after=timedelta(minutes=1),
    )
    stop = Event()
    for one in [*first, big, empty, again]:
        if one.agency == UNTOUCHED:
            continue
        (stop.set if one.agency == HALF else stop.clear)()
        expander.expand(one.id, stop=stop)
    audit.seal(engine, now=clock(), limit=150)

    rules = DeliveryRules(
        slots=4,
        lease=timedelta(minutes=2),
        longest_call=timedelta(minutes=1),
        backoff=Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=5)),
        look_ups=LookUpRules(
            shows_content=False,
            quiet_period=timedelta(minutes=10),
            resend_unproven_progress=False,
        ),
    )
    deliverer = Deliverer(
        engine=engine,
        broker=broker,
        channel=Portal(),
        rules=rules,
        breaker=Breaker(threshold=10_000, backoff=rules.backoff, random=Random(1)),
        agency_codes=installation.agency_code,
        clock=clock,
        random=Random(1),
    )
    with deliverer.open_calls() as calls:
        for turn in range(110):
            deliverer.step(calls)
            deliverer.drain()
            if turn == 50:
                clock.now += timedelta(minutes=15)
    audit.seal(engine, now=clock(), limit=400)

    def some(state, count):
        with reading(engine) as connection:
            return list_messages(connection, states=[state], limit=count)

    for number, line in enumerate(some(State.PARKED, 12)):
        act = discard if number % 2 else resend
        act(line.id, engine=engine, broker=broker, actor="an", reason="thử", at=clock())
    with begin(engine, at=clock) as work:
        # Their worker is killed now.
        start(work, [line.dossier_code for line in some(State.READY, 3)], lease=rules.lease)
    (folder / "data" / "spool" / "0192-nobody-knows").write_bytes(b"acknowledged to nobody")
    (folder / "data" / "spool" / "0192-half.part").write_bytes(b"half")
    with reading(engine) as connection:
        lines = list_messages(connection, limit=10_000)
        states = Counter(line.state.value for line in lines)
        sys.stdout.write(f"{states} {audit.verify(connection)}\n")
    engine.dispose()


def main(target):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        with sqlite3.connect(folder / "data" / "store.sqlite") as connection:
            connection.execute("VACUUM INTO ?", [str(folder / "store.sqlite")])
        with tarfile.open(target, "w:xz", preset=9) as archive:
            archive.add(folder / "store.sqlite", "store.sqlite")
            for path in sorted((folder / "data" / "spool").iterdir()):
                archive.add(path, f"spool/{path.name}")


if __name__ == "__main__":
    main(sys.argv[1])
