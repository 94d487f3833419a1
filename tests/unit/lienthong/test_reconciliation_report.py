"""What a comparison says to people and machines: all of it, and nothing that does anything."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

from lienthong.discrepancies import Discrepancy, FieldDifference, Kind
from lienthong.reconciliation.report import csv_lines, json_pieces, page
from lienthong.reconciliation.results import tell_result
from lienthong.store.reconciliations import DONE, Run
from lienthong.store.standings import Scope
from schemas.problem import Language

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RUN = Run(
    id="r1",
    scope=Scope(),
    source=None,
    occasion=None,
    phase=DONE,
    after="",
    total=3,
    compared=3,
    asked=4,
    present=2,
    unreadable=0,
    started_at=NOW,
    started_by="an",
    ended_at=NOW,
    fence=1,
)
HOSTILE = "=cmd|'<script>alert(1)</script>'!A1"
FOUND = [
    Discrepancy(
        dossier_code=HOSTILE,
        agency="land",
        kind=Kind.DIFFERENT,
        message_id="m1",
        fields=(FieldDifference(field="TrangThaiHoSo", ours="4", theirs="9"),),
        detail="fields differ",
        found_at=NOW,
    ),
    Discrepancy(dossier_code="D-2", agency="land", kind=Kind.MISSING, found_at=NOW),
]
COUNTS = {Kind.MISSING: 1, Kind.DIFFERENT: 1}


def test_a_spreadsheet_finds_every_dossier_and_no_formula():
    text = "".join(csv_lines(FOUND, Language.VI))

    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["kind"] for row in rows] == ["different", "missing"]
    assert rows[0]["fields"] == "TrangThaiHoSo: 4 ≠ 9"
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_a_page_names_every_dossier_and_runs_nothing():
    text = "".join(page(RUN, COUNTS, iter(FOUND), Language.EN))

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "D-2" in text
    assert "messages reissue m1" in text


def test_a_program_reads_one_document():
    text = "".join(json_pieces(RUN, COUNTS, iter(FOUND), Language.EN))

    told = json.loads(text)
    assert told["counts"] == {"missing": 1, "different": 1}
    assert told["agrees"] is False
    assert [one["dossier"] for one in told["findings"]] == [HOSTILE, "D-2"]
    assert json.loads("".join(json_pieces(RUN, {}, iter(()), Language.EN)))["findings"] == []


def test_only_a_disagreement_is_an_alarm():
    words, is_alarm = tell_result(RUN, {Kind.MISSING: 2, Kind.WAITING: 5})
    assert is_alarm
    assert "missing at the portal: 2" in words.en
    assert "not sent yet" not in words.en

    assert tell_result(RUN, {Kind.WAITING: 5})[1] is False
    assert tell_result(replace(RUN, scope=Scope(agency="land")), {})[0].en.count("(land)") == 1
