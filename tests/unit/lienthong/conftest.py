"""A store on SQLite for tests that are not about the store."""

from datetime import UTC, datetime

import pytest

from lienthong.store.database import make_tables, open_sqlite, open_store


@pytest.fixture
def engine(tmp_path):
    """Give the database of an empty store."""
    engine = open_sqlite(tmp_path / "store.sqlite")
    make_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine, tmp_path):
    return open_store(
        engine, key_file=tmp_path / "store.keys", now=datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    )
