"""`lienthong text check`: what it finds in a file, and what it writes."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest

from lienthong.cli import main
from lienthong.text_check import guess_options

NAMES = ["NguyÔn V¨n H¶i", "Vò", "TrÇn ThÞ Lan", "Ph¹m Quèc Tó", "§Æng Hång Lª", "Müller"]
READ = ["Nguyễn Văn Hải", "Vũ", "Trần Thị Lan", "Phạm Quốc Tú", "Đặng Hồng Lê", "Müller"]


@pytest.fixture
def check(capfd, tmp_path):
    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "en", "--data-dir", str(tmp_path / "data"), "text", "check", *words])
        return ended.value.code or 0, capfd.readouterr().out

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "ho-so.csv"
    rows = [f"{n};{name};Phường Bến Nghé" for n, name in enumerate(NAMES, 1)]
    path.write_text("\n".join(["Ma;Ten;Noi", *rows]) + "\n", encoding="utf-8")
    return path


def test_each_column_is_judged_and_every_value_counted(check, table):
    code, out = check(str(table), "--json")

    found = json.loads(out)
    columns = {column["column"]: column for column in found["columns"]}
    assert code == 1
    assert (found["encoding"], found["records"]) == ("utf-8", 6)
    assert columns["Noi"]["misread_from"] is None
    assert columns["Noi"]["right"] == 6
    assert columns["Ten"]["misread_from"] == "tcvn3"
    assert (columns["Ten"]["repaired"], columns["Ten"]["doubtful"]) == (5, 1)
    assert columns["Ten"]["findings"][1] == {
        "source": {"file": "ho-so.csv", "row": 3, "column": "B (Ten)", "line": 3},
        "verdict": "repaired",
        "original": "Vò",
        "text": "Vũ",
        "steps": ["tcvn3"],
        "alternatives": [],
        "letters_lost": False,
    }


def test_in_the_terminal_it_shows_places_and_readings(check, table):
    _, out = check(str(table))

    assert "Ten: tcvn3 →  repaired 5 · doubtful 1 · left alone 0" in out
    assert "ho-so.csv, row 2, column B (Ten): 'NguyÔn V¨n H¶i' → 'Nguyễn Văn Hải' (tcvn3)" in out


def test_values_that_lost_letters_are_doubtful_and_say_so(check, tmp_path):
    path = tmp_path / "ho-so.csv"
    path.write_text("Ma;Ten\n1;Nguy?n Th? Ph??ng\n2;Mai Thu Lan\n", encoding="utf-8")

    code, out = check(str(path))
    _, values = check(str(path), "--json")

    assert code == 1
    assert "repaired 0 · doubtful 1 · left alone 1" in out
    assert "ho-so.csv, row 2, column B (Ten): 'Nguy?n Th? Ph??ng' letters were lost" in out
    (finding,) = json.loads(values)["columns"][1]["findings"]
    assert (finding["verdict"], finding["letters_lost"]) == ("doubtful", True)


def test_the_repaired_file_can_be_undone_from_the_list_of_changes(check, table, tmp_path):
    check(str(table), "--repaired", str(tmp_path / "sua.csv"))

    rows = list(csv.DictReader((tmp_path / "sua.csv").read_text("utf-8").splitlines()))
    assert [row["Ten"] for row in rows] == READ
    for line in (tmp_path / "sua.csv.changes.jsonl").read_text("utf-8").splitlines():
        change = json.loads(line)
        row = rows[change["record"] - 1]
        assert row["Ten"] == change["text"]
        row["Ten"] = change["original"]
    assert [row["Ten"] for row in rows] == NAMES


def test_a_file_without_anything_wrong_is_done(check, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Nguyễn Văn An\nMüller\n", encoding="utf-8")

    code, out = check(str(path))

    assert code == 0
    assert "text: right as it stands  repaired 0 · doubtful 0 · left alone 2" in out


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_the_encoding_of_a_file_is_recognised(check, tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("Ten;Noi\nNguyễn;Huế\n".encode(encoding))

    assert json.loads(check(str(path), "--json")[1])["encoding"] == encoding


def test_a_workbook_and_json_lines_are_looked_at_as_well(check, tmp_path):
    book = openpyxl.Workbook()
    for row in (["Ten"], *([name] for name in NAMES)):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    lines = [json.dumps({"nguoi": {"ten": name}}) for name in NAMES]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")

    for name, column in (("a.xlsx", "Ten"), ("a.jsonl", "nguoi.ten")):
        (found,) = json.loads(check(str(tmp_path / name), "--json")[1])["columns"]
        assert (found["column"], found["misread_from"], found["repaired"]) == (column, "tcvn3", 5)


def test_only_the_columns_asked_for_are_looked_at(check, table):
    code, out = check(str(table), "--column", "Noi", "--json")

    assert code == 0
    assert [column["column"] for column in json.loads(out)["columns"]] == ["Noi"]


WRONG = [["--column", "Tên"], ["--encoding", "latin-1"], ["--agency", "nobody"]]


@pytest.mark.parametrize("options", WRONG, ids=["column", "encoding", "agency"])
def test_wrong_usage_is_told_apart(check, table, options):
    assert check(str(table), *options)[0] == 2


def test_an_unreadable_record_is_told_with_its_place(check, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b\nHuế;1\nHuế\n", encoding="utf-8")

    code, out = check(str(path))

    assert code == 1
    assert "csv.ragged" in out


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"\xff\xfe", b"PK\x03\x04junk"])
def test_what_is_no_text_ends_in_words(check, tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data)

    code, _ = check(str(path))

    assert code in (0, 1)


def test_the_delimiter_is_the_one_the_first_line_has_most_of():
    options = guess_options(io.BytesIO(b"a,b;c;d\n"), file_name="f.csv", encoding=None)

    assert options.delimiter == ";"


def test_xml_needs_no_mapping(check, tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<a><b><ten>Huế</ten></b><b><ten>Hu&#7871;</ten></b></a>", encoding="utf-8")

    code, out = check(str(path))

    assert code == 0
    assert "ten" in out


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "ho-so.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "HOSO"
    for row in [("Ma", "Ten"), *((n, "Nguyễn Văn Hải") for n in range(1, 7))]:
        book.active.append(row)
    papers = book.create_sheet("GIAYTO")
    for row in [("Ma", "TenGiayTo"), *enumerate(NAMES, 1)]:
        papers.append(row)
    book.create_sheet("Trống")
    book.save(path)
    return path


def test_every_sheet_of_a_workbook_is_looked_at_and_named(check, book):
    code, out = check(str(book), "--json")
    _, shown = check(str(book))

    found = json.loads(out)
    columns = {column["column"]: column for column in found["columns"]}
    assert code == 1
    assert (found["records"], found["errors"]) == (12, [])
    assert list(columns) == ["HOSO: Ten", "GIAYTO: TenGiayTo"]
    assert columns["HOSO: Ten"]["right"] == 6
    assert columns["GIAYTO: TenGiayTo"]["misread_from"] == "tcvn3"
    assert columns["GIAYTO: TenGiayTo"]["findings"][0]["source"]["sheet"] == "GIAYTO"
    assert "Sheets: HOSO, GIAYTO\n" in shown


def test_a_column_of_another_sheet_can_be_asked_for(check, book):
    code, out = check(str(book), "--column", "TenGiayTo", "--json")

    assert code == 1
    assert [column["column"] for column in json.loads(out)["columns"]] == ["GIAYTO: TenGiayTo"]


def test_what_is_written_again_is_the_first_sheet_alone(check, book, tmp_path):
    check(str(book), "--repaired", str(tmp_path / "sua.csv"))

    rows = list(csv.reader((tmp_path / "sua.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["Ma", "Ten"]
    assert len(rows) == 7
