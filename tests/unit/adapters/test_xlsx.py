# ruff: noqa: DTZ001 - a date of a workbook has no zone
from __future__ import annotations

import io
import random
import resource
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from adapters import make_options, read_records
from adapters.workbook_numbers import DATE, PLAIN, kind_of_format
from adapters.workbook_strings import SharedStrings

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def book_of(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def by_hand(sheet, *, strings="", workbook="", styles="", main=MAIN, more=()):
    """Return a workbook with the rows, string items, properties and styles as given."""
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{OFFICE}">{workbook}'
        '<sheets><sheet name="Hồ sơ" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/s.xml"/>'
        f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="/xl/strings.xml"/>'
        f'<Relationship Id="r3" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/s.xml": sheet
        if sheet.startswith(("<!", "<?", "<w"))
        else f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        "xl/strings.xml": f'<sst xmlns="{main}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
        **dict(more),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


HEADER = "<row r='1'><c r='A1' t='inlineStr'><is><t>a</t></is></c></row>"


def cell(content, attributes=""):
    return f"{HEADER}<row r='2'><c r='A2' {attributes}>{content}</c></row>"


def test_values_are_what_the_format_says(read):
    data = saved(
        book_of(
            ["text", "whole", "decimal", "yes", "date", "moment"],
            ["007", 12, 84.5, True, date(2021, 3, 5), datetime(2021, 3, 5, 8, 15, 30)],
        )
    )

    found = read(data, format="xlsx").values

    assert found == [
        {
            "text": "007",
            "whole": 12,
            "decimal": 84.5,
            "yes": True,
            "date": datetime(2021, 3, 5),
            "moment": datetime(2021, 3, 5, 8, 15, 30),
        }
    ]
    assert [type(v) for v in found[0].values()] == [str, int, float, bool, datetime, datetime]


def test_title_rows_blank_rows_and_missing_cells(read):
    book = book_of(["BÁO CÁO"], [], ["Số", "Ngày\nnhận", "Ghi chú"], ["1"], [None, " "], [])
    book.active["B7"] = "x"

    found = read(saved(book), format="xlsx", header_row=3, required=["Ngày nhận"])

    assert found.values == [
        {"Số": "1", "Ngày nhận": None, "Ghi chú": None},
        {"Số": None, "Ngày nhận": "x", "Ghi chú": None},
    ]
    assert str(found.records[1].place_of("Ngày nhận")) == (
        "f, sheet Sheet, row 7, column B (Ngày nhận)"
    )


def test_a_value_without_a_column_name_is_kept_under_its_letter(read):
    found = read(saved(book_of(["a", None], ["1", None, "x"])), format="xlsx")

    assert found.values == [{"a": "1", "C": "x"}]
    assert str(found.records[0].place_of("C")) == "f, sheet Sheet, row 2, column C"


def test_a_sheet_is_chosen_by_name(read):
    book = book_of(["a"], ["1"])
    book.create_sheet("Hồ sơ").append(["b"])
    book["Hồ sơ"].append(["2"])

    assert read(saved(book), format="xlsx").values == [{"a": "1"}]
    assert read(saved(book), format="xlsx", sheet="Hồ sơ").values == [{"b": "2"}]
    missing = read(saved(book), format="xlsx", sheet="Khác")
    assert missing.code == "xlsx.sheet_missing"
    assert "'Sheet', 'Hồ sơ'" in missing.refusal.message.en


def test_the_first_sheet_that_can_be_seen_is_the_default(read):
    book = book_of(["hidden"], ["1"])
    book.create_sheet("B").append(["b"])
    book["B"].append(["2"])
    book.active.sheet_state = "hidden"
    book.active = 1

    assert read(saved(book), format="xlsx").values == [{"b": "2"}]


def test_every_wrong_cell_of_a_row_is_reported_with_its_column(read):
    data = saved(book_of(["Số", "Tên"], ["#N/A", "=1+1"], ["1", "An"]))

    found = read(data, format="xlsx")

    assert found.problems == [
        ("xlsx.cell_error", "f, sheet Sheet, row 2, column A (Số)"),
        ("xlsx.formula_without_value", "f, sheet Sheet, row 2, column B (Tên)"),
    ]
    assert found.values == [{"Số": "1", "Tên": "An"}]


def test_a_cell_that_is_there_twice_is_reported_once_and_never_chosen_from(read):
    cells = ("B2", "1"), ("A2", "2"), ("B2", "3"), ("B2", "4"), ("C2", "5")
    row = "".join(f"<c r='{at}'><v>{value}</v></c>" for at, value in cells)

    found = read(by_hand(f"{HEADER}<row r='2'>{row}</row>"), format="xlsx")

    assert found.problems == [("xlsx.cell_repeated", "f, sheet Hồ sơ, row 2, column B")]
    assert found.values == []


def test_cells_in_another_order_keep_their_columns(read):
    row = "<c r='C2'><v>3</v></c><c r='A2'><v>1</v></c>"

    found = read(by_hand(f"{HEADER}<row r='2'>{row}</row>"), format="xlsx")

    assert found.values == [{"a": 1, "C": 3}]


CELLS = [
    ("<f>1+1</f><v>2</v>", "", 2),
    ("<f>T(B1)</f><v>kết quả</v>", "t='str'", "kết quả"),
    ("<f>T(B1)</f><v></v>", "t='str'", ""),
    ("<v>1</v>", "t='b'", True),
    ("<v>2021-03-05T08:15:00</v>", "t='d'", datetime(2021, 3, 5, 8, 15)),
    ("<v>0</v>", "t='s'", "Nguyễn Văn An"),
    ("<v>1</v>", "t='s'", "dòng 1\rdòng 2 _x000D_"),
    ("<is><r><t>Hồ </t></r><r><rPr><b/></rPr><t>sơ</t></r></is>", "t='inlineStr'", "Hồ sơ"),
    ("<v>1.5E3</v>", "", 1500.0),
    ("<v>0.10000000000000001</v>", "", 0.1),
    ("<v>-5</v>", "", -5),
    ("<v>44260.34375</v>", "s='1'", datetime(2021, 3, 5, 8, 15)),
    ("<v>44260.343749999997</v>", "s='1'", datetime(2021, 3, 5, 8, 15)),
    ("<v>1</v>", "s='1'", datetime(1900, 1, 1)),
    ("<v>59</v>", "s='1'", datetime(1900, 2, 28)),
    ("<v>61</v>", "s='1'", datetime(1900, 3, 1)),
    ("<v>2958465</v>", "s='1'", datetime(9999, 12, 31)),
    ("<v>0.5</v>", "s='1'", 0.5),
    ("<v>79190000000</v>", "s='2'", "079190000000"),
    ("<v>7.0</v>", "s='2'", "000000000007"),
    ("<v>1.25</v>", "s='3'", 1.25),
    ("<v>5</v>", "s='99'", 5),
]
STRINGS = (
    "<si><r><t xml:space='preserve'>Nguyễn </t></r><r><t>Va\u0306n An</t></r>"
    "<rPh sb='0' eb='1'><t>phonetic</t></rPh></si>"
    "<si><t>dòng 1_x000D_dòng 2 _x005F_x000D_</t></si><si><t>a_x0000_</t></si>"
)
STYLES = (
    "<numFmts count='3'><numFmt numFmtId='170' formatCode='dd/mm/yyyy\\ hh:mm'/>"
    "<numFmt numFmtId='171' formatCode='000000000000'/>"
    "<numFmt numFmtId='172' formatCode='[h]:mm'/></numFmts>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='170'/><xf numFmtId='171'/><xf numFmtId='172'/>"
    "</cellXfs>"
)


@pytest.mark.parametrize(("content", "attributes", "value"), CELLS)
@pytest.mark.parametrize("main", [MAIN, STRICT])
def test_a_cell_has_the_value_that_the_agency_sees(read, content, attributes, value, main):
    data = by_hand(cell(content, attributes), strings=STRINGS, styles=STYLES, main=main)

    found = read(data, format="xlsx")

    assert (found.problems, found.code) == ([], None)
    # A row with nothing but an empty text is blank.
    assert found.values == ([{"a": value}] if value != "" else [])
    assert [type(v["a"]) for v in found.values] == ([type(value)] if value != "" else [])


BAD_CELLS = [
    ("<v>#REF!</v>", "t='e'", "xlsx.cell_error"),
    ("<f>A1</f>", "", "xlsx.formula_without_value"),
    ("<v>9</v>", "t='s'", "xlsx.cell_damaged"),
    ("<v>x</v>", "t='s'", "xlsx.cell_damaged"),
    ("<v>2</v>", "t='s'", "xlsx.nul"),
    ("<v>_xD800_</v>", "t='str'", "xlsx.surrogate"),
    ("<v>abc</v>", "", "xlsx.number_invalid"),
    ("<v>NaN</v>", "", "xlsx.number_invalid"),
    ("<v>1_000</v>", "", "xlsx.number_invalid"),
    ("<v>1E400</v>", "", "xlsx.number_invalid"),
    ("<v>60</v>", "s='1'", "xlsx.number_invalid"),
    ("<v>-1</v>", "s='1'", "xlsx.number_invalid"),
    ("<v>2958466</v>", "s='1'", "xlsx.number_invalid"),
    ("<v>31/02/2021</v>", "t='d'", "xlsx.cell_damaged"),
    ("<v>maybe</v>", "t='b'", "xlsx.cell_damaged"),
]


@pytest.mark.parametrize(("content", "attributes", "code"), BAD_CELLS)
def test_a_cell_that_cannot_be_read_is_never_blank(read, content, attributes, code):
    data = by_hand(cell(content, attributes), strings=STRINGS, styles=STYLES)

    assert read(data, format="xlsx").problems == [(code, "f, sheet Hồ sơ, row 2, column A (a)")]


def test_the_1904_system_counts_from_1904(read):
    data = by_hand(
        cell("<v>42798.34375</v>", "s='1'"), styles=STYLES, workbook="<workbookPr date1904='1'/>"
    )

    assert read(data, format="xlsx").values == [{"a": datetime(2021, 3, 5, 8, 15)}]


def test_openpyxl_agrees_on_dates_in_both_systems(read):
    for epoch in (openpyxl.utils.datetime.WINDOWS_EPOCH, openpyxl.utils.datetime.MAC_EPOCH):
        book = book_of(["a"], [datetime(2024, 2, 29, 23, 59, 59)])
        book.epoch = epoch

        assert read(saved(book), format="xlsx").values == [{"a": datetime(2024, 2, 29, 23, 59, 59)}]


FORMATS = [
    ("General", PLAIN),
    ("0", PLAIN),
    ("0.00E+00", PLAIN),
    ("#,##0 đ", PLAIN),
    ('#,##0\\ "dong"', PLAIN),
    ('0 "days"', PLAIN),
    ("[Red]0", PLAIN),
    ("@", PLAIN),
    ("[h]:mm:ss", PLAIN),
    ("000000000000", 12),
    ("000000000000;@", 12),
    ("dd/mm/yyyy", DATE),
    ("[$-42A]d mmmm yyyy;@", DATE),
    ('"ngày" dd "tháng" mm', DATE),
    ("h:mm AM/PM", DATE),
    ("mm:ss.000", DATE),
]


@pytest.mark.parametrize(("code", "kind"), FORMATS)
def test_a_number_format_tells_dates_from_numbers(code, kind):
    assert kind_of_format(code) == kind


def test_rows_and_cells_without_addresses_are_counted(read):
    data = by_hand(
        "<row><c t='str'><v>a</v></c><c t='str'><v>b</v></c></row>"
        "<row/><row><c/><c><v>1</v></c></row>"
    )

    found = read(data, format="xlsx")

    assert found.values == [{"a": None, "b": 1}]
    assert str(found.records[0].place_of("b")) == "f, sheet Hồ sơ, row 3, column B (b)"


@pytest.mark.parametrize("address", ["2A", "a2", "XFE2", "ZZZZZZZZ2", "Ế2"])
def test_a_wrong_cell_address_is_refused(read, address):
    data = by_hand(f"{HEADER}<row r='2'><c r='{address}'><v>1</v></c></row>")

    assert read(data, format="xlsx").code == "xlsx.damaged"


ENDLESS = "9" * 5000


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (f"<row r='{ENDLESS}'><c><v>1</v></c></row>", []),
        (f"<row r='2'><c t='s'><v>{ENDLESS}</v></c></row>", ["xlsx.cell_damaged"]),
        (f"<row r='2'><c s='{ENDLESS}'><v>1</v></c></row>", []),
        (f"<row r='2'><c s='{ENDLESS}' t='str'><v>x</v></c></row>", []),
    ],
    ids=["row", "string", "style of a number", "style of a text"],
)
def test_numbers_of_thousands_of_digits_refer_to_nothing(read, row, problems):
    styles = (
        f'<numFmts><numFmt numFmtId="{ENDLESS}" formatCode="0"/></numFmts>'
        '<fonts><font><name val=".VnTime"/></font></fonts><cellXfs><xf fontId="0"/>'
        f'<xf fontId="{ENDLESS}" numFmtId="1{ENDLESS}"/></cellXfs>'
    )

    found = read(by_hand(HEADER + row, styles=styles), format="xlsx")

    assert [code for code, _ in found.problems] == problems
    assert [r.place.row for r in found.records if not found.problems] == [2] * (not problems)


def test_a_row_tells_a_hundred_of_its_faults(read):
    cells = "<c r='A2' t='e'/>" * 50_000

    found = read(by_hand(f"{HEADER}<row r='2'>{cells}</row>"), format="xlsx")

    assert len(found.problems) == 100


@pytest.mark.parametrize("code", ["0" * 1_000_000, "[" * 1_000_000], ids=["zeros", "brackets"])
def test_a_number_format_longer_than_any_is_not_looked_into(read, code):
    styles = (
        f'<numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts>'
        '<cellXfs><xf numFmtId="200"/></cellXfs>'
    )
    data = by_hand(f"{HEADER}<row r='2'><c s='0'><v>1</v></c></row>", styles=styles)

    assert read(data, format="xlsx", max_ratio=1032).values[0]["a"] == 1


@pytest.mark.parametrize(
    "merges",
    ['<mergeCell ref="A1:XFD2"/>' * 3, '<mergeCell ref="A1:B1"/>' * 40_000],
    ids=["wide", "many"],
)
def test_merged_cells_of_a_header_that_lie_on_one_another_are_refused(read, merges):
    rows = "".join(f'<row r="{n}"><c t="str"><v>a{n}</v></c></row>' for n in (1, 2, 3))
    sheet = (
        f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>'
        f"<mergeCells>{merges}</mergeCells></worksheet>"
    )

    found = read(by_hand(sheet), format="xlsx", header_rows=2, max_ratio=1032)

    assert found.code == "xlsx.damaged"


def test_a_header_row_that_is_not_there_is_refused(read):
    data = by_hand("<row r='1'/><row r='9'><c t='str'><v>a</v></c></row>")

    assert read(data, format="xlsx").code == "xlsx.header_missing"
    assert read(data, format="xlsx", header_row=5).code == "xlsx.header_missing"
    assert read(data, format="xlsx", header_row=9).code is None


def test_missing_and_repeated_columns_are_refused(read):
    data = saved(book_of(["a", "b", " a"]))

    assert read(data, format="xlsx").code == "xlsx.columns_repeated"
    found = read(saved(book_of(["a", "b"])), format="xlsx", required=["c"])
    assert found.code == "xlsx.columns_missing"


def test_a_row_beyond_the_limit_costs_one_record(read):
    cells = "".join(f"<c t='s'><v>{n % 2}</v></c>" for n in range(40))
    data = by_hand(
        f"{HEADER}<row r='2'>{cells}</row><row r='3'><c><v>1</v></c></row>",
        strings=f"<si><t>{'x' * 1000}</t></si><si><t>y</t></si>",
    )

    found = read(data, format="xlsx", max_record_bytes=1024)

    assert found.problems == [("xlsx.row_too_large", "f, sheet Hồ sơ, row 2")]
    assert len(found.values) == 1


BILLION_LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData>'
    "</worksheet>"
)


def test_an_xml_bomb_in_a_sheet_is_refused(read):
    assert read(by_hand(BILLION_LAUGHS), format="xlsx").code == "xml.doctype"


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/strings.xml"])
def test_an_xml_bomb_in_another_part_is_refused(read, part):
    assert read(by_hand(HEADER, more=[(part, BILLION_LAUGHS)]), format="xlsx").code == "xml.doctype"


def test_a_zip_bomb_is_refused_while_it_unpacks(read):
    bomb = HEADER + "<row r='2'><c><v>1</v></c></row>" + " " * 20_000_000

    found = read(by_hand(bomb), format="xlsx")

    assert found.values == [{"a": 1}]
    assert found.code == "xlsx.too_large"


def test_a_zip_bomb_in_shared_strings_is_refused(read):
    strings = "<si><t>x</t></si>" * 600_000

    assert read(by_hand(HEADER, strings=strings), format="xlsx", max_ratio=50).code == (
        "xlsx.too_large"
    )


def test_macros_and_linked_workbooks_are_not_looked_at(read):
    linked = (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
        f'Type="{OFFICE}/worksheet" Target="worksheets/s.xml"/>'
        f'<Relationship Id="r4" Type="{OFFICE}/externalLink" Target="externalLinks/e1.xml"/>'
        '<Relationship Id="r5" Type="http://schemas.microsoft.com/office/2006/relationships/'
        'vbaProject" Target="vbaProject.bin"/>'
        f'<Relationship Id="r6" Type="{OFFICE}/worksheet" TargetMode="External" '
        'Target="file:///etc/passwd"/></Relationships>'
    )
    more = {
        "xl/_rels/workbook.xml.rels": linked,
        "xl/vbaProject.bin": "\x00macros",
        "xl/externalLinks/e1.xml": "<not xml",
    }
    workbook = '<externalReferences><externalReference r:id="r4"/></externalReferences>'
    value = "<row r='2'><c r='A2'><f>[1]Sheet1!A1</f><v>7</v></c></row>"

    found = read(by_hand(HEADER + value, workbook=workbook, more=more), format="xlsx")

    assert found.values == [{"a": 7}]


def test_a_million_styled_empty_rows_cost_little(read, tmp_path):
    empty = "<row r='{0}' s='1' customFormat='1'><c r='A{0}' s='1'/><c r='B{0}' s='1'/></row>"
    path = tmp_path / "trống.xlsx"
    with (
        zipfile.ZipFile(io.BytesIO(by_hand(""))) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name != "xl/worksheets/s.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/worksheets/s.xml", "w") as part:
            part.write(f'<worksheet xmlns="{MAIN}"><sheetData>{HEADER}'.encode())
            for start in range(2, 1_000_002, 10_000):
                rows = "".join(empty.format(n) for n in range(start, start + 10_000))
                part.write(rows.encode())
            part.write(b"<row r='1000002'><c r='A1000002'><v>1</v></c></row>")
            part.write(b"</sheetData></worksheet>")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with path.open("rb") as source:
        options = make_options({"format": "xlsx"})
        records = list(read_records(source, file_name="f", options=options))

    assert [(record.place.row, record.values["a"]) for record in records] == [(1_000_002, 1)]
    # Wide, for slow machines; it takes a sixth of that.
    assert time.process_time() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_workbook_under_a_password_is_told_from_an_old_one(read):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(70_000)

    assert read(ole, format="xlsx").code == "xlsx.old"
    encrypted = read(ole + "EncryptedPackage".encode("utf-16-le"), format="xlsx")
    assert encrypted.code == "xlsx.encrypted"
    assert "password" in encrypted.refusal.message.en


def test_a_part_beyond_the_limit_is_refused(read):
    rows = "".join(f"<row><c><v>{n * 7919 % 1000003}</v></c></row>" for n in range(60_000))

    found = read(by_hand(HEADER + rows), format="xlsx", max_unpacked_bytes=1024 * 1024)

    assert found.code == "xlsx.too_large"


def test_a_crowd_of_entries_is_refused(read):
    crowd = [(f"xl/x{number}.xml", "") for number in range(10_001)]

    assert read(by_hand(HEADER, more=crowd), format="xlsx").code == "xlsx.too_large"


def test_a_part_with_flipped_bytes_is_refused(read):
    data = bytearray(by_hand(HEADER + "<row><c><v>1</v></c></row>" * 2000))
    at = data.index(b"xl/worksheets/s.xml") + 60
    data[at : at + 8] = b"\xff" * 8

    assert read(bytes(data), format="xlsx").code in ("xlsx.damaged", "xml.syntax", "xml.encoding")


@pytest.mark.parametrize("offset", [12, 16])
def test_a_directory_that_points_outside_the_file_is_refused(read, offset):
    data = bytearray(by_hand(HEADER))
    end = data.rindex(b"PK\x05\x06")
    data[end + offset : end + offset + 4] = b"\xff\xff\x0f\x00"

    assert read(bytes(data), format="xlsx").code in ("xlsx.truncated", "xlsx.damaged")


def test_two_parts_of_one_name_are_refused(read):
    data = by_hand(HEADER, more=[("XL/styles.xml", "<x/>")])

    assert read(data, format="xlsx").code == "xlsx.member_repeated"


def test_an_encrypted_entry_is_refused(read):
    data = by_hand(HEADER)
    first = data.index(b"PK\x01\x02")
    data = data[: first + 8] + bytes([data[first + 8] | 1]) + data[first + 9 :]

    assert read(data, format="xlsx").code == "xlsx.encrypted"


@pytest.mark.parametrize(
    "more",
    [
        {"_rels/.rels": f'<Relationships xmlns="{PACKAGE}"/>'},
        {"xl/workbook.xml": '<workbook xmlns="urn:other"/>'},
    ],
)
def test_another_kind_of_package_is_no_workbook(read, more):
    assert read(by_hand(HEADER, more=more), format="xlsx").code == "xlsx.not_workbook"


def test_many_rows_and_strings_are_within_the_limit_of_one(read):
    count = 20_000
    rows = "".join(f"<row><c t='s'><v>{n}</v></c></row>" for n in range(count))
    strings = "".join(f"<si><t>chuỗi {n}</t></si>" for n in range(count))

    found = read(by_hand(HEADER + rows, strings=strings), format="xlsx", max_record_bytes=1024)

    assert (len(found.values), found.code) == (count, None)
    assert found.values[-1] == {"a": "chuỗi 19999"}


def test_many_shared_strings_go_to_disk_and_come_back():
    strings = SharedStrings(memory_bytes=1000)
    for number in range(5000):
        strings.add(f"chuỗi {number} ế")
    strings.finish()

    assert len(strings) == 5000
    assert [strings[n] for n in (0, 5, 6, 4999)] == [
        "chuỗi 0 ế",
        "chuỗi 5 ế",
        "chuỗi 6 ế",
        "chuỗi 4999 ế",
    ]
    strings.close()


def test_a_damaged_workbook_is_refused_and_never_a_crash(read):
    good = saved(book_of(["a", "b"], ["1", "An"], [2, datetime(2021, 3, 5)]))
    chance = random.Random(2020)

    for _ in range(1500):
        data = bytearray(good)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        found = read(bytes(data), format="xlsx")
        assert found.code is not None or len(found.records) <= 2
