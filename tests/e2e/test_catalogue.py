"""The commands of the catalogue, as an integrator runs them."""

import json

from openpyxl import Workbook

ANNEX = """PHỤ LỤC;;;
Danh mục dịch vụ;;;
STT;Mã TTHC;Tên thủ tục;Mức độ
I;;Phường, xã, thị trấn;
1;1.001193.000.00.00.H29;Đăng ký khai sinh;4
II;;Sở Y tế;
2;1.001612;Thành lập hộ kinh doanh;toàn trình
"""
IMPORT = ("--decision", "12/QĐ-UBND", "--date", "2020-04-06")


def test_an_annex_is_taken_in_and_its_coverage_shown(cli, tmp_path):
    (tmp_path / "phu-luc.csv").write_text(ANNEX, encoding="utf-8")

    done = cli("catalogue", "import", "phu-luc.csv", *IMPORT)
    assert (done.code, done.out.strip()) == (0, "2 services imported")

    listed = json.loads(cli("catalogue", "list", "--json").out)
    assert listed["decisions"] == [
        {"number": "12/QĐ-UBND", "day": "2020-04-06", "source": "phu-luc.csv"}
    ]
    assert [(one["code"], one["group"], one["level"]) for one in listed["services"]] == [
        ("1.001193", "wards", "4"),
        ("1.001612", "health", "full"),
    ]

    shown = cli("catalogue", "coverage", "--picture", "c.svg")
    assert shown.code == 0
    assert "0 / 2 services are connected" in shown.out or "services are connected" in shown.out
    assert (tmp_path / "c.svg").read_text().startswith("<svg")


def test_one_wrong_row_stops_the_whole_import(cli, tmp_path):
    text = ANNEX.replace("1.001612", "không rõ")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")

    done = cli("catalogue", "import", "a.csv", *IMPORT)

    assert done.code == 1
    assert "row 7, column B (Mã TTHC)" in done.out
    assert "nothing was imported" in done.out
    assert json.loads(cli("catalogue", "list", "--json").out)["services"] == []


def test_a_workbook_will_do_and_a_dry_run_imports_nothing(cli, tmp_path):
    book = Workbook()
    for line in ANNEX.splitlines():
        book.active.append([cell or None for cell in line.split(";")])
    book.save(tmp_path / "a.xlsx")

    done = cli("catalogue", "import", "a.xlsx", *IMPORT, "--dry-run")

    assert (done.code, done.out.strip()) == (0, "2 services, no errors")
    assert json.loads(cli("catalogue", "list", "--json").out)["services"] == []


def test_a_file_without_known_columns_says_how_to_name_them(cli, tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1;2\n", encoding="utf-8")

    done = cli("catalogue", "import", "a.csv", *IMPORT)

    assert done.code == 2
    assert "--column code=" in done.err


def test_procedures_are_found_by_words_and_by_code(cli):
    found = json.loads(cli("catalogue", "list", "--search", "dang ky khai sinh", "--json").out)

    assert "1.001193" in {one["code"] for one in found}
    assert cli("catalogue", "list", "--search", "1.00119").out.startswith("1.00119")


def test_an_unknown_group_names_the_nearest(cli):
    done = cli("catalogue", "list", "--group", "ward")

    assert done.code == 2
    assert "'wards'" in done.err
