"""Every type of column, as the mapping gets to see it."""

import io
import json

import pytest

from adapters import JsonLinesOptions, read_records

POSTGRESQL = """
CREATE TABLE hoso (
    ma integer PRIMARY KEY, sua_luc timestamptz, le_phi numeric(20,4), lon bigint, that float8,
    dung boolean, ngay date, gio time, luc timestamp, trong text, tep bytea, json jsonb,
    day text[], uuid uuid, khoang interval
)
"""
POSTGRESQL_ROW = """
INSERT INTO hoso VALUES (
    1, '2026-03-02T07:00:00.123456Z', 1234567890123456.7800, 9007199254740993, 0.5,
    true, '2026-03-02', '08:15:00', '2026-03-02 08:15:00', NULL, '\\xfffe41', '{"a": [1, null]}',
    '{"một","hai"}', '0189d3a8-7f63-7c1e-8a3b-2b4d6f8091a2', '1 day 02:00:00'
)
"""
MARIADB = """
CREATE TABLE hoso (
    ma integer PRIMARY KEY, sua_luc datetime(6), le_phi decimal(20,4), lon bigint, that double,
    dung boolean, ngay date, gio time, luc timestamp, trong text, tep blob, nam year
)
"""
MARIADB_ROW = """
INSERT INTO hoso VALUES (
    1, '2026-03-02 14:00:00.123456', 1234567890123456.7800, 9007199254740993, 0.5,
    true, '2026-03-02', '-30:15:00', '2026-03-02 08:15:00', NULL, x'fffe41', 2026
)
"""
TCVN3 = "Nguy\xd4n V\xa8n \xb8nh"
"""In TCVN3: Nguyễn Văn ánh, as a program of the nineties wrote it into a latin1 column."""


@pytest.fixture
def table(make_source, kind):
    columns = ["ma", "sua_luc", "le_phi", "lon", "that", "dung"]
    columns += ["ngay", "gio", "luc", "trong", "tep"]
    columns += ["json", "day", "uuid", "khoang"] if kind == "postgresql" else ["nam"]
    source = make_source(columns=columns)
    source.engine.dispose()
    with source.engine.begin() as connection:
        for statement in (
            (POSTGRESQL, POSTGRESQL_ROW) if kind == "postgresql" else (MARIADB, MARIADB_ROW)
        ):
            connection.exec_driver_sql(statement)
    return source


def test_types_are_kept(table):
    table.read()

    (line,) = table.lines()
    expected = {
        "ma": 1,
        "sua_luc": "2026-03-02T14:00:00.123456",
        "le_phi": "1234567890123456.7800",
        "lon": 9007199254740993,
        "that": 0.5,
        "dung": True,
        "ngay": "2026-03-02",
        "gio": "08:15:00",
        "luc": "2026-03-02T08:15:00",
        "trong": None,
        "tep": "//5B",
    }
    if table.kind == "postgresql":
        expected |= {
            "sua_luc": "2026-03-02T14:00:00.123456+07:00",
            "json": {"a": [1, None]},
            "day": ["một", "hai"],
            "uuid": "0189d3a8-7f63-7c1e-8a3b-2b4d6f8091a2",
            "khoang": "26:00:00",
        }
    else:
        expected |= {"dung": 1, "gio": "-30:15:00", "nam": 2026}
    assert line == expected


def test_what_is_written_is_what_the_adapter_reads(table):
    table.read()

    (line,) = table.lines()
    body = io.BytesIO(json.dumps(line).encode())
    (record,) = read_records(body, file_name="a.jsonl", options=JsonLinesOptions())
    assert record.values["le_phi"] == "1234567890123456.7800"
    assert record.values["lon"] == 9007199254740993


def test_a_value_that_no_driver_can_read_is_told_without_it(make_source, kind):
    if kind != "postgresql":
        pytest.skip("MariaDB shows what is no date as text")
    source = make_source(columns=["ma", "sua_luc", "den_han"])
    source.run(
        "CREATE TABLE hoso (ma text, sua_luc timestamp, den_han date)",
        "INSERT INTO hoso VALUES ('H29-1', '2026-03-02 14:00:00', 'infinity')",
    )
    done = source.read()

    assert done.trouble.code == "pull.value"
    assert "infinity" not in str(done.trouble)
    query = "SELECT ma, sua_luc, CAST(den_han AS text) AS den_han FROM hoso"
    source.with_options(query=query, table=None, columns=None).read()
    assert source.lines()[0]["den_han"] == "infinity"


def test_a_date_of_zeros_comes_as_it_stands(make_source, kind):
    if kind != "mariadb":
        pytest.skip("PostgreSQL has no such dates")
    source = make_source(columns=["ma", "sua_luc", "ngay"])
    source.run("CREATE TABLE hoso (ma varchar(9), sua_luc datetime, ngay date)")
    source.run("INSERT INTO hoso VALUES ('H29-1', '2026-03-02 14:00:00', '0000-00-00')")
    source.read()

    assert source.lines()[0]["ngay"] == "0000-00-00"


def test_text_of_an_old_font_keeps_every_byte_for_the_mapping_to_repair(make_source, kind):
    if kind != "mariadb":
        pytest.skip("a column of PostgreSQL has the encoding of its database")
    source = make_source(charset="latin1")
    source.run("CREATE TABLE hoso (ma varchar(9), ten varchar(99), sua_luc datetime)")
    source.run(
        f"INSERT INTO hoso VALUES ('H29-1', x'{TCVN3.encode('latin-1').hex()}', "
        "'2026-03-02 14:00:00')"
    )
    source.read()

    name = source.lines()[0]["ten"]
    assert name == TCVN3
    assert name.encode("latin-1") == b"Nguy\xd4n V\xa8n \xb8nh"
