"""Records that a mapping leaves out, from the terminal: counted everywhere, wrong nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text("utf-8")
HEAD = """
leave_out: {any: [{path: Liên thông, present: false}, {path: Tình trạng, equals: Bản sao}]}
"""


@pytest.fixture
def example(tmp_path):
    """Write the guide's worked example with a condition, and four rows of which two stay."""
    text, table = (
        re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[1] for language in ("yaml", "csv")
    )
    text = text.replace("Tình trạng]", "Tình trạng, Liên thông]").split("tests:")[0] + HEAD
    # Under the name of an agency that has a key.
    text = text.replace("so-thu-nghiem", "land-registration")
    head, row = table.splitlines()
    rows = [
        f"{row};x",
        # The same dossier with other data, and a date that does not exist: not to be sent.
        row.replace("Đang xử lý", "Bản sao") + ";x",
        row.replace("0001", "0002").replace("07/07/2025", "31/06/2025") + ";",
        row.replace("0001", "0003") + ";x",
    ]
    (tmp_path / "so.yaml").write_text(text, "utf-8")
    (tmp_path / "ho-so.csv").write_text("\n".join([f"{head};Liên thông", *rows]) + "\n", "utf-8")
    return tmp_path


def test_convert_counts_them_and_ends_well(quick, example):
    done = quick("convert", "ho-so.csv", "-a", "so.yaml", "--out", "xml", "--report", "loi.json")

    assert done.code == 0
    assert "4 records: 2 accepted, 0 rejected" in done.out
    assert "Left out by the mapping: 2" in done.out
    report = json.loads((example / "loi.json").read_text("utf-8"))
    assert (report["records"], report["accepted"], report["left_out"]) == (4, 2, 2)
    assert report["errors"] == []
    assert len(list((example / "xml").iterdir())) == 2


def test_a_file_without_the_column_is_refused(quick, example):
    table = (example / "ho-so.csv").read_text("utf-8").replace("Liên thông", "LT")
    (example / "ho-so.csv").write_text(table, "utf-8")

    done = quick("convert", "ho-so.csv", "-a", "so.yaml", "--json")

    assert (done.code, done.json["records"], done.json["left_out"]) == (1, 0, 0)
    assert [error["code"] for error in done.json["errors"]] == ["csv.columns_missing"]


def test_a_preview_shows_which_condition_left_a_record_out(quick, example):
    one = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--record", "2")
    other = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--record", "3", "--json")
    page = quick(
        "mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--limit", "4", "--html", "x.html"
    )

    assert (one.code, other.code, page.code) == (0, 0, 0)
    assert "left out by the mapping" in one.out
    told = " ".join(one.out.split())
    assert "{path: Tình trạng, equals: Bản sao}; F (Tình trạng): 'Bản sao'" in told
    (record,) = other.json["records"]
    assert (record["accepted"], record["packets"], record["errors"]) == (False, [], [])
    assert [ground["condition"] for ground in record["left_out"]] == [
        "{path: Liên thông, present: false}"
    ]
    html = (example / "x.html").read_text("utf-8")
    assert html.count("bỏ qua theo ánh xạ") == 2
    assert "{path: Tình trạng, equals: Bản sao}" in html
