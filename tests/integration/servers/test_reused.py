"""A database that is used again is the same as a new one, whatever was done in it."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from lienthong.testing.reused import USES, ReusedDatabases

TABLES = """
CREATE TABLE versions (number integer);
INSERT INTO versions VALUES (26);
CREATE TABLE parents (id serial PRIMARY KEY);
CREATE TABLE children (parent integer REFERENCES parents, note bytea);
INSERT INTO parents DEFAULT VALUES;
"""


@pytest.fixture
def databases(postgresql):
    name = f"like_{uuid4().hex}"
    with psycopg.connect(postgresql.create_database(name), autocommit=True) as connection:
        connection.execute(TABLES)
    found = ReusedDatabases(postgresql, name)
    yield found
    found.close()
    postgresql.remove_database(name)


def do(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            done = connection.execute(statement)
    return done


def rows(url, table):
    return do(url, f"TABLE {table}").fetchall()


def test_rows_and_numbers_are_what_they_were(databases):
    url = databases.take()
    do(
        url,
        "INSERT INTO parents DEFAULT VALUES",
        "INSERT INTO children SELECT id, 'a' FROM parents",
        "UPDATE versions SET number = 27",
        "DELETE FROM children",
        "DELETE FROM parents",
        "INSERT INTO parents VALUES (77)",
        "INSERT INTO children VALUES (77, 'b')",
        "ANALYZE",
        "VACUUM",
    )
    databases.give_back(url)

    again = databases.take()

    assert again == url
    assert (rows(url, "versions"), rows(url, "parents"), rows(url, "children")) == (
        [(26,)],
        [(1,)],
        [],
    )
    do(url, "INSERT INTO parents DEFAULT VALUES")
    assert rows(url, "parents") == [(1,), (2,)]
    databases.give_back(again)


def test_whoever_is_still_connected_loses_the_connection(databases):
    url = databases.take()
    with psycopg.connect(url) as left:
        left.execute("INSERT INTO parents VALUES (77)")
        databases.give_back(url)
        with pytest.raises(psycopg.OperationalError):
            left.execute("INSERT INTO parents VALUES (78)")

    again = databases.take()

    assert again == url
    assert rows(url, "parents") == [(1,)]
    databases.give_back(again)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE others ()",
        "DROP TABLE children",
        "ALTER TABLE versions ADD COLUMN more integer",
        "ALTER TABLE versions DROP COLUMN number",
        "CREATE INDEX ON versions (number)",
        "ALTER TABLE children DROP CONSTRAINT children_parent_fkey",
        "ALTER TABLE children DISABLE TRIGGER ALL",
        "GRANT SELECT ON versions TO PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "CREATE SCHEMA others",
        "CREATE VIEW others AS TABLE versions",
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER SEQUENCE parents_id_seq INCREMENT 7",
        "ALTER DATABASE {name} SET lock_timeout = 1",
        "REVOKE CONNECT ON DATABASE {name} FROM PUBLIC",
    ],
)
def test_what_is_more_than_rows_makes_it_another_database(databases, statement):
    url = databases.take()
    do(url, statement.format(name=url.rpartition("/")[2]))

    databases.give_back(url)

    again = databases.take()
    assert again != url
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        do(url, "SELECT 1")
    databases.give_back(again)


def test_two_at_once_are_two(databases):
    first, second = databases.take(), databases.take()

    assert first != second
    databases.give_back(first)
    databases.give_back(second)


def test_it_is_not_used_for_ever(databases):
    url = databases.take()
    for _ in range(USES - 1):
        databases.give_back(url)
        assert databases.take() == url

    databases.give_back(url)

    again = databases.take()
    assert again != url
    databases.give_back(again)


def test_a_killed_server_costs_the_database_only(databases, private_postgresql):
    url = databases.take()
    private_postgresql.kill()
    private_postgresql.start()
    databases.give_back(url)

    again = databases.take()

    assert rows(again, "parents") == [(1,)]
    databases.give_back(again)
