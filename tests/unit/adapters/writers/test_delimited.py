"""What the delimited writer writes, the CSV reader reads back; what it could not is refused."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import OptionsWrong, make_options, read_records
from adapters.writers import Column, ValueRefused, make_target, make_writer
from adapters.writers.delimited import is_formula

HEADER = [Column(name="Số hồ sơ"), Column(name="Họ tên")]
ROW = {"Số hồ sơ": "H29-0001", "Họ tên": "Nguyễn Văn Mẫu"}


def writer(columns=HEADER, **settings):
    return make_writer(make_target({"format": "csv", **settings}), columns)


def test_a_table_in_tcvn3_has_the_bytes_of_the_abc_fonts():
    document = writer(encoding="tcvn3", delimiter=";").write([ROW])

    assert document == b"S\xe8 h\xe5 s\xac;H\xe4 t\xaan\r\nH29-0001;Nguy\xd4n V\xa8n M\xc9u\r\n"


def test_the_same_rows_give_the_same_bytes():
    assert writer().write([ROW]) == writer().write([ROW])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"encoding": "utf-8-sig"}, '\ufeffH29;"a""b"\r\n'.encode()),
        ({"encoding": "utf-16"}, b"\xff\xfe" + 'H29;"a""b"\r\n'.encode("utf-16-le")),
        ({"newline": "lf", "quote": ""}, b'H29;a"b\n'),
        ({"quoting": "all"}, b'"H29";"a""b"\r\n'),
    ],
)
def test_marks_quotes_and_line_ends_are_as_the_mapping_says(settings, expected):
    row = {"Số hồ sơ": "H29", "Họ tên": 'a"b'}

    assert writer(delimiter=";", header=False, **settings).write([row]) == expected


def test_a_letter_that_tcvn3_lacks_is_named_with_its_place():
    found = writer(encoding="tcvn3").fault(HEADER[1], "NGUYỄN VĂN MẪU")

    assert found.code == "target.unencodable"
    assert found.text.en == "character 5, 'Ễ' (U+1EC4), cannot be written in tcvn3"
    assert "fold_capitals" in found.remedy.integrator.en


def test_capitals_become_small_letters_only_where_the_mapping_says_so():
    document = writer(encoding="tcvn3", fold_capitals=True, header=False).write(
        [{"Họ tên": "NGUYỄN ĐỨC"}]
    )

    # 0xA7 is a capital letter of its own in TCVN3, the other marked capitals are not.
    assert document == b",NGUY\xd4N \xa7\xf8C\r\n"


@pytest.mark.parametrize("encoding", ["tcvn3", "vni", "viscii", "windows-1258"])
def test_a_letter_of_no_vietnamese_set_is_refused_never_replaced(encoding):
    with pytest.raises(ValueRefused):
        writer(encoding=encoding, header=False).write([{"Họ tên": "Nguyễn 漢"}])


def test_a_control_character_that_is_a_letter_in_viscii_is_refused():
    assert writer(encoding="viscii", header=False).fault(HEADER[1], "a\x02b") is not None


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://x")', "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "=1"],
)
def test_a_formula_is_guarded_by_a_tab_that_trimming_takes_away(text, read):
    document = writer().write([{"Số hồ sơ": "1", "Họ tên": text}])

    (values,) = read(document, format="csv").values
    assert values["Họ tên"] == f"\t{text}"
    assert values["Họ tên"].strip() == text
    assert writer(formulas="keep").write([{"Họ tên": text}]).decode().count("\t") == 0


@pytest.mark.parametrize("text", ["+84 900 000 042", "-5", "-1.250,5", "12/3", "a=b"])
def test_numbers_and_telephone_numbers_are_no_formulas(text):
    assert not is_formula(text)


@pytest.mark.parametrize("text", ["a;b", "a\nb", "=a"])
def test_without_quotes_what_would_be_split_is_refused(text):
    delimiter = "\t" if text.startswith("=") else ";"

    found = writer(quote="", delimiter=delimiter, header=False).fault(HEADER[1], text)

    assert found.code == "target.needs_quote"


@pytest.mark.parametrize(
    ("columns", "settings", "named"),
    [
        ([Column(name="A"), Column(name="A")], {}, "A"),
        ([Column(name="A  B")], {}, "A  B"),
        ([Column(name="ẨN")], {"encoding": "tcvn3"}, "ẨN"),
        ([Column(name="A", columns=(Column(name="B"),))], {}, "A"),
        ([Column(name="A", kind="date")], {}, "A"),
        ([Column(name="A")], {"delimiter": "§", "encoding": "tcvn3"}, "§"),
    ],
)
def test_columns_that_would_not_read_back_are_refused_before_any_row(columns, settings, named):
    with pytest.raises(OptionsWrong) as caught:
        writer(columns, **settings)

    assert [name for name, _ in caught.value.faults] == [named]


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        (
            {"encoding": "latin-1", "delimiter": ";;", "newline": "cr"},
            ["encoding", "delimiter", "newline"],
        ),
        ({"fold_capitals": True}, ["fold_capitals"]),
        ({"quote": ","}, ["quote"]),
        ({"quote": "", "quoting": "all"}, ["quoting"]),
        ({"header_row": 2}, ["header_row"]),
    ],
)
def test_every_wrong_option_is_told_at_once(settings, keys):
    with pytest.raises(OptionsWrong) as caught:
        make_target({"format": "csv", **settings})

    assert [key for key, _ in caught.value.faults] == keys


_LETTERS = "aAyYiIoOuUđĐăĂâÂêÊôÔơƠưƯàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
_CELLS = st.text(alphabet=_LETTERS + "0123456789 ,;\"'|=+-@/\t\r\n", max_size=12).map(str.strip)
_ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "tcvn3", "vni", "viscii",
    "windows-1258",
)  # fmt: skip


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_every_small_letter_of_vietnamese_can_be_written(encoding):
    made = writer([Column(name="a")], encoding=encoding)

    assert [letter for letter in _LETTERS if made.fault(Column(name="a"), letter)] == []


@pytest.mark.parametrize("encoding", _ENCODINGS)
@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS).filter(any), min_size=1, max_size=4),
    delimiter=st.sampled_from([",", ";", "|", "\t"]),
    quoting=st.sampled_from(["minimal", "all"]),
    newline=st.sampled_from(["crlf", "lf"]),
)
def test_what_is_written_reads_back_in_every_charset(encoding, rows, delimiter, quoting, newline):
    columns = [Column(name=name) for name in "abc"]
    made = writer(columns, encoding=encoding, delimiter=delimiter, quoting=quoting, newline=newline)
    rows = [dict(zip("abc", row, strict=True)) for row in rows]
    good = [row for row in rows if not any(made.fault(columns[0], t) for t in row.values() if t)]

    options = make_options({"format": "csv", "encoding": encoding, "delimiter": delimiter})
    found = list(read_records(io.BytesIO(made.write(good)), file_name="f", options=options))
    assert [{k: v.strip() for k, v in one.values.items()} for one in found] == good
