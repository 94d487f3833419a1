"""What breaks between us and RabbitMQ, and what is promised then."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pika
import pytest

from broker.port import BrokerError, BrokerUnavailable, Message, StaleDelivery
from broker.rabbitmq import Secret, declare
from broker.rabbitmq.settings import connection_parameters
from lienthong.testing.machine import free_ports
from lienthong.testing.rabbitmq import PrivateRabbit

LEASE = timedelta(minutes=1)
WAIT = timedelta(seconds=10)


def messages(*ids):
    return [Message(id=id_, body=b"work") for id_ in ids]


def take(broker, *, limit=100, wait=WAIT, lease=LEASE):
    return broker.receive("deliver", limit=limit, lease=lease, wait=wait)


def ids(found):
    return [item.message.id for item in found]


def until(happened, *, seconds=20):
    ends = time.monotonic() + seconds
    while not (value := happened()):
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)
    return value


# The connection


def test_a_cut_connection_makes_what_was_lent_stale_and_lends_it_again(
    settings, proxied, proxy, open_broker
):
    declare(settings)
    broker = open_broker(proxied)
    broker.publish("deliver", messages("a", "b"))
    before = take(broker)
    proxy.cut()

    again = []
    while len(again) < 2:
        try:
            again += take(broker)
        except BrokerUnavailable:
            continue

    assert ids(again) == ["a", "b"]
    assert [delivery.attempt for delivery in again] == [2, 2]
    with pytest.raises(StaleDelivery):
        broker.ack(before)
    with pytest.raises(StaleDelivery):
        broker.retry_later(before[0], delay=timedelta(0))
    with pytest.raises(StaleDelivery):
        broker.park(before[1], reason="late")
    broker.ack(again)
    assert broker.parked() == []
    assert broker.depth("deliver") == 0


def test_a_cut_while_waiting_for_confirms_promises_nothing_and_the_next_try_works(
    settings, proxied, proxy, open_broker
):
    declare(settings)
    broker = open_broker(proxied)
    broker.publish("deliver", messages("first"))
    proxy.cut()

    published = False
    while not published:
        try:
            broker.publish("deliver", messages("second"))
            published = True
        except BrokerUnavailable:
            continue

    assert set(ids(take(broker))) == {"first", "second"}


def test_no_server_is_unavailable_in_words_of_both_languages(settings, open_broker):
    (port,) = free_ports(1)
    broker = open_broker(replace(settings, urls=(f"amqp://127.0.0.1:{port}/",)))

    with pytest.raises(BrokerUnavailable) as caught:
        broker.publish("deliver", messages("a"))

    assert "RabbitMQ cannot be reached" in caught.value.en
    assert "không kết nối được RabbitMQ" in caught.value.vi


def test_a_server_that_hangs_up_at_once_is_unavailable(settings, proxied, proxy, open_broker):
    proxy.refuses = True

    with pytest.raises(BrokerUnavailable):
        open_broker(proxied).publish("deliver", messages("a"))


def test_the_next_address_is_used_when_the_first_is_dead(settings, open_broker):
    declare(settings)
    (port,) = free_ports(1)
    broker = open_broker(replace(settings, urls=(f"amqp://127.0.0.1:{port}/%2F", *settings.urls)))

    broker.publish("deliver", messages("a"))

    assert ids(take(broker)) == ["a"]


# What somebody must mend


def test_wrong_credentials_are_refused_in_words_and_shown_to_nobody(settings, open_broker):
    wrong = replace(settings, password=Secret("qu4-b1-m4t"))

    with pytest.raises(BrokerError, match=r"refuses the user or the password") as caught:
        open_broker(wrong).publish("deliver", messages("a"))

    assert "qu4-b1-m4t" not in caught.value.en + caught.value.vi + repr(wrong)
    assert not isinstance(caught.value, BrokerUnavailable)


def test_a_missing_virtual_host_is_told(settings, open_broker):
    wrong = replace(settings, urls=(settings.urls[0].replace("%2F", "nowhere"),))

    with pytest.raises(BrokerError, match=r"virtual host is not there.*'nowhere'|nowhere"):
        open_broker(wrong).depth("deliver")


def test_publishing_without_a_topology_is_an_error_with_its_remedy(settings, open_broker):
    with pytest.raises(BrokerError, match=r"lienthong topology apply"):
        open_broker(settings).publish("deliver", messages("a"))


def test_an_unroutable_message_is_an_error_and_the_broker_goes_on(broker):
    with pytest.raises(BrokerError, match=r"reached no queue \(routing keys: unheard\)"):
        broker.publish("unheard", messages("a", "b"))

    broker.publish("deliver", messages("c"))
    assert ids(take(broker)) == ["c"]


def test_a_worker_needs_no_right_to_configure(settings, private_rabbitmq, open_broker):
    declare(settings)
    private_rabbitmq.ctl("add_user", settings.plan.prefix, "w0rker")
    names = rf"^{settings.plan.prefix}\."
    private_rabbitmq.ctl("set_permissions", settings.plan.prefix, "^$", names, names)
    broker = open_broker(replace(settings, user=settings.plan.prefix, password=Secret("w0rker")))

    broker.publish("deliver", messages("a", "b"))
    first, second = take(broker)
    broker.retry_later(first, delay=timedelta(seconds=0.2))
    broker.park(second, reason="later")
    assert ids(broker.parked()) == ["b"]
    assert broker.replay(["b"]) == 1
    found = ids(take(broker)) + ids(take(broker))

    assert sorted(found) == ["a", "b"]
    assert broker.depth("deliver") == 0


def test_a_user_without_rights_is_told_so(settings, private_rabbitmq, open_broker):
    declare(settings)
    private_rabbitmq.ctl("add_user", f"{settings.plan.prefix}-none", "w0rker")
    private_rabbitmq.ctl("set_permissions", f"{settings.plan.prefix}-none", "^$", "^$", "^$")
    none = replace(settings, user=f"{settings.plan.prefix}-none", password=Secret("w0rker"))

    with pytest.raises(BrokerError, match=r"no permission"):
        open_broker(none).publish("deliver", messages("a"))
    with pytest.raises(BrokerError, match=r"no permission"):
        take(open_broker(none))


# Alarms


def test_an_alarm_stops_publishing_in_words_and_lets_work_be_finished(
    settings, private_rabbitmq, open_broker
):
    declare(settings)
    broker = open_broker(replace(settings, blocked_timeout=timedelta(seconds=1)))
    broker.publish("deliver", messages("a", "b"))
    lent = take(broker)
    private_rabbitmq.ctl("set_vm_memory_high_watermark", "0.00001")
    try:
        with pytest.raises(BrokerUnavailable, match=r"memory or disk alarm"):
            broker.publish("deliver", messages("c"))
        broker.ack(lent[:1])
        with pytest.raises(BrokerUnavailable):
            broker.park(lent[1], reason="not now")
    finally:
        private_rabbitmq.ctl("set_vm_memory_high_watermark", "0.6")

    until(lambda: published(broker, "d"))
    broker.ack(lent[1:])
    assert set(ids(take(broker))) >= {"d"}


def test_a_delayed_message_is_lent_when_due_though_an_alarm_lets_nothing_go_round(
    settings, private_rabbitmq, open_broker
):
    declare(settings)
    broker = open_broker(replace(settings, blocked_timeout=timedelta(seconds=1)))
    broker.publish("deliver", messages("a"))
    broker.retry_later(take(broker)[0], delay=timedelta(seconds=4))
    private_rabbitmq.ctl("set_vm_memory_high_watermark", "0.00001")
    try:
        (again,) = until(lambda: take(broker, wait=timedelta(seconds=0.5)))
    finally:
        private_rabbitmq.ctl("set_vm_memory_high_watermark", "0.6")

    # A copy may have gone round after all: hints may double, they may not be lost or counted.
    assert (again.message.id, again.attempt) == ("a", 2)
    broker.ack([again])


def published(broker, id_):
    try:
        broker.publish("deliver", messages(id_))
    except BrokerUnavailable:
        return False
    return True


# The server dies


def test_nothing_confirmed_is_lost_when_the_server_is_killed(settings, open_broker, tmp_path):
    server = PrivateRabbit(folder=tmp_path / "server")
    server.start()
    try:
        here = replace(settings, urls=(server.url,), connect_patience=timedelta(seconds=40))
        declare(here)
        broker = open_broker(here)
        confirmed, failed, left = [], 0, 20

        def kill_and_start():
            time.sleep(0.5)
            server.kill()
            server.start()

        killer = threading.Thread(target=kill_and_start)
        killer.start()
        for number in itertools.count():
            batch = [f"{number}.{part}" for part in range(20)]
            try:
                broker.publish("deliver", messages(*batch))
                confirmed += batch
            except BrokerUnavailable:
                failed += 1
            left -= not killer.is_alive()
            if not left:
                break
        killer.join()

        found = set()
        while delivered := take(broker, limit=500, wait=timedelta(seconds=2)):
            found |= set(ids(delivered))
            broker.ack(delivered)
        broker.close()
    finally:
        server.stop()

    assert failed >= 1
    assert len(confirmed) >= 400
    assert set(confirmed) - found == set()


# Poison


def test_a_message_that_kills_its_worker_is_parked_after_the_delivery_limit(
    settings, broker, open_broker
):
    broker.publish("deliver", messages("poison"))
    attempts = []
    for _ in range(3):
        worker = open_broker(settings)
        (delivery,) = take(worker)
        attempts.append(delivery.attempt)
        worker.close()

    (parked,) = until(broker.parked)

    assert attempts == [1, 2, 3]
    assert parked.message == Message(id="poison", body=b"work")
    assert (parked.queue, parked.reason) == ("deliver", "delivery limit")
    assert take(broker, wait=timedelta(0)) == []
    assert broker.replay(["poison"]) == 1
    assert ids(take(broker)) == ["poison"]


def test_looking_at_what_is_parked_never_throws_it_out(broker):
    broker.publish("deliver", messages("a"))
    broker.park(take(broker)[0], reason="kept")

    for _ in range(30):
        assert ids(broker.parked()) == ["a"]


def test_a_message_somebody_published_by_hand_is_lent_like_any_other(settings, broker):
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        connection.channel().basic_publish(settings.plan.work_exchange, "deliver", b"by hand")

    (delivery,) = take(broker)

    assert (delivery.message.id, delivery.message.body) == ("", b"by hand")
    broker.ack([delivery])


# Delays and speed


def test_a_delay_longer_than_every_tier_goes_round_until_it_is_due(broker):
    broker.publish("deliver", messages("a"))
    (first,) = take(broker)
    started = time.monotonic()
    broker.retry_later(first, delay=timedelta(seconds=2.5))

    (second,) = take(broker)

    assert time.monotonic() - started >= 2.4
    assert second.attempt == 2
    assert second.first_seen_at == first.first_seen_at
    broker.ack([second])


def test_a_lease_is_ended_by_the_instance_that_lent(settings, broker, open_broker):
    broker.publish("deliver", messages("a"))
    take(broker, lease=timedelta(seconds=0.3))

    (again,) = take(open_broker(settings))

    assert (again.message.id, again.attempt) == ("a", 2)


def test_twenty_thousand_messages_go_through(broker, capsys):
    expected = [f"m{number:05}" for number in range(20_000)]
    started = time.perf_counter()
    broker.publish("deliver", messages(*expected))
    published = time.perf_counter()
    received = []
    while batch := take(broker, limit=500, wait=timedelta(0)):
        received += ids(batch)
        broker.ack(batch)
    ended = time.perf_counter()

    with capsys.disabled():
        print(  # noqa: T201 - a figure to read, not to assert
            f"\nRabbitMQ: {20_000 / (published - started):,.0f} published/s, "
            f"{20_000 / (ended - published):,.0f} received and acknowledged/s"
        )
    assert received == expected
