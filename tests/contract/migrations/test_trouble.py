"""Upgrades that are killed, doubled or cannot be: the store stays whole, and the cause is told."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import uuid4

import psycopg.errors
import pytest
from sqlalchemy import create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import OperationalError

from lienthong.store import database, migrating, spool, tables
from lienthong.store.database import open_postgresql, open_sqlite, reading
from lienthong.store.migrating import check, upgrade
from lienthong.store.versions import CURRENT, UNNUMBERED, read_version
from lienthong.testing.notary import make_notary
from schemas.errors import ConfigError, PeerError

NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from lienthong.store import migrating, spool
from lienthong.store.database import open_postgresql, open_sqlite, open_store

where, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
engine = open_postgresql(where) if where.startswith("postgresql") else open_sqlite(Path(where))
now = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
done = 0

def step(*_):
    global done
    if done == steps:
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1

def put_and_step(*words, put=spool.put_pieces):
    step()
    put(*words)

spool.put_pieces = put_and_step
print("ready", flush=True)
if sys.argv[4] == "upgrade":
    migrating.upgrade(engine, at=now, progress=step)
else:
    store = open_store(engine, key_file=folder / "store.keys", now=now)
    spool.bring_in(store, folder / "spool", clock=lambda: now)
print("done", flush=True)
"""
COUNTED = ("submissions", "dossiers", "messages", "repeats", "attempts", "receipts", "audit")


def start_child(site, *, steps, what="upgrade"):
    """Start a process that works on the site, and kills itself after so many steps."""
    url = site.engine.url
    where = url.database
    if url.get_backend_name() == "postgresql":
        where = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, where, str(site.folder), str(steps), what],
        stdout=subprocess.PIPE,
        text=True,
    )


def counts(engine):
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(text(name))).scalar_one()
            for name in COUNTED
        }


def version_of(engine):
    with engine.connect() as connection:
        return read_version(connection)


def assert_whole(site, before, *, shape, shape_of):
    """Nothing is lost, whatever version it has; an old store is exactly what it was."""
    found = counts(site.engine)
    if version_of(site.engine) != UNNUMBERED:
        # Of the upgrade itself.
        found["audit"] -= 1
    assert found == before
    if version_of(site.engine) == UNNUMBERED:
        assert shape_of(site.engine) == shape
    else:
        check(site.engine)


def test_an_upgrade_killed_at_any_step_leaves_the_old_store_whole(site, shape_of):
    before, shape = counts(site.engine), shape_of(site.engine)
    # Every second on SQLite, every fifth where a process takes longer.
    every = 2 if site.engine.dialect.name == "sqlite" else 5
    for steps in range(0, 16, every):
        with start_child(site, steps=steps) as child:
            out, _ = child.communicate(timeout=60)

        assert child.returncode == -signal.SIGKILL, out
        assert version_of(site.engine) == UNNUMBERED
        assert_whole(site, before, shape=shape, shape_of=shape_of)

    upgrade(site.engine, at=NOW)
    assert_whole(site, before, shape=shape, shape_of=shape_of)
    assert make_notary().check(site.open()).faults == []


def test_an_upgrade_killed_at_any_moment_leaves_one_version_or_the_other(small_site, shape_of):
    before, shape = counts(small_site.engine), shape_of(small_site.engine)
    random = Random(7)
    for _ in range(6):
        with start_child(small_site, steps=10_000) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0, 0.3))
            child.kill()
            child.communicate(timeout=60)

        assert_whole(small_site, before, shape=shape, shape_of=shape_of)

    upgrade(small_site.engine, at=NOW)
    assert version_of(small_site.engine) == CURRENT
    assert_whole(small_site, before, shape=shape, shape_of=shape_of)


def test_bringing_bytes_in_may_be_killed_after_every_piece(site):
    upgrade(site.engine, at=NOW)
    total = 0
    # Every step is one more piece: those that are there are not written again.
    for steps in (1, 2, 1, 3):
        with start_child(site, steps=steps, what="bring in") as child:
            out, _ = child.communicate(timeout=60)
        assert child.returncode == -signal.SIGKILL, out
        total += steps

    store = site.open()
    with reading(store) as connection:
        pieces = connection.execute(
            select(func.count()).select_from(tables.submission_pieces)
        ).scalar_one()
    assert pieces == total == 7
    left = len(list(site.spool.iterdir()))
    brought = spool.bring_in(store, site.spool, clock=lambda: NOW)
    assert brought.files == left - 1
    assert brought.damaged == ()
    with reading(store) as connection:
        assert connection.execute(
            select(func.sum(func.length(tables.submission_pieces.c.body)))
        ).scalar_one() == sum(
            # Each piece is longer by scheme, key, nonce and tag.
            connection.execute(select(tables.submissions.c.size)).scalars()
        ) + 11 * (1 + 4 + 12 + 16)


def test_of_two_upgrades_at_once_one_waits_and_finds_the_work_done(site):
    children = [start_child(site, steps=10_000) for _ in range(3)]

    for child in children:
        with child:
            out, _ = child.communicate(timeout=120)
            assert (child.returncode, out) == (0, "ready\ndone\n")

    with reading(site.open()) as connection:
        steps = select(func.count()).where(tables.audit.c.action == "store.upgraded")
        assert connection.execute(steps).scalar_one() == 1
    assert make_notary().check(site.open()).faults == []


def test_an_upgrade_that_waits_too_long_is_told_so(site, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    monkeypatch.setattr(migrating, "BUSY_SECONDS", 0.3)
    again = make_engine(site.engine.url)
    lock = "BEGIN" if again.dialect.name == "sqlite" else "LOCK TABLE messages"
    with site.engine.begin() as connection:
        if lock != "BEGIN":
            connection.execute(text(lock))

        with pytest.raises(PeerError) as told:
            upgrade(again, at=NOW)

    assert (told.value.code, told.value.retryable) == ("store.busy", True)
    again.dispose()
    assert version_of(site.engine) == UNNUMBERED


def make_engine(url):
    if url.get_backend_name() == "sqlite":
        return open_sqlite(Path(url.database))
    return open_postgresql(url.set(drivername="postgresql").render_as_string(hide_password=False))


def test_a_full_disk_leaves_the_old_store_whole(small_site, shape_of):
    before, shape = counts(small_site.engine), shape_of(small_site.engine)
    small = open_sqlite(small_site.folder / "store.sqlite")

    @event.listens_for(small, "connect")
    def limit(connection, _entry):
        connection.execute("PRAGMA max_page_count = 600")

    with pytest.raises(ConfigError) as told:
        upgrade(small, at=NOW)

    small.dispose()
    assert told.value.code == "store.disk_full"
    assert "free about twice the size" in told.value.text.en
    assert version_of(small_site.engine) == UNNUMBERED
    assert_whole(small_site, before, shape=shape, shape_of=shape_of)


def test_a_full_disk_of_the_server_is_told_as_one(empty, monkeypatch):
    if empty.dialect.name == "sqlite":
        pytest.skip("above")
    cause = OperationalError("CREATE TABLE", {}, psycopg.errors.DiskFull("No space left on device"))
    monkeypatch.setattr(migrating, "read_version", lambda _connection: _throw(cause))

    with pytest.raises(ConfigError) as told:
        upgrade(empty, at=NOW)

    assert told.value.code == "store.disk_full"


def _throw(error):
    raise error


def test_an_interrupted_upgrade_changes_nothing(site, shape_of):
    shape = shape_of(site.engine)

    def interrupt(table, done, _total):
        if (table, done > 0) == ("messages", True):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrade(site.engine, at=NOW, progress=interrupt)

    assert shape_of(site.engine) == shape
    assert version_of(site.engine) == UNNUMBERED


def test_progress_is_told_by_table_and_rows(small_site, monkeypatch):
    told = []

    upgrade(small_site.engine, at=NOW, progress=lambda *step: told.append(step))

    assert [step for step in told if step[0] == "messages"] == [
        ("messages", 0, 267),
        ("messages", 267, 267),
    ]
    assert {table for table, _, _ in told} == {*COUNTED, "seals"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_cannot_be_written_is_told(small_site):
    small_site.engine.dispose()
    (small_site.folder / "store.sqlite").chmod(0o400)

    with pytest.raises(ConfigError, match="mend its permissions"):
        upgrade(small_site.engine, at=NOW)


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "store.sqlite").write_bytes(b"a letter to the ward, and no database" * 100)

    with pytest.raises(ConfigError) as told:
        upgrade(open_sqlite(tmp_path / "store.sqlite"), at=NOW)

    assert told.value.code == "store.unusable"


def test_a_missing_database_is_told_with_how_it_is_made(postgresql):
    address = make_url(postgresql.create_database("there")).set(database="nowhere")
    engine = make_engine(address)

    with pytest.raises(ConfigError, match=f"createdb -O {address.username} nowhere") as told:
        upgrade(engine, at=NOW)

    assert told.value.code == "store.no_database"
    assert "quản trị viên tạo" in told.value.text.vi


def test_a_server_that_is_not_there_is_told_as_one_to_try_again():
    engine = open_postgresql("postgresql://somebody@127.0.0.1:1/store")

    with pytest.raises(PeerError) as told:
        upgrade(engine, at=NOW)

    assert (told.value.code, told.value.retryable) == ("store.unreachable", True)


def test_a_user_who_may_make_no_tables_is_told_what_the_administrator_does(make_database):
    address = make_url(make_database())
    owner = create_engine(address.set(drivername="postgresql+psycopg"))
    weak = f"weak_{uuid4().hex[:8]}"
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {weak} LOGIN PASSWORD 'x'"))
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM public"))
    engine = open_postgresql(
        address.set(username=weak, password=None).render_as_string(hide_password=False),
        password="x",
    )

    with pytest.raises(ConfigError) as told:
        upgrade(engine, at=NOW)

    assert told.value.code == "store.no_right"
    assert f'ALTER DATABASE "{address.database}" OWNER TO "{weak}"' in told.value.text.en
    assert inspect(owner).get_table_names() == []
    engine.dispose()
    with owner.begin() as connection:
        connection.execute(text(f"DROP ROLE {weak}"))
    owner.dispose()


def test_the_tools_of_alembic_are_sent_to_ours(tmp_path):
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = {Path(migrating.__file__).parent / 'migrations'}\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "alembic.config", "upgrade", "head"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "use: lienthong store upgrade" in done.stderr
