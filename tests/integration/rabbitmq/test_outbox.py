"""Results on their way to the agencies: durable for each, and one agency's trouble its own."""

from __future__ import annotations

import time
from dataclasses import replace

import pika
import pytest

from broker.port import BrokerError, BrokerUnavailable, Result
from broker.rabbitmq import RabbitOutbox, declare
from broker.rabbitmq.settings import connection_parameters

A, B = "land-registration", "health-department"


@pytest.fixture
def here(settings):
    made = replace(settings, plan=replace(settings.plan, agencies=(A, B)))
    declare(made)
    return made


@pytest.fixture
def open_outbox():
    opened = []

    def once(settings):
        opened.append(RabbitOutbox(settings))
        return opened[-1]

    yield once
    for outbox in opened:
        outbox.close()


def results(agency, *ids):
    return [Result(id=i, agency=agency, kind="received", body=b"{}", about="m1") for i in ids]


def read(settings, agency):
    found = []
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        channel = connection.channel()
        while True:
            method, properties, body = channel.basic_get(
                settings.plan.results_queue(agency), auto_ack=True
            )
            if method is None:
                return found
            found.append((properties, body))


def read_ids(settings, agency):
    return [properties.message_id for properties, _ in read(settings, agency)]


def test_a_result_says_what_it_is_and_what_it_is_about(here, open_outbox):
    assert open_outbox(here).publish(results(A, "r1")) == {}

    ((properties, body),) = read(here, A)

    assert (properties.message_id, properties.type, body) == ("r1", "received", b"{}")
    assert (properties.correlation_id, properties.content_type) == ("m1", "application/json")
    assert properties.delivery_mode == 2


def test_a_missing_results_queue_stops_nobody_elses_results(here, open_outbox):
    with pika.BlockingConnection(connection_parameters(here)) as connection:
        connection.channel().queue_delete(here.plan.results_queue(A))
    outbox = open_outbox(here)

    failed = outbox.publish([*results(A, "a1"), *results(B, "b1", "b2"), *results(A, "a2")])

    assert set(failed) == {A}
    assert "results queue" in failed[A].error.en
    assert "lienthong topology apply" in failed[A].error.vi
    assert read_ids(here, B) == ["b1", "b2"]
    declare(here)
    assert outbox.publish(results(A, "a1", "a2")) == {}
    assert read_ids(here, A) == ["a1", "a2"]


def test_a_full_results_queue_is_told_and_stops_nobody_elses_results(settings, open_outbox):
    plan = replace(settings.plan, agencies=(A, B), results_limit=5)
    here = replace(settings, plan=plan)
    declare(here)
    outbox = open_outbox(here)
    number, ends, failed = 0, time.monotonic() + 20, {}
    while not failed:
        assert time.monotonic() < ends
        failed = outbox.publish([*results(A, f"a{number}"), *results(B)])
        number += 1

    assert isinstance(failed[A].error, BrokerUnavailable)
    assert "takes no more" in failed[A].error.en
    assert outbox.publish(results(B, "b1")) == {}
    waiting = read_ids(here, A)
    assert waiting == [f"a{n}" for n in range(number - 1)]
    while failed:
        assert time.monotonic() < ends
        failed = outbox.publish(results(A, f"a{number - 1}"))
    assert read_ids(here, A) == [f"a{number - 1}"]


def test_what_a_queue_took_before_it_was_full_is_told_as_taken(settings, open_outbox):
    plan = replace(settings.plan, agencies=(A, B), results_limit=5)
    here = replace(settings, plan=plan)
    declare(here)
    outbox = open_outbox(here)
    ids = [f"a{n}" for n in range(2000)]

    failed = outbox.publish([*results(A, *ids), *results(B, "b1")])

    waiting = read_ids(here, A)
    assert 5 <= failed[A].taken < len(ids)
    assert waiting[: failed[A].taken] == ids[: failed[A].taken]
    assert set(failed) == {A}


def test_without_the_exchange_the_remedy_is_told(settings, open_outbox):
    with pytest.raises(BrokerError, match="lienthong topology apply"):
        open_outbox(settings).publish(results(A, "r1"))


def test_after_a_cut_nothing_is_promised_and_the_next_try_works(here, proxied, proxy, open_outbox):
    outbox = open_outbox(replace(proxied, plan=here.plan))
    outbox.publish(results(A, "first"))
    proxy.cut()

    failures = 0
    while True:
        try:
            assert outbox.publish(results(A, "second")) == {}
            break
        except BrokerUnavailable:
            failures += 1

    assert failures <= 2
    assert set(read_ids(here, A)) == {"first", "second"}
