"""The parts of the RabbitMQ broker that need no server."""

from __future__ import annotations

import ssl
import struct
from datetime import UTC, datetime, timedelta

import pika
import pytest
from pika import exceptions as pika_errors
from pika.adapters.utils import connection_workflow as workflow

from broker.port import BrokerError, BrokerUnavailable, Message
from broker.rabbitmq import Plan, RabbitSettings, Secret, definitions, make_topology
from broker.rabbitmq.envelope import Envelope, envelope_of, properties_of
from broker.rabbitmq.errors import translated
from broker.rabbitmq.reading import AnyProperties
from broker.rabbitmq.settings import connection_parameters

NOW = datetime(2026, 3, 2, 1, 30, 0, 123456, tzinfo=UTC)
LATER = datetime(2026, 3, 3, tzinfo=UTC)

# Addresses


def test_an_address_says_host_port_and_virtual_host():
    (found,) = connection_parameters(RabbitSettings(urls=("amqp://rabbit-1:5673/li%C3%AAn%2Fx",)))

    assert (found.host, found.port, found.virtual_host) == ("rabbit-1", 5673, "liên/x")
    assert found.ssl_options is None


@pytest.mark.parametrize(
    ("url", "port", "vhost"),
    [
        ("amqp://rabbit-1", 5672, "/"),
        ("amqp://rabbit-1/", 5672, "/"),
        ("amqps://rabbit-1/lienthong", 5671, "lienthong"),
        ("amqp://[::1]:5673/a", 5673, "a"),
    ],
)
def test_what_an_address_leaves_out_has_the_usual_value(url, port, vhost):
    (found,) = connection_parameters(RabbitSettings(urls=(url,)))

    assert (found.port, found.virtual_host) == (port, vhost)


@pytest.mark.parametrize(
    "url",
    ["", "rabbit-1:5672", "http://rabbit-1/", "amqp://", "amqp://rabbit-1:port/", "amqp:///x"],
)
def test_what_is_no_address_is_told_in_both_languages(url):
    with pytest.raises(BrokerError, match=r"expected amqp://host:port/vhost") as caught:
        connection_parameters(RabbitSettings(urls=(url,)))

    assert "cần dạng amqp://" in caught.value.vi


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(BrokerError, match=r"must not carry a user or a password") as caught:
        connection_parameters(RabbitSettings(urls=("amqp://me:t0p-s3cret@rabbit-1/",)))

    assert "t0p-s3cret" not in caught.value.en + caught.value.vi


def test_no_address_is_told():
    with pytest.raises(BrokerError, match=r"no address of RabbitMQ"):
        connection_parameters(RabbitSettings(urls=()))


def test_a_secret_does_not_show_itself():
    settings = RabbitSettings(urls=(), password=Secret("t0p-s3cret"))

    assert "t0p-s3cret" not in f"{settings} {settings!r} {settings.password}"


# Headers


def test_everything_comes_back_from_the_wire():
    envelope = Envelope(
        message=Message(id="hồ sơ/1", body=b"\x00", headers={"lý do": "é", "k" * 300: ""}),
        queue="deliver",
        first_seen_at=NOW,
        due_at=LATER,
        attempt=3,
        reason="",
        parked_at=LATER,
    )

    found = envelope_of(properties_of(envelope), b"\x00", queue="", now=NOW)

    assert found == envelope
    assert properties_of(envelope).delivery_mode == 2


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"lt-headers": "{", "lt-attempt": "x", "lt-due": "soon", "lt-first-seen": None},
        {"lt-headers": "[1]", "x-delivery-count": "many", "x-death": None},
    ],
)
def test_headers_that_are_not_ours_stop_nothing(headers):
    properties = pika.BasicProperties(message_id="m", headers=headers)

    assert envelope_of(properties, b"b", queue="deliver", now=NOW) == Envelope(
        message=Message(id="m", body=b"b"),
        queue="deliver",
        first_seen_at=NOW,
        due_at=NOW,
        attempt=0,
    )


def test_a_message_over_the_delivery_limit_says_so_and_where_it_was_and_counts_no_looks():
    death = {
        "reason": "delivery_limit",
        "queue": "lienthong.work.deliver",
        "time": datetime(2026, 3, 3),  # noqa: DTZ001 - as pika gives it
        "routing-keys": ["deliver"],
    }
    properties = pika.BasicProperties(headers={"x-death": [death], "x-delivery-count": 3})

    found = envelope_of(properties, b"", queue="", now=NOW)

    assert (found.reason, found.queue, found.parked_at, found.attempt) == (
        "delivery limit",
        "deliver",
        LATER,
        0,
    )


# Topology


@pytest.mark.parametrize(
    ("seconds", "tier"),
    [(0.2, 1), (1, 1), (4.9, 1), (5, 5), (29, 5), (30, 30), (119, 30), (599, 120), (9_999, 600)],
)
def test_a_delay_begins_with_the_longest_tier_within_it(seconds, tier):
    assert Plan().tier(timedelta(seconds=seconds)) == timedelta(seconds=tier)


def test_the_arguments_of_every_kind_of_queue():
    queues = {queue.name: queue.arguments for queue in make_topology(Plan()).queues}

    assert len(queues) == 19
    assert queues["lienthong.parked"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000_000,
    }
    assert queues["lienthong.work.deliver"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "lienthong.parking",
        "x-dead-letter-routing-key": "parked",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    assert queues["lienthong.delay.deliver.5000ms"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "lienthong.work",
        "x-dead-letter-routing-key": "deliver",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-message-ttl": 5_000,
    }


def test_every_queue_is_bound_and_every_dead_letter_arrives_somewhere():
    topology = make_topology(Plan())
    bound = {(binding.exchange, binding.key): binding.queue for binding in topology.bindings}
    exchanges = {exchange.name for exchange in topology.exchanges}

    assert {queue.name for queue in topology.queues} == set(bound.values())
    assert {exchange for exchange, _ in bound} == exchanges
    for queue in topology.queues:
        if "x-dead-letter-exchange" in queue.arguments:
            target = (
                queue.arguments["x-dead-letter-exchange"],
                queue.arguments["x-dead-letter-routing-key"],
            )
            assert target in bound


def test_definitions_name_the_virtual_host_everywhere():
    found = definitions(make_topology(Plan()), vhost="lienthong")

    assert [len(found[kind]) for kind in ("exchanges", "queues", "bindings")] == [3, 19, 19]
    assert {item["vhost"] for items in found.values() for item in items} == {"lienthong"}


# Words for what goes wrong


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (pika_errors.ProbableAuthenticationError("x"), BrokerError, "user or the password"),
        (pika_errors.ProbableAccessDeniedError("x"), BrokerError, "virtual host"),
        (pika_errors.ConnectionClosedByBroker(530, "NOT_ALLOWED"), BrokerError, "virtual host"),
        (pika_errors.ConnectionClosedByBroker(320, "FORCED"), BrokerUnavailable, "be reached"),
        (pika_errors.ConnectionBlockedTimeout("x"), BrokerUnavailable, "alarm is on"),
        (pika_errors.AMQPHeartbeatTimeout("x"), BrokerUnavailable, "be reached"),
        (pika_errors.StreamLostError("x"), BrokerUnavailable, "be reached"),
        (pika_errors.ChannelClosedByBroker(404, "NOT_FOUND"), BrokerError, "topology apply"),
        (pika_errors.ChannelClosedByBroker(406, "PRECONDITION"), BrokerError, "other arguments"),
        (pika_errors.ChannelClosedByBroker(403, "REFUSED"), BrokerError, "no permission"),
        (pika_errors.ChannelClosedByBroker(541, "INTERNAL"), BrokerError, "reports an error"),
        (ssl.SSLError(1, "bad certificate"), BrokerError, "TLS connection"),
        (ConnectionRefusedError(111, "refused"), BrokerUnavailable, "be reached"),
        (workflow.AMQPConnectorStackTimeout("x"), BrokerUnavailable, "be reached"),
    ],
)
def test_what_the_library_says_becomes_the_ports_error_with_a_remedy(error, kind, words):
    found = translated(error)

    assert type(found) is kind
    assert words in found.en
    assert found.vi != found.en
    assert found.__cause__ is error


def test_of_several_addresses_the_trouble_somebody_must_mend_is_told():
    refused = workflow.AMQPConnectorSocketConnectError(ConnectionRefusedError(111, "refused"))
    login = workflow.AMQPConnectorAMQPHandshakeError(pika_errors.ProbableAuthenticationError("x"))

    found = translated(workflow.AMQPConnectionWorkflowFailed([login, refused]))

    assert "user or the password" in found.en


def test_headers_the_library_cannot_read_leave_everything_else_readable():
    far = struct.pack(">cQ", b"T", 1_700_000_000_000)
    table = b"\x02at" + far
    good = pika.BasicProperties(content_type="text/csv", content_encoding="x", message_id="m7")
    good.headers = {"a": "b"}
    encoded = b"".join(good.encode())
    plain = b"\x01aS\x00\x00\x00\x01b"
    broken = encoded.replace(
        struct.pack(">I", len(plain)) + plain, struct.pack(">I", len(table)) + table
    )

    assert broken != encoded
    with pytest.raises((ValueError, OverflowError, OSError)):
        pika.BasicProperties().decode(broken)
    found = AnyProperties().decode(broken)

    assert (found.content_type, found.content_encoding, found.message_id) == ("text/csv", "x", "m7")
    assert found.headers == {"lt-unreadable": True}
    assert AnyProperties().decode(encoded).headers == {"a": "b"}
