"""Databases of agencies that are asked for what is new: nothing is missed, nothing comes twice."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from lienthong.failpoints import Point
from lienthong.pull import databases
from lienthong.pull.marks import parse_start
from lienthong.pull.rows import line_of
from lienthong.pull.sql import SqlSource
from lienthong.store.pulls import rewind
from lienthong.store.work import begin
from schemas.errors import LienthongError, PeerError

NOBODY = "postgresql://lienthong@127.0.0.1:9/nobody"


def test_every_row_is_taken_over_once(source):
    source.put("H29-1", "Nguyễn Văn Ánh")
    source.put("H29-2")
    first, second = source.read(), source.read()
    source.put("H29-3", at="2026-03-02 14:05:00")
    third = source.read()

    assert (first.rows, second.rows, third.rows) == (2, 0, 1)
    assert second.repeated == 2
    assert source.codes() == ["H29-1", "H29-2", "H29-3"]
    assert source.lines()[0] == {
        "ma": "H29-1",
        "ten": "Nguyễn Văn Ánh",
        "sua_luc": "2026-03-02T14:00:00",
    }
    assert source.state().rows == 3


def test_a_row_that_was_committed_late_is_not_missed(source):
    with source.engine.connect() as slow:
        slow.execute(text("INSERT INTO hoso VALUES ('late', 'L', '2026-03-02 14:00:00')"))
        source.put("early", at="2026-03-02 14:10:00")
        source.read()
        assert source.codes() == ["early"]
        slow.commit()
    source.read()

    assert source.codes() == ["early", "late"]
    assert source.read().rows == 0


def test_a_row_that_changes_comes_again_also_when_it_changes_back(source):
    source.put("H29-1", "A")
    source.read()
    for name in ("B", "A"):
        source.run(f"UPDATE hoso SET ten = '{name}'")
        source.read()
    source.run("UPDATE hoso SET sua_luc = '2026-03-02 14:30:00'")
    source.read()

    assert [line["ten"] for line in source.lines()] == ["A", "B", "A", "A"]


def test_a_row_that_left_the_overlap_is_forgotten_and_not_taken_again(source):
    source.put("old", at="2026-03-02 10:00:00")
    source.put("new", at="2026-03-02 14:00:00")
    source.read()
    source.read()

    assert source.codes() == ["old", "new"]
    with source.installation.store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pull_seen")).scalar() == 1


def test_pages_end_between_rows_of_the_same_moment_and_nothing_is_lost(source):
    for number in range(23):
        source.put(f"H{number:02}", at=f"2026-03-02 14:00:{number // 9:02}")
    done = source.with_options(page_rows=4).read()

    assert (done.rows, done.submissions, done.trouble) == (23, 6, None)
    assert source.codes() == [f"H{number:02}" for number in range(23)]
    assert source.read().rows == 0


def test_a_page_ends_when_it_is_large_enough(source):
    for number in range(6):
        source.put(f"H{number}", "x" * 150)
    source.run("ALTER TABLE hoso ALTER COLUMN ten TYPE text") if source.kind == "postgresql" else (
        source.run("ALTER TABLE hoso MODIFY ten text")
    )
    source.run("UPDATE hoso SET ten = :n", n="x" * 600)

    assert source.with_options(page_bytes=1024).read().submissions == 3
    assert source.codes() == [f"H{number}" for number in range(6)]


def test_a_row_of_the_future_hides_nothing_that_comes_after_it(source):
    source.put("typo", at="2062-03-02 14:00:00")
    source.read()
    source.put("H29-1", at="2026-03-02 14:50:00")
    source.read(after=timedelta(minutes=10))

    assert source.codes() == ["typo", "H29-1"]
    assert source.read().rows == 0
    assert source.state().mark.isoformat() == "2026-03-02T15:12:00"


def test_a_row_without_a_watermark_is_not_read(source):
    source.put("H29-1")
    source.put("no time", at=None)
    source.read()

    assert source.codes() == ["H29-1"]


def test_reading_begins_where_the_profile_says(source):
    source.put("old", at="2025-12-31 23:59:59")
    source.put("new", at="2026-01-01 00:00:00")
    source.with_options(start="2026-01-01").read()

    assert source.codes() == ["new"]


@pytest.mark.parametrize(
    ("kind_of_mark", "marks", "late"),
    [
        ("bigint", ["10", "3000", "3001"], "2500"),
        ("numeric(20,2)", ["10.5", "3000.25", "3000.5"], "2999.25"),
        ("date", ["'2026-02-01'", "'2026-03-01'", "'2026-03-02'"], "'2026-03-01'"),
    ],
    ids=["number", "decimal", "day"],
)
def test_a_watermark_may_be_a_number_or_a_day(make_source, kind_of_mark, marks, late):
    source = make_source(columns=["ma", "so"], watermark="so")
    source.run(f"CREATE TABLE hoso (ma varchar(20) PRIMARY KEY, so {kind_of_mark})")
    for number, mark in enumerate(marks):
        source.run(f"INSERT INTO hoso VALUES ('H{number}', {mark})")
    source.read()
    source.run(f"INSERT INTO hoso VALUES ('late', {late})")
    source.read()

    assert source.codes() == ["H0", "H1", "H2", "late"]
    assert source.read().rows == 0


def test_a_query_of_the_operators_is_read_like_a_table(source):
    source.run("CREATE TABLE chuso (ma varchar(40), gioi varchar(9))")
    source.put("H29-1")
    source.put("H29-2", at="2026-03-02 14:20:00")
    source.run("INSERT INTO chuso VALUES ('H29-1', '50%'), ('H29-2', 'b:c')")
    query = (
        "SELECT h.ma, c.gioi, h.sua_luc FROM hoso h JOIN chuso c ON c.ma = h.ma "
        "WHERE c.gioi LIKE '%' ORDER BY h.ma DESC;"
    )
    source.with_options(query=query, table=None, columns=None, page_rows=1).read()

    assert [(line["ma"], line["gioi"]) for line in source.lines()] == [
        ("H29-1", "50%"),
        ("H29-2", "b:c"),
    ]


def test_a_query_may_be_told_from_where_it_is_read(source):
    source.put("old", at="2025-12-31 23:59:59")
    source.put("new", at="2026-03-02 14:00:00")
    query = "SELECT ma, sua_luc FROM hoso WHERE sua_luc >= :watermark"
    source.with_options(query=query, table=None, columns=None, start="2026-01-01").read()

    assert source.codes() == ["new"]
    assert source.read().rows == 0


def test_a_soft_deletion_comes_as_a_change_of_the_row(make_source):
    source = make_source(columns=["ma", "sua_luc", "da_xoa"])
    time_type = "timestamp" if source.kind == "postgresql" else "datetime"
    source.run(f"CREATE TABLE hoso (ma varchar(9), sua_luc {time_type}, da_xoa boolean)")
    source.run("INSERT INTO hoso VALUES ('H29-1', '2026-03-02 14:00:00', false)")
    source.read()
    source.run("UPDATE hoso SET da_xoa = true, sua_luc = '2026-03-02 14:30:00'")
    source.read()

    assert [bool(line["da_xoa"]) for line in source.lines()] == [False, True]


def test_the_transaction_can_only_read_and_no_connection_stays(source):
    source.put("H29-1")
    source.read()
    profile = source.installation.settings.pull["land"]
    engine = databases.open_engine(profile)
    with (
        pytest.raises(LienthongError),
        databases.reading_only(engine, profile) as connection,
    ):
        connection.execute(text("DELETE FROM hoso"))

    with source.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM hoso")).scalar() == 1
    others = "information_schema.processlist WHERE id <> connection_id() AND db = database()"
    if source.kind == "postgresql":
        others = "pg_stat_activity WHERE application_name = 'lienthong' AND datname = "
        others += "current_database()"
    with source.engine.connect() as connection:
        query = text(f"SELECT count(*) FROM {others}")
        deadline = time.monotonic() + 5
        while connection.execute(query).scalar() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert connection.execute(query).scalar() == 0


def test_whoever_writes_at_the_source_does_not_wait_for_us(source):
    for number in range(50):
        source.put(f"H{number:02}")
    profile = source.with_options(page_rows=10, fetch_rows=1).installation.settings.pull["land"]
    with databases.reading_only(databases.open_engine(profile), profile) as reading:
        rows = reading.execution_options(stream_results=True, max_row_buffer=1).execute(
            text("SELECT ma FROM hoso")
        )
        rows.fetchone()
        source.run("UPDATE hoso SET ten = 'changed'", "DELETE FROM hoso WHERE ma = 'H49'")
        rows.close()


def test_a_source_that_breaks_off_in_a_page_gives_nothing_of_it_and_goes_on_later(
    source, monkeypatch
):
    for number in range(40):
        source.put(f"H{number:02}", at=f"2026-03-02 14:00:{number:02}")
    source.with_options(page_rows=15, fetch_rows=1)

    def break_off(values, *, zone):
        if values["ma"] == "H20":
            _end_connections(source)
        return line_of(values, zone=zone)

    monkeypatch.setattr("lienthong.pull.sql.line_of", break_off)
    broken = source.read()
    monkeypatch.undo()

    assert (broken.rows, broken.trouble.code) == (15, "pull.unreachable")
    assert source.state().trouble == "pull.unreachable"
    assert source.codes() == [f"H{number:02}" for number in range(15)]
    assert source.read().rows == 25
    assert source.codes() == [f"H{number:02}" for number in range(40)]
    assert source.state().trouble is None


def _end_connections(source):
    """End what reads the source, as its administrator would."""
    source.engine.dispose()
    find = "SELECT pid FROM pg_stat_activity WHERE application_name = 'lienthong' AND "
    find += "datname = current_database()"
    end = "SELECT pg_terminate_backend({})"
    if source.kind == "mariadb":
        find = "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND "
        find += "db = database()"
        end = "KILL {}"
    with source.engine.connect() as connection:
        found = connection.execute(text(find)).scalars().all()
        assert found
        for each in found:
            connection.execute(text(end.format(each)))


def test_a_column_that_went_is_named(source):
    source.put("H29-1", "secret")
    source.run("ALTER TABLE hoso DROP COLUMN ten")
    done = source.read()

    assert (done.rows, done.trouble.code) == (0, "pull.query")
    assert "ten" in done.trouble.text.vi
    source.run("ALTER TABLE hoso ADD COLUMN ten varchar(9)")
    assert source.read().rows == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"url": NOBODY}, "pull.unreachable"),
        ({"url": "mariadb://lienthong@127.0.0.1:9/nobody"}, "pull.unreachable"),
        ({"url": "mssql://a@127.0.0.1/b"}, "pull.no_driver"),
        ({"url": "oracle://a@127.0.0.1/b"}, "pull.no_driver"),
        ({"url": "dbase://a@127.0.0.1/b"}, "pull.no_driver"),
        ({"key": ["ten"]}, "pull.columns"),
        ({"watermark": "ma"}, "pull.mark_kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_is_wrong_with_a_source_is_told(source, options, code):
    source.put("H29-1")
    source.put("H29-2")
    done = source.with_options(**options).read()

    assert done.trouble.code == code
    assert source.state().trouble == code


def test_a_database_that_is_not_there_is_told_apart_from_one_that_does_not_answer(source):
    url = source.installation.settings.pull["land"].url
    done = source.with_options(url=url.rpartition("/")[0] + "/nobody").read()

    assert done.trouble.code == "pull.refused"


def test_a_query_that_is_too_slow_is_ended_by_the_database(source):
    source.put("H29-1")
    sleep = "pg_sleep(30)::text" if source.kind == "postgresql" else "SLEEP(30)"
    query = f"SELECT ma, sua_luc, {sleep} AS cham FROM hoso"
    began = time.monotonic()
    done = source.with_options(
        query=query, table=None, columns=None, statement_timeout_seconds=1
    ).read()

    assert done.trouble.code == "pull.too_slow"
    assert time.monotonic() - began < 10


def test_two_columns_of_one_name_are_refused(source):
    source.put("H29-1")
    query = "SELECT h.ma, h.sua_luc, g.ten, h.ten AS ten FROM hoso h JOIN hoso g ON g.ma = h.ma"
    done = source.with_options(query=query, table=None, columns=None).read()

    # MariaDB itself does not take it.
    assert done.trouble.code == ("pull.columns" if source.kind == "postgresql" else "pull.query")


def test_only_one_worker_reads_a_source(source):
    source.put("H29-1")
    other = source.make_installation()
    other.now = source.installation.now
    source.door._claim("land", source.installation.settings.pull["land"], even_if_not_due=True)

    assert source.read() is None
    assert source.read(after=timedelta(minutes=10)).rows == 1


def test_who_lost_the_source_to_another_worker_writes_nothing(source, monkeypatch):
    source.put("H29-1")

    def stand_still(point):
        if point is Point.PULL_READ:
            monkeypatch.undo()
            other = source.with_options()
            other.installation.now += timedelta(minutes=10)
            assert other.read().rows == 1

    slow = source.door
    monkeypatch.setattr("lienthong.doors.pull.reached", stand_still)
    slow.read("land")

    assert source.codes() == ["H29-1"]
    assert source.state().rows == 1


def test_a_source_is_read_again_when_it_is_due(source):
    source.put("H29-1")
    source.door.step()
    source.put("H29-2")
    source.door.step()
    assert source.codes() == ["H29-1"]

    source.installation.now += timedelta(seconds=60)
    source.door.step()
    assert source.codes() == ["H29-1", "H29-2"]


def test_pages_are_read_one_after_the_other_and_not_held(source):
    for number in range(30):
        source.put(f"H{number:02}")
    profile = source.with_options(page_rows=7).installation.settings.pull["land"]
    reader = SqlSource(profile)

    assert [len(page.rows) for page in reader.pages(low=None)] == [7, 7, 7, 7, 2]
    reader.close()


def test_a_server_that_stands_still_holds_nobody(make_source, kind, monkeypatch, request):
    if kind != "postgresql":
        pytest.skip("its driver has a time limit of its own")
    server = request.getfixturevalue("private_postgresql")
    monkeypatch.setattr(databases, "GRACE_SECONDS", 1)
    source = make_source(statement_timeout_seconds=1)
    source.run("CREATE TABLE hoso (ma text, ten text, sua_luc timestamp)")
    source.put("H29-1")
    profile = source.installation.settings.pull["land"]
    engine = databases.open_engine(profile)
    began = time.monotonic()
    try:
        with pytest.raises(PeerError), databases.reading_only(engine, profile) as connection:
            _ask_frozen(server, connection)
    finally:
        server.thaw()

    assert time.monotonic() - began < 10


def _ask_frozen(server, connection):
    server.freeze()
    connection.execute(text("SELECT 1"))


def test_a_new_mark_by_somebodys_word_reads_again_from_there(source):
    source.put("H29-1", at="2026-02-28 14:00:00")
    source.put("H29-2", at="2026-03-02 14:00:00")
    source.read()
    store = source.installation.store
    with begin(store, at=source.installation.clock, actor="an") as work:
        assert rewind(work, "land", to=parse_start("2026-03-02"))
    source.read()

    assert source.codes() == ["H29-1", "H29-2", "H29-2"]
    assert source.state().mark.isoformat() == "2026-03-02T14:00:00"
