"""A store that the first program left behind, on either database, and the shape of any store."""

import shutil
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, insert, inspect, select

from lienthong.store import migrations
from lienthong.store.database import open_postgresql, open_sqlite, open_store

DATA = Path(__file__).parents[2] / "data" / "store_0001" / "store.tar.xz"
MIGRATIONS = Path(migrations.__file__).parent
NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


@dataclass
class Site:
    """One installation: its database, and the folder with the rest of its data."""

    engine: object
    folder: Path

    @property
    def spool(self):
        return self.folder / "spool"

    def open(self, *, encrypt=True):
        """Open the store as a worker does."""
        return open_store(
            self.engine, key_file=self.folder / "store.keys", encrypt=encrypt, now=NOW
        )


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """Give the folder of the old store, which nobody changes."""
    folder = tmp_path_factory.mktemp("store-0001")
    with tarfile.open(DATA) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def old(original):
    """Give the rows of the old store by table, as they were, in the order of their keys."""
    engine = create_engine(f"sqlite:///{original / 'store.sqlite'}")
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = {
            name: connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
            for name, table in tables.tables.items()
        }
    engine.dispose()
    return rows


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    """Give the kind of database of this test."""
    return request.param


@pytest.fixture
def make_empty(kind, request, tmp_path):
    """Give what makes empty databases of either kind."""
    made = []

    def make():
        name = f"t{uuid4().hex}"
        if kind == "sqlite":
            made.append(open_sqlite(tmp_path / f"{name}.sqlite"))
        else:
            made.append(open_postgresql(request.getfixturevalue("make_database")()))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def empty(make_empty):
    """Give the engine of an empty database."""
    return make_empty()


@pytest.fixture
def small_site(original, tmp_path):
    """Give a copy of the old installation, where it was: on SQLite."""
    shutil.copytree(original, tmp_path / "data")
    site = Site(open_sqlite(tmp_path / "data" / "store.sqlite"), tmp_path / "data")
    yield site
    site.engine.dispose()


@pytest.fixture
def site(kind, small_site, request):
    """Give a copy of the old installation, also as it would have been on PostgreSQL."""
    if kind == "sqlite":
        yield small_site
        return
    engine = open_postgresql(request.getfixturevalue("make_database")())
    _copy_rows(request.getfixturevalue("first_tables"), small_site.engine, engine)
    yield Site(engine, small_site.folder)
    engine.dispose()


@pytest.fixture(scope="session")
def first_tables():
    """Give the tables that the first migration makes."""
    return ScriptDirectory(MIGRATIONS).get_revision("0001").module._metadata


def _copy_rows(tables, source, target):
    """Make the first tables in `target` and fill them with the rows of `source`."""
    with source.connect() as reading, target.begin() as writing:
        tables.create_all(writing)
        for table in tables.sorted_tables:
            rows = reading.execute(select(table)).mappings().all()
            if rows:
                aware = [
                    {k: v.replace(tzinfo=UTC) if isinstance(v, datetime) else v
                     for k, v in row.items()}
                    for row in rows
                ]  # fmt: skip
                writing.execute(insert(table), aware)


@pytest.fixture(scope="session")
def shape_of():
    """Give what says of a database all that can be told of its tables."""
    return _shape


def _shape(engine):
    found = {}
    inspector = inspect(engine)
    for name in inspector.get_table_names():
        if name == "alembic_version":
            continue
        found[name] = {
            "columns": {
                column["name"]: (
                    column["type"].compile(engine.dialect),
                    column["nullable"],
                    column.get("default"),
                    column.get("comment"),
                )
                for column in inspector.get_columns(name)
            },
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "keys": sorted(
                (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                for key in inspector.get_foreign_keys(name)
            ),
            "indexes": sorted(
                (
                    index["name"],
                    index["column_names"],
                    bool(index["unique"]),
                    # Reflected as text there and as an element here.
                    str(index["dialect_options"].get(f"{engine.dialect.name}_where", "")),
                )
                for index in inspector.get_indexes(name)
            ),
            "constraints": inspector.get_pk_constraint(name)["name"],
        }
        if engine.dialect.name == "sqlite":
            found[name]["options"] = inspector.get_table_options(name)
    if engine.dialect.name == "postgresql":
        found["sequences"] = inspector.get_sequence_names()
    return found
