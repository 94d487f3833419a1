"""The copy of a CSV: its own bytes, one column more, and nothing that a spreadsheet would run."""

import csv
import io
import tracemalloc

import pytest

from adapters import SourceRecord, UnreadableRecord, charsets, make_options, read_records
from lienthong.annotated.csv_copy import copy_csv
from lienthong.annotated.marks import Marks
from lienthong.annotated.words import encode, harmless, neutral
from schemas.problem import Language, Place, Problem, Severity, Text

HEADER = "Lỗi (Liên thông)"


def options_of(**given):
    return make_options({"format": "csv"} | given)


def finding(row, *, vi="sai", column=None, suggestion="sửa", severity=Severity.ERROR):
    return Problem(
        code="t.wrong",
        severity=severity,
        message=Text(vi=vi, en="wrong"),
        place=Place(file="a.csv", row=row, column=column),
        suggestion=Text(vi=suggestion, en="mend"),
    )


def annotated(data, *problems, options=None, only_bad=False, language=Language.VI):
    target = io.BytesIO()
    with Marks(file_name="a.csv") as marks:
        for problem in problems:
            marks.add(problem)
        copy_csv(
            io.BytesIO(data),
            target=target,
            options=options or options_of(),
            marks=marks,
            language=language,
            only_bad=only_bad,
        )
    return target.getvalue()


def records(data, options):
    return list(read_records(io.BytesIO(data), file_name="a.csv", options=options))


def plain(found):
    """Return what of a record must be the same in the copy."""
    if isinstance(found, UnreadableRecord):
        return found.number, [(p.code, p.place.row, p.place.line) for p in found.problems]
    values = {k: v for k, v in found.values.items() if k != HEADER}
    return found.number, found.place.row, found.place.line, values


def test_a_row_with_an_error_has_it_in_the_last_column():
    data = "so,ten\n1,An\n2,Bình\n".encode()

    copy = annotated(data, finding(3, column="B (ten)", vi="tên lạ"))

    assert copy.decode() == f'so,ten,"{HEADER}"\n1,An,\n2,Bình,"Lỗi ở B (ten): tên lạ → sửa"\n'


def test_several_errors_of_a_row_stand_in_one_line():
    copy = annotated(b"a\n1\n", finding(2, vi="một\r\nhai"), finding(2, vi='"ba"'))

    assert copy.decode().splitlines()[1] == '1,"Lỗi: một hai → sửa | Lỗi: ""ba"" → sửa"'


def test_the_column_says_the_severity_and_errors_come_first():
    rare = finding(2, vi="hiếm", column="B (ten)", severity=Severity.WARNING)

    copy = annotated(b"a,ten\n1,x\n", rare, finding(2))

    assert copy.decode().splitlines()[1] == '1,x,"Lỗi: sai → sửa | Cảnh báo ở B (ten): hiếm → sửa"'


def test_line_ends_quotes_blank_rows_and_a_missing_last_end_stay_as_they_are():
    data = b'a;b\r\n"1";\'2\'\r\n\r\n"x\ny"; z \r\n;\r\n3;4'

    copy = annotated(data, options=options_of(delimiter=";"))

    expected = f'a;b;"{HEADER}"\r\n"1";\'2\';\r\n\r\n"x\ny"; z ;\r\n;\r\n3;4;'.encode()
    assert copy == expected


def test_the_row_is_the_row_of_the_place_whatever_its_lines():
    data = b'a,b\n"1\n1","2\r\n2"\n3,4\n'

    copy = annotated(data, finding(2), finding(3, vi="dòng ba"))

    assert copy.decode() == (
        f'a,b,"{HEADER}"\n"1\n1","2\r\n2","Lỗi: sai → sửa"\n3,4,"Lỗi: dòng ba → sửa"\n'
    )


def test_lone_returns_end_lines_too():
    assert annotated(b"a\r1\r2\r", finding(3)) == f'a,"{HEADER}"\r1,\r2,"Lỗi: sai → sửa"\r'.encode()


def test_only_bad_rows_with_titles_and_header():
    data = "Báo cáo\nso,ten\n1,An\n2,Bình\n3,Chi\n".encode()

    copy = annotated(data, finding(4), options=options_of(header_row=2), only_bad=True)

    assert copy.decode() == f'Báo cáo\nso,ten,"{HEADER}"\n2,Bình,"Lỗi: sai → sửa"\n'


def test_only_bad_of_a_file_without_header_and_errors_is_empty():
    options = options_of(header=False, columns=["a", "b"])

    assert annotated(b"1,2\n3,4\n", options=options, only_bad=True) == b""
    assert annotated(b"1,2\n3,4\n", finding(1), options=options, only_bad=True) == (
        '1,2,"Lỗi: sai → sửa"\n'.encode()
    )


@pytest.mark.parametrize("encoding", ["tcvn3", "vni", "viscii", "windows-1258"])
def test_an_old_encoding_is_written_in_itself(encoding):
    text = "so;ten\n1;Nguyễn Văn Đường\n2;Phạm Thị Ứng\n"
    data = charsets.encode(text, encoding, fold_capitals=True)
    options = options_of(encoding=encoding, delimiter=";")

    copy = annotated(data, finding(3, vi="cần một ngày có thật, nhận được 'Ứng'"), options=options)

    for line, ours in zip(data.splitlines(), copy.splitlines(), strict=True):
        assert ours.startswith(line + b";")
    last = records(copy, options)[1].values[HEADER]
    assert last.lower() == "lỗi: cần một ngày có thật, nhận được 'ứng' -> sửa"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_byte_order_mark_and_its_order_stay(encoding):
    mark = "" if encoding in ("utf-16", "utf-8-sig") else "\ufeff"
    # U+0A0D and U+0D0A hold the bytes of line ends and are none.
    data = (mark + "a\tb\r\n\u0a0d\u0d0a\tĐường\r\n").encode(encoding)

    copy = annotated(data, finding(2), options=options_of(encoding=encoding, delimiter="\t"))

    text = copy.decode(encoding)
    assert copy.startswith(data[:6])
    assert text == f'{mark}a\tb\t"{HEADER}"\r\n\u0a0d\u0d0a\tĐường\t"Lỗi: sai → sửa"\r\n'


def test_bytes_that_no_encoding_has_stay_as_they_are():
    data = b"a,b\nx\xff\xfe,\xe1\xbb\n\x00,2\n"

    copy = annotated(data, finding(2), finding(3))

    lines = copy.split(b"\n")
    assert lines[1].startswith(b"x\xff\xfe,\xe1\xbb,")
    assert lines[2].startswith(b"\x00,2,")


def test_a_row_with_misplaced_quotes_keeps_its_place():
    data = b'a,b\n"x"y,1\n2,3\n'

    copy = annotated(data, finding(2), finding(3, vi="dòng ba"))

    assert copy.splitlines()[1:] == [
        '"x"y,1,"Lỗi: sai → sửa"'.encode(),
        '2,3,"Lỗi: dòng ba → sửa"'.encode(),
    ]


def test_what_follows_an_unclosed_quote_is_copied_as_it_is():
    data = b'a,b\n1,2\n3,"4\n5,6\n' * 3

    copy = annotated(data[: data.rindex(b"a,b")] + b'7,"8\n9\n', finding(2))

    assert copy.endswith(b'7,"8\n9\n')
    assert copy.splitlines()[1] == '1,2,"Lỗi: sai → sửa"'.encode()


def test_a_row_over_the_limit_is_copied_whole_and_keeps_its_place():
    options = options_of(max_record_bytes=1024)
    long = b"x" * 3_000_000
    data = b"a,b\n" + long + b",1\n2,3\n"

    copy = annotated(data, finding(2, vi="dài"), finding(3, vi="ba"), options=options)

    lines = copy.split(b"\n")
    assert lines[1] == long + ',1,"Lỗi: dài → sửa"'.encode()
    assert lines[2] == '2,3,"Lỗi: ba → sửa"'.encode()


def test_a_copy_that_was_mended_and_sent_again_gets_a_column_with_another_name():
    once = annotated(b"a,b\n1,2\n", finding(2))

    twice = annotated(once, finding(2, vi="vẫn sai"))

    assert list(csv.reader(twice.decode().splitlines())) == [
        ["a", "b", HEADER, HEADER + " 2"],
        ["1", "2", "Lỗi: sai → sửa", "Lỗi: vẫn sai → sửa"],
    ]


def test_without_quotation_marks_the_delimiter_never_stands_in_a_note():
    options = options_of(quote="", delimiter=";")

    copy = annotated(b'a;b\n1;"\n', finding(2, vi='một; "hai"'), options=options)

    assert copy.decode().splitlines() == ["a;b;" + HEADER, '1;";Lỗi: một  "hai" → sửa']


def test_an_escape_character_of_the_agency_never_stands_in_a_note():
    options = options_of(escape="\\")

    copy = annotated(b"a\n1\n", finding(2, vi="C:\\x"), options=options)

    assert records(copy, options)[0].values[HEADER] == "Lỗi: C:/x → sửa"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "\t=", "\r\n=", " @", "\x00="])
def test_no_note_is_a_formula(start):
    note = neutral(f"{start}HYPERLINK(1), =cmd|' /c'!A1;  +1|@x")

    assert note.startswith("'")
    for delimiter in ",;|\t":
        for cell in note.split(delimiter):
            assert cell.strip()[:1] not in tuple("=+-@＝")


def test_letters_that_an_encoding_lacks_become_plainer_ones():
    assert encode("→ ỨNG “Đ” 漢", "windows-1258").decode("cp1258").startswith("-> ")
    assert charsets.decode(encode("ỨNG → 漢", "tcvn3"), "tcvn3") == "ứNG -> ?"
    assert encode("\ud800", "utf-8") == b"?"


def test_english_is_spoken_when_asked_for():
    copy = annotated(b"a\n1\n", finding(2), language=Language.EN)

    assert copy.decode() == 'a,"Errors (Lienthong)"\n1,"Error: wrong → mend"\n'


@pytest.mark.parametrize("only_bad", [False, True])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_the_copy_reads_back_to_the_same_records(ends, only_bad):
    rows = [
        "so,ten",
        "1,An",
        '2,"B\nB"',
        "",
        "3",
        '"4"x,y',
        "5,\x00",
        "6,Chi,thừa",
        " , ",
        "7,=1+1",
    ]
    data = ends.join(rows).encode()
    options = options_of()
    before = records(data, options)
    problems = [p for r in before if isinstance(r, UnreadableRecord) for p in r.problems]
    problems += [finding(r.place.row) for r in before if isinstance(r, SourceRecord)]

    after = records(annotated(data, *problems, only_bad=only_bad), options)

    if not only_bad:
        assert [plain(r) for r in after] == [plain(r) for r in before]
    assert len(after) == len(before)
    noted = [r for r in after if isinstance(r, SourceRecord)]
    assert all(r.values[HEADER] for r in noted)
    assert noted


def test_memory_does_not_grow_with_the_file():
    row = b"1,%s,2025\n" % (b"x" * 300)
    source = io.BytesIO(b"a,b,c\n" + row * 30_000)

    class Sink:
        size = 0

        def write(self, data):
            self.size += len(data)

    sink = Sink()
    with Marks(file_name="a.csv") as marks:
        marks.add(finding(5))
        tracemalloc.start()
        copy_csv(
            source, target=sink, options=options_of(), marks=marks, language=Language.VI,
            only_bad=False,
        )  # fmt: skip
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert sink.size > 8_000_000
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("\t" * 500_000, "\t" * 500_000),
        ("\t" * 500_000 + "=1", "\t" * 500_000 + "'=1"),
        ("a" + "\t " * 250_000 + "x", "a" + "\t " * 250_000 + "x"),
        ("a =1; =2", "a =1; '=2"),
        ("a \t =1", "a \t '=1"),
        (" ==1", " '==1"),
    ],
    ids=["tabs", "tabs and a formula", "tabs and a word", "later", "between", "twice"],
)
def test_a_cell_of_very_much_nothing_is_looked_at_once(cell, shown):
    assert harmless(cell) == shown
