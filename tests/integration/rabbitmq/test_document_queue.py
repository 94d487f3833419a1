"""What a peer sent, in the results queue of its agency."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pika
import pytest

from broker.rabbitmq import RabbitOutbox, declare
from broker.rabbitmq.settings import connection_parameters
from lienthong.channels.port import HandedFile, Outcome, Packet, SendRequest
from lienthong.receivers.queue import QueueReceiver

LAND = "land-registration"
REQUEST = SendRequest(
    packet=Packet.INBOUND,
    message_id="01a2194a-0439-74a3-8213-7e08258ff847",
    dossier_code="H1",
    document="Nguyễn;1\r\n".encode(),
    is_updating=False,
    attempt=1,
    sent_at=datetime(2026, 3, 2, tzinfo=UTC),
    agency=LAND,
    file=HandedFile(name="hồ-sơ.csv", media_type="text/csv; charset=utf-8", service="ChungTuThue"),
)


@pytest.fixture
def here(settings):
    made = replace(settings, plan=replace(settings.plan, agencies=(LAND,)))
    declare(made)
    return made


@pytest.fixture
def receiver(here):
    with closing(QueueReceiver(lambda: RabbitOutbox(here))) as made:
        yield made


def read(settings):
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        channel = connection.channel()
        queue = settings.plan.results_queue(LAND)
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        return None if method is None else (properties, body)


def test_the_document_is_in_the_queue_with_all_that_is_known_of_it(here, receiver):
    assert receiver.hand_over(REQUEST).outcome is Outcome.DELIVERED

    properties, body = read(here)
    assert body == "Nguyễn;1\r\n".encode()
    assert (properties.type, properties.message_id) == ("document", REQUEST.message_id)
    assert properties.content_type == "text/csv; charset=utf-8"
    assert properties.headers["service"] == "ChungTuThue"
    assert properties.headers["file_name"] == "hồ-sơ.csv"
    assert properties.delivery_mode == 2


def test_a_queue_that_is_not_there_is_told_and_nothing_is_lost(here, receiver):
    with pika.BlockingConnection(connection_parameters(here)) as connection:
        connection.channel().queue_delete(here.plan.results_queue(LAND))

    answer = receiver.hand_over(REQUEST)

    assert answer.outcome is Outcome.NOT_SENT
    declare(here)
    assert receiver.hand_over(REQUEST).outcome is Outcome.DELIVERED


def test_a_broker_that_is_away_is_tried_again(here):
    nobody = replace(here, urls=("amqp://127.0.0.1:1/none",))
    with closing(QueueReceiver(lambda: RabbitOutbox(nobody))) as receiver:
        assert receiver.hand_over(REQUEST).outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT)
