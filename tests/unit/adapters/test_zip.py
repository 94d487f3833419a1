from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile

import openpyxl
import pytest

from adapters import make_options, read_records
from adapters.options import OptionsWrong

CSV = {"format": "csv"}
A = "So,Ten\n1,An\n2,Bình\n".encode()
B = b"So,Ten\n3,Chi\n4\n5,Dung\n"


def packed(members, **more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture
def read_zip(read):
    def run(content, source=CSV, **settings):
        data = content if isinstance(content, bytes) else packed(content)
        return read(data, format="zip", source=source, **settings)

    return run


def test_the_records_of_every_member_carry_its_name_in_their_place(read_zip):
    found = read_zip([("tháng 3/a.csv", A), ("tháng 4/b.csv", B)])

    assert [(r.number, str(getattr(r, "place", ""))) for r in found.records] == [
        (1, "f/tháng 3/a.csv, row 2"),
        (2, "f/tháng 3/a.csv, row 3"),
        (3, "f/tháng 4/b.csv, row 2"),
        (4, ""),
        (5, "f/tháng 4/b.csv, row 4"),
    ]
    assert found.problems == [("csv.ragged", "f/tháng 4/b.csv, row 3")]
    assert str(found.records[4].place_of("Ten")) == "f/tháng 4/b.csv, row 4, column B (Ten)"


def test_a_member_that_cannot_be_read_is_one_bad_record_and_the_next_goes_on(read_zip):
    found = read_zip([("a.csv", A), ("b.csv", b"\x89PNG\r\n\x1a\n"), ("c.csv", b""), ("d.csv", B)])

    assert [(code, place) for code, place in found.problems] == [
        ("input.encoding_wrong", "f/b.csv, row 1"),
        ("input.empty", "f/c.csv"),
        ("csv.ragged", "f/d.csv, row 3"),
    ]
    assert [record.number for record in found.records] == [1, 2, 3, 4, 5, 6, 7]
    assert [values["So"] for values in found.values] == ["1", "2", "3", "5"]


def test_a_member_whose_trailer_disagrees_keeps_its_own_records_back_alone(read_zip):
    source = {
        "format": "fixed",
        "type_at": "1",
        "types": {
            "D": {"fields": {"So": "2"}},
            "T": {
                "role": "trailer",
                "fields": {"Dong": "2"},
                "checks": [{"field": "Dong", "count": ["D"]}],
            },
        },
    }

    found = read_zip([("a", b"D1\nT9\n"), ("b", b"D2\nT1\n")], source)

    assert found.problems == [("fixed.control_wrong", "f/a, row 2")]
    assert found.values == [{"So": "2"}]


MIXED = [("HS_1.csv", A), ("sub/HS_2.CSV", B), ("sub/ghi chú.txt", b"x"), ("sub/", b"")]


def test_members_are_chosen_by_pattern(read_zip):
    found = read_zip(MIXED, members=["hs_*.csv"], ignore=["*.txt"])
    assert len(found.records) == 5

    found = read_zip(MIXED, members=["sub/HS*"], ignore=["*"])
    assert [str(r.place.file) for r in found.records if hasattr(r, "place")] == [
        "f/sub/HS_2.CSV",
        "f/sub/HS_2.CSV",
    ]


def test_a_file_that_the_mapping_does_not_speak_of_refuses_the_archive(read_zip):
    found = read_zip(MIXED, members=["HS_*.csv"])

    assert (found.records, found.code) == ([], "zip.member_unexpected")
    assert "'sub/ghi chú.txt'" in found.refusal.message.en


def test_an_archive_without_a_matching_file_is_refused_with_what_is_there(read_zip):
    found = read_zip(MIXED, members=["*.json"], ignore=["*"])

    assert found.code == "zip.member_missing"
    assert "'HS_1.csv'" in found.refusal.message.en


def test_what_systems_add_by_themselves_does_not_count(read_zip):
    members = [("a.csv", A), ("__MACOSX/._a.csv", b"\0"), (".DS_Store", b"\0"), ("Thumbs.db", b"")]

    assert len(read_zip(members).records) == 2


LEADS_OUT = ["../a.csv", "x/../../a.csv", "/etc/a.csv", "C:/a.csv", "..\\a.csv", "\\\\may\\a.csv"]


@pytest.mark.parametrize("name", LEADS_OUT)
def test_a_name_that_leads_out_of_the_archive_refuses_it(read_zip, name):
    found = read_zip([("tốt.csv", A), (name, A)])

    assert (found.records, found.code) == ([], "zip.member_name")
    assert found.refusal.suggestion is not None


def test_dots_inside_a_name_lead_nowhere(read_zip):
    assert len(read_zip([("a..b.csv", A), ("x/..c.csv", A)]).records) == 4


def link():
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([("a.csv", A), ("trong.zip", packed([("b.csv", B)]))], "zip.nested"),
        ([("a.csv", A), ("trong.rar", b"Rar!")], "zip.nested"),
        ([("a.csv", A), ("A.CSV", B)], "zip.member_repeated"),
        ([("Mã.csv", A), ("Ma\u0303.csv", B)], "zip.member_repeated"),
        ([(link(), b"/etc/passwd")], "zip.member_link"),
        ([], "zip.member_missing"),
        ([("[Content_Types].xml", b""), ("xl/workbook.xml", b"")], "zip.workbook"),
        ([("mimetype", b""), ("content.xml", b"")], "zip.workbook"),
    ],
)
def test_what_no_honest_archive_holds_refuses_it(read_zip, members, code):
    found = read_zip(members)

    assert (found.records, found.code) == ([], code)
    assert found.refusal.suggestion is not None


def test_two_entries_of_one_name_refuse_the_archive(read_zip):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([("a.csv", A), ("a.csv", B)])

    found = read_zip(data)

    assert found.code == "zip.member_repeated"
    assert found.refusal.message.en == "two files have the same name: 'a.csv'"


def test_an_encrypted_member_refuses_the_archive(read_zip):
    data = bytearray(packed([("a.csv", A)]))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1

    assert read_zip(bytes(data)).code == "zip.encrypted"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "input.empty"),
        (A, "zip.not_zip"),
        (packed([("a.csv", A)])[:-30], "zip.truncated"),
    ],
    ids=["empty", "a table", "cut off"],
)
def test_what_is_no_archive_is_refused_in_words(read_zip, data, code):
    found = read_zip(data)

    assert (found.records, found.code) == ([], code)
    assert found.refusal.suggestion is not None


def test_a_bomb_is_refused_before_or_while_it_unpacks(read_zip):
    bomb = [("a.csv", b"So\n" + (b"1" * 9_999 + b"\n") * 800)]

    assert read_zip(bomb, max_unpacked_bytes=1024 * 1024).code == "zip.too_large"
    # The ratio is found while reading, after the records that came before.
    ratio = read_zip(bomb, max_ratio=50)

    assert ratio.code == "zip.too_large"
    many = [(f"{n}.csv", b"So\n" + b"1" * 200_000) for n in range(12)]
    assert read_zip(many, max_unpacked_bytes=2 * 1024 * 1024).code == "zip.too_large"


def test_a_member_with_flipped_bytes_ends_the_archive(read_zip):
    data = bytearray(packed([("a.csv", A * 500), ("b.csv", B)]))
    data[60] ^= 0xFF

    assert read_zip(bytes(data)).code == "zip.damaged"


def test_workbooks_may_come_in_an_archive(read_zip):
    def book(value):
        made = openpyxl.Workbook()
        made.active.append(["a"])
        made.active.append([value])
        out = io.BytesIO()
        made.save(out)
        return out.getvalue()

    found = read_zip([("1.xlsx", book(1)), ("2.xlsx", book(2))], {"format": "xlsx"})

    assert found.values == [{"a": 1}, {"a": 2}]
    assert str(found.records[1].place) == "f/2.xlsx, sheet Sheet, row 2"


def test_a_table_finds_its_memo_in_the_archive(read_zip):
    columns = b"".join(
        struct.pack("<11sc4xBB14x", name, kind, size, 0)
        for name, kind, size in ((b"SO", b"C", 3), (b"GHICHU", b"M", 10))
    )
    head = struct.pack("<B3xLHH20x", 0x83, 1, 32 + len(columns) + 1, 14)
    table = head + columns + b"\r" + b" " + b"1  " + b"1".rjust(10) + b"\x1a"
    memo = struct.pack("<L", 2).ljust(512, b"\0") + b"d\xf1\x1a\x1a"
    source = {"format": "dbf", "encoding": "viscii"}

    found = read_zip([("x/HS.DBF", table), ("x/hs.dbt", memo)], source)
    alone = read_zip([("x/HS.DBF", table), ("hs.dbt", memo)], source)

    assert found.values == [{"SO": "1", "GHICHU": "dự"}]
    assert alone.problems == [("dbf.memo_missing", "f/x/HS.DBF")]


def test_the_first_record_comes_before_the_rest_is_unpacked():
    data = packed([("a.csv", b"So\n" + b"1\n" * 1_000_000)])
    options = make_options({"format": "zip", "source": CSV})

    tracemalloc.start()
    first = next(read_records(io.BytesIO(data), file_name="f", options=options))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert first.values == {"So": "1"}
    assert peak < 1_000_000


WRONG = [
    ({}, "source"),
    ({"source": "csv"}, "source"),
    ({"source": {"format": "zip", "source": CSV}}, "source"),
    ({"source": {"format": "csv", "delimeter": ";", "encoding": "tcvn"}}, "source"),
    ({"source": CSV, "members": "*.csv"}, "members"),
]


@pytest.mark.parametrize(("settings", "key"), WRONG)
def test_an_impossible_setting_is_named(settings, key):
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "zip", **settings})

    assert {name for name, _ in caught.value.faults} == {key}


def test_everything_wrong_in_the_inner_source_is_told():
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "zip", **WRONG[3][0]})

    assert [text.en.partition(";")[0] for _, text in caught.value.faults] == [
        "delimeter: unknown key",
        "encoding: unknown value 'tcvn'",
    ]
