"""What the agencies send: order, repeats, lies, poison, and everything that breaks on the way."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pika
import pytest

from broker.port import BrokerError, BrokerUnavailable, StaleDelivery
from broker.rabbitmq import RabbitInbox, Secret, declare, make_permissions
from broker.rabbitmq.publisher import Posting, Publisher
from broker.rabbitmq.settings import connection_parameters
from broker.rabbitmq.topology import RECORDS
from lienthong.testing.rabbitmq import PrivateRabbit

A, B = "land-registration", "health-department"
WAIT = timedelta(seconds=10)


@pytest.fixture
def here(settings):
    """Give settings with two agencies, declared."""
    made = replace(settings, plan=replace(settings.plan, agencies=(A, B)))
    declare(made)
    return made


@pytest.fixture
def open_inbox():
    opened = []

    def once(settings, **how):
        opened.append(RabbitInbox(settings, clock=lambda: datetime.now(UTC), **how))
        return opened[-1]

    yield once
    for inbox in opened:
        inbox.close()


def send(settings, agency, *ids, body=b"<a/>", **properties):
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for id_ in ids:
            channel.basic_publish(
                settings.plan.inbound(agency),
                RECORDS,
                body,
                pika.BasicProperties(message_id=id_, delivery_mode=2, **properties),
                mandatory=True,
            )


def take(inbox, count, *, limit=100, seconds=20, ack=True):
    """Receive until `count` messages are there; survives what a role survives."""
    found, ends = [], time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < ends, f"only {len(found)} came"
        try:
            batch = inbox.receive(limit=limit, wait=timedelta(seconds=0.5))
            if ack:
                inbox.ack(batch)
        except (BrokerUnavailable, StaleDelivery):
            continue
        found += batch
    return found


def ids(messages):
    return [message.message_id for message in messages]


def by_agency(messages):
    found = defaultdict(list)
    for message in messages:
        found[message.agency].append(message.message_id)
    return dict(found)


# What comes


def test_a_message_is_handed_over_with_all_that_its_sender_said(here, open_inbox):
    send(
        here,
        A,
        "2026-17",
        body="Hồ sơ".encode(),
        content_type="text/csv; charset=utf-8",
        content_encoding="identity",
        headers={"agency": A, "batch": 7, "nested": {"not": "shown"}, "lt-queue": "deliver"},
    )

    (message,) = open_inbox(here).receive(limit=10, wait=WAIT)

    assert (message.agency, message.claimed_agency) == (A, A)
    assert message.message_id == "2026-17"
    assert message.content_type == "text/csv; charset=utf-8"
    assert message.content_encoding == "identity"
    assert message.headers == {"agency": A, "batch": "7", "lt-queue": "deliver"}
    assert message.body == "Hồ sơ".encode()
    assert (message.redelivered, message.delivery_count) == (False, 0)


def test_the_agency_is_told_by_its_queue_whatever_the_message_claims(here, open_inbox):
    send(here, A, "forged", headers={"agency": B, "x-delivery-count": 19})

    (message,) = open_inbox(here).receive(limit=10, wait=WAIT)

    assert (message.agency, message.claimed_agency) == (A, B)
    assert message.delivery_count == 0


def test_a_message_without_anything_is_handed_over_as_it_is(here, open_inbox):
    send(here, A, None, body=b"")

    (message,) = open_inbox(here).receive(limit=10, wait=WAIT)

    assert (message.message_id, message.content_type, message.body) == (None, None, b"")
    assert (message.claimed_agency, dict(message.headers)) == (None, {})


def test_each_agencys_order_is_kept(here, open_inbox):
    expected = {A: [f"a{n}" for n in range(300)], B: [f"b{n}" for n in range(300)]}
    for agency, names in expected.items():
        send(here, agency, *names)

    found = take(open_inbox(here, prefetch=20), 600, limit=7)

    assert by_agency(found) == expected


def test_an_agencys_order_is_kept_over_two_workers_and_the_end_of_one(here, open_inbox):
    first, second = open_inbox(here), open_inbox(here)
    assert first.receive(limit=1, wait=timedelta(0)) == []
    assert second.receive(limit=1, wait=timedelta(0)) == []
    send(here, A, *(f"a{n}" for n in range(50)))

    found, ends = [], time.monotonic() + 20
    while len(found) < 30:
        assert time.monotonic() < ends
        for inbox in (first, second):
            batch = inbox.receive(limit=5, wait=timedelta(seconds=0.05))
            found += ids(batch)
            inbox.ack(batch)
    first.close()
    found += ids(take(second, 50 - len(found)))

    assert found == [f"a{n}" for n in range(50)]


def test_a_message_that_arrives_ends_the_wait(here, open_inbox):
    inbox = open_inbox(here)
    inbox.receive(limit=1, wait=timedelta(0))
    with pika.BlockingConnection(connection_parameters(here)) as connection:
        channel = connection.channel()
        sender = threading.Timer(0.3, channel.basic_publish, (here.plan.inbound(A), RECORDS, b"x"))
        sender.start()

        (message,) = inbox.receive(limit=1, wait=timedelta(minutes=4))

        sender.join()
        inbox.ack([message])


def test_no_more_than_the_prefetch_is_out(here, open_inbox):
    send(here, A, *(f"a{n}" for n in range(60)))
    inbox = open_inbox(here, prefetch=10)

    batch = []
    while len(batch) < 10:
        batch += inbox.receive(limit=100, wait=WAIT)
    more = inbox.receive(limit=100, wait=timedelta(seconds=0.5))

    assert ids(batch) == [f"a{n}" for n in range(10)]
    assert more == []


# Settling


@pytest.mark.parametrize("turn", range(3))
def test_what_is_in_the_hand_of_a_worker_that_ends_comes_again_in_order(here, open_inbox, turn):
    names = [f"{turn}-{n}" for n in range(60)]
    first = open_inbox(here, prefetch=20)
    first.receive(limit=1, wait=timedelta(0))
    send(here, A, *names)
    # Its last word lets the server send more, in the moment in which it ends.
    take(first, 5, limit=5)
    first.close()

    found = take(open_inbox(here, prefetch=20), 55)

    assert ids(found) == names[5:]


def test_of_a_resting_agency_nothing_is_taken_and_nothing_is_out(here, open_inbox):
    send(here, A, *(f"a{n}" for n in range(50)))
    inbox = open_inbox(here, prefetch=20)
    take(inbox, 1, limit=1)

    inbox.rest(A.__eq__)

    send(here, B, "b0")
    assert ids(take(inbox, 1)) == ["b0"]
    other = open_inbox(here, prefetch=20)
    other.rest(A.__eq__)
    assert ids(other.receive(limit=100, wait=timedelta(seconds=1))) == []
    until_ready(here, A, at_least=49)


def test_a_resting_agency_goes_on_in_its_order_without_a_message_lost_or_suspected(
    here, open_inbox
):
    names = [f"a{n}" for n in range(120)]
    send(here, A, *names)
    inbox = open_inbox(here, prefetch=20)
    found = []
    # More often than a message may come back from a worker that died.
    for _ in range(6):
        found += take(inbox, 5, limit=5)
        inbox.rest(lambda _agency: True)
        assert inbox.receive(limit=100, wait=timedelta(milliseconds=50)) == []
        inbox.rest(lambda _agency: False)
    found += take(inbox, 120 - len(found))

    assert list(dict.fromkeys(ids(found))) == names
    assert len(found) == 120


def until_ready(settings, agency, *, at_least):
    """Wait until so many messages of an agency lie in its queue, lent to nobody."""
    ends = time.monotonic() + 10
    while True:
        with pika.BlockingConnection(connection_parameters(settings)) as connection:
            queue = settings.plan.inbound(agency)
            found = connection.channel().queue_declare(queue, passive=True).method.message_count
        if found >= at_least:
            return
        assert time.monotonic() < ends, f"{found} are ready"
        time.sleep(0.1)


def test_what_was_not_acknowledged_comes_again_in_order_and_late_acks_are_refused(
    here, proxied, proxy, open_inbox
):
    through = replace(proxied, plan=here.plan)
    send(here, A, *(f"a{n}" for n in range(20)))
    inbox = open_inbox(through)
    before = take(inbox, 20, ack=False)
    proxy.cut()

    again = take(inbox, 20)

    assert ids(again) == [f"a{n}" for n in range(20)]
    assert all(message.redelivered for message in again)
    assert {message.delivery_count for message in again} == {1}
    with pytest.raises(StaleDelivery, match="20 of 20"):
        inbox.ack(before)
    assert inbox.receive(limit=1, wait=timedelta(seconds=0.5)) == []


def test_acknowledging_twice_is_stale_and_the_others_are_removed(here, open_inbox):
    send(here, A, "a", "b")
    inbox = open_inbox(here)
    found = take(inbox, 2, ack=False)
    inbox.ack(found[1:])

    with pytest.raises(StaleDelivery, match="1 of 2"):
        inbox.ack(found)

    inbox.close()
    assert open_inbox(here).receive(limit=9, wait=timedelta(seconds=0.5)) == []


def test_messages_may_be_acknowledged_in_any_order(here, open_inbox):
    send(here, A, *(f"a{n}" for n in range(40)))
    inbox = open_inbox(here)
    found = take(inbox, 40, ack=False)

    inbox.ack(found[::2])
    inbox.close()
    left = take(open_inbox(here), 20)

    assert ids(left) == ids(found)[1::2]


# Parking


def test_a_parked_message_is_shown_without_its_content_and_comes_back_whole(
    here, open_inbox, open_broker
):
    headers = {"agency": A, "lt-queue": "deliver", "day": datetime(2026, 1, 2, tzinfo=UTC)}
    send(here, A, "x/1", body=b"payload", content_type="text/csv", headers=headers, user_id="guest")
    inbox = open_inbox(here)
    (message,) = inbox.receive(limit=1, wait=WAIT)

    inbox.park(message, reason="không đọc được")
    broker = open_broker(here)
    (parked,) = broker.parked()

    assert parked.message.id == f"{A}/x/1"
    assert parked.message.body == b""
    assert (parked.queue, parked.reason, parked.attempt) == (f"in.{A}", "không đọc được", 1)
    assert broker.replay(["x/1"]) == 0
    assert broker.replay([f"{A}/x/1"]) == 1
    assert broker.parked() == []
    (again,) = take(inbox, 1)
    assert (again.message_id, again.body, again.content_type) == ("x/1", b"payload", "text/csv")
    assert again.headers == message.headers
    assert not again.redelivered


def test_parking_what_is_lent_no_more_is_stale(here, open_inbox, open_broker):
    send(here, A, "a")
    inbox = open_inbox(here)
    (message,) = inbox.receive(limit=1, wait=WAIT)
    inbox.ack([message])

    with pytest.raises(StaleDelivery):
        inbox.park(message, reason="late")

    assert open_broker(here).parked() == []


def test_what_dies_again_and_again_before_its_turn_keeps_its_order(here, open_inbox):
    expected = [f"a{n}" for n in range(30)]
    send(here, A, *expected)
    for _ in range(2):
        dying = open_inbox(here, prefetch=10)
        assert dying.receive(limit=1, wait=WAIT)
        dying.close()

    assert ids(take(open_inbox(here, prefetch=10), 30)) == expected


def test_a_forged_death_leads_nowhere_but_back_to_its_agency(here, open_inbox, open_broker):
    forged = [{"queue": here.plan.work_queue("deliver"), "reason": "delivery_limit", "count": 1}]
    for _ in range(3):
        send(here, A, "forged", headers={"x-death": forged, "lt-agency": B}, expiration="1")
    broker = open_broker(here)
    parked = []
    while len(parked) < 3:
        time.sleep(0.2)
        parked = broker.parked()

    assert {(item.queue, item.reason) for item in parked} == {(f"in.{A}", "expired")}
    assert broker.replay([f"{A}/forged"]) == 3
    again = take(open_inbox(here), 3)
    assert {message.agency for message in again} == {A}
    assert broker.depth("deliver") == 0


# Poison


def test_a_poison_message_is_parked_and_takes_none_of_its_neighbours_along(
    settings, open_inbox, open_broker
):
    # Which agency's head is tried first is drawn: with so many draws everybody's turn comes.
    here = replace(settings, plan=replace(settings.plan, agencies=(A, B), delivery_limit=16))
    declare(here)
    good = [f"a{n}" for n in range(30)]
    send(here, A, "a-first", *good[:10], "poison", *good[10:])
    send(here, B, *(f"b{n}" for n in range(30)))
    done, deaths = [], 0
    for _ in range(40):
        inbox = open_inbox(here)
        died = False
        while batch := inbox.receive(limit=50, wait=timedelta(seconds=0.7)):
            if any(message.message_id == "poison" for message in batch):
                died, deaths = True, deaths + 1
                break
            inbox.ack(batch)
            done += batch
        inbox.close()
        if not died:
            break

    (parked,) = open_broker(here).parked()

    assert deaths == here.plan.delivery_limit + 1
    assert (parked.message.id, parked.reason) == (f"{A}/poison", "delivery limit")
    assert parked.attempt == here.plan.delivery_limit + 1
    assert by_agency(done) == {A: ["a-first", *good], B: [f"b{n}" for n in range(30)]}


def test_headers_that_cannot_be_read_do_not_end_the_connection(here, open_inbox):
    # A time in milliseconds: the most common mistake, and the library's exception.
    send(here, A, "ms", content_type="text/csv", headers={"at": _Milliseconds(1_700_000_000_000)})
    send(here, A, "after")

    first, second = take(open_inbox(here), 2)

    assert (first.message_id, first.unreadable, dict(first.headers)) == ("ms", True, {})
    assert first.content_type == "text/csv"
    assert (second.message_id, second.unreadable) == ("after", False)


class _Milliseconds(datetime):
    """A date whose wire form is far beyond the year 9999."""

    def __new__(cls, value):
        made = super().__new__(cls, 2000, 1, 1, tzinfo=UTC)
        made.value = value
        return made

    def utctimetuple(self):
        return (1970, 1, 1, 0, 0, self.value)


# What breaks


def test_an_agency_whose_queue_is_missing_is_named_and_stops_nobody(settings, open_inbox):
    only = replace(settings, plan=replace(settings.plan, agencies=(B,)))
    declare(only)
    both = replace(settings, plan=replace(settings.plan, agencies=(A, B)))
    send(only, B, "b")
    inbox = open_inbox(both)

    (message,) = take(inbox, 1)

    assert message.agency == B
    assert inbox.missing == (A,)


def test_a_queue_that_appears_later_is_taken_up(settings, open_inbox, monkeypatch):
    monkeypatch.setattr("broker.rabbitmq.inbox.LOOK_AGAIN_SECONDS", 0.3)
    declare(replace(settings, plan=replace(settings.plan, agencies=(B,))))
    both = replace(settings, plan=replace(settings.plan, agencies=(A, B)))
    inbox = open_inbox(both)
    inbox.receive(limit=1, wait=timedelta(0))

    declare(both)
    send(both, A, "a")

    assert ids(take(inbox, 1)) == ["a"]
    assert inbox.missing == ()


def test_without_any_queue_the_remedy_is_told(settings, open_inbox):
    plan = replace(settings.plan, agencies=(A,))

    with pytest.raises(BrokerError, match=r"land-registration.*lienthong topology apply") as caught:
        open_inbox(replace(settings, plan=plan)).receive(limit=1, wait=timedelta(0))

    assert "thiếu hàng đợi của các cơ quan" in caught.value.vi


def test_a_queue_deleted_under_its_consumer_leaves_the_others(here, open_inbox):
    inbox = open_inbox(here)
    inbox.receive(limit=1, wait=timedelta(0))
    with pika.BlockingConnection(connection_parameters(here)) as connection:
        connection.channel().queue_delete(here.plan.inbound(A))
    send(here, B, "b")

    (message,) = take(inbox, 1)

    assert message.message_id == "b"
    assert inbox.missing == (A,)


def test_a_worker_with_the_printed_rights_can_do_all_of_it(here, open_inbox, rabbitmq):
    for permission in make_permissions(here.plan)[:2]:
        rabbitmq.ctl("add_user", permission.user, "w0rd")
        rights = (permission.configure, permission.write, permission.read)
        rabbitmq.ctl("set_permissions", permission.user, *rights)
    send(here, A, "a", "b")
    worker = replace(here, user=f"{here.plan.prefix}-worker", password=Secret("w0rd"))
    topology = replace(here, user=f"{here.plan.prefix}-topology", password=Secret("w0rd"))

    declare(topology)
    inbox = open_inbox(worker)
    (first,) = inbox.receive(limit=1, wait=WAIT)
    inbox.park(first, reason="later")
    assert ids(take(inbox, 1)) == ["b"]


def test_a_user_without_rights_is_told_so(here, open_inbox, rabbitmq):
    name = f"{here.plan.prefix}-none"
    rabbitmq.ctl("add_user", name, "w0rd")
    rabbitmq.ctl("set_permissions", name, "^$", "^$", "^$")

    with pytest.raises(BrokerError, match="no permission"):
        open_inbox(replace(here, user=name, password=Secret("w0rd"))).receive(
            limit=1, wait=timedelta(0)
        )


def test_an_alarm_of_the_server_stops_no_taking(here, open_inbox, rabbitmq):
    send(here, A, *(f"a{n}" for n in range(10)))
    inbox = open_inbox(replace(here, blocked_timeout=timedelta(seconds=1)))
    rabbitmq.ctl("set_vm_memory_high_watermark", "0.00001")
    try:
        found = take(inbox, 9, limit=1)
        (last,) = inbox.receive(limit=1, wait=WAIT)
        with pytest.raises(BrokerUnavailable, match="memory or disk alarm"):
            inbox.park(last, reason="not now")
    finally:
        rabbitmq.ctl("set_vm_memory_high_watermark", "0.6")

    assert ids(found) == [f"a{n}" for n in range(9)]


def test_a_message_held_too_long_is_said_to_be(here, open_inbox, tmp_path):
    server = PrivateRabbit(folder=tmp_path / "server", extra=("consumer_timeout = 1000",))
    try:
        server.start()
        server.ctl("eval", "application:set_env(rabbit, channel_tick_interval, 1000).")
        there = replace(here, urls=(server.url,))
        declare(there)
        send(there, A, "a")
        inbox = open_inbox(there)
        held = inbox.receive(limit=1, wait=WAIT)
        with pytest.raises(BrokerUnavailable, match="nobody acknowledged them in time"):
            inbox.receive(limit=1, wait=timedelta(seconds=20))
        with pytest.raises(StaleDelivery):
            inbox.ack(held)
        assert ids(take(inbox, 1)) == ["a"]
        inbox.close()
    finally:
        server.stop()


def test_nothing_is_lost_and_order_is_kept_when_the_server_is_killed(here, open_inbox, tmp_path):
    server = PrivateRabbit(folder=tmp_path / "server")
    try:
        server.start()
        there = replace(here, urls=(server.url,), connect_patience=timedelta(seconds=40))
        declare(there)
        expected = [f"a{n}" for n in range(2_000)]
        send(there, A, *expected)
        inbox = open_inbox(there)
        found = take(inbox, 500)
        taken = take(inbox, 50, ack=False)
        server.kill()
        server.start()
        rest = []
        while "a1999" not in ids(rest[-100:]):
            rest += take(inbox, 1, seconds=60)
        with pytest.raises(StaleDelivery):
            inbox.ack(taken)
        inbox.close()
    finally:
        server.stop()

    # What was acknowledged into the crash may come again: a repeat, never a gap.
    every = ids(found) + ids(rest)
    assert list(dict.fromkeys(every)) == expected
    assert ids(rest) == expected[expected.index(rest[0].message_id) :]


def test_twenty_thousand_messages_go_through(here, open_inbox, capsys):
    count = 20_000
    publisher = Publisher(here)
    publisher.publish(
        [
            Posting(
                exchange=here.plan.inbound(A),
                key=RECORDS,
                properties=pika.BasicProperties(message_id=f"m{number}", delivery_mode=2),
                body=b"x" * 2_000,
            )
            for number in range(count)
        ]
    )
    publisher.close()
    inbox = open_inbox(here)
    started = time.perf_counter()
    found = take(inbox, count, seconds=60)
    rate = count / (time.perf_counter() - started)

    with capsys.disabled():
        print(f"\nInbox: {rate:,.0f} received and acknowledged/s")  # noqa: T201 - to read
    assert ids(found) == [f"m{number}" for number in range(count)]


def test_a_flapping_connection_makes_no_message_guilty(
    here, proxied, proxy, open_inbox, open_broker
):
    send(here, A, *(f"a{n}" for n in range(5)))
    inbox = open_inbox(replace(proxied, plan=here.plan))
    for _ in range(here.plan.delivery_limit + 3):
        take(inbox, 5, ack=False)
        proxy.cut()
    inbox.close()

    found = take(open_inbox(replace(here, plan=replace(here.plan, delivery_limit=99))), 5)

    assert ids(found) == [f"a{n}" for n in range(5)]
    assert found[0].delivery_count > here.plan.delivery_limit
    assert open_broker(here).parked() == []
