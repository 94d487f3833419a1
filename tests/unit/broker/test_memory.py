from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

from broker.memory import MemoryBroker, MemoryExchange
from broker.port import Message

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def test_brokers_without_a_shared_exchange_do_not_meet():
    one, other = MemoryBroker(clock=lambda: START), MemoryBroker(clock=lambda: START)

    one.publish("deliver", [Message(id="a", body=b"")])

    assert (one.depth("deliver"), other.depth("deliver")) == (1, 0)


def test_consumers_in_threads_share_without_loss_or_double():
    exchange = MemoryExchange()
    expected = sorted(f"{number:04}" for number in range(1_000))
    MemoryBroker(clock=lambda: START, exchange=exchange).publish(
        "deliver", [Message(id=id_, body=b"") for id_ in expected]
    )
    received: list[str] = []

    def consume() -> None:
        broker = MemoryBroker(clock=lambda: START, exchange=exchange)
        while batch := broker.receive(
            "deliver", limit=7, lease=timedelta(minutes=1), wait=timedelta(0)
        ):
            received.extend(delivery.message.id for delivery in batch)
            broker.ack(batch)

    threads = [Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(received) == expected
