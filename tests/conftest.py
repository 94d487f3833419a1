from __future__ import annotations

import gc
import os
import shutil
from uuid import uuid4

import pytest
import structlog
from hypothesis import settings

from lienthong.store.database import make_tables, open_postgresql
from lienthong.testing import mariadb as mariadb_server
from lienthong.testing import postgresql as postgresql_server
from lienthong.testing import rabbitmq as rabbitmq_server
from lienthong.testing import softhsm as softhsm_tokens
from lienthong.testing.reused import ReusedDatabases

# The same examples in every run: a failure belongs to the change that is being tested. A longer
# search is asked for by name.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
# Garbage is looked for less often than Python does.
gc.set_threshold(5_000, 10, 10)


LONG = (
    "tests/e2e/test_console.py",
    "tests/e2e/test_bench.py",
    "tests/e2e/test_beginning.py",
    "tests/e2e/test_reconcile_commands.py",
    "tests/e2e/test_kill.py",
    "tests/integration/show/test_pauses.py",
    "tests/integration/show/test_commit_then_drop.py",
    "tests/integration/servers/test_rabbitmq.py",
)
"""Files that take a minute or more: begun last, they are waited for by processes without work."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the long files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Look for no garbage among modules and tests, which stay: it took a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """
    Collect no garbage where recursion is at its limit.

    What finalizes an object fails there, and a socket of an earlier test that it would have closed
    stays open, in whoever's test that is noticed.
    """
    if "deep" not in item.name:
        return (yield)
    gc.collect()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(autouse=True)
def _own_logs(monkeypatch):
    """Keep a command that a test runs in this process from fixing where later tests' logs go."""
    configure = structlog.configure
    monkeypatch.setattr(
        structlog,
        "configure",
        lambda **wanted: configure(**wanted | {"cache_logger_on_first_use": False}),
    )
    yield
    structlog.reset_defaults()


def _need(*, is_there, name):
    """Skip on a laptop what cannot be had there; fail where servers are required."""
    if is_there:
        return
    message = f"{name} is not installed; run: scripts/install-system.sh tests"
    if os.environ.get("CI") or os.environ.get("LIENTHONG_REQUIRE_SERVERS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def need():
    """Skip, or fail where servers are required, what needs a program that is not there."""
    return _need


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory):
    """Give a RabbitMQ server of the tests' own, or the one whose address was given."""
    given = os.environ.get("LIENTHONG_TEST_RABBITMQ_URL")
    if given:
        yield rabbitmq_server.GivenRabbit(url=given)
        return
    _need(is_there=rabbitmq_server.is_installed(), name="RabbitMQ")
    server = rabbitmq_server.PrivateRabbit(folder=tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def private_rabbitmq(rabbitmq):
    """Give the same server to a test that kills or changes it; skip where it is somebody else's."""
    if not isinstance(rabbitmq, rabbitmq_server.PrivateRabbit):
        pytest.skip("changes the server, which is somebody else's")
    return rabbitmq


@pytest.fixture(scope="session")
def rabbitmq_cluster(tmp_path_factory):
    """Give three RabbitMQ servers that are one cluster; whole again at the end of every test."""
    _need(is_there=rabbitmq_server.is_installed(), name="RabbitMQ")
    cluster = rabbitmq_server.PrivateCluster(folder=tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def postgresql():
    """Give a PostgreSQL server of the tests' own, or the one whose address was given."""
    given = os.environ.get("LIENTHONG_TEST_POSTGRESQL_URL")
    if given:
        yield postgresql_server.GivenPostgres(url=given)
        return
    _need(is_there=postgresql_server.is_installed(), name="PostgreSQL")
    server = postgresql_server.PrivatePostgres(extra=postgresql_server.NO_POWER_CUT)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _store_to_copy(postgresql):
    """Make the tables of the store once; to copy them takes a tenth of the time."""
    name = f"tables_{uuid4().hex}"
    engine = open_postgresql(postgresql.create_database(name))
    make_tables(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def _stores(postgresql, _store_to_copy):
    """Give databases with the tables of the store, which are emptied and used again."""
    stores = ReusedDatabases(postgresql, _store_to_copy)
    yield stores
    stores.close()


@pytest.fixture
def make_database(postgresql, request):
    """Give what makes databases of the test's own, empty or with the tables of the store."""
    made = []
    taken = []

    def make(*, tables=False):
        if tables:
            taken.append(request.getfixturevalue("_stores").take())
            return taken[-1]
        made.append(f"t{uuid4().hex}")
        return postgresql.create_database(made[-1])

    yield make
    for url in taken:
        request.getfixturevalue("_stores").give_back(url)
    for name in made:
        postgresql.remove_database(name)


@pytest.fixture
def private_postgresql(postgresql):
    """Give the same server to a test that kills it; skip where it is somebody else's."""
    if not isinstance(postgresql, postgresql_server.PrivatePostgres):
        pytest.skip("kills the server, which is somebody else's")
    return postgresql


@pytest.fixture(scope="session")
def mariadb():
    """Give a MariaDB server of the tests' own."""
    _need(is_there=mariadb_server.is_installed(), name="MariaDB")
    server = mariadb_server.PrivateMariadb()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """Give tokens of the tests' own, which this process and its children find."""
    _need(is_there=softhsm_tokens.is_installed(), name="SoftHSM")
    hsm = softhsm_tokens.PrivateSoftHsm(folder=tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hsm.environment.items():
            patch.setenv(name, value)
        yield hsm


@pytest.fixture(scope="session")
def promtool():
    """Give Prometheus's own checker of rules and metrics."""
    found = shutil.which("promtool")
    _need(is_there=found is not None, name="promtool")
    return found
