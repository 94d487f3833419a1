"""kill -9 between any two steps of a reading: every row is taken over, and none twice."""

import json
import os
import re
import sys
from collections import Counter
from importlib.resources import files

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url

from lienthong.settings import load_settings
from lienthong.store.database import reading
from lienthong.store.pieces import PieceReader
from lienthong.store.tables import submission_pieces, submissions
from lienthong.testing import forked
from lienthong.wiring import Installation

ROWS = 30
SETTINGS = """
mappings_dir = "{mappings}"

[pull.one-stop]
kind = "sql"
url = "{url}"
table = "hoso"
columns = ["MaHoSo", "sua_luc"]
watermark = "sua_luc"
key = ["MaHoSo"]
page_rows = 7
"""
POINTS = (
    "pull.read",
    "receive.registered",
    "receive.committed",
    "receive.hinted",
    "pull.taken",
)
DEATHS = ["pull.claimed=kill@1", *(f"{point}=kill@{turn}" for point in POINTS for turn in (1, 3))]


@pytest.fixture
def folder(tmp_path, make_database):
    """Give an installation with a source of 30 rows, several of each moment."""
    url = make_database()
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE hoso ("MaHoSo" text, sua_luc timestamp)')
        connection.exec_driver_sql(
            "INSERT INTO hoso SELECT 'H29-' || n, timestamp '2026-03-02 14:00:00' + "
            f"(n / 4) * interval '1 minute' FROM generate_series(1, {ROWS}) n"
        )
    engine.dispose()
    mappings = tmp_path / "site"
    mappings.mkdir()
    original = (files("mappings") / "agencies" / "igate-one-stop.yaml").read_text("utf-8")
    lines = re.sub(r"(?m)^  (records|repair\w*):.*\n", "", original)
    (mappings / "one-stop.yaml").write_text(
        lines.replace("format: json\n", "format: jsonl\n").replace(
            "mapping: igate-one-stop", "mapping: one-stop"
        ),
        encoding="utf-8",
    )
    (tmp_path / "lienthong.toml").write_text(SETTINGS.format(mappings=mappings, url=url))
    return tmp_path


def read_once(folder, failing=""):
    """Read the source in a process of its own, which dies where it is told to."""
    return forked.run(
        [sys.executable, "-m", "lienthong", "pull", "run", "one-stop", "--json"],
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
    """Return how often each row was taken over, and how many pieces belong to nobody."""
    file = folder / "lienthong.toml"
    store = Installation(load_settings(file=file, data_dir=folder / "lienthong-data")).store
    with reading(store) as connection:
        found = connection.execute(select(submissions.c.id, submissions.c.size)).all()
        pieces = set(connection.execute(select(submission_pieces.c.submission_id)).scalars())
    lines = [
        json.loads(line)["MaHoSo"]
        for one in found
        for line in PieceReader(store, one.id, size=one.size).readall().splitlines()
    ]
    store.dispose()
    return Counter(lines), pieces - {one.id for one in found}


@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_dies_loses_nothing_and_doubles_nothing(folder, death):
    killed = read_once(folder, failing=death)
    assert killed.returncode == -9, killed.stderr
    end_lease(folder)

    done = read_once(folder)

    assert done.returncode == 0, done.stderr
    assert taken(folder) == (Counter({f"H29-{n}": 1 for n in range(1, ROWS + 1)}), set())
    assert json.loads(read_once(folder).stdout)["rows"] == 0


def test_a_source_that_somebody_reads_is_left_to_them(folder):
    read_once(folder, failing="pull.read=kill@1")

    busy = read_once(folder)

    assert busy.returncode == 2
    assert "is being read by another process" in busy.stderr


def test_check_shows_no_value_and_takes_nothing(folder):
    shown = forked.run(
        [sys.executable, "-m", "lienthong", "--lang", "vi", "pull", "check", "one-stop"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert shown.returncode == 0, shown.stderr
    assert "Trang kế tiếp: 7 dòng" in shown.stdout
    assert "Các cột: MaHoSo, sua_luc" in shown.stdout
    assert "H29-" not in shown.stdout
    assert taken(folder) == (Counter(), set())
