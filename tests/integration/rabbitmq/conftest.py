from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.rabbitmq import Plan, RabbitBroker, RabbitSettings, declare
from lienthong.store.database import open_postgresql, open_sqlite, open_store
from lienthong.testing.proxy import Proxy

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def make_settings(rabbitmq):
    """Make settings with names of their own, so that those who use them do not meet."""
    return lambda: RabbitSettings(
        urls=(rabbitmq.url,),
        plan=Plan(
            prefix=f"t{next(NUMBERS)}",
            queues=("deliver",),
            tiers=(timedelta(milliseconds=200), timedelta(seconds=1)),
            delivery_limit=2,
        ),
        connect_patience=timedelta(seconds=1),
        tick=timedelta(milliseconds=50),
    )


@pytest.fixture
def settings(make_settings):
    """Give settings of the test's own."""
    return make_settings()


@pytest.fixture
def open_broker():
    """Open brokers on settings; closed at the end."""
    opened = []

    def once(settings):
        broker = RabbitBroker(settings, clock=lambda: datetime.now(UTC))
        opened.append(broker)
        return broker

    yield once
    for broker in opened:
        broker.close()


@pytest.fixture
def broker(settings, open_broker):
    declare(settings)
    return open_broker(settings)


@pytest.fixture
def proxy(rabbitmq):
    with Proxy(rabbitmq.port, host=rabbitmq.host) as made:
        yield made


@pytest.fixture
def proxied(settings, proxy):
    """Give the same settings with the way through the proxy."""
    return replace(settings, urls=(f"amqp://127.0.0.1:{proxy.port}/%2F",))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """Give an empty store of either kind."""
    if request.param == "sqlite":
        engine = open_sqlite(tmp_path / "store.sqlite")
    else:
        engine = open_postgresql(request.getfixturevalue("make_database")(tables=True))
    made = open_store(engine, key_file=tmp_path / "store.keys", now=datetime.now(UTC))
    yield made
    made.dispose()
