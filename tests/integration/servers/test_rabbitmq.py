from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import urllib3

from broker.port import BrokerError, BrokerUnavailable, Message
from broker.rabbitmq import Plan, RabbitBroker, RabbitSettings, declare
from broker.rabbitmq.settings import Secret
from lienthong.testing.rabbitmq import PrivateRabbit, is_installed

LEASE = timedelta(minutes=1)
PATIENCE = timedelta(seconds=40)


@pytest.fixture
def server(tmp_path):
    """Give a server of this test's own, with everything it can have."""
    if not is_installed():
        pytest.skip("RabbitMQ is not installed")
    made = PrivateRabbit(folder=tmp_path / "server", with_management=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def broker_at(*urls, prefix="t", **changes):
    settings = RabbitSettings(urls=urls, plan=Plan(prefix=prefix, queues=("deliver",)), **changes)
    declare(settings)
    broker = RabbitBroker(settings, clock=lambda: datetime.now(UTC))
    try:
        yield broker
    finally:
        broker.close()


def message(id_):
    return Message(id=id_, body=b"x")


def taken(broker, *, wait=PATIENCE):
    found = []
    until = time.monotonic() + wait.total_seconds()
    while time.monotonic() < until:
        lent = broker.receive("deliver", limit=10, lease=LEASE, wait=timedelta(seconds=1))
        if not lent:
            break
        found += [delivery.message.id for delivery in lent]
        broker.ack(lent)
    return sorted(found)


def published(broker, id_):
    try:
        broker.publish("deliver", [message(id_)])
    except BrokerUnavailable:
        return False
    return True


def until_published(broker, id_):
    until = time.monotonic() + 60
    while not published(broker, id_):
        assert time.monotonic() < until, "nothing can be published"
        time.sleep(0.1)


def test_the_management_pages_are_there_and_a_user_may_do_what_was_said(server):
    overview = urllib3.request(
        "GET",
        server.management_url + "api/overview",
        headers=urllib3.make_headers(basic_auth="guest:guest"),
        timeout=10.0,
    )
    assert overview.json()["node"] == server.name

    url = server.make_vhost("so-tai-chinh")
    with broker_at(url) as broker:
        broker.publish("deliver", [message("a")])
    server.make_user("w0rker", "w0rd", vhost="so-tai-chinh", write="", read=r"^t\.")
    settings = RabbitSettings(
        urls=(url,),
        user="w0rker",
        password=Secret("w0rd"),
        plan=Plan(prefix="t", queues=("deliver",)),
    )
    reader = RabbitBroker(settings, clock=lambda: datetime.now(UTC))
    assert taken(reader) == ["a"]
    with pytest.raises(BrokerError, match="no permission"):
        reader.publish("deliver", [message("b")])
    reader.close()


def test_a_full_disk_takes_no_messages_until_there_is_room(server):
    with broker_at(server.url, blocked_timeout=timedelta(seconds=2)) as broker:
        broker.publish("deliver", [message("a")])
        server.raise_disk_alarm()
        assert not published(broker, "b")
        server.end_disk_alarm()
        until_published(broker, "c")
        assert set(taken(broker)) >= {"a", "c"}


def test_a_frozen_server_goes_on_where_it_was(server):
    with broker_at(
        server.url,
        answer_timeout=timedelta(seconds=2),
        connect_timeout=timedelta(seconds=1),
        connect_patience=timedelta(seconds=2),
    ) as broker:
        broker.publish("deliver", [message("a")])
        server.freeze()
        assert not published(broker, "b")
        server.thaw()
        until_published(broker, "c")
        assert set(taken(broker)) >= {"a", "c"}


@pytest.fixture
def across(rabbitmq_cluster):
    """Give a broker on all three nodes, its connections on the third."""
    *others, last = rabbitmq_cluster.urls
    with broker_at(
        last, *others, prefix="across", connect_patience=PATIENCE, answer_timeout=PATIENCE
    ) as broker:
        yield broker


def test_a_cluster_that_loses_one_node_goes_on_without_a_loss(rabbitmq_cluster, across):
    across.publish("deliver", [message("before")])
    rabbitmq_cluster.nodes[2].kill()
    # At once, while the queue has no leader: what is refused now must be taken soon.
    published(across, "refused, perhaps")
    published(across, "refused, perhaps")
    until_published(across, "without")
    rabbitmq_cluster.nodes[2].start()
    rabbitmq_cluster.wait_whole()
    until_published(across, "after")
    assert set(taken(across)) >= {"before", "without", "after"}


def test_nothing_confirmed_on_either_side_of_a_partition_is_lost(rabbitmq_cluster, across):
    alone = rabbitmq_cluster.nodes[2]
    across.publish("deliver", [message("before")])
    rabbitmq_cluster.isolate(alone)
    majority = rabbitmq_cluster.nodes[0]
    until = time.monotonic() + 30
    while alone.name in majority.running_nodes():
        assert time.monotonic() < until
    until_published(across, "during")
    rabbitmq_cluster.rejoin(alone)
    until_published(across, "after")
    assert set(taken(across)) >= {"before", "during", "after"}
