from __future__ import annotations

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from lienthong.testing.machine import ServerFailed, descendants, running
from lienthong.testing.postgresql import PrivatePostgres, find_programs


@pytest.fixture
def server():
    """Give a server of this test's own, because it is killed."""
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    made = PrivatePostgres()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def connect():
    """Open engines on addresses; closed at the end."""
    opened = []

    def once(url):
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        opened.append(engine)
        return engine

    yield once
    for engine in opened:
        engine.dispose()


def test_what_was_committed_is_there_after_a_kill(server, connect):
    server.start()
    url = server.create_database("ho_so")
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n integer)"))
        connection.execute(text("INSERT INTO t VALUES (7)"))
    processes = descendants(server._process.pid)
    server.kill()
    assert processes
    assert not running(processes)
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    server.start()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT n FROM t")).scalar_one() == 7


def test_a_commit_waits_for_the_disk(server, connect):
    server.start()
    with connect(server.url).connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(text(f"SHOW {setting}")).scalar_one() == "on"


def test_a_database_of_that_name_is_replaced(postgresql, connect):
    url = postgresql.create_database("same_name")
    with connect(url).begin() as connection:
        connection.execute(text("CREATE TABLE t (n integer)"))
    again = postgresql.create_database("same_name")
    assert again == url
    with connect(again).connect() as connection:
        assert connection.execute(text("SELECT to_regclass('t')")).scalar_one() is None


def test_a_name_with_a_quote_is_no_database(postgresql):
    with pytest.raises(ValueError, match="not a plain name"):
        postgresql.create_database('a"; DROP')


def test_a_wrong_setting_fails_with_the_servers_words():
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres(extra=("no_such_setting = 1",))
    try:
        with pytest.raises(ServerFailed, match="no_such_setting"):
            server.start()
    finally:
        server.stop()


def test_a_stopped_server_leaves_nothing(connect):
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres()
    server.start()
    processes = [server._process.pid, *descendants(server._process.pid)]
    server.stop()
    assert not running(processes)
    assert not server.data.exists()
