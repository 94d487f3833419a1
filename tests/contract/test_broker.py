"""What every implementation of the broker port promises, tried on each of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pika
import pytest

from broker.memory import MemoryBroker, MemoryExchange
from broker.port import BrokerError, Message, StaleDelivery
from broker.rabbitmq import Plan, RabbitBroker, RabbitSettings, declare, make_topology
from broker.rabbitmq.settings import connection_parameters
from broker.sqlite import SqliteBroker

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
NOW = timedelta(0)


@dataclass
class Traits:
    """What a test must know of the implementation it runs on."""

    kind: str
    settling_seconds: float = 0
    """Real time after which what became due by the clock has happened on a server, too."""
    nap_seconds: float = 0
    """Real time that one nap of a waiting consumer takes."""
    slack: timedelta = timedelta(0)
    """How much later than due a message may be noticed."""
    forgives_late_settling: bool = True
    """Whether a delivery whose lease ended can be settled if nobody else got it."""


TRAITS = {
    "memory": Traits("memory"),
    "sqlite": Traits("sqlite"),
    "rabbitmq": Traits(
        "rabbitmq",
        settling_seconds=0.3,
        nap_seconds=0.1,
        slack=timedelta(seconds=2),
        forgives_late_settling=False,
    ),
}
# One short tier: the server's time is real, the clock is not. By the clock a message goes round
# until it is due.
PLAN = Plan(
    prefix="contract",
    queues=("deliver", "expand", "hàng đợi", "nobody's"),
    tiers=(timedelta(milliseconds=50),),
)


class HandClock:
    """A clock that only moves when it is told to, or slept with."""

    def __init__(self, traits):
        self.now = START
        self._traits = traits

    def __call__(self):
        return self.now

    def pass_seconds(self, seconds):
        self.now += timedelta(seconds=seconds)
        time.sleep(self._traits.settling_seconds)

    def nap(self, event, seconds):
        event.wait(self._traits.nap_seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=list(TRAITS))
def traits(request):
    return TRAITS[request.param]


@pytest.fixture
def clock(traits):
    return HandClock(traits)


@pytest.fixture(scope="session")
def declared(rabbitmq):
    settings = RabbitSettings(urls=(rabbitmq.url,), plan=PLAN, tick=timedelta(milliseconds=20))
    declare(settings)
    return settings


@pytest.fixture
def connect(request, traits, clock, tmp_path):
    """Open one more connection to the same exchange."""
    exchange = MemoryExchange()
    settings = request.getfixturevalue("declared") if traits.kind == "rabbitmq" else None
    if settings is not None:
        empty(settings)
    opened = []

    def connect_once():
        if traits.kind == "memory":
            broker = MemoryBroker(clock=clock, sleep=clock.pass_seconds, exchange=exchange)
        elif traits.kind == "sqlite":
            broker = SqliteBroker(tmp_path / "broker.sqlite", clock=clock, sleep=clock.pass_seconds)
        else:
            broker = RabbitBroker(settings, clock=clock, pause=clock.nap)
        opened.append(broker)
        return broker

    yield connect_once
    for broker in opened:
        broker.close()


def empty(settings):
    """Remove what an earlier test left on the server."""
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        channel = connection.channel()
        for _ in range(2):
            for queue in make_topology(settings.plan).queues:
                channel.queue_purge(queue.name)


@pytest.fixture
def broker(connect):
    return connect()


def messages(*ids):
    return [Message(id=id_, body=f"body of {id_}".encode()) for id_ in ids]


def take(broker, *, queue="deliver", limit=100, lease=LEASE, wait=NOW):
    return broker.receive(queue, limit=limit, lease=lease, wait=wait)


def ids(found):
    return [item.message.id for item in found]


# Publishing and lending


def test_a_published_message_is_lent_with_all_that_was_said(broker):
    broker.publish("deliver", [Message(id="a", body=b"one", headers={"kind": "hint"})])

    (delivery,) = take(broker)

    assert delivery.message == Message(id="a", body=b"one", headers={"kind": "hint"})
    assert delivery.queue == "deliver"
    assert delivery.attempt == 1
    assert delivery.first_seen_at == START


def test_an_acknowledged_message_never_comes_back(broker, clock):
    broker.publish("deliver", messages("a"))
    broker.ack(take(broker))

    clock.pass_seconds(1_000_000)

    assert take(broker) == []
    assert broker.depth("deliver") == 0


def test_a_lent_message_is_not_lent_to_another_consumer(connect):
    first, second = connect(), connect()
    first.publish("deliver", messages("a", "b", "c"))

    lent_first = take(first, limit=2)
    lent_second = take(second, limit=2)

    assert ids(lent_first) == ["a", "b"]
    assert ids(lent_second) == ["c"]
    assert take(first) == []


def test_two_consumers_never_hold_the_same_message(connect):
    first, second = connect(), connect()
    first.publish("deliver", messages(*(f"m{number:03}" for number in range(100))))

    lent = []
    while batch := take(first, limit=3) + take(second, limit=4):
        lent += ids(batch)

    assert sorted(lent) == [f"m{number:03}" for number in range(100)]


def test_bodies_headers_and_ids_come_back_exactly(broker):
    message = Message(
        id="hồ-sơ/Nguyễn Thị Ước/𠀀",
        body=bytes(range(256)) + b"\x00\r\n",
        headers={"lý do": 'chưa đủ\n"giấy tờ"', "empty": "", "e\u0301": "é"},
    )
    broker.publish("hàng đợi", [message])

    (delivery,) = take(broker, queue="hàng đợi")

    assert delivery.message == message
    assert type(delivery.message.body) is bytes


def test_an_empty_body_is_a_body(broker):
    broker.publish("deliver", [Message(id="a", body=b"")])

    assert take(broker)[0].message.body == b""


def test_changing_the_headers_after_publishing_changes_nothing(broker):
    headers = {"kind": "hint"}
    broker.publish("deliver", [Message(id="a", body=b"", headers=headers)])

    headers["kind"] = "changed"

    assert take(broker)[0].message.headers == {"kind": "hint"}


def test_publishing_nothing_is_allowed_and_does_nothing(broker):
    broker.publish("deliver", [])

    assert broker.depth("deliver") == 0


def test_the_same_id_twice_is_two_messages(broker):
    broker.publish("deliver", messages("a"))
    broker.publish("deliver", messages("a"))

    delivered = take(broker)
    broker.ack(delivered[:1])

    assert ids(delivered) == ["a", "a"]
    broker.ack(delivered[1:])


def test_queues_do_not_know_each_other(broker):
    broker.publish("deliver", messages("a"))
    broker.publish("expand", messages("b"))

    assert ids(take(broker, queue="expand")) == ["b"]
    assert broker.depth("expand") == 0
    assert broker.depth("deliver") == 1
    assert take(broker, queue="nobody's") == []


@pytest.mark.parametrize("limit", [0, -1])
def test_no_room_means_no_message(broker, limit):
    broker.publish("deliver", messages("a"))

    assert take(broker, limit=limit, wait=timedelta(seconds=5)) == []
    assert broker.depth("deliver") == 1


def test_the_limit_is_kept(broker):
    broker.publish("deliver", messages("a", "b", "c"))

    assert ids(take(broker, limit=2)) == ["a", "b"]


def test_ten_thousand_messages_come_out_once_and_in_order(broker):
    expected = [f"m{number:05}" for number in range(10_000)]
    broker.publish("deliver", messages(*expected))
    assert broker.depth("deliver") == 10_000

    received = []
    while batch := take(broker, limit=1_000):
        received += ids(batch)
        broker.ack(batch)

    assert received == expected
    assert broker.depth("deliver") == 0


# Leases


def test_a_consumer_that_dies_loses_nothing(connect, clock):
    dying, other = connect(), connect()
    dying.publish("deliver", messages("a", "b"))
    take(dying)
    dying.close()

    clock.pass_seconds(60)

    assert ids(take(other)) == ["a", "b"]


def test_a_lease_that_ended_means_a_new_lending(connect, clock):
    first, second = connect(), connect()
    first.publish("deliver", messages("a"))
    (before,) = take(first)

    clock.pass_seconds(59)
    assert take(second) == []
    clock.pass_seconds(1)
    (after,) = take(second)

    assert (before.attempt, after.attempt) == (1, 2)
    assert before.tag != after.tag
    assert after.first_seen_at == START


def test_an_earlier_lending_can_settle_nothing(connect, clock):
    first, second = connect(), connect()
    first.publish("deliver", messages("a"))
    (stale,) = take(first)
    clock.pass_seconds(60)
    (fresh,) = take(second)

    with pytest.raises(StaleDelivery):
        first.ack([stale])
    with pytest.raises(StaleDelivery):
        first.retry_later(stale, delay=NOW)
    with pytest.raises(StaleDelivery):
        first.park(stale, reason="too late")

    assert first.parked() == []
    assert take(first) == []
    second.ack([fresh])


def test_a_lease_that_ended_unnoticed_can_still_be_settled(broker, clock, traits):
    if not traits.forgives_late_settling:
        pytest.skip("here the end of a lease is always noticed")
    broker.publish("deliver", messages("a"))
    delivered = take(broker)

    clock.pass_seconds(61)
    broker.ack(delivered)

    assert take(broker) == []


def test_settling_after_the_end_of_the_lease_works_or_is_refused_and_lent_again(broker, clock):
    broker.publish("deliver", messages("a"))
    (late,) = take(broker)
    clock.pass_seconds(61)

    try:
        broker.ack([late])
    except StaleDelivery:
        broker.ack(take(broker, wait=timedelta(seconds=5)))

    assert take(broker) == []
    assert broker.depth("deliver") == 0


def test_a_late_settle_after_the_new_lending_was_settled_too_is_refused(connect, clock):
    first, second = connect(), connect()
    first.publish("deliver", messages("a"))
    (stale,) = take(first)
    clock.pass_seconds(60)
    second.ack(take(second))

    first.publish("deliver", messages("b"))

    with pytest.raises(StaleDelivery):
        first.ack([stale])
    assert ids(take(first)) == ["b"]


@pytest.mark.parametrize("settle", ["ack", "retry_later", "park"])
@pytest.mark.parametrize("again", ["ack", "retry_later", "park"])
def test_settling_twice_is_refused(broker, settle, again):
    def do(what, delivery):
        if what == "ack":
            broker.ack([delivery])
        elif what == "retry_later":
            broker.retry_later(delivery, delay=timedelta(hours=1))
        else:
            broker.park(delivery, reason="first")

    broker.publish("deliver", messages("a"))
    (delivery,) = take(broker)
    do(settle, delivery)

    with pytest.raises(StaleDelivery):
        do(again, delivery)

    assert broker.depth("deliver") == (1 if settle == "retry_later" else 0)
    assert ids(broker.parked()) == (["a"] if settle == "park" else [])


def test_a_batch_with_a_stale_delivery_removes_the_others_and_says_so(broker, clock):
    broker.publish("deliver", messages("a", "b", "c"))
    delivered = take(broker)
    broker.ack([delivered[1]])

    with pytest.raises(StaleDelivery):
        broker.ack(delivered)

    clock.pass_seconds(1_000)
    assert take(broker) == []


def test_the_same_delivery_twice_in_a_batch_is_a_double_settle(broker):
    broker.publish("deliver", messages("a"))
    (delivery,) = take(broker)

    with pytest.raises(StaleDelivery):
        broker.ack([delivery, delivery])

    assert broker.depth("deliver") == 0


def test_acknowledging_nothing_is_allowed(broker):
    broker.ack([])


# Delays and order


def test_a_delayed_message_comes_when_it_is_due_and_not_before(broker, clock):
    broker.publish("deliver", messages("a"))
    (first,) = take(broker)
    clock.pass_seconds(5)
    broker.retry_later(first, delay=timedelta(seconds=30))

    clock.pass_seconds(29)
    assert take(broker) == []
    clock.pass_seconds(1)
    (second,) = take(broker)

    # A server counts as well what came while nobody waited any more, and went back.
    assert second.attempt >= 2
    assert second.first_seen_at == START
    assert second.message == first.message


def test_the_oldest_due_comes_first(broker, clock):
    broker.publish("deliver", messages("delayed 20", "delayed 10"))
    late, soon = take(broker)
    broker.retry_later(late, delay=timedelta(seconds=20))
    broker.retry_later(soon, delay=timedelta(seconds=10))
    clock.pass_seconds(15)
    broker.publish("deliver", messages("published at 15"))
    clock.pass_seconds(15)
    broker.publish("deliver", messages("published at 30"))

    assert ids(take(broker)) == ["delayed 10", "published at 15", "delayed 20", "published at 30"]


def test_no_delay_means_due_now(broker):
    broker.publish("deliver", messages("a"))
    broker.retry_later(take(broker)[0], delay=NOW)

    assert ids(take(broker)) == ["a"]


def test_depth_counts_what_waits_and_what_is_delayed_but_not_what_is_lent(broker, clock):
    broker.publish("deliver", messages("delayed", "lent", "parked", "waiting"))
    delayed, _, parked = take(broker, limit=3)
    broker.retry_later(delayed, delay=timedelta(hours=1))
    broker.park(parked, reason="why not")

    wait_for_depth(broker, 2)
    clock.pass_seconds(60)
    wait_for_depth(broker, 3)


def wait_for_depth(broker, depth):
    # A server counts what moves, or was given back, when it gets to it.
    ends = time.monotonic() + 10
    while broker.depth("deliver") != depth:
        assert time.monotonic() < ends


# Waiting


def test_waiting_ends_with_the_first_message(broker, clock, traits):
    broker.publish("deliver", messages("a"))
    broker.retry_later(take(broker)[0], delay=timedelta(seconds=2))

    delivered = take(broker, wait=timedelta(seconds=10))

    assert ids(delivered) == ["a"]
    assert START + timedelta(seconds=2) <= clock() <= START + timedelta(seconds=2.2) + traits.slack


def test_waiting_in_vain_ends_when_it_should(broker, clock):
    assert take(broker, wait=timedelta(seconds=3)) == []
    assert START + timedelta(seconds=2.9) <= clock() <= START + timedelta(seconds=3.1)


def test_whoever_does_not_want_to_wait_does_not(broker, clock):
    assert take(broker, wait=NOW) == []
    assert clock() == START


# Parking


def test_a_parked_message_stays_parked_with_its_reason(broker, clock):
    broker.publish("deliver", messages("a"))
    (delivery,) = take(broker)
    clock.pass_seconds(7)
    broker.park(delivery, reason="không đọc được «a»")
    clock.pass_seconds(1_000_000)

    (parked,) = broker.parked()

    assert parked.message == delivery.message
    assert parked.queue == "deliver"
    assert parked.reason == "không đọc được «a»"
    assert parked.attempt == 1
    assert parked.parked_at == START + timedelta(seconds=7)
    assert take(broker) == []
    assert broker.depth("deliver") == 0


def test_an_empty_reason_parks_too(broker):
    broker.publish("deliver", messages("a"))
    broker.park(take(broker)[0], reason="")

    assert ids(broker.parked()) == ["a"]
    assert take(broker) == []


def test_parked_messages_are_shown_oldest_first_up_to_the_limit(broker, clock):
    broker.publish("deliver", messages("a", "b", "c"))
    for delivery in reversed(take(broker)):
        broker.park(delivery, reason="each its own time")
        clock.pass_seconds(1)

    assert ids(broker.parked()) == ["c", "b", "a"]
    assert ids(broker.parked(limit=2)) == ["c", "b"]
    assert broker.parked(limit=0) == []


def test_replayed_messages_return_to_their_queues_due_now(broker, clock):
    broker.publish("deliver", messages("a", "b"))
    broker.publish("expand", messages("c"))
    for delivery in take(broker) + take(broker, queue="expand"):
        broker.park(delivery, reason="a mistake")
    clock.pass_seconds(100)

    count = broker.replay(["a", "c", "never heard of"])

    assert count == 2
    (again,) = take(broker)
    assert (again.message.id, again.attempt, again.first_seen_at) == ("a", 2, START)
    assert ids(take(broker, queue="expand")) == ["c"]
    assert ids(broker.parked()) == ["b"]
    assert broker.replay(["a"]) == 0
    assert broker.replay([]) == 0


def test_replaying_does_not_touch_a_message_that_is_not_parked(broker):
    broker.publish("deliver", messages("a"))
    delivered = take(broker)

    assert broker.replay(["a"]) == 0
    assert take(broker) == []
    broker.ack(delivered)


def test_a_tag_from_before_parking_fits_nothing_after_the_replay(broker):
    broker.publish("deliver", messages("a"))
    (before,) = take(broker)
    broker.park(before, reason="a mistake")
    broker.replay(["a"])

    with pytest.raises(StaleDelivery):
        broker.ack([before])
    (after,) = take(broker)
    with pytest.raises(StaleDelivery):
        broker.ack([before])
    broker.ack([after])


# Closing


def test_leaving_the_with_block_closes(connect):
    with connect() as broker:
        broker.publish("deliver", messages("a"))

    with pytest.raises(BrokerError):
        broker.publish("deliver", messages("b"))
    with pytest.raises(BrokerError):
        take(broker)
    with pytest.raises(BrokerError):
        broker.depth("deliver")
    broker.close()
