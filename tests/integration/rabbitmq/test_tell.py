"""Results from the store to the agencies' queues: at least once, under one id, none forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pika
import pytest

from broker.port import BrokerUnavailable
from broker.rabbitmq import RabbitOutbox, declare
from broker.rabbitmq.settings import connection_parameters
from lienthong.flows.tell import Teller
from lienthong.store.database import reading
from lienthong.store.results import pending
from lienthong.store.work import begin

A, B = "land-registration", "health-department"


class Clock:
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.now


class Way:
    """A teller with its parts, and short words for what tests do with them."""

    def __init__(self, settings, store):
        self.settings = settings
        self.store = store
        self.clock = Clock()
        self.outbox = RabbitOutbox(settings)
        self.teller = Teller(
            outbox=self.outbox,
            agencies=settings.plan.agencies,
            store=store,
            clock=self.clock,
            patience=timedelta(seconds=30),
            steady=lambda: self.clock().timestamp(),
        )

    def write(self, agency, *kinds, key=None):
        with begin(self.store, at=self.clock) as work:
            for kind in kinds:
                work.tell(agency, kind, key=key, code="message.empty", vi="rỗng", en="empty")

    def read(self, agency):
        found = []
        with pika.BlockingConnection(connection_parameters(self.settings)) as connection:
            channel = connection.channel()
            while True:
                queue = self.settings.plan.results_queue(agency)
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return found
                found.append((properties, json.loads(body)))

    def left(self):
        with reading(self.store) as connection:
            return len(pending(connection, vault=self.store.vault, limit=10_000))


@pytest.fixture
def here(settings):
    made = replace(settings, plan=replace(settings.plan, agencies=(A, B)))
    declare(made)
    return made


@pytest.fixture
def way(here, store):
    made = Way(here, store)
    yield made
    made.outbox.close()


def test_a_result_arrives_with_what_it_is_about_and_is_published_once(way):
    way.write(A, "refused", key="2026-17")

    assert way.teller.step() == 1
    assert way.teller.step() == 0

    ((properties, body),) = way.read(A)
    assert (properties.message_id, properties.type) == (body["id"], "refused")
    assert properties.correlation_id == "2026-17"
    assert (body["agency"], body["kind"], body["key"]) == (A, "refused", "2026-17")
    (error,) = body["errors"]
    assert (error["code"], error["message"]) == ("message.empty", {"vi": "rỗng", "en": "empty"})


def test_results_keep_their_order_over_several_batches(way):
    kinds = [f"k{n}" for n in range(1_200)]
    way.write(A, *kinds)

    assert [way.teller.step() for _ in range(4)] == [500, 500, 200, 0]
    assert [body["kind"] for _, body in way.read(A)] == kinds


def test_a_missing_queue_holds_up_its_own_agency_only_and_is_tried_again_later(way):
    with pika.BlockingConnection(connection_parameters(way.settings)) as connection:
        connection.channel().queue_delete(way.settings.plan.results_queue(A))
    way.write(A, *["refused"] * 600)
    way.write(B, "refused")

    steps = [way.teller.step() for _ in range(3)]

    assert steps == [0, 1, 0]
    assert len(way.read(B)) == 1
    assert way.left() == 600
    declare(way.settings)
    assert way.teller.step() == 0
    way.clock.now += timedelta(seconds=31)
    assert [way.teller.step() for _ in range(3)] == [500, 100, 0]
    assert len(way.read(A)) == 600


def test_what_was_not_marked_as_published_goes_again_under_the_same_id(way, monkeypatch):
    way.write(A, "refused")

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lienthong.flows.tell.mark_published", die)
    with pytest.raises(KeyboardInterrupt):
        way.teller.step()
    monkeypatch.undo()

    assert way.teller.step() == 1
    assert len({properties.message_id for properties, _ in way.read(A)}) == 1


def test_without_a_broker_nothing_is_marked(way, store):
    way.write(A, "refused")
    nowhere = replace(way.settings, urls=("amqp://127.0.0.1:1/%2F",))
    with RabbitOutbox(nowhere) as outbox:
        teller = Teller(
            outbox=outbox,
            agencies=way.settings.plan.agencies,
            store=store,
            clock=way.clock,
            patience=timedelta(seconds=1),
        )
        with pytest.raises(BrokerUnavailable):
            teller.step()

    assert way.left() == 1
    assert way.teller.step() == 1


def test_a_key_too_long_for_amqp_stays_in_the_body(way):
    way.write(A, "refused", key="k" * 300)

    way.teller.step()

    ((properties, body),) = way.read(A)
    assert properties.correlation_id is None
    assert body["key"] == "k" * 300
