"""
The audit log and a time-stamp authority that is away, slow or lying; and somebody who may write to
the database as they like, time-stamps among it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import structlog
from cryptography.hazmat import asn1
from sqlalchemy import delete, select, update

from lienthong.evidence.authorities import AuthorityAway
from lienthong.evidence.sealing import as_seal
from lienthong.evidence.stamping import Stamper
from lienthong.evidence.stamps import Lack, StampRules, keep_stamp, read_countdown
from lienthong.store.database import reading
from lienthong.store.tables import audit, seals
from lienthong.store.work import begin
from lienthong.testing.authority import Authority, Mood
from lienthong.testing.notary import make_notary
from signing import timestamp_shapes as shapes
from signing.timestamps import judge_answer, make_request

NOTARY = make_notary()
RULES = StampRules(
    every=timedelta(hours=1), warn_after=timedelta(hours=4), within=timedelta(hours=24)
)
YEARS_LATER = datetime(2060, 1, 1, tzinfo=UTC)


@dataclass
class Near:
    """The authority without the way to it."""

    authority: Authority
    name: str = "tsa"

    def ask(self, request):
        self.authority.asked += 1
        if self.authority.mood is Mood.DOWN:
            raise AuthorityAway(self.name, "ConnectTimeoutError")
        return self.authority.answer(request.body)


class Log:
    """A log that is sealed by hand, and stamped when a test says so."""

    def __init__(self, store, clock):
        self.store = store
        self.clock = clock
        self.authority = Authority(key=NOTARY.stamping_key, clock=clock)
        self.stamper = self.make_stamper()

    def make_stamper(self):
        return Stamper(
            self.store,
            authority=Near(self.authority),
            policy=lambda: NOTARY.stamp_policy,
            rules=RULES,
            clock=self.clock,
            random=Random(1),
            steady=self.clock.steady,
        )

    def write(self, *subjects):
        for subject in subjects:
            with begin(self.store, at=self.clock(), actor="an") as work:
                work.note("message.ready", subject)

    def seal(self):
        while NOTARY.seal(self.store.engine, now=self.clock()):
            pass

    def work(self, *subjects, **later):
        """Write, seal, have it stamped if it is due, and let time pass."""
        self.write(*subjects)
        self.seal()
        stamp = self.stamper.step()
        self.seal()
        self.clock.tick(**later)
        return stamp

    def stamps(self):
        query = select(seals.c.id, seals.c.stamp).order_by(seals.c.id)
        with reading(self.store) as connection:
            return {row.id: row.stamp for row in connection.execute(query) if row.stamp}

    def stamped(self):
        return sorted(self.stamps())

    def countdown(self):
        with reading(self.store) as connection:
            return read_countdown(connection, rules=RULES, now=self.clock())

    def check(self):
        return NOTARY.check(self.store, now=YEARS_LATER)

    def faults(self):
        return [(fault.code, fault.seal) for fault in self.check().faults]

    def attack(self, *statements):
        with self.store.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def log(store, clock):
    return Log(store, clock)


def give(seal, stamp):
    return update(seals).where(seals.c.id == seal).values(stamp=stamp)


def test_one_time_stamp_proves_everything_before_it_years_later(log, clock):
    begun = clock()
    for _ in range(3):
        log.write("a", "b")
        log.seal()
        clock.tick(seconds=5)
    log.stamper.step()
    log.write("c")
    log.seal()

    checked = log.check()

    assert (checked.faults, checked.stamps) == ([], 1)
    proven = checked.proven
    assert (proven.seal, proven.at) == (3, begun + timedelta(seconds=15))
    # The first row of a store is that of its key.
    assert (proven.rows, proven.last_row) == (7, 7)
    assert proven.authority == "Development time-stamps"


def test_what_is_stamped_is_the_digest_of_the_seal(log):
    log.work("a")

    [token] = log.stamps().values()
    held = asn1.decode_der(shapes.Token, token)
    info = asn1.decode_der(shapes.TstInfo, held.data.content.body)
    with reading(log.store) as connection:
        seal = connection.execute(select(seals).order_by(seals.c.id)).first()
    assert info.imprint.digest == as_seal(seal).digest == seal.digest


def test_the_newest_seal_is_stamped_once_an_interval(log):
    got = [log.work("a", minutes=20) for _ in range(7)]

    assert [one is not None for one in got] == [True, False, False, True, False, False, True]
    assert log.authority.asked == 3


def test_a_log_in_which_nothing_happens_is_not_stamped_again_and_again(log):
    log.work("a", hours=2)

    for _ in range(5):
        assert log.work(hours=2) is None

    assert (log.authority.asked, log.countdown()) == (1, None)
    log.work("b")
    assert log.authority.asked == 2


def test_an_authority_that_is_away_is_asked_less_and_less_and_told_once(log):
    log.authority.mood = Mood.DOWN
    with structlog.testing.capture_logs() as told:
        for _ in range(40):
            log.work("a", minutes=5)

    assert [line["event"] for line in told] == ["stamp.trouble"]
    assert 10 < log.authority.asked < 25
    assert log.stamps() == {}
    with reading(log.store) as connection:
        last = connection.execute(select(seals).order_by(seals.c.id.desc())).first()
    assert last.id == 40


def test_a_clock_that_was_set_back_keeps_nobody_from_asking_again(log, clock):
    mood, log.authority.mood = log.authority.mood, Mood.DOWN
    clock.jump(days=30)
    log.work("a")
    assert log.authority.asked == 1
    clock.jump(days=-30)
    log.authority.mood = mood

    assert log.stamper.step() is None
    clock.tick(minutes=1)

    assert log.stamper.step() is not None


def test_how_long_it_may_go_on_is_counted_down_and_told_once_per_change(log, clock):
    log.authority.mood = Mood.DOWN
    begun = clock()
    with structlog.testing.capture_logs() as told:
        for _ in range(26):
            log.work("a", hours=1)

    countdown = log.countdown()
    assert [line["event"] for line in told] == ["stamp.trouble", "stamp.late", "stamp.overdue"]
    assert (countdown.since, countdown.lack) == (begun, Lack.OVERDUE)
    assert (countdown.rows, countdown.seals) == (27, 26)
    assert countdown.words.en == (
        "Without time-stamp since 2026-03-02 08:00:00 UTC: 27 rows in 26 seals; warned at "
        "2026-03-02 12:00:00 UTC, must be by 2026-03-03 08:00:00 UTC. The next time-stamp covers "
        "them all, for each seal links to the one before"
    )


def test_when_it_is_back_one_time_stamp_covers_all_that_had_none(log):
    log.authority.mood = Mood.DOWN
    for _ in range(10):
        log.work("a", hours=1)
    log.authority.mood = Mood.WELL
    with structlog.testing.capture_logs() as told:
        log.work("b")

    assert [line["event"] for line in told] == ["stamp.well_again"]
    assert log.countdown() is None
    assert (log.stamped(), log.check().proven.seal) == ([11], 11)


def test_the_count_begins_with_the_first_row_that_has_none_not_with_the_last_time_stamp(log, clock):
    log.work("a", days=3)
    log.authority.mood = Mood.DOWN
    log.work("b")

    countdown = log.countdown()

    assert (countdown.since, countdown.lack) == (clock(), Lack.USUAL)


@pytest.mark.parametrize(
    "mood", [Mood.GARBAGE, Mood.REFUSES, Mood.OTHER_DATA, Mood.OTHER_NONCE], ids=lambda m: m.value
)
def test_nothing_that_is_not_believed_is_kept(log, mood):
    log.authority.mood = mood

    assert log.work("a") is None

    assert log.stamps() == {}
    assert log.stamper.trouble is not None
    assert log.faults() == []


def test_two_who_ask_at_once_keep_one_time_stamp(log):
    log.write("a")
    log.seal()
    with reading(log.store) as connection:
        seal = as_seal(connection.execute(select(seals)).first())
    request = make_request(seal.body.encode())
    stamps = [
        judge_answer(
            log.authority.answer(request.body), request, policy=NOTARY.stamp_policy, now=log.clock()
        )
        for _ in range(2)
    ]

    kept = []
    for stamp in stamps:
        with begin(log.store, at=log.clock) as work:
            kept.append(keep_stamp(work, seal, stamp))
    log.seal()

    assert kept == [True, False]
    assert log.stamps() == {1: stamps[0].token}
    assert log.faults() == []


@pytest.fixture
def stamped(log):
    """Give a log with three time-stamps."""
    for _ in range(3):
        log.work("a", "b", hours=1)
    assert len(log.stamps()) == 3
    return log


def test_a_time_stamp_that_is_taken_out_is_named(stamped):
    first = stamped.stamped()[0]
    stamped.attack(give(first, None))

    assert stamped.faults() == [("seal.stamp_missing", first)]


def test_time_stamps_that_are_swapped_are_named(stamped):
    first, second, _ = stamped.stamped()
    tokens = stamped.stamps()
    stamped.attack(give(first, tokens[second]), give(second, tokens[first]))

    assert stamped.faults() == [
        ("seal.stamp_wrong", first),
        ("seal.stamp_wrong", second),
        ("seal.stamp_swapped", first),
        ("seal.stamp_swapped", second),
    ]


def test_another_right_time_stamp_in_the_place_of_the_first_is_named(stamped):
    first = stamped.stamped()[0]
    with reading(stamped.store) as connection:
        seal = as_seal(connection.execute(select(seals).where(seals.c.id == first)).first())
    request = make_request(seal.body.encode())
    stamped.attack(give(first, asn1.encode_der(
        asn1.decode_der(shapes.Granted, stamped.authority.answer(request.body)).token
    )))  # fmt: skip

    assert stamped.faults() == [("seal.stamp_swapped", first)]


def test_a_changed_time_stamp_is_named_with_the_reason(stamped):
    last = stamped.stamped()[-1]
    token = bytearray(stamped.stamps()[last])
    token[-1] ^= 1
    stamped.attack(give(last, bytes(token)))

    checked = stamped.check()

    assert [fault.code for fault in checked.faults] == ["seal.stamp_wrong", "seal.stamp_swapped"]
    assert "The signature of the time-stamp is wrong" in checked.faults[0].words.en
    # What the one before proves, stays proven.
    assert checked.proven.seal == stamped.stamped()[1]


def test_garbage_for_a_time_stamp_is_named_and_stops_nothing(stamped):
    last = stamped.stamped()[-1]
    stamped.attack(give(last, b"\x30\x80garbage"))

    assert stamped.faults()[0] == ("seal.stamp_wrong", last)
    assert stamped.work("c") is not None


def test_a_seal_that_states_a_later_time_than_its_time_stamp_is_named(log, clock):
    log.authority.clock = lambda: clock() - timedelta(minutes=6)
    log.work("a")

    assert log.faults() == [("seal.stamp_contradicts", 1)]
    assert log.check().proven is None


def test_clocks_may_differ_a_little(log, clock):
    log.authority.clock = lambda: clock() - timedelta(minutes=4)
    log.work("a")

    assert log.faults() == []


def test_a_time_stamp_taken_out_with_its_row_is_found_when_the_row_was_sealed(stamped):
    last = stamped.stamped()[-1]
    with reading(stamped.store) as connection:
        query = select(audit).where(audit.c.action == "audit.stamped").order_by(audit.c.id.desc())
        row = connection.execute(query).first()
    assert json.loads(row.detail)["at"].startswith("2026-03-02T")
    stamped.attack(give(last, None), delete(audit).where(audit.c.id == row.id))

    assert stamped.faults() == [("seal.rows_differ", row.seal_id)]


def test_a_seal_that_was_changed_stops_no_stamper(stamped):
    stamped.attack(update(seals).values(body="{}"))

    assert stamped.stamper.step(at_once=True) is None
