"""Several snapshots of one dossier in a file: a status that was never seen to follow is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text("utf-8")


@pytest.fixture
def converted(quick, tmp_path):
    """Convert (version, status) pairs as snapshots of one dossier; return the findings' rows."""
    text, table = (
        re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[1] for language in ("yaml", "csv")
    )
    head, row = table.splitlines()

    def run(*snapshots, ordered=True):
        mapping = text.split("tests:")[0].replace("so-thu-nghiem", "land-registration")
        mapping += "one_row_per_dossier: false\n"
        if not ordered:
            mapping = mapping.replace('order_by: "{Lần sửa}"\n', "")
        (tmp_path / "so.yaml").write_text(mapping, "utf-8")
        rows = [
            row.replace(";1;", f";{version};", 1).replace("Đang xử lý", status)
            for version, status in snapshots
        ]
        (tmp_path / "ho-so.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
        return quick("convert", "ho-so.csv", "-a", "so.yaml", "--json")

    return run


def steps(done):
    return [
        (error["source"]["row"], error["source"]["column"], error["value"])
        for error in done.json["errors"]
        if error["code"] == "value.status_transition"
    ]


def test_it_is_a_warning_at_its_cell_and_the_snapshot_is_accepted(converted):
    done = converted((1, "Mới"), (2, "Xong"))

    assert (done.code, done.json["accepted"], done.json["rejected"]) == (0, 2, 0)
    assert steps(done) == [(3, "F (Tình trạng)", "Xong")]
    assert {error["severity"] for error in done.json["errors"]} == {"warning"}


def test_what_was_seen_before_is_no_finding(converted):
    done = converted((1, "Mới"), (2, "Đang xử lý"), (3, "Chờ bổ sung"), (4, "Đang xử lý"))

    assert (done.json["accepted"], done.json["errors"]) == (4, [])


def test_the_order_of_the_agency_counts_and_not_that_of_the_rows(converted):
    rows = [(1, "Mới"), (10, "Xong"), (9, "Đang xử lý")]

    assert steps(converted(*rows)) == [(3, "F (Tình trạng)", "Xong")]
    assert steps(converted(*rows[::-1])) == []


def test_without_an_order_the_rows_follow_each_other(converted):
    rows = [(1, "Mới"), (10, "Xong"), (9, "Đang xử lý")]

    assert [row for row, *_ in steps(converted(*rows, ordered=False))] == [3, 4]


def test_a_rejected_row_between_could_have_said_anything(converted):
    done = converted((1, "Mới"), (2, "Treo"), (3, "Xong"))

    assert (done.json["accepted"], done.json["rejected"], steps(done)) == (2, 1, [])
