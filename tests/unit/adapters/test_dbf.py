from __future__ import annotations

import io
import struct
import time
from datetime import datetime

import pytest

from adapters import SourceRecord, charsets, make_options, read_records
from adapters.options import OptionsWrong
from schemas.errors import InputError

OPTIONS = {"format": "dbf", "encoding": "tcvn3"}
COLUMNS = (("SO", "C", 6), ("TEN", "C", 20), ("NGAY", "D", 8), ("PHI", "N", 9), ("DU", "L", 1))


def column(name, kind, size, flags=0):
    return struct.pack("<11sc4xBBB13x", name.encode(), kind.encode(), size, 0, flags)


def table(rows, columns=COLUMNS, *, version=3, count=None, end=b"\x1a", marks=None):
    """Build a table; a row is its fields as bytes or text."""
    described = b"".join(column(*one) for one in columns) + b"\r"
    sizes = [one[2] for one in columns]
    head = struct.pack(
        "<B3xLHH20x",
        version,
        len(rows) if count is None else count,
        32 + len(described),
        1 + sum(sizes),
    )
    out = head + described
    for row, mark in zip(rows, marks or [b" "] * len(rows), strict=True):
        out += mark
        for field, size in zip(row, sizes, strict=True):
            data = charsets.encode(field, "tcvn3") if isinstance(field, str) else field
            out += data.ljust(size)
    return out + end


AN = ("A001", "Nguyễn Văn Ân", "20210305", "   12.50", "T")
BINH = ("A002", "Lê Thị Bình", "", "", "?")


def test_values_are_what_their_columns_say(read):
    found = read(table([AN, BINH]), **OPTIONS)

    assert found.values == [
        {
            "SO": "A001",
            "TEN": "Nguyễn Văn Ân",
            "NGAY": datetime.fromisoformat("2021-03-05"),
            "PHI": 12.5,
            "DU": True,
        },
        {"SO": "A002", "TEN": "Lê Thị Bình", "NGAY": None, "PHI": None, "DU": None},
    ]
    assert str(found.records[1].place_of("TEN")) == "f, row 2, column B (TEN)"


@pytest.mark.parametrize("field", [b"", b"tY"], ids=["none", "two"])
def test_a_truth_value_of_another_width_than_one_is_none(read, field):
    found = read(table([(b"A", field)], (("SO", "C", 1), ("DU", "L", len(field)))), **OPTIONS)

    assert found.problems == [("dbf.value_wrong", "f, row 1, column B (DU)")]


@pytest.mark.parametrize("encoding", ["vni", "viscii", "windows-1258"])
def test_text_is_in_the_encoding_that_is_declared(read, encoding):
    name = charsets.encode("Trần Thị Ước", encoding)

    found = read(table([("A", name, "", "", "")]), format="dbf", encoding=encoding)

    assert found.values[0]["TEN"] == "Trần Thị Ước"


def test_what_a_table_says_of_its_code_page_does_not_count():
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "dbf"})

    assert [key for key, _ in caught.value.faults] == ["encoding"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (1, b"Tr\xc3\xd4n\xdb", "dbf.undecodable"),
        (2, "20210231", "dbf.value_wrong"),
        (2, "05/03/21", "dbf.value_wrong"),
        (3, "*********", "dbf.value_wrong"),
        (3, "12,5", "dbf.value_wrong"),
        (3, "1e999x", "dbf.value_wrong"),
        (4, "1", "dbf.value_wrong"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_reported_at_its_place(read, field, value, code):
    row = list(AN)
    row[field] = value

    found = read(table([row, BINH]), **OPTIONS)

    label = f"{'ABCDE'[field]} ({COLUMNS[field][0]})"
    assert found.problems == [(code, f"f, row 1, column {label}")]
    assert [values["SO"] for values in found.values] == ["A002"]


def test_a_date_of_zeros_is_no_date(read):
    assert read(table([("A", "x", "00000000", "0", "")]), **OPTIONS).values[0]["NGAY"] is None


def test_deleted_records_are_reported_unless_the_mapping_skips_them(read):
    data = table([AN, BINH, AN], marks=[b" ", b"*", b" "])

    assert read(data, **OPTIONS).problems == [("dbf.deleted", "f, row 2")]
    skipped = read(data, **OPTIONS, deleted="skip")
    assert [str(record.place) for record in skipped.records] == ["f, row 1", "f, row 3"]
    assert [record.number for record in skipped.records] == [1, 2]


def test_a_record_with_a_damaged_mark_is_reported(read):
    found = read(table([AN, BINH], marks=[b"\x00", b" "]), **OPTIONS)

    assert found.problems == [("dbf.mark_wrong", "f, row 1")]


LIES = {
    "more records than there are": (table([AN, BINH], count=3), "dbf.count_wrong"),
    "fewer records than there are": (table([AN, BINH], count=1), "dbf.count_wrong"),
    "fewer, without an end mark": (table([AN, BINH, AN], count=1, end=b""), "dbf.count_wrong"),
    "cut short": (table([AN, BINH])[:-30], "dbf.count_wrong"),
    "cut inside the header": (table([AN])[:100], "dbf.header_wrong"),
    "cut inside the first bytes": (table([AN])[:20], "dbf.header_wrong"),
    "header longer than the file": (
        table([AN])[:8] + b"\xff\x7f" + table([AN])[10:],
        "dbf.header_wrong",
    ),
    "header shorter than its columns": (
        table([AN])[:8] + b"\x41\x00" + table([AN])[10:],
        "dbf.header_wrong",
    ),
    "records longer than their columns": (
        table([AN])[:10] + b"\x2e\x00" + table([AN])[12:],
        "dbf.header_wrong",
    ),
    "records of no bytes": (table([AN])[:10] + b"\x00\x00" + table([AN])[12:], "dbf.header_wrong"),
    "no columns": (table([], columns=()), "dbf.header_wrong"),
    "dBase 7": (table([AN], version=4), "dbf.version"),
    "no table": (b"SO,TEN\n1,x\n" * 20, "dbf.not_dbf"),
}


@pytest.mark.parametrize("data", list(LIES.values()), ids=list(LIES))
def test_a_table_that_says_what_is_not_so_is_refused_before_its_first_record(read, data):
    found = read(data[0], **OPTIONS)

    assert (found.records, found.code) == ([], data[1])
    assert found.refusal.suggestion is not None


def test_a_wrong_count_is_told_with_both_numbers(read):
    found = read(table([AN, BINH], count=5), **OPTIONS)

    assert found.refusal.message.en == (
        "the header claims 5 records, the file holds 2: it is cut short"
    )


@pytest.mark.parametrize("end", [b"", b"\x1a", b"\x1a\x1a", b"\0" * 500, b"\x1aleft over"])
def test_what_stands_behind_the_end_mark_does_not_count(read, end):
    assert len(read(table([AN, BINH], end=end), **OPTIONS).values) == 2


def test_two_columns_of_one_name_are_refused(read):
    data = table([("1", "2")], columns=(("SO", "C", 3), ("SO", "C", 3)))

    assert read(data, **OPTIONS).code == "dbf.columns_repeated"


def test_a_missing_column_is_named_with_what_is_meant_perhaps(read):
    found = read(table([AN]), **OPTIONS, required=["SO", "TENN"])

    assert found.code == "dbf.columns_missing"
    assert "'TENN' ~ 'TEN'" in found.refusal.message.en


WITH_MEMO = (("SO", "C", 4), ("GHICHU", "M", 10))


def dbt3(*texts):
    blocks = b"".join((charsets.encode(t, "tcvn3") + b"\x1a\x1a").ljust(512, b"\0") for t in texts)
    return struct.pack("<L", 1 + len(texts)).ljust(512, b"\0") + blocks


def dbt4(*texts):
    out = struct.pack("<L16xH", 1 + len(texts), 1024).ljust(1024, b"\0")
    for text in texts:
        data = charsets.encode(text, "tcvn3")
        out += (b"\xff\xff\x08\0" + struct.pack("<L", 8 + len(data)) + data).ljust(1024, b"\0")
    return out


def fpt(*texts, kind=1):
    out = struct.pack(">L2xH", 1, 64).ljust(512, b"\0")
    for text in texts:
        data = charsets.encode(text, "tcvn3")
        out += (struct.pack(">LL", kind, len(data)) + data).ljust(64, b"\0")
    return out


@pytest.fixture
def read_folder(tmp_path):
    """Read a table that lies in a folder beside its memo file."""

    def run(data, memo, suffix, **more):
        path = tmp_path / "Hồ sơ.DBF"
        path.write_bytes(data)
        if memo is not None:
            (tmp_path / f"hồ sơ{suffix}").write_bytes(memo)
        with path.open("rb") as source:
            options = make_options({**OPTIONS, **more})
            return list(read_records(source, file_name="f", options=options))

    return run


@pytest.mark.parametrize(
    ("version", "suffix", "memo", "blocks"),
    [
        (0x83, ".DBT", dbt3("một\r\nhai", "đủ"), (b"1", b"2")),
        (0x8B, ".dbt", dbt4("một\r\nhai", "đủ"), (b"0000000001", b"2")),
        (0xF5, ".Fpt", fpt("một\r\nhai", "đủ"), (b"8", b"9")),
    ],
    ids=["dBase III", "dBase IV", "FoxPro"],
)
def test_memos_are_read_from_the_file_beside_the_table(read_folder, version, suffix, memo, blocks):
    rows = [(b"1", blocks[0]), (b"2", blocks[1]), (b"3", b"")]

    records = read_folder(table(rows, WITH_MEMO, version=version), memo, suffix)

    assert [record.values["GHICHU"] for record in records] == ["một\r\nhai", "đủ", ""]


def test_a_table_without_its_memo_file_is_refused_unless_they_are_not_wanted(read, read_folder):
    data = table([(b"1", b"1")], WITH_MEMO, version=0x83)

    assert read(data, **OPTIONS).code == "dbf.memo_missing"
    with pytest.raises(InputError) as caught:
        read_folder(data, fpt("x"), ".fpt")
    assert caught.value.problem.code == "dbf.memo_missing"
    assert read(data, **OPTIONS, omit=["GHICHU"]).values == [{"SO": "1"}]


def test_a_long_memo_that_many_records_point_to_is_read_in_time(read_folder):
    memo = bytes(512) + b"x" * 1_000_000 + b"\x1a"
    start = time.monotonic()

    records = read_folder(table([(b"1", b"1")] * 200, WITH_MEMO, version=0x83), memo, ".dbt")

    assert {len(record.values["GHICHU"]) for record in records} == {1_000_000}
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    ("version", "suffix", "memo", "block"),
    [
        (0x83, ".dbt", dbt3("một"), b"7"),
        (0x83, ".dbt", dbt3("một")[:514], b"1"),
        (0x83, ".dbt", b"", b"1"),
        (0x8B, ".dbt", dbt4("x")[:1024] + b"\xff\xff\x08\0\xff\xff\xff\x7f", b"1"),
        (0xF5, ".fpt", fpt("x")[:512] + struct.pack(">LL", 1, 10**6), b"8"),
        (0xF5, ".fpt", fpt("x", kind=0), b"8"),
        (0xF5, ".fpt", fpt("x" * 3000), b"8"),
    ],
)
def test_a_damaged_memo_makes_its_record_unreadable(read_folder, version, suffix, memo, block):
    rows = [(b"1", block), (b"2", b"")]

    records = read_folder(
        table(rows, WITH_MEMO, version=version), memo, suffix, max_record_bytes=2048
    )

    assert [p.code for p in records[0].problems] == ["dbf.memo_damaged"]
    assert str(records[0].problems[0].place) == "f, row 1, column B (GHICHU)"
    assert records[1].values == {"SO": "2", "GHICHU": ""}


def test_pictures_are_refused_unless_they_are_not_wanted(read):
    data = table([(b"1", b"")], (("SO", "C", 4), ("ANH", "G", 10)))

    assert read(data, **OPTIONS).code == "dbf.column_unsupported"
    assert read(data, **OPTIONS, omit=["ANH"]).values == [{"SO": "1"}]


VISUAL = (
    ("LUC", "T", 8, 0),
    ("TIEN", "Y", 8, 2),
    ("DEM", "I", 4, 0),
    ("KEP", "B", 8, 0),
    ("TEN", "V", 10, 2),
    ("_NullFlags", "0", 1, 5),
)


def visual_row(*, flags, name):
    moment = struct.pack("<LL", 2_459_279, 29_700_000)
    return (
        moment,
        struct.pack("<q", -125_000),
        struct.pack("<l", -7),
        struct.pack("<d", 84.5),
        name,
        bytes([flags]),
    )


def test_the_binary_columns_of_visual_foxpro(read):
    # Bit 0: TIEN holds nothing; bit 1: TEN is shorter than its column; bit 2: TEN holds nothing.
    rows = [
        visual_row(flags=0b010, name=b"Lan".ljust(9) + b"\x03"),
        visual_row(flags=0b101, name=b""),
        visual_row(flags=0b000, name=b"0123456789"),
    ]

    found = read(table(rows, VISUAL, version=0x32), **OPTIONS)

    assert found.values == [
        {
            "LUC": datetime.fromisoformat("2021-03-05T08:15"),
            "TIEN": -12.5,
            "DEM": -7,
            "KEP": 84.5,
            "TEN": "Lan",
        },
        {
            "LUC": datetime.fromisoformat("2021-03-05T08:15"),
            "TIEN": None,
            "DEM": -7,
            "KEP": 84.5,
            "TEN": None,
        },
        {
            "LUC": datetime.fromisoformat("2021-03-05T08:15"),
            "TIEN": -12.5,
            "DEM": -7,
            "KEP": 84.5,
            "TEN": "0123456789",
        },
    ]


def test_a_pipe_is_read_too():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    records = read_records(Pipe(table([AN])), file_name="f", options=make_options(OPTIONS))

    assert [type(record) for record in records] == [SourceRecord]


def test_any_bytes_are_refused_in_words_or_read(read):
    whole = table([AN, BINH])
    for at in range(len(whole)):
        for byte in (0x00, 0x20, 0x7F, 0xFF):
            read(whole[:at] + bytes([byte]) + whole[at + 1 :], **OPTIONS)
