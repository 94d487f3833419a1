"""What an agency's user may do on the server, and everything it may not."""

from __future__ import annotations

import json
from dataclasses import replace

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, UnroutableError

from broker.port import Result
from broker.rabbitmq import (
    RabbitOutbox,
    Secret,
    declare,
    make_permissions,
    permission_definitions,
)
from broker.rabbitmq.settings import connection_parameters
from broker.rabbitmq.topology import RECORDS

MINE, OTHER = "land-registration", "health-department"


@pytest.fixture(scope="module")
def here(make_settings):
    """Give settings with two agencies, declared; what is refused changes nothing."""
    settings = make_settings()
    made = replace(settings, plan=replace(settings.plan, agencies=(MINE, OTHER)))
    declare(made)
    return made


@pytest.fixture(scope="module")
def users(here, rabbitmq, tmp_path_factory):
    """Make the users of the plan with the printed permissions."""
    permissions = make_permissions(here.plan)
    rabbitmq.make_users([permission.user for permission in permissions], "w0rd")
    path = tmp_path_factory.mktemp("users") / "permissions.json"
    path.write_text(json.dumps(permission_definitions(permissions, vhost="/")))
    rabbitmq.ctl("import_definitions", str(path))


@pytest.fixture
def log_in(here, users):
    """Connect as one of the users."""
    opened = []

    def once(name):
        mine = replace(here, user=f"{here.plan.prefix}-{name}", password=Secret("w0rd"))
        opened.append(pika.BlockingConnection(connection_parameters(mine)))
        return opened[-1]

    yield once
    for connection in opened:
        connection.close()


def refused(connection, act):
    channel = connection.channel()
    channel.confirm_delivery()
    with pytest.raises(ChannelClosedByBroker) as caught:
        act(channel)
    assert caught.value.reply_code == 403, caught.value.reply_text


def test_an_agency_publishes_to_its_exchange_and_reads_its_results(here, log_in):
    with RabbitOutbox(here) as outbox:
        assert outbox.publish([Result(id="r1", agency=MINE, kind="received", body=b"{}")]) == {}
    channel = log_in(MINE).channel()
    channel.confirm_delivery()

    channel.basic_publish(here.plan.inbound(MINE), RECORDS, b"a,b", mandatory=True)
    method, properties, body = channel.basic_get(here.plan.results_queue(MINE))
    channel.basic_ack(method.delivery_tag)

    assert (properties.message_id, properties.type, body) == ("r1", "received", b"{}")
    with pytest.raises(UnroutableError):
        channel.basic_publish(here.plan.inbound(MINE), "other key", b"a,b", mandatory=True)


@pytest.mark.parametrize(
    "exchange",
    [
        "{p}.in.health-department",
        "",
        "{p}.work",
        "{p}.delay",
        "{p}.parking",
        "{p}.results",
        "amq.direct",
        "amq.topic",
    ],
)
def test_an_agency_publishes_to_nothing_else(here, log_in, exchange):
    name = exchange.format(p=here.plan.prefix)
    key = here.plan.work_queue("deliver") if not name else RECORDS

    def publish(channel):
        channel.basic_publish(name, key, b"forged", mandatory=True)

    refused(log_in(MINE), publish)


@pytest.mark.parametrize(
    "queue",
    [
        "{p}.in.land-registration",
        "{p}.in.health-department",
        "{p}.results.health-department",
        "{p}.work.deliver",
        "{p}.delay.deliver.200ms",
        "{p}.parked",
    ],
)
def test_an_agency_reads_and_empties_nothing_else(here, log_in, queue):
    name = queue.format(p=here.plan.prefix)
    connection = log_in(MINE)

    refused(connection, lambda channel: channel.basic_get(name))
    refused(connection, lambda channel: channel.basic_consume(name, print))
    refused(connection, lambda channel: channel.queue_purge(name))


def test_an_agency_makes_binds_and_deletes_nothing(here, log_in):
    plan, connection = here.plan, log_in(MINE)
    mine, results = plan.inbound(MINE), plan.results_queue(MINE)

    for name in ("fresh", f"{plan.prefix}.fresh", results + "x"):
        refused(connection, lambda c, name=name: c.queue_declare(name, durable=True))
        refused(connection, lambda c, name=name: c.exchange_declare(name))
    refused(connection, lambda c: c.queue_declare(""))
    for queue in (mine, results):
        refused(connection, lambda c, queue=queue: c.queue_delete(queue))
        refused(connection, lambda c, queue=queue: c.queue_bind(queue, plan.work_exchange, "x"))
        refused(connection, lambda c, queue=queue: c.queue_bind(queue, mine, "x"))
        refused(connection, lambda c, queue=queue: c.queue_unbind(queue, mine, RECORDS))
    refused(connection, lambda c: c.exchange_delete(mine))
    refused(connection, lambda c: c.exchange_bind(mine, plan.results_exchange, "x"))
    refused(connection, lambda c: c.exchange_bind(plan.results_exchange, mine, "x"))


def test_of_others_an_agency_learns_no_more_than_how_long_their_queues_are(here, log_in):
    # RabbitMQ asks for no permission here; docs/rabbitmq.md says so.
    channel = log_in(MINE).channel()

    told = channel.queue_declare(here.plan.inbound(OTHER), passive=True)

    assert told.method.message_count == 0


def test_a_worker_cannot_send_in_an_agencys_name(here, log_in):
    refused(
        log_in("worker"),
        lambda c: c.basic_publish(here.plan.inbound(MINE), RECORDS, b"forged", mandatory=True),
    )


def test_a_name_is_quoted_where_it_means_something_in_a_pattern(here):
    plan = replace(here.plan, prefix="a.b", agencies=("c+d",))

    (*_, agency) = make_permissions(plan)

    assert (agency.configure, agency.write, agency.read) == (
        "^$",
        r"^a\.b\.in\.c\+d$",
        r"^a\.b\.results\.c\+d$",
    )
