"""kill -9 between any two steps of taking files: each is taken over, and none twice."""

import json
import os
import sys
from collections import Counter

import pytest
from sqlalchemy import create_engine, select

from lienthong.settings import load_settings
from lienthong.store.database import reading
from lienthong.store.pieces import PieceReader
from lienthong.store.tables import submission_pieces, submissions
from lienthong.testing import forked
from lienthong.wiring import Installation

POINTS = (
    "pull.read",
    "receive.piece_written",
    "receive.registered",
    "receive.committed",
    "receive.hinted",
    "pull.taken",
    "pull.archived",
)
DEATHS = [("pull.claimed=kill@1", "/done"), *((f"{point}=kill@2", "/done") for point in POINTS)]
DEATHS += [("receive.committed=kill@1", None), ("pull.taken=kill@1", None)]
BODIES = {f"{name}.json": name.encode() * 2_200_000 for name in "abc"}


@pytest.fixture
def folder(tmp_path, table, put):
    for name, body in BODIES.items():
        put(name, body)
    return tmp_path


def write(folder, table):
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
    text = "\n".join(["[pull.drops]", 'agency = "igate-one-stop"', *lines])
    (folder / "lienthong.toml").write_text(text)


def read_once(folder, command="run", failing=""):
    return forked.run(
        [sys.executable, "-m", "lienthong", "pull", command, "drops", "--json"],
        cwd=folder,
        env={**os.environ, "LIENTHONG_FAILPOINTS": failing, "LIENTHONG_LANG": "en"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def end_lease(folder):
    """Let the lease of the dead end at once, as a minute or two would."""
    engine = create_engine(f"sqlite:///{folder / 'lienthong-data' / 'store.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE pulls SET lease_until = NULL")
    engine.dispose()


def taken(folder):
    """Return how often each file was taken over, and what submissions have pieces of it."""
    file = folder / "lienthong.toml"
    store = Installation(load_settings(file=file, data_dir=folder / "lienthong-data")).store
    with reading(store) as connection:
        query = select(submissions.c.id, submissions.c.size, submissions.c.file_name)
        found = connection.execute(query).all()
        pieces = set(connection.execute(select(submission_pieces.c.submission_id)).scalars())
    for one in found:
        assert PieceReader(store, one.id, size=one.size).readall() == BODIES[one.file_name]
    store.dispose()
    assert {one.id for one in found} <= pieces
    return Counter(one.file_name for one in found)


@pytest.mark.parametrize(("death", "archive"), DEATHS)
def test_a_worker_that_dies_loses_no_file_and_doubles_none(folder, table, server, death, archive):
    server.read_only = archive is None
    write(folder, {**table, "archive": archive})
    killed = read_once(folder, failing=death)
    assert killed.returncode == -9, killed.stderr
    end_lease(folder)

    done = read_once(folder)

    assert done.returncode == 0, done.stderr
    assert taken(folder) == Counter(dict.fromkeys(BODIES, 1))
    left = sorted(path.name for path in (server.folder / "out").iterdir())
    assert left == (sorted(BODIES) if archive is None else [])
    assert json.loads(read_once(folder).stdout)["rows"] == 0


def test_check_shows_no_name_and_takes_nothing(folder, table):
    write(folder, table)
    shown = read_once(folder, "check")

    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["files"] == 3
    assert "a.json" not in shown.stdout
    assert taken(folder) == Counter()
