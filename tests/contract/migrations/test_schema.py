"""The tables: the same however a store came to them, and told when somebody changed them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from lienthong.store.database import make_tables
from lienthong.store.migrating import check, history, upgrade
from lienthong.store.versions import CURRENT, UNNUMBERED, read_version
from schemas.errors import ConfigError

NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def run(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_program_works_with_the_newest_version_and_knows_the_first():
    numbers = [version.number for version in history()]

    assert numbers == [f"{number:04}" for number in range(1, 27)]
    assert (numbers[0], numbers[-1]) == (UNNUMBERED, CURRENT)


def test_the_migrations_give_an_empty_database_the_tables_of_the_program(make_empty, shape_of):
    migrated, made = make_empty(), make_empty()

    found = upgrade(migrated, at=NOW)

    make_tables(made)
    assert found is None
    assert shape_of(migrated) == shape_of(made)
    with migrated.connect() as connection:
        assert read_version(connection) == CURRENT


def test_an_upgraded_store_has_the_same_tables_as_a_new_one(site, make_empty, shape_of):
    upgrade(site.engine, at=NOW)

    made = make_empty()
    make_tables(made)
    assert shape_of(site.engine) == shape_of(made)


def test_the_first_migration_makes_what_the_first_program_made(small_site, shape_of, first_tables):
    found = shape_of(small_site.engine)

    with small_site.engine.begin() as connection:
        first_tables.drop_all(connection)
        first_tables.create_all(connection)
    assert shape_of(small_site.engine) == found


def test_a_database_that_fits_is_left_alone(empty):
    upgrade(empty, at=NOW)

    assert upgrade(empty, at=NOW) == CURRENT
    check(empty)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP INDEX messages_due", "missing index: messages_due"),
        ("DROP TABLE results", "missing table: results"),
        ("ALTER TABLE audit DROP COLUMN actor", "missing column: audit.actor"),
        ("ALTER TABLE audit ADD COLUMN shoe_size INTEGER", "not ours column: audit.shoe_size"),
        ("CREATE INDEX mine ON audit (at)", "not ours index: mine"),
    ],
)
def test_what_somebody_changed_in_the_tables_is_told(empty, statement, said):
    upgrade(empty, at=NOW)
    run(empty, statement)

    with pytest.raises(ConfigError) as told:
        check(empty)

    assert told.value.code == "store.drifted"
    assert said in [problem.message.en for problem in told.value.problems]


def test_tables_of_others_in_the_same_database_are_none_of_our_business(empty):
    run(empty, "CREATE TABLE shoes (size INTEGER)")

    upgrade(empty, at=NOW)

    check(empty)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE results (id INTEGER)"],
        ["CREATE TABLE messages (id INTEGER)", "INSERT INTO messages VALUES (7)"],
    ],
    ids=["one of our names", "messages of another program"],
)
def test_tables_of_others_with_our_names_are_not_touched(empty, statements, shape_of):
    run(empty, *statements)
    before = shape_of(empty)

    with pytest.raises(ConfigError) as told:
        upgrade(empty, at=NOW)

    assert told.value.code == "store.foreign"
    assert shape_of(empty) == before


def test_a_store_of_a_newer_program_is_refused(empty):
    upgrade(empty, at=NOW)
    run(empty, "UPDATE alembic_version SET version_num = '9999'")

    for act in (check, lambda engine: upgrade(engine, at=NOW)):
        with pytest.raises(ConfigError) as told:
            act(empty)
        assert told.value.code == "store.newer"


def test_an_older_store_is_told_to_be_older(site):
    with pytest.raises(ConfigError, match="make a backup, then run: lienthong store upgrade") as e:
        check(site.engine)

    assert e.value.code == "store.older"
