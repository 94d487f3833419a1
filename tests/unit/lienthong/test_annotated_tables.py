"""A DBF or a file of fixed width comes as a CSV to look at, with what is wrong behind each row."""

import csv
import io
import struct

import pytest

from adapters import charsets, make_options, read_records
from lienthong.annotated import Marks, annotate
from schemas.errors import InputError
from schemas.problem import Language, Place, Problem, Text

ERRORS = "Lỗi (Liên thông)"
COLUMNS = (("SO", "C", 8), ("TEN", "C", 20), ("NGAY", "D", 8), ("PHI", "N", 9), ("DU", "L", 1))
DBF = {"format": "dbf", "encoding": "tcvn3"}
LINES = {"format": "fixed", "encoding": "utf-8", "fields": {"SO": "1-4", "TEN": "5-14"}}
TYPED = {
    "format": "fixed",
    "type_at": "1-2",
    "types": {
        "00": {"role": "header", "fields": {"DonVi": "3-6"}},
        "10": {"fields": {"So": "3-6", "Ten": "7-14"}},
        "20": {"role": "detail", "parent": "10", "fields": {"So": "3-6", "Phi": "7-12"}},
        "99": {
            "role": "trailer",
            "fields": {"Dem": "3-6"},
            "checks": [{"field": "Dem", "count": ["10"]}],
        },
    },
}
TYPED_LINES = "00Q01 \n10A001An      \n20A001 50000\n\n30????????????\n10A002+84 90  \n99   2\n"


def table(*rows, marks=None):
    described = b"".join(
        struct.pack("<11sc4xBBB13x", name.encode(), kind.encode(), size, 0, 0)
        for name, kind, size in COLUMNS
    )
    sizes = [size for _, _, size in COLUMNS]
    out = struct.pack("<B3xLHH20x", 3, len(rows), 33 + len(described), 1 + sum(sizes))
    out += described + b"\r"
    for row, mark in zip(rows, marks or " " * len(rows), strict=True):
        out += mark.encode()
        for field, size in zip(row, sizes, strict=True):
            out += charsets.encode(field, "tcvn3").ljust(size)
    return out + b"\x1a"


AN = ("0123", "Nguyễn Văn Ân", "20210305", "   12.50", "T")
BINH = ("A002", "Lê Thị Bình", "", "   -7", "?")


def finding(row, *, vi="sai", column=None):
    return Problem(
        code="t.wrong",
        message=Text(vi=vi, en="wrong"),
        place=Place(file="a.dbf", row=row, column=column),
        suggestion=Text(vi="sửa", en="mend"),
    )


def annotated(data, *problems, only_bad=False, language=Language.VI, **options):
    target = io.BytesIO()
    with Marks(file_name="a.dbf") as marks:
        for problem in problems:
            marks.add(problem)
        done = annotate(
            io.BytesIO(data),
            target=target,
            options=make_options(options),
            marks=marks,
            language=language,
            only_bad=only_bad,
        )
    return done, target.getvalue()


def rows(data, *problems, **options):
    done, copy = annotated(data, *problems, **options)
    assert (done.format, done.is_own) == ("csv", False)
    assert "không gửi lại được" in done.why.vi
    assert copy.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(copy.decode("utf-8-sig"), newline="")))


def found_in(data, **options):
    """Return what the reader itself finds."""
    found = []
    try:
        for record in read_records(io.BytesIO(data), file_name="a", options=make_options(options)):
            found += getattr(record, "problems", ())
    except InputError as error:
        found.append(error.problem)
    return found


def test_every_record_of_a_table_is_a_row_with_its_number_and_its_errors():
    found = rows(table(AN, BINH), finding(2, column="B (TEN)", vi="tên lạ"), **DBF)

    assert found == [
        ["Bản ghi số", "SO", "TEN", "NGAY", "PHI", "DU", ERRORS],
        ["1", "0123", "Nguyễn Văn Ân", "05/03/2021", "12.5", "true", ""],
        ["2", "A002", "Lê Thị Bình", "", "-7", "", "Lỗi ở B (TEN): tên lạ → sửa"],
    ]


def test_a_record_that_cannot_be_read_shows_what_can():
    data = table(AN, ("A002", "Bình", "20219999", "*********", "x"), BINH, marks=" *" + " ")

    found = rows(data, *found_in(data, **DBF), **DBF)

    assert [row[:2] for row in found[1:]] == [["1", "0123"], ["2", "A002"], ["3", "A002"]]
    assert found[2][2] == "Bình"
    assert "đánh dấu xóa" in found[2][-1]
    assert found[3][-1] == ""


def test_deleted_records_that_are_not_read_are_not_in_the_copy():
    found = rows(table(AN, BINH, marks="* "), finding(2), deleted="skip", **DBF)

    assert [row[0] for row in found[1:]] == ["2"]
    assert found[1][-1] == "Lỗi: sai → sửa"


def test_columns_that_are_not_read_are_not_in_the_copy():
    found = rows(table(AN), omit=["TEN", "DU"], **DBF)

    assert found[0] == ["Bản ghi số", "SO", "NGAY", "PHI", ERRORS]


def test_only_the_bad_rows_where_only_they_are_wanted():
    assert [r[0] for r in rows(table(AN, BINH), finding(2), only_bad=True, **DBF)[1:]] == ["2"]
    assert [
        r[0]
        for r in rows(
            "A001Ân        \nA002Bình      \n".encode(), finding(1), only_bad=True, **LINES
        )[1:]
    ] == ["1"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("a;=cmd()", "a;'=cmd()"),
        ("+84 90", "'+84 90"),
        ("-500.000", "-500.000"),
        ("+84901234", "+84901234"),
    ],
)
def test_what_stands_there_is_never_a_formula_and_a_number_stays_one(text, shown):
    found = rows(table(("A", text, "", "", "")), **DBF)

    assert found[1][2] == shown


def test_every_line_of_fixed_width_is_a_row_with_its_number():
    data = "A001Nguyễn Ân \n\nA002\nA003\udcff         \n".encode(errors="surrogateescape")

    found = rows(data, *found_in(data, **LINES), **LINES)

    assert [row[:3] for row in found] == [
        ["Dòng số", "SO", "TEN"],
        ["1", "A001", "Nguyễn Ân"],
        ["3", "A002", ""],
        ["4", "A003", "?"],
    ]
    assert [bool(row[3]) for row in found[1:]] == [False, True, True]


def test_lines_of_every_type_have_their_row_and_their_errors():
    data = TYPED_LINES.encode()
    problems = found_in(data, **TYPED)
    assert [p.code for p in problems] == ["fixed.type_unknown"]

    found = rows(data, *problems, finding(6, column="7-14 (Ten)"), **TYPED)

    assert [row[:-1] for row in found] == [
        ["Dòng số", "Loại dòng", "DonVi", "So", "Ten", "Phi", "Dem"],
        ["1", "00", "Q01", "", "", "", ""],
        ["2", "10", "", "A001", "An", "", ""],
        ["3", "20", "", "A001", "", "50000", ""],
        ["5", "30", "", "", "", "", ""],
        ["6", "10", "", "A002", "'+84 90", "", ""],
        ["7", "99", "", "", "", "", "2"],
    ]
    assert [row[-1] for row in found[1:] if row[-1]] == [
        found[4][-1],
        "Lỗi ở 7-14 (Ten): sai → sửa",
    ]


def test_what_concerns_the_whole_file_stands_in_the_header():
    data = TYPED_LINES.replace("99   2", "99   3").encode()
    problems = [
        Problem(code="x", message=p.message, suggestion=p.suggestion)
        for p in found_in(data, **TYPED)
    ]

    found = rows(data, *problems, **TYPED)

    assert found[0][-1].startswith(f"{ERRORS}: ")
    assert len(found) == 7


def test_positions_that_count_bytes_are_read_as_bytes():
    data = charsets.encode("A001", "vni") + charsets.encode("Lê Ước", "vni").ljust(10) + b"\n"
    options = LINES | {"encoding": "vni", "unit": "bytes"}

    assert rows(data, **options)[1][:3] == ["1", "A001", "Lê Ước"]


def test_a_file_that_is_no_table_at_all_comes_as_a_list():
    done, listed = annotated(b"PK\x03\x04 this is no table", finding(None), **DBF)

    assert (done.format, done.is_copy) == (None, False)
    assert b'"errors": [' in listed
    assert "không tạo được bản sao" in done.why.vi


def test_a_table_in_english_has_english_columns():
    done, copy = annotated(table(AN), finding(1), language=Language.EN, **DBF)

    assert done.is_copy
    text = copy.decode("utf-8-sig")
    assert text.startswith("Record number,SO,TEN,NGAY,PHI,DU,Errors (Lienthong)\r\n1,0123,")
    assert text.endswith(",Error: wrong → mend\r\n")
